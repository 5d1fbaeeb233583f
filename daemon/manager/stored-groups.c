/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The groups' files, and the marks that keep two changes of one group apart. */

#include "daemon/manager/stored-groups.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/tuning.h"
#include "daemon/config/group-text.h"
#include "daemon/manager/drop-in-groups.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/object-bytes.h"
#include "daemon/manager/pending.h"
#include "daemon/model/group-update.h"

#define STORE_KIND_GROUPS "groups"

/* ------------------------------------------------------------------ what is on its way */

void stored_groups_hold(Manager *self, const char *name, bool holds)
{
    Group *group = registry_group(self->registry, name);

    if (group)
        group->saving = holds;
    if (holds && !group)
        g_hash_table_add(self->creating_groups, g_strdup(name));
    else if (!holds)
        g_hash_table_remove(self->creating_groups, name);
}

bool stored_groups_is_held(Manager *self, const char *name)
{
    const Group *group = registry_group(self->registry, name);

    return group ? group->saving : g_hash_table_contains(self->creating_groups, name);
}

bool stored_groups_is_taken(Manager *self, const char *name)
{
    return registry_group(self->registry, name) || g_hash_table_contains(self->creating_groups, name);
}

bool stored_groups_check_room(Manager *self, const char *name, const GPtrArray *rules, GError **error)
{
    const Group *group = registry_group(self->registry, name);
    guint n = rules ? rules->len : 0;
    gsize bytes = group ? 0 : object_bytes_of_new_group();

    if (!group && g_hash_table_size(self->registry->groups) >= (guint)tuning_get(TUNING_GROUPS)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "at most %u groups are allowed here (usbferry.conf): delete some first",
                    (guint)tuning_get(TUNING_GROUPS));
        return false;
    }
    if ((group ? group->rules->len : 0) + n > GROUP_RULES_MAX ||
        (group && group->next_rule_id > GROUP_RULE_ID_MAX - n)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "a group has at most %d rules",
                    GROUP_RULES_MAX);
        return false;
    }
    for (guint i = 0; i < n; i++)
        bytes += object_bytes_of_rule(self->registry, name, rules->pdata[i]);
    return object_bytes_check(self->registry, 0, bytes, error);
}

/* ------------------------------------------------------------------ onto the disk */

static void free_group(gpointer group)
{
    group_free(group);
}

static GKeyFile *to_key_file(const Group *group)
{
    g_autofree char *text = group_to_text(group);
    GKeyFile *file = g_key_file_new();

    g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_NONE, NULL);
    return file;
}

void stored_groups_put(StoreBatch *batch, const Group *next)
{
    g_autoptr(GKeyFile) file = to_key_file(next);

    store_batch_save(batch, STORE_AREA_STATE, STORE_KIND_GROUPS, next->name, file);
}

void stored_groups_put_deleted(StoreBatch *batch, const char *name)
{
    store_batch_delete(batch, STORE_AREA_STATE, STORE_KIND_GROUPS, name);
}

static void settle_saved(Manager *self, const char *name, gpointer payload, bool stored)
{
    g_autoptr(Group) next = payload;

    stored_groups_hold(self, name, false);
    if (stored)
        group_update(self->registry, self->memberships, g_steal_pointer(&next));
}

void stored_groups_save(Manager *self, Group *next, const char *answer, ManagerDone done, void *userdata)
{
    g_autoptr(GKeyFile) file = to_key_file(next);

    stored_groups_hold(self, next->name, true);
    pending_save(self, STORE_AREA_STATE, STORE_KIND_GROUPS, file,
                 &(PendingChange){ .id = next->name,
                                   .settle = settle_saved,
                                   .payload = next,
                                   .free_payload = free_group,
                                   .answer = answer,
                                   .done = done,
                                   .userdata = userdata });
}

static void settle_deleted(Manager *self, const char *name, gpointer payload, bool stored)
{
    Group *group = registry_group(self->registry, name);

    group->saving = group->deleting = false;
    if (stored)
        group_update_remove(self->registry, self->memberships, group);
    drop_in_groups_read_left_out(self);
}

void stored_groups_delete(Manager *self, Group *group, ManagerDone done, void *userdata)
{
    group->saving = group->deleting = true;
    pending_delete(
        self, STORE_AREA_STATE, STORE_KIND_GROUPS,
        &(PendingChange){ .id = group->name, .settle = settle_deleted, .done = done, .userdata = userdata });
}

/* ------------------------------------------------------------------ the start */

/* The group of that name, or what is wrong with the file. */
static Group *read_stored(Manager *self, const StoredFile *file, GError **error)
{
    g_autoptr(Group) group = group_from_text(file->text, file->path, false, error);

    if (!group)
        return NULL;
    if (strcmp(group->name, file->id) == 0)
        return g_steal_pointer(&group);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: it holds group %s, which is somewhere else",
                file->path, group->name);
    return NULL;
}

static bool take_stored(const StoredFile *file, void *userdata, GError **error)
{
    Manager *self = userdata;
    g_autoptr(GError) damage = NULL;
    Group *group = NULL;

    if (registry_group(self->registry, file->id)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: there is another group %s", file->path,
                    file->id);
        return false;
    }
    group = read_stored(self, file, &damage);
    if (!group && (group_name_is_valid(file->id) || group_name_is_tenants(file->id, NULL)))
        group = group_from_damaged_text(file->id, file->text, file->path, damage->message);
    if (group)
        registry_add_group(self->registry, group);
    if (damage)
        g_propagate_error(error, g_steal_pointer(&damage));
    return *error == NULL;
}

bool stored_groups_load(Manager *self, GError **error)
{
    return store_load(self->store, STORE_KIND_GROUPS, take_stored, self, error);
}
