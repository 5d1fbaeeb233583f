/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assignments as text. In the store a selector has the escapes of a key file, in a manifest it is the rule as
 * it is everywhere else. */

#include "daemon/config/assignment-text.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/id.h"
#include "daemon/base/text.h"
#include "daemon/model/group.h"
#include "daemon/model/tenant.h"

static Assignment *assignment_of(void *userdata)
{
    const AssignmentReader *into = userdata;

    return into->assignment;
}

/* ------------------------------------------------------------------ keys */

static bool read_name(KeyFileReader *reader, void *userdata)
{
    Assignment *assignment = assignment_of(userdata);

    if (!key_file_reader_raw_text(reader, &assignment->name))
        return false;
    if (*assignment->name && strlen(assignment->name) <= ASSIGNMENT_NAME_MAX &&
        text_is_clean(assignment->name))
        return true;
    return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_NAME,
                                        "an assignment's name, which is 1 to " G_STRINGIFY(
                                            ASSIGNMENT_NAME_MAX) " bytes without control characters");
}

static bool read_description(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_text(reader, &assignment_of(userdata)->description);
}

static bool read_machine(KeyFileReader *reader, void *userdata)
{
    AssignmentReader *into = userdata;

    into->machine_line = reader->line;
    return key_file_reader_text(reader, &into->assignment->machine_name) &&
           (*into->assignment->machine_name ||
            key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_NAME, "the name or the UUID of a VM"));
}

static bool read_machine_uuid(KeyFileReader *reader, void *userdata)
{
    Assignment *assignment = assignment_of(userdata);
    g_autofree char *text = key_file_reader_value(reader);

    if (!g_uuid_string_is_valid(text))
        return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_OPTION, "a UUID");
    /* as libvirt's are */
    assignment->machine_uuid = g_ascii_strdown(text, -1);
    return true;
}

static bool read_machine_name(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_text(reader, &assignment_of(userdata)->machine_name);
}

static bool read_group(KeyFileReader *reader, void *userdata)
{
    AssignmentReader *into = userdata;
    g_autofree char *name = key_file_reader_value(reader);

    if (!group_name_is_valid(name) && !group_name_is_tenants(name, NULL))
        return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_NAME, "a group's name");
    into->group_line = reader->line;
    into->assignment->group = g_steal_pointer(&name);
    return true;
}

static bool read_quantity(KeyFileReader *reader, void *userdata)
{
    Assignment *assignment = assignment_of(userdata);
    g_autofree char *text = key_file_reader_value(reader);

    return quantity_parse(text, &assignment->quantity_kind, &assignment->quantity) ||
           key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_OPTION,
                                        "1 to " G_STRINGIFY(QUANTITY_MAX) ", all or set");
}

static bool read_tenant(KeyFileReader *reader, void *userdata)
{
    Assignment *assignment = assignment_of(userdata);
    g_autofree char *name = key_file_reader_value(reader);

    if (!tenant_name_is_valid(name))
        return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_NAME, "a tenant's name");
    assignment->tenant = g_steal_pointer(&name);
    return true;
}

static bool take_selector(KeyFileReader *reader, Assignment *assignment, const char *text)
{
    g_autoptr(GError) error = NULL;

    assignment->rule = rule_parse(text, &error);
    if (!assignment->rule)
        return key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_RULE, "%s", error->message);
    g_free(assignment->selector);
    assignment->selector = rule_print(assignment->rule);
    return true;
}

static bool read_selector(KeyFileReader *reader, void *userdata)
{
    g_autofree char *text = key_file_reader_value(reader);

    return take_selector(reader, assignment_of(userdata), text);
}

static bool read_stored_selector(KeyFileReader *reader, void *userdata)
{
    g_autofree char *text = NULL;

    return key_file_reader_raw_text(reader, &text) && take_selector(reader, assignment_of(userdata), text);
}

static bool read_socket(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_text(reader, &assignment_of(userdata)->home_socket);
}

static bool read_twins(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, &assignment_of(userdata)->twins);
}

static bool read_device_text(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_text(reader, &assignment_of(userdata)->device_text);
}

static bool read_enabled(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, &assignment_of(userdata)->wanted);
}

static bool read_persistent(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, &assignment_of(userdata)->persistent);
}

static bool read_priority(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_number(reader, &assignment_of(userdata)->priority);
}

static bool read_follow(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, &assignment_of(userdata)->follow);
}

static bool read_forced(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, &assignment_of(userdata)->forced);
}

static bool read_replugged(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, &assignment_of(userdata)->replugged);
}

static bool read_seconds(KeyFileReader *reader, gint64 most, Term *term)
{
    gint64 seconds;

    if (!key_file_reader_integer(reader, 1, most, &seconds))
        return false;
    term->seconds = (uint32_t)seconds;
    return true;
}

static bool read_end(KeyFileReader *reader, Term *term)
{
    g_autofree char *text = key_file_reader_value(reader);

    return term_read_end(term, text) ||
           key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_OPTION,
                                        "REALTIME BOOTTIME BOOT, two numbers and the id of a boot");
}

static bool read_try_for(KeyFileReader *reader, void *userdata)
{
    return read_seconds(reader, TRY_SECONDS_MAX, &assignment_of(userdata)->trial);
}

static bool read_try_ends(KeyFileReader *reader, void *userdata)
{
    return read_end(reader, &assignment_of(userdata)->trial);
}

static bool read_lease_for(KeyFileReader *reader, void *userdata)
{
    return read_seconds(reader, LEASE_SECONDS_MAX, &assignment_of(userdata)->lease);
}

static bool read_lease_ends(KeyFileReader *reader, void *userdata)
{
    return read_end(reader, &assignment_of(userdata)->lease);
}

static bool read_choice(KeyFileReader *reader, Choice *choice)
{
    bool value;

    if (!key_file_reader_flag(reader, &value))
        return false;
    *choice = value ? CHOICE_YES : CHOICE_NO;
    return true;
}

static bool read_given_back(KeyFileReader *reader, void *userdata)
{
    GArray *instances = assignment_of(userdata)->given_back;
    g_auto(GStrv) texts = NULL;

    if (!key_file_reader_list(reader, &texts))
        return false;
    for (char **text = texts; *text; text++) {
        guint64 instance = 0;

        if (instances->len >= QUANTITY_MAX ||
            !g_ascii_string_to_unsigned(*text, 10, 1, G_MAXUINT64, &instance, NULL))
            return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_OPTION,
                                                "a list of at most " G_STRINGIFY(QUANTITY_MAX) " numbers");
        g_array_append_val(instances, instance);
    }
    return true;
}

static bool read_allow_guest_reset(KeyFileReader *reader, void *userdata)
{
    return read_choice(reader, &assignment_of(userdata)->own_guest_reset);
}

static bool read_allow_guest_resets_all(KeyFileReader *reader, void *userdata)
{
    return read_choice(reader, &assignment_of(userdata)->own_guest_resets_all);
}

static bool read_owner(KeyFileReader *reader, void *userdata)
{
    gint64 owner;

    if (!key_file_reader_integer(reader, 0, G_MAXUINT32, &owner))
        return false;
    assignment_of(userdata)->owner = (uint32_t)owner;
    return true;
}

static bool read_created(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_integer(reader, 0, G_MAXINT64, &assignment_of(userdata)->created);
}

static bool read_sequence(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_integer(reader, 1, ASSIGNMENT_SEQUENCE_MAX, &assignment_of(userdata)->sequence);
}

static const KeyFileKey manifest_keys[] = {
    { "Name", read_name, true },
    { "Machine", read_machine, true },
    { "Group", read_group },
    { "Quantity", read_quantity },
    { "Selector", read_selector },
    { "Description", read_description },
    { "Enabled", read_enabled },
    { "Persistent", read_persistent },
    { "Follow", read_follow },
    { "Priority", read_priority },
    { "AllowGuestReset", read_allow_guest_reset },
    { "AllowGuestResetsAll", read_allow_guest_resets_all },
    {},
};

static const KeyFileKey stored_keys[] = {
    { "Name", read_name, true },
    { "Description", read_description },
    { "Machine", read_machine_uuid, true },
    { "MachineName", read_machine_name },
    { "Group", read_group },
    { "Quantity", read_quantity },
    { "Tenant", read_tenant },
    { "Selector", read_stored_selector },
    { "Socket", read_socket },
    { "Twins", read_twins },
    { "DeviceText", read_device_text },
    { "Enabled", read_enabled },
    { "Follow", read_follow },
    { "Forced", read_forced },
    { "Replugged", read_replugged },
    { "TryFor", read_try_for },
    { "TryEnds", read_try_ends },
    { "LeaseFor", read_lease_for },
    { "LeaseEnds", read_lease_ends },
    { "Priority", read_priority },
    { "GivenBack", read_given_back },
    { "AllowGuestReset", read_allow_guest_reset },
    { "AllowGuestResetsAll", read_allow_guest_resets_all },
    { "Owner", read_owner },
    { "Created", read_created },
    { "Sequence", read_sequence },
    {},
};

/* ------------------------------------------------------------------ reading */

const KeyFileKey *assignment_reader_begin(AssignmentReader *into, KeyFileReader *reader)
{
    into->line = reader->line;
    reader->keys_userdata = into;
    return manifest_keys;
}

bool assignment_reader_end(const AssignmentReader *into, KeyFileReader *reader)
{
    const Assignment *assignment = into->assignment;

    if (!assignment->group && !assignment->rule)
        return key_file_reader_refuse(reader, into->line, FERRY_ERROR_INVALID_OPTION,
                                      "[" ASSIGNMENT_SECTION
                                      "] has no Group and no Selector: one of them says which devices");
    if (!assignment->group && (assignment->quantity_kind != QUANTITY_COUNT || assignment->quantity != 1))
        return key_file_reader_refuse(reader, into->line, FERRY_ERROR_INVALID_OPTION,
                                      "[" ASSIGNMENT_SECTION
                                      "] has a Quantity and no Group: without a group it is one device");
    if (assignment->group && assignment->follow)
        return key_file_reader_refuse(reader, into->line, FERRY_ERROR_INVALID_OPTION,
                                      "[" ASSIGNMENT_SECTION
                                      "] has Follow and a Group: it is for one device");
    return true;
}

Assignment *assignment_from_text(const char *id, const char *text, const char *path, GError **error)
{
    g_autoptr(Assignment) assignment = assignment_new(id);
    /* What no key can see is wrong with the file as a whole. */
    AssignmentReader into = { .assignment = assignment, .line = 1 };
    KeyFileReader reader = { .path = path, .error = error };

    if (!id_is_valid(id)) {
        key_file_reader_refuse(&reader, into.line, FERRY_ERROR_INVALID_NAME,
                               "the name of the file is not an assignment's id");
        return NULL;
    }
    if (!key_file_read_section(ASSIGNMENT_SECTION, stored_keys, text, path, &into, error) ||
        !assignment_reader_end(&into, &reader))
        return NULL;
    term_bound(&assignment->trial);
    term_bound(&assignment->lease);
    if (assignment->sequence == 0)
        assignment->sequence = assignment->created;
    return g_steal_pointer(&assignment);
}

/* Matches nothing: for one that doesn't say which device it is for. */
#define NO_DEVICE "vendor!=*"
/* Of no machine. */
#define NO_UUID "00000000-0000-0000-0000-000000000000"

Assignment *assignment_from_damaged_text(const char *id, const char *text, const char *path, const char *why)
{
    Assignment *assignment;
    AssignmentReader into = {};

    if (!id_is_valid(id))
        return NULL;
    into.assignment = assignment = assignment_new(id);
    key_file_read_damaged_section(ASSIGNMENT_SECTION, stored_keys, text, path, &into);
    if (!*assignment->name || !text_is_clean(assignment->name) ||
        strlen(assignment->name) > ASSIGNMENT_NAME_MAX)
        text_replace(&assignment->name, "damaged");
    if (!assignment->machine_uuid)
        assignment->machine_uuid = g_strdup(NO_UUID);
    if (!*assignment->machine_name)
        text_replace(&assignment->machine_name, "?");
    if (!assignment->group && !assignment->rule) {
        assignment->rule = rule_parse(NO_DEVICE, NULL);
        text_replace(&assignment->selector, NO_DEVICE);
    }
    /* Whatever stands there: what a machine has of it stays where it is. */
    assignment->wanted = true;
    assignment->damage = g_strdup(why);
    return assignment;
}

/* ------------------------------------------------------------------ printing */

/* What is left to the group isn't there. */
static void write_choice(GKeyFile *file, const char *key, Choice choice)
{
    if (choice != CHOICE_OPEN)
        g_key_file_set_boolean(file, ASSIGNMENT_SECTION, key, choice == CHOICE_YES);
}

static void write_given_back(GKeyFile *file, const Assignment *assignment)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < assignment->given_back->len; i++)
        g_string_append_printf(list, "%" G_GUINT64_FORMAT ";",
                               (guint64)g_array_index(assignment->given_back, uint64_t, i));
    if (list->len > 0)
        g_key_file_set_value(file, ASSIGNMENT_SECTION, "GivenBack", list->str);
}

static void write_term(GKeyFile *file, const char *length_key, const char *end_key, const Term *term)
{
    g_autofree char *end = term_print_end(term);

    if (term->seconds)
        g_key_file_set_uint64(file, ASSIGNMENT_SECTION, length_key, term->seconds);
    if (end)
        g_key_file_set_value(file, ASSIGNMENT_SECTION, end_key, end);
}

GKeyFile *assignment_to_key_file(const Assignment *assignment)
{
    GKeyFile *file = g_key_file_new();

    key_file_reader_set_text(file, ASSIGNMENT_SECTION, "Name", assignment->name);
    key_file_reader_set_text(file, ASSIGNMENT_SECTION, "Description", assignment->description);
    g_key_file_set_string(file, ASSIGNMENT_SECTION, "Machine", assignment->machine_uuid);
    key_file_reader_set_text(file, ASSIGNMENT_SECTION, "MachineName", assignment->machine_name);
    if (assignment->group) {
        g_autofree char *quantity = assignment_quantity_to_string(assignment);

        g_key_file_set_string(file, ASSIGNMENT_SECTION, "Group", assignment->group);
        g_key_file_set_string(file, ASSIGNMENT_SECTION, "Quantity", quantity);
    }
    if (assignment->tenant)
        g_key_file_set_string(file, ASSIGNMENT_SECTION, "Tenant", assignment->tenant);
    if (assignment->rule)
        key_file_reader_set_text(file, ASSIGNMENT_SECTION, "Selector", assignment->selector);
    key_file_reader_set_text(file, ASSIGNMENT_SECTION, "Socket", assignment->home_socket);
    if (assignment->twins)
        g_key_file_set_boolean(file, ASSIGNMENT_SECTION, "Twins", true);
    key_file_reader_set_text(file, ASSIGNMENT_SECTION, "DeviceText", assignment->device_text);
    g_key_file_set_boolean(file, ASSIGNMENT_SECTION, "Enabled", assignment->wanted);
    if (assignment->follow)
        g_key_file_set_boolean(file, ASSIGNMENT_SECTION, "Follow", true);
    if (assignment->forced)
        g_key_file_set_boolean(file, ASSIGNMENT_SECTION, "Forced", true);
    if (assignment->replugged)
        g_key_file_set_boolean(file, ASSIGNMENT_SECTION, "Replugged", true);
    write_term(file, "TryFor", "TryEnds", &assignment->trial);
    write_term(file, "LeaseFor", "LeaseEnds", &assignment->lease);
    g_key_file_set_integer(file, ASSIGNMENT_SECTION, "Priority", assignment->priority);
    write_given_back(file, assignment);
    write_choice(file, "AllowGuestReset", assignment->own_guest_reset);
    write_choice(file, "AllowGuestResetsAll", assignment->own_guest_resets_all);
    g_key_file_set_uint64(file, ASSIGNMENT_SECTION, "Owner", assignment->owner);
    g_key_file_set_int64(file, ASSIGNMENT_SECTION, "Created", assignment->created);
    if (assignment->sequence > 0)
        g_key_file_set_int64(file, ASSIGNMENT_SECTION, "Sequence", assignment->sequence);
    return file;
}

char *assignment_to_manifest_text(const Assignment *assignment, const char *machine)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *quantity = assignment_quantity_to_string(assignment);

    key_file_reader_set_text(file, ASSIGNMENT_SECTION, "Name", assignment->name);
    key_file_reader_set_text(file, ASSIGNMENT_SECTION, "Machine", machine);
    if (assignment->group)
        g_key_file_set_string(file, ASSIGNMENT_SECTION, "Group", assignment->group);
    if (!g_str_equal(quantity, "1"))
        g_key_file_set_string(file, ASSIGNMENT_SECTION, "Quantity", quantity);
    if (assignment->rule)
        g_key_file_set_value(file, ASSIGNMENT_SECTION, "Selector", assignment->selector);
    if (*assignment->description)
        key_file_reader_set_text(file, ASSIGNMENT_SECTION, "Description", assignment->description);
    key_file_reader_set_flag(file, ASSIGNMENT_SECTION, "Enabled", assignment->wanted, true);
    key_file_reader_set_flag(file, ASSIGNMENT_SECTION, "Persistent", assignment->persistent, true);
    key_file_reader_set_flag(file, ASSIGNMENT_SECTION, "Follow", assignment->follow, false);
    if (assignment->priority != 0)
        g_key_file_set_integer(file, ASSIGNMENT_SECTION, "Priority", assignment->priority);
    write_choice(file, "AllowGuestReset", assignment->own_guest_reset);
    write_choice(file, "AllowGuestResetsAll", assignment->own_guest_resets_all);
    return g_key_file_to_data(file, NULL, NULL);
}
