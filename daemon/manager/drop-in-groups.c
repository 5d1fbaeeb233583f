/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the groups in files are taken, beside those of the store. */

#include "daemon/manager/drop-in-groups.h"

#include "daemon/base/log.h"
#include "daemon/config/drop-ins.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/object-bytes.h"
#include "daemon/model/group-update.h"

#define GROUP_FOLDERS_VARIABLE "FERRY_GROUPS_PATH"
#define GROUP_FOLDERS          "/usr/lib/usbferry/groups.d:/etc/usbferry/groups.d"

static GPtrArray *read_folders(GHashTable *unread)
{
    const char *path = g_getenv(GROUP_FOLDERS_VARIABLE);
    g_auto(GStrv) folders = g_strsplit(path ? path : GROUP_FOLDERS, ":", -1);

    return drop_ins_read((const char *const *)folders, unread);
}

bool drop_in_groups_check(void)
{
    g_autoptr(GHashTable) unread = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) read = read_folders(unread);

    return g_hash_table_size(unread) == 0;
}

/* there: what object_bytes_of_others() would be by now. False when it is left out. */
static bool take(Manager *self, const Group *next, gsize *there)
{
    const Group *group = registry_group(self->registry, next->name);
    gsize before, after;
    g_autoptr(GError) error = NULL;

    if (group && group->deleting) {
        self->drop_ins_left_out = true;
        return false;
    }
    if (g_hash_table_contains(self->creating_groups, next->name) || (group && !group->file)) {
        log_event(LOG_EVENT_GROUP_FILE_REFUSED, NULL, NULL, NULL,
                  "%s: group %s was made over the bus already, the file is left out", next->file, next->name);
        return false;
    }
    before = group ? object_bytes_of_group(self->registry, group) : 0;
    after = object_bytes_of_group(self->registry, next);
    if (!object_bytes_check_beside(*there, before, after, &error)) {
        log_event(LOG_EVENT_GROUP_FILE_REFUSED, NULL, NULL, NULL, "%s: group %s is left out: %s", next->file,
                  next->name, error->message);
        return false;
    }
    group_update(self->registry, self->memberships, group_copy(next));
    *there = *there + after - before;
    return true;
}

/* Nobody has decided that it goes: devices would be taken out of machines for a slip in an editor. */
static bool stays(const Group *group, GHashTable *unread)
{
    g_autofree char *name = g_path_get_basename(group->file);
    g_autofree char *folder = g_path_get_dirname(group->file);

    if (!g_hash_table_contains(unread, name) && !g_hash_table_contains(unread, folder))
        return false;
    log_warning("%s: group %s stays as it was", group->file, group->name);
    return true;
}

void drop_in_groups_read(Manager *self)
{
    g_autoptr(GHashTable) unread = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) read = read_folders(unread);
    g_autoptr(GPtrArray) known = registry_sorted(self->registry->groups);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    /* Once, as each file alone would add up all groups. */
    gsize there = object_bytes_of_others(self->registry);

    self->drop_ins_left_out = false;
    memberships_begin_many(self->memberships);
    for (guint i = 0; i < read->len; i++) {
        const Group *next = read->pdata[i];

        if (take(self, next, &there))
            g_hash_table_add(seen, next->name);
    }
    for (guint i = 0; i < known->len; i++) {
        Group *group = known->pdata[i];

        if (group->file && !g_hash_table_contains(seen, group->name) && !stays(group, unread))
            group_update_remove(self->registry, self->memberships, group);
    }
    memberships_end_many(self->memberships);
    reconciler_kick(self->reconciler);
}

void drop_in_groups_read_left_out(Manager *self)
{
    if (self->drop_ins_left_out)
        drop_in_groups_read(self);
}
