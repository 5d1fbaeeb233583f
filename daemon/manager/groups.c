/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups: made, changed, deleted, read from drop-in folders. A change is made in a copy, stored, and only
 * then taken over. */

#include "daemon/manager/internal.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/rules/pin.h"
#include "daemon/config/drop-ins.h"
#include "daemon/config/group-text.h"
#include "daemon/manager/group-name.h"
#include "daemon/base/log.h"
#include "daemon/allocation/preview.h"
#include "daemon/base/text.h"

#define GROUP_FOLDERS_VARIABLE "FERRY_GROUPS_PATH"
#define GROUP_FOLDERS          "/usr/lib/usbferry/groups.d:/etc/usbferry/groups.d"

/* ------------------------------------------------------------------ onto the disk */

static void free_group(gpointer group)
{
    group_free(group);
}

static void commit_settled(Manager *self, const Pending *pending, bool ok)
{
    Group *group = registry_group(self->registry, pending->id);

    g_hash_table_remove(self->creating, pending->id);
    if (group)
        group->saving = false;
    if (ok)
        manager_take_over_group(self, group_copy(pending->payload));
}

static GKeyFile *to_key_file(const Group *group)
{
    g_autofree char *text = group_to_text(group);
    GKeyFile *file = g_key_file_new();

    g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_NONE, NULL);
    return file;
}

void manager_put_group(StoreBatch *batch, const Group *group)
{
    g_autofree char *id = store_file_id(group->name);
    g_autoptr(GKeyFile) file = to_key_file(group);

    store_batch_save(batch, STORE_AREA_STATE, STORE_KIND_GROUPS, id, file);
}

/* Takes next. answer: what done() is told, NULL = the name. */
void manager_commit_group(Manager *self, Group *next, const char *answer, ManagerDone done, void *userdata)
{
    g_autofree char *id = store_file_id(next->name);
    g_autoptr(GKeyFile) file = to_key_file(next);
    Group *group = registry_group(self->registry, next->name);
    Pending *pending = pending_new(self, next->name, commit_settled, done, userdata);

    if (group)
        group->saving = true;
    else
        g_hash_table_add(self->creating, g_strdup(next->name));
    pending->payload = next;
    pending->free_payload = free_group;
    pending->answer = g_strdup(answer);
    store_save(self->store, STORE_AREA_STATE, STORE_KIND_GROUPS, id, file, pending_stored, pending,
               pending_free);
}

/* ------------------------------------------------------------------ finding and checking */

Group *manager_find_group(Manager *self, const char *name, GError **error)
{
    Group *group = registry_group(self->registry, name);
    g_autoptr(GPtrArray) groups = NULL;
    g_autoptr(GString) known = g_string_new(NULL);
    g_autofree char *quoted = NULL;
    enum { NAMES_IN_TEXT = 20 };

    if (group)
        return group;
    quoted = text_quote(name);
    groups = registry_sorted(self->registry->groups);
    for (guint i = 0; i < groups->len && i < NAMES_IN_TEXT; i++)
        g_string_append_printf(known, "%s%s", i ? ", " : "", ((const Group *)groups->pdata[i])->name);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_GROUP, "%s: no group has this name; %s%s%s", quoted,
                groups->len ? "there are " : "there is none", known->str,
                groups->len > NAMES_IN_TEXT ? ", …" : "");
    return NULL;
}

/* One that can be changed now. */
Group *manager_find_changeable_group(Manager *self, const char *name, GError **error)
{
    Group *group = manager_find_group(self, name, error);

    if (!group)
        return NULL;
    if (group->file) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                    "group %s comes from %s; change it there and reload the service", name, group->file);
        return NULL;
    }
    if (group->saving) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "group %s: another change of it is still being stored, try again", name);
        return NULL;
    }
    return group;
}

bool manager_check_group_stays(const Group *group, GError **error)
{
    if (!group->deleting)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "group %s is being deleted, try again",
                group->name);
    return false;
}

/* One whose rules can be changed now: a tenant's are by granting and revoking alone. */
static Group *find_ours(Manager *self, const char *name, GError **error)
{
    Group *group = manager_find_changeable_group(self, name, error);

    if (!group || !group->tenant)
        return group;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                "group %s belongs to tenant %s: grant devices to the tenant or revoke them", name,
                group->tenant);
    return NULL;
}

bool manager_check_group_choices(const GroupChoices *choices, GError **error)
{
    g_autofree char *folded = choices->class_name ? g_ascii_strdown(choices->class_name, -1) : NULL;

    if (folded && group_class_from_string(folded) == _GROUP_CLASS_INVALID) {
        g_autoptr(GString) names = g_string_new(NULL);

        for (int i = 0; i < _GROUP_CLASS_MAX; i++)
            g_string_append_printf(names, "%s%s", i ? ", " : "", group_class_to_string((GroupClass)i));
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION, "Class: one of %s", names->str);
        return false;
    }
    return manager_check_text("Description", choices->description, DESCRIPTION_MAX_BYTES, error);
}

void manager_apply_group_choices(Group *group, const GroupChoices *choices)
{
    if (choices->description) {
        g_free(group->description);
        group->description = g_strdup(choices->description);
    }
    if (choices->class_name) {
        g_autofree char *folded = g_ascii_strdown(choices->class_name, -1);

        group->class_value = group_class_from_string(folded);
    }
    if (choices->enabled)
        group->enabled = *choices->enabled;
    if (choices->allow_guest_reset)
        group->allow_guest_reset = *choices->allow_guest_reset;
    if (choices->allow_guest_resets_all)
        group->allow_guest_resets_all = *choices->allow_guest_resets_all;
    if (choices->priority)
        group->priority = *choices->priority;
}

/* ------------------------------------------------------------------ create, update, delete */

static bool name_is_taken(Manager *self, const char *name)
{
    return registry_group(self->registry, name) || g_hash_table_contains(self->creating, name);
}

/* The base, or with a number what nobody has. Takes the base. */
static char *make_unique(Manager *self, char *base)
{
    char *name = g_strdup(base);

    for (unsigned n = 2; name_is_taken(self, name); n++) {
        g_free(name);
        name = g_strdup_printf("%s-%u", base, n);
    }
    g_free(base);
    return name;
}

static bool check_group_count(Manager *self, GError **error)
{
    if (g_hash_table_size(self->registry->groups) < GROUPS_MAX)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "there are %d groups, delete some first",
                GROUPS_MAX);
    return false;
}

bool manager_check_create_group(Manager *self, const char *name, const GroupChoices *choices, GError **error)
{
    if (*name && !group_name_is_valid(name)) {
        g_autofree char *quoted = text_quote(name);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME,
                    "%s: a group's name is 1 to %d of A-Z a-z 0-9 . _ -", quoted, GROUP_NAME_MAX);
        return false;
    }
    if (name_is_taken(self, name)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS, "group %s is there already", name);
        return false;
    }
    return check_group_count(self, error) && manager_check_group_choices(choices, error);
}

void manager_create_group(Manager *self, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata)
{
    g_autoptr(GError) error = NULL;
    Group *group;

    if (!manager_check_create_group(self, name, choices, &error)) {
        done(NULL, error, userdata);
        return;
    }
    group = group_new(name);
    manager_apply_group_choices(group, choices);
    if (!*name) {
        g_free(group->name);
        group->name = make_unique(self, g_strdup(group->class_value == GROUP_CLASS_GENERIC
                                                     ? "group"
                                                     : group_class_to_string(group->class_value)));
    }
    manager_commit_group(self, group, NULL, done, userdata);
}

bool manager_check_update_group(Manager *self, const char *name, const GroupChoices *choices, GError **error)
{
    return manager_find_changeable_group(self, name, error) && manager_check_group_choices(choices, error);
}

void manager_update_group(Manager *self, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata)
{
    g_autoptr(GError) error = NULL;
    Group *next;

    if (!manager_check_update_group(self, name, choices, &error)) {
        done(NULL, error, userdata);
        return;
    }
    next = group_copy(registry_group(self->registry, name));
    manager_apply_group_choices(next, choices);
    manager_commit_group(self, next, NULL, done, userdata);
}

bool manager_check_delete_group(Manager *self, const char *name, bool force, GError **error)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);
    g_autofree char *tenant = NULL;

    (void)group_name_is_tenants(name, &tenant);
    /* One whose tenant isn't there (its file is damaged) can be deleted, so that its devices are free again.
     */
    if (!(registry_tenant(self->registry, tenant) ? find_ours(self, name, error)
                                                  : manager_find_changeable_group(self, name, error)))
        return false;
    for (guint i = 0; !force && i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];

        if (assignment->releasing || g_strcmp0(assignment->group, name) != 0)
            continue;
        g_set_error(
            error, FERRY_ERROR, FERRY_ERROR_GROUP_IN_USE,
            "group %s: assignment %s of machine \"%s\" draws from it; release that first, or force it", name,
            assignment->id, assignment->machine_name);
        return false;
    }
    return true;
}

static void delete_settled(Manager *self, const Pending *pending, bool ok)
{
    Group *group = registry_group(self->registry, pending->id);

    group->saving = group->deleting = false;
    if (ok)
        manager_drop_group(self, group);
    manager_read_left_out(self);
}

void manager_erase_group(Manager *self, Group *group, ManagerDone done, void *userdata)
{
    g_autofree char *id = store_file_id(group->name);

    group->saving = group->deleting = true;
    store_delete(self->store, STORE_AREA_STATE, STORE_KIND_GROUPS, id, pending_stored,
                 pending_new(self, group->name, delete_settled, done, userdata), pending_free);
}

void manager_delete_group(Manager *self, const char *name, bool force, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;

    if (manager_check_delete_group(self, name, force, &error))
        manager_erase_group(self, registry_group(self->registry, name), done, userdata);
    else
        done(NULL, error, userdata);
}

/* ------------------------------------------------------------------ rules */

bool manager_check_group_room(Manager *self, const Group *group, guint more, GError **error)
{
    if (!group && !check_group_count(self, error))
        return false;
    if ((group ? group->rules->len : 0) + more <= GROUP_RULES_MAX &&
        (!group || group->next_rule_id <= GROUP_RULE_ID_MAX - more))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "a group has at most %d rules",
                GROUP_RULES_MAX);
    return false;
}

static bool check_rule(Manager *self, const Group *group, const RuleChange *change, GError **error)
{
    if (change->id && !group_find_rule(group, change->id)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_RULE, "group %s has no rule %u", group->name,
                    change->id);
        return false;
    }
    if (change->text) {
        g_autoptr(Rule) rule = rule_parse(change->text, error);

        if (!rule)
            return false;
    }
    return change->id || manager_check_group_room(self, group, 1, error);
}

bool manager_check_change_rule(Manager *self, const char *name, const RuleChange *change, GError **error)
{
    const Group *group = find_ours(self, name, error);

    return group && check_rule(self, group, change, error);
}

/* The number of the rule. */
static uint32_t apply_rule(Group *next, const RuleChange *change)
{
    GroupRule *rule;

    if (change->remove) {
        group_remove_rule(next, change->id);
        return change->id;
    }
    rule = change->id ? group_find_rule(next, change->id)
                      : group_add_rule(next, rule_parse(change->text, NULL), GROUP_ORIGIN_ADMIN);
    if (change->id && change->text) {
        rule_free(rule->rule);
        g_free(rule->text);
        rule->rule = rule_parse(change->text, NULL);
        rule->text = rule_print(rule->rule);
    }
    if (change->enabled)
        rule->enabled = *change->enabled;
    return rule->id;
}

void manager_change_rule(Manager *self, const char *name, const RuleChange *change, ManagerDone done,
                         void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = NULL;
    Group *next;

    if (!manager_check_change_rule(self, name, change, &error)) {
        done(NULL, error, userdata);
        return;
    }
    next = group_copy(registry_group(self->registry, name));
    answer = g_strdup_printf("%u", apply_rule(next, change));
    manager_commit_group(self, next, answer, done, userdata);
}

GPtrArray *manager_preview_rule(Manager *self, const char *name, const RuleChange *change, GError **error)
{
    const Group *group = manager_find_group(self, name, error);
    g_autoptr(Group) next = NULL;

    if (!group || !check_rule(self, group, change, error))
        return NULL;
    next = group_copy(group);
    apply_rule(next, change);
    return preview_group(self->registry, next);
}

GPtrArray *manager_test_rule(Manager *self, const char *text, GError **error)
{
    g_autoptr(Rule) rule = rule_parse(text, error);
    g_autoptr(GPtrArray) devices = NULL;
    GPtrArray *matching;

    if (!rule)
        return NULL;
    devices = registry_sorted(self->registry->devices);
    matching = g_ptr_array_new();
    for (guint i = 0; i < devices->len; i++) {
        Device *device = devices->pdata[i];

        if (!device->is_hub && rule_matches(rule, device, self->registry->node))
            g_ptr_array_add(matching, device);
    }
    return matching;
}

/* ------------------------------------------------------------------ passthrough */

bool manager_group_has_rule(const Group *group, const char *text)
{
    for (guint i = 0; group && i < group->rules->len; i++)
        if (strcmp(((const GroupRule *)group->rules->pdata[i])->text, text) == 0)
            return true;
    return false;
}

bool manager_check_make_passthrough(Manager *self, const char *const *devices, const char *name,
                                    const GroupChoices *choices, GPtrArray **ret_rules, GError **error)
{
    g_autoptr(GPtrArray) rules = g_ptr_array_new_with_free_func(g_free);
    bool exists = registry_group(self->registry, name) != NULL;

    if (exists ? !find_ours(self, name, error) || !manager_check_group_choices(choices, error)
               : !manager_check_create_group(self, name, choices, error))
        return false;
    for (gsize i = 0; devices[i]; i++) {
        const Device *device = registry_device(self->registry, devices[i]);
        g_autofree char *what = device ? device_describe(device) : text_quote(devices[i]);
        g_autoptr(Rule) rule = NULL;

        if (!device || device->is_hub) {
            g_set_error(error, FERRY_ERROR, device ? FERRY_ERROR_DEVICE_IS_HUB : FERRY_ERROR_NO_SUCH_DEVICE,
                        "%s: %s", what,
                        device ? "hubs are never handed out, name the devices behind it"
                               : "no such device is plugged in");
            return false;
        }
        if (device->tenant) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                        "%s belongs to tenant %s; revoke it from the tenant first", what, device->tenant);
            return false;
        }
        rule = rule_for_device(device, manager_serial_is_unique(self, device));
        g_ptr_array_add(rules, rule_print(rule));
    }
    if (!manager_check_group_room(self, registry_group(self->registry, name), rules->len, error))
        return false;
    if (ret_rules)
        *ret_rules = g_steal_pointer(&rules);
    return true;
}

static char *name_for_devices(Manager *self, const char *const *sysnames)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new();

    for (; *sysnames; sysnames++)
        g_ptr_array_add(devices, registry_device(self->registry, *sysnames));
    return group_name_for_devices(devices);
}

void manager_make_passthrough(Manager *self, const char *const *devices, const char *name,
                              const GroupChoices *choices, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rules = NULL;
    g_autofree char *made_name = NULL;
    const Group *group = registry_group(self->registry, name);
    Group *next;

    if (!manager_check_make_passthrough(self, devices, name, choices, &rules, &error)) {
        done(NULL, error, userdata);
        return;
    }
    made_name = *name ? NULL : make_unique(self, name_for_devices(self, devices));
    next = group ? group_copy(group) : group_new(made_name ? made_name : name);
    if (!group)
        manager_apply_group_choices(next, choices);
    for (guint i = 0; i < rules->len; i++) {
        g_autofree char *origin = g_strdup_printf("auto:%s", devices[i]);

        if (!manager_group_has_rule(next, rules->pdata[i]))
            group_add_rule(next, rule_parse(rules->pdata[i], NULL), origin);
    }
    manager_commit_group(self, next, NULL, done, userdata);
}

/* ------------------------------------------------------------------ the start, and reloads */

static bool take_stored(const StoredFile *file, void *userdata, GError **error)
{
    Manager *self = userdata;
    Group *group = group_from_text(file->text, file->path, false, error);
    g_autofree char *its_id = group ? store_file_id(group->name) : NULL;

    if (!group)
        return false;
    if (registry_group(self->registry, group->name) || strcmp(its_id, file->id) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "it holds group %s, which is somewhere else",
                    group->name);
        group_free(group);
        return false;
    }
    registry_add_group(self->registry, group);
    return true;
}

static GPtrArray *read_folders(void)
{
    const char *path = g_getenv(GROUP_FOLDERS_VARIABLE);
    g_auto(GStrv) folders = g_strsplit(path ? path : GROUP_FOLDERS, ":", -1);

    return drop_ins_read((const char *const *)folders);
}

static void read_drop_ins(Manager *self)
{
    g_autoptr(GPtrArray) read = read_folders();
    g_autoptr(GPtrArray) known = registry_sorted(self->registry->groups);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    self->drop_ins_left_out = false;
    memberships_begin_many(self->memberships);
    for (guint i = 0; i < read->len; i++) {
        const Group *next = read->pdata[i];
        const Group *group = registry_group(self->registry, next->name);

        if (group && group->deleting) {
            self->drop_ins_left_out = true;
            continue;
        }
        if (g_hash_table_contains(self->creating, next->name) || (group && !group->file)) {
            log_warning("%s: group %s was made over the bus already, the file is left out", next->file,
                        next->name);
            continue;
        }
        g_hash_table_add(seen, next->name);
        manager_take_over_group(self, group_copy(next));
    }
    for (guint i = 0; i < known->len; i++) {
        Group *group = known->pdata[i];

        if (group->file && !g_hash_table_contains(seen, group->name))
            manager_drop_group(self, group);
    }
    memberships_end_many(self->memberships);
    reconciler_kick(self->reconciler);
}

void manager_read_left_out(Manager *self)
{
    if (self->drop_ins_left_out)
        read_drop_ins(self);
}

void manager_reload(Manager *self)
{
    read_drop_ins(self);
    tenant_accounts_look_up(self->pool, self->registry, NULL);
}

bool manager_load_groups(Manager *self, GError **error)
{
    if (!store_load(self->store, STORE_KIND_GROUPS, take_stored, self, error))
        return false;
    read_drop_ins(self); /* and works out who is in them all */
    return true;
}
