/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are read, replaced and deleted such that an error is an error and a crash finds the old or the
 * new one. By system calls alone, so that each of them can be made to fail. */

#include "daemon/store/durable-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/error.h"

#define FILE_MODE        0600
#define TEMPORARY_SUFFIX ".new"
#define READ_BYTES       4096

void durable_set_error(GError **error, const char *what, const char *path, int saved_errno)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: cannot %s: %s", path, what,
                g_strerror(saved_errno));
}

/* Closes it. The errno of what went wrong, 0 = nothing. */
static int close_after(int fd, bool ok)
{
    int saved_errno = ok ? 0 : errno;

    if (close(fd) < 0 && ok)
        saved_errno = errno;
    return saved_errno;
}

static bool write_all(int fd, const char *data, gsize length)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        length -= (gsize)n;
    }
    return true;
}

/* Only one thread writes, so one name is enough. */
static char *temporary_of(const char *path)
{
    return g_strconcat(path, TEMPORARY_SUFFIX, NULL);
}

bool durable_prepare(const char *path, const char *data, gsize length, GError **error)
{
    g_autofree char *temporary = temporary_of(path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    int failure;

    if (fd < 0) {
        durable_set_error(error, "create", temporary, errno);
        return false;
    }
    failure = close_after(fd, write_all(fd, data, length) && fsync(fd) == 0);
    if (failure) {
        durable_set_error(error, "write", temporary, failure);
        durable_forget(path);
    }
    return failure == 0;
}

bool durable_put(const char *path, GError **error)
{
    g_autofree char *temporary = temporary_of(path);

    if (rename(temporary, path) == 0)
        return true;
    durable_set_error(error, "replace", path, errno);
    durable_forget(path);
    return false;
}

void durable_forget(const char *path)
{
    g_autofree char *temporary = temporary_of(path);

    (void)unlink(temporary);
}

bool durable_replace(const char *path, const char *data, gsize length, GError **error)
{
    return durable_prepare(path, data, length, error) && durable_put(path, error);
}

bool durable_remove(const char *path, GError **error)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    durable_set_error(error, "delete", path, errno);
    return false;
}

static int open_folder(const char *folder)
{
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool durable_sync_folder(const char *folder, GError **error)
{
    int fd = open_folder(folder);
    int failure = fd < 0 ? errno : close_after(fd, fsync(fd) == 0);

    if (failure)
        durable_set_error(error, "sync the folder", folder, failure);
    return failure == 0;
}

bool durable_check_folder(const char *folder, GError **error)
{
    int fd = open_folder(folder);

    if (fd < 0) {
        durable_set_error(error, "open the folder", folder, errno);
        return false;
    }
    close(fd);
    return true;
}

/* ------------------------------------------------------------------ reading */

static bool read_all(int fd, GString *content)
{
    for (;;) {
        char bytes[READ_BYTES];
        ssize_t n = read(fd, bytes, sizeof bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        g_string_append_len(content, bytes, n);
    }
}

bool durable_read(const char *path, GString **ret_content, GError **error)
{
    g_autoptr(GString) content = g_string_new(NULL);
    int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    int failure = fd < 0 ? errno : close_after(fd, read_all(fd, content));

    if (fd < 0 && failure == ENOENT) {
        *ret_content = NULL;
        return true;
    }
    if (failure) {
        durable_set_error(error, "read", path, failure);
        return false;
    }
    *ret_content = g_steal_pointer(&content);
    return true;
}

/* "<name>.new"; "<name>.XXXXXX" are those of services before. */
static bool is_temporary(const char *name)
{
    enum { RANDOM_LENGTH = 6 };
    const char *dot = strrchr(name, '.');

    if (!dot || strchr(name, '.') != dot)
        return false;
    if (strcmp(dot, TEMPORARY_SUFFIX) == 0)
        return true;
    for (const char *c = dot + 1; *c; c++)
        if (!g_ascii_isalnum(*c))
            return false;
    return strlen(dot + 1) == RANDOM_LENGTH;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void remove_temporaries(const char *folder, GPtrArray *names)
{
    for (guint i = names->len; i-- > 0;) {
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);

        if (!is_temporary(names->pdata[i]))
            continue;
        (void)unlink(path);
        g_ptr_array_remove_index(names, i);
    }
}

bool durable_list(const char *folder, GPtrArray **ret_names, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int failure;

    if (!dir) {
        durable_set_error(error, "read the folder", folder, errno);
        return false;
    }
    for (errno = 0; (entry = readdir(dir)); errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    failure = errno;
    closedir(dir);
    if (failure) {
        durable_set_error(error, "read the folder", folder, failure);
        return false;
    }
    remove_temporaries(folder, names);
    g_ptr_array_sort(names, compare_names);
    *ret_names = g_steal_pointer(&names);
    return true;
}
