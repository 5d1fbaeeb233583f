/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the drop-in folders. */

#include "daemon/config/drop-ins.h"

#include <string.h>

#include "daemon/base/log.h"
#include "daemon/config/group-text.h"
#include "daemon/config/written-file.h"

#define FILE_SUFFIX ".conf"

/* NULL without error when there is nothing in it. */
static Group *read_group(const char *path, GError **error)
{
    g_autofree char *text = written_file_read(path, error);

    return text && *text ? group_from_text(text, path, true, error) : NULL;
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
