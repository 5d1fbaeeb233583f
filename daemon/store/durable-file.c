/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are written, replaced and deleted such that a power cut finds either the old or the new. */

#include "daemon/store/durable-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/log.h"

#define FILE_MODE      0600
#define DAMAGED_SUFFIX ".damaged"

void durable_set_error(GError **error, const char *what, const char *path, int saved_errno)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: cannot %s: %s", path, what,
                g_strerror(saved_errno));
}

bool durable_sync_folder(const char *folder, GError **error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0) {
        durable_set_error(error, "sync the folder", folder, errno);
        if (fd >= 0)
            close(fd);
        return false;
    }
    close(fd);
    return true;
}

bool durable_replace(const char *path, const char *data, gsize length, GError **error)
{
    g_autoptr(GError) write_error = NULL;

    if (g_file_set_contents_full(path, data, (gssize)length,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, FILE_MODE,
                                 &write_error))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s", write_error->message);
    return false;
}

bool durable_remove(const char *path, GError **error)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    durable_set_error(error, "delete", path, errno);
    return false;
}

bool durable_write(const char *path, const char *data, gsize length, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    return durable_replace(path, data, length, error) && durable_sync_folder(folder, error);
}

bool durable_delete(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    /* One that is gone already may not be durably so: the folder is synced all the same. */
    return durable_remove(path, error) && durable_sync_folder(folder, error);
}

void durable_set_aside(const char *path, const GError *why)
{
    g_autofree char *aside = g_strconcat(path, DAMAGED_SUFFIX, NULL);

    log_warning("%s: damaged, set aside as %s: %s", path, aside, why->message);
    if (g_rename(path, aside) < 0)
        log_warning("%s: cannot be set aside: %s", path, g_strerror(errno));
}

bool durable_is_temporary(const char *name)
{
    enum { RANDOM_LENGTH = 6 };
    const char *dot = strrchr(name, '.');

    if (!dot || strchr(name, '.') != dot || strlen(dot + 1) != RANDOM_LENGTH)
        return false;
    for (const char *c = dot + 1; *c; c++)
        if (!g_ascii_isalnum(*c))
            return false;
    return true;
}
