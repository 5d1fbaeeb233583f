/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One assignment, and its form in the store. */

#include "daemon/model/assignment.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/id.h"
#include "daemon/base/text.h"

#define FILE_GROUP "Assignment"

static const char *const state_names[_ASSIGNMENT_STATE_MAX] = {
    [ASSIGNMENT_STATE_DISABLED] = "disabled",
    [ASSIGNMENT_STATE_WAITING_MACHINE] = "waiting-machine",
    [ASSIGNMENT_STATE_WAITING_DEVICE] = "waiting-device",
    [ASSIGNMENT_STATE_ATTACHING] = "attaching",
    [ASSIGNMENT_STATE_ATTACHED] = "attached",
    [ASSIGNMENT_STATE_PARTIAL] = "partial",
    [ASSIGNMENT_STATE_DETACHING] = "detaching",
    [ASSIGNMENT_STATE_FAILED] = "failed",
    [ASSIGNMENT_STATE_QUARANTINED] = "quarantined",
};

ENUM_TABLE_DEFINE(AssignmentState, assignment_state, state_names, _ASSIGNMENT_STATE_INVALID);

Claim *claim_free(Claim *claim)
{
    if (!claim)
        return NULL;
    g_free(claim->sysname);
    g_clear_error(&claim->error);
    g_free(claim);
    return NULL;
}

static void destroy_claim(gpointer claim)
{
    claim_free(claim);
}

Assignment *assignment_new(const char *id)
{
    Assignment *assignment = g_new0(Assignment, 1);

    assignment->id = g_strdup(id);
    assignment->name = g_strdup("");
    assignment->description = g_strdup("");
    assignment->machine_name = g_strdup("");
    assignment->selector = g_strdup("");
    assignment->quantity = 1;
    assignment->home_socket = g_strdup("");
    assignment->device_text = g_strdup("");
    assignment->reason = g_strdup("");
    assignment->error = "";
    assignment->persistent = true;
    assignment->wanted = true;
    assignment->state = ASSIGNMENT_STATE_WAITING_MACHINE;
    assignment->claims = g_ptr_array_new_with_free_func(destroy_claim);
    return assignment;
}

Assignment *assignment_free(Assignment *assignment)
{
    if (!assignment)
        return NULL;
    g_free(assignment->id);
    g_free(assignment->name);
    g_free(assignment->description);
    g_free(assignment->machine_uuid);
    g_free(assignment->machine_name);
    g_free(assignment->group);
    g_free(assignment->tenant);
    rule_free(assignment->rule);
    g_free(assignment->selector);
    g_free(assignment->home_socket);
    g_free(assignment->device_text);
    g_free(assignment->reason);
    g_ptr_array_unref(assignment->claims);
    g_free(assignment);
    return NULL;
}

Assignment *assignment_copy(const Assignment *assignment)
{
    Assignment *copy = assignment_new(assignment->id);

    text_replace(&copy->name, assignment->name);
    text_replace(&copy->description, assignment->description);
    copy->machine_uuid = g_strdup(assignment->machine_uuid);
    text_replace(&copy->machine_name, assignment->machine_name);
    copy->group = g_strdup(assignment->group);
    copy->tenant = g_strdup(assignment->tenant);
    /* What was printed by rule_print() can be read. */
    copy->rule = assignment->rule ? rule_parse(assignment->selector, NULL) : NULL;
    text_replace(&copy->selector, assignment->selector);
    copy->quantity_kind = assignment->quantity_kind;
    copy->quantity = assignment->quantity;
    text_replace(&copy->home_socket, assignment->home_socket);
    text_replace(&copy->device_text, assignment->device_text);
    copy->persistent = assignment->persistent;
    copy->wanted = assignment->wanted;
    copy->priority = assignment->priority;
    copy->own_guest_reset = assignment->own_guest_reset;
    copy->own_guest_resets_all = assignment->own_guest_resets_all;
    copy->owner = assignment->owner;
    copy->created = assignment->created;
    return copy;
}

Claim *assignment_claim(const Assignment *assignment, const char *sysname, uint64_t instance)
{
    for (guint i = 0; i < assignment->claims->len; i++) {
        Claim *one = assignment->claims->pdata[i];

        if (one->instance == instance && g_strcmp0(one->sysname, sysname) == 0)
            return one;
    }
    return NULL;
}

char *assignment_quantity_to_string(const Assignment *assignment)
{
    switch (assignment->quantity_kind) {
    case QUANTITY_COUNT:
        return g_strdup_printf("%u", assignment->quantity);
    case QUANTITY_ALL:
        return g_strdup("all");
    case QUANTITY_SET:
        return g_strdup("set");
    }
    g_return_val_if_reached(g_strdup("1"));
}

bool quantity_parse(const char *text, QuantityKind *ret_kind, unsigned *ret_quantity)
{
    guint64 count = 0;
    bool is_all = strcmp(text, "all") == 0;

    if (is_all || strcmp(text, "set") == 0) {
        *ret_kind = is_all ? QUANTITY_ALL : QUANTITY_SET;
        *ret_quantity = 0;
        return true;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 1, QUANTITY_MAX, &count, NULL))
        return false;
    *ret_kind = QUANTITY_COUNT;
    *ret_quantity = (unsigned)count;
    return true;
}

static void write_choice(GKeyFile *file, const char *key, Choice choice)
{
    if (choice != CHOICE_OPEN)
        g_key_file_set_boolean(file, FILE_GROUP, key, choice == CHOICE_YES);
}

GKeyFile *assignment_to_key_file(const Assignment *assignment)
{
    GKeyFile *file = g_key_file_new();

    g_key_file_set_string(file, FILE_GROUP, "Name", assignment->name);
    g_key_file_set_string(file, FILE_GROUP, "Description", assignment->description);
    g_key_file_set_string(file, FILE_GROUP, "Machine", assignment->machine_uuid);
    g_key_file_set_string(file, FILE_GROUP, "MachineName", assignment->machine_name);
    if (assignment->group) {
        g_autofree char *quantity = assignment_quantity_to_string(assignment);

        g_key_file_set_string(file, FILE_GROUP, "Group", assignment->group);
        g_key_file_set_string(file, FILE_GROUP, "Quantity", quantity);
    }
    if (assignment->tenant)
        g_key_file_set_string(file, FILE_GROUP, "Tenant", assignment->tenant);
    if (assignment->rule)
        g_key_file_set_string(file, FILE_GROUP, "Selector", assignment->selector);
    g_key_file_set_string(file, FILE_GROUP, "Socket", assignment->home_socket);
    g_key_file_set_string(file, FILE_GROUP, "DeviceText", assignment->device_text);
    g_key_file_set_boolean(file, FILE_GROUP, "Enabled", assignment->wanted);
    g_key_file_set_integer(file, FILE_GROUP, "Priority", assignment->priority);
    write_choice(file, "AllowGuestReset", assignment->own_guest_reset);
    write_choice(file, "AllowGuestResetsAll", assignment->own_guest_resets_all);
    g_key_file_set_uint64(file, FILE_GROUP, "Owner", assignment->owner);
    g_key_file_set_int64(file, FILE_GROUP, "Created", assignment->created);
    return file;
}

/* The value, clean; the default when the key is absent; NULL with error when it is broken. */
static char *read_text(GKeyFile *file, const char *key, const char *fallback, GError **error)
{
    g_autofree char *raw = NULL;

    if (fallback && !g_key_file_has_key(file, FILE_GROUP, key, NULL))
        return g_strdup(fallback);
    raw = g_key_file_get_string(file, FILE_GROUP, key, error);
    /* What was checked when it was given comes back as it was. */
    if (raw && strlen(raw) <= TEXT_MAX && text_is_clean(raw))
        return g_steal_pointer(&raw);
    return raw ? text_sanitize(raw, TEXT_MAX) : NULL;
}

static bool check_keys(GKeyFile *file, GError **error)
{
    static const char *const known[] = { "Name",
                                         "Description",
                                         "Machine",
                                         "MachineName",
                                         "Group",
                                         "Quantity",
                                         "Selector",
                                         "Socket",
                                         "DeviceText",
                                         "Enabled",
                                         "Priority",
                                         "AllowGuestReset",
                                         "AllowGuestResetsAll",
                                         "Owner",
                                         "Created",
                                         "Tenant",
                                         NULL };
    g_auto(GStrv) keys = g_key_file_get_keys(file, FILE_GROUP, NULL, error);

    if (!keys)
        return false;
    for (char **key = keys; *key; key++)
        if (!g_strv_contains(known, *key)) {
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND, "unknown key \"%s\"", *key);
            return false;
        }
    return true;
}

static Choice read_choice(GKeyFile *file, const char *key, GError **error)
{
    g_autoptr(GError) local = NULL;
    bool value;

    if (!g_key_file_has_key(file, FILE_GROUP, key, NULL))
        return CHOICE_OPEN;
    value = g_key_file_get_boolean(file, FILE_GROUP, key, &local);
    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    return value ? CHOICE_YES : CHOICE_NO;
}

Assignment *assignment_from_key_file(const char *id, GKeyFile *file, GError **error)
{
    g_autoptr(Assignment) assignment = assignment_new(id);
    g_autofree char *selector = NULL;
    g_autofree char *group = NULL;
    g_autofree char *quantity = NULL;
    g_autofree char *tenant = NULL;
    g_autoptr(GError) number_error = NULL;

    if (!id_is_valid(id)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "not an assignment's id");
        return NULL;
    }
    if (!check_keys(file, error))
        return NULL;

    g_clear_pointer(&assignment->name, g_free);
    g_clear_pointer(&assignment->description, g_free);
    g_clear_pointer(&assignment->machine_name, g_free);
    g_clear_pointer(&assignment->home_socket, g_free);
    g_clear_pointer(&assignment->device_text, g_free);
    if (!(assignment->name = read_text(file, "Name", NULL, error)) ||
        !(assignment->description = read_text(file, "Description", "", error)) ||
        !(assignment->machine_uuid = read_text(file, "Machine", NULL, error)) ||
        !(assignment->machine_name = read_text(file, "MachineName", "", error)) ||
        !(assignment->home_socket = read_text(file, "Socket", "", error)) ||
        !(assignment->device_text = read_text(file, "DeviceText", "", error)) ||
        !(group = read_text(file, "Group", "", error)) || !(tenant = read_text(file, "Tenant", "", error)) ||
        !(quantity = read_text(file, "Quantity", "1", error)) ||
        !(selector = read_text(file, "Selector", *group ? "" : NULL, error)))
        return NULL;
    if (*group)
        assignment->group = g_steal_pointer(&group);
    if (*tenant)
        assignment->tenant = g_steal_pointer(&tenant);
    if (!quantity_parse(quantity, &assignment->quantity_kind, &assignment->quantity)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                    "Quantity is not 1 to %d, all or set", QUANTITY_MAX);
        return NULL;
    }
    if (!g_uuid_string_is_valid(assignment->machine_uuid)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "Machine is not a UUID");
        return NULL;
    }
    if (*selector) {
        if (!(assignment->rule = rule_parse(selector, error))) {
            g_prefix_error(error, "Selector: ");
            return NULL;
        }
        g_free(assignment->selector);
        assignment->selector = rule_print(assignment->rule);
    }

    if (g_key_file_has_key(file, FILE_GROUP, "Enabled", NULL))
        assignment->wanted = g_key_file_get_boolean(file, FILE_GROUP, "Enabled", &number_error);
    if (!number_error && g_key_file_has_key(file, FILE_GROUP, "Priority", NULL))
        assignment->priority = g_key_file_get_integer(file, FILE_GROUP, "Priority", &number_error);
    if (!number_error)
        assignment->own_guest_reset = read_choice(file, "AllowGuestReset", &number_error);
    if (!number_error)
        assignment->own_guest_resets_all = read_choice(file, "AllowGuestResetsAll", &number_error);
    if (!number_error && g_key_file_has_key(file, FILE_GROUP, "Owner", NULL))
        assignment->owner = (uint32_t)g_key_file_get_uint64(file, FILE_GROUP, "Owner", &number_error);
    if (!number_error && g_key_file_has_key(file, FILE_GROUP, "Created", NULL))
        assignment->created = g_key_file_get_int64(file, FILE_GROUP, "Created", &number_error);
    if (number_error) {
        g_propagate_error(error, g_steal_pointer(&number_error));
        return NULL;
    }
    return g_steal_pointer(&assignment);
}
