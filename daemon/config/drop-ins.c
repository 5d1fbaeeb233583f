/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the drop-in folders. */

#include "daemon/config/drop-ins.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/config/group-text.h"

#define FILE_SUFFIX ".conf"

static bool refuse(const char *path, const char *why, GError **error)
{
    g_autofree char *clean_path = text_sanitize(path, PATH_MAX);

    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: %s", clean_path, why);
    return false;
}

static bool is_dev_null(const struct stat *info)
{
    return S_ISCHR(info->st_mode) && info->st_rdev == makedev(1, 3);
}

/* All of a regular file that isn't too long; nothing of /dev/null. */
static bool read_all(const char *path, int fd, GString *text, GError **error)
{
    struct stat info;
    ssize_t length = 0;

    if (fstat(fd, &info) < 0)
        return refuse(path, g_strerror(errno), error);
    if (is_dev_null(&info))
        return true;
    if (!S_ISREG(info.st_mode))
        return refuse(path, "not a regular file", error);

    /* not by its size alone: it may grow meanwhile */
    do {
        char part[16 * 1024];

        length = read(fd, part, sizeof part);
        if (length < 0 && errno != EINTR)
            return refuse(path, g_strerror(errno), error);
        if (length > 0)
            g_string_append_len(text, part, length);
        if (text->len > GROUP_FILE_BYTES_MAX)
            return refuse(path, "longer than a group's file can be", error);
    } while (length != 0);
    return true;
}

static bool check_for_zero(const char *path, const GString *text, GError **error)
{
    g_autofree char *place = NULL;
    gsize length = strlen(text->str);
    unsigned line = 1;

    if (length == text->len)
        return true;
    for (gsize i = 0; i < length; i++)
        line += text->str[i] == '\n' ? 1 : 0;
    place = g_strdup_printf("%s:%u", path, line);
    return refuse(place, "expected text, found a zero byte", error);
}

/* NULL without error when there is nothing in it. */
static Group *read_group(const char *path, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    /* without blocking: it may be a pipe */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool ok;

    if (fd < 0) {
        refuse(path, g_strerror(errno), error);
        return NULL;
    }
    ok = read_all(path, fd, text, error);
    close(fd);
    if (!ok || text->len == 0 || !check_for_zero(path, text, error))
        return NULL;
    return group_from_text(text->str, path, true, error);
}

/* The file names of a folder, each with its path, over those that are known already. */
static void list_folder(const char *folder, GHashTable *paths, GHashTable *unread)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    const char *name;

    if (!dir) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            log_event(LOG_EVENT_GROUP_FILE_REFUSED, NULL, NULL, NULL, "%s", error->message);
            g_hash_table_add(unread, g_strdup(folder));
        }
        return;
    }
    while ((name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, FILE_SUFFIX) && *name != '.')
            g_hash_table_replace(paths, g_strdup(name), g_build_filename(folder, name, NULL));
}

static int compare_strings(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    const Group *left = *(const Group *const *)a, *right = *(const Group *const *)b;

    return strcmp(left->name, right->name);
}

static void destroy_group(gpointer group)
{
    group_free(group);
}

GPtrArray *drop_ins_read(const char *const *folders, GHashTable *unread)
{
    g_autoptr(GHashTable) paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GList) names = NULL;
    GPtrArray *groups = g_ptr_array_new_with_free_func(destroy_group);

    for (; *folders; folders++)
        list_folder(*folders, paths, unread);

    names = g_list_sort(g_hash_table_get_keys(paths), compare_strings);
    for (GList *at = names; at; at = at->next) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Group) group = read_group(g_hash_table_lookup(paths, at->data), &error);
        const Group *other = group ? g_hash_table_lookup(by_name, group->name) : NULL;

        if (error) {
            log_event(LOG_EVENT_GROUP_FILE_REFUSED, NULL, NULL, NULL, "%s", error->message);
            g_hash_table_add(unread, g_strdup(at->data));
        } else if (other) {
            log_event(LOG_EVENT_GROUP_FILE_REFUSED, NULL, NULL, NULL,
                      "%s: left out, as the group \"%s\" is in %s already", group->file, group->name,
                      other->file);
            g_hash_table_add(unread, g_strdup(at->data));
        } else if (group) {
            g_hash_table_insert(by_name, group->name, group);
            g_ptr_array_add(groups, g_steal_pointer(&group));
        }
    }
    g_ptr_array_sort(groups, compare_names);
    return groups;
}
