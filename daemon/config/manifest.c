/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/config/manifest.h"

#include <limits.h>
#include <string.h>

#include "daemon/config/group-text.h"
#include "daemon/config/key-file-reader.h"
#include "daemon/base/text.h"

#define ASSIGNMENT_SECTION "Assignment"

typedef struct ManifestReader {
    GroupReader group; /* first: the keys of a group know nothing of the rest */
    Manifest *manifest;
    ManifestItem *current; /* the last item; NULL = none yet */
    GHashTable *seen;      /* group name, or machine and name: → the line, as a pointer */
} ManifestReader;

static void declared_free(gpointer data)
{
    ManifestItem *declared = data;

    group_free(declared->group);
    assignment_free(declared->assignment);
    g_free(declared);
}

static Assignment *assignment_of(void *userdata)
{
    const ManifestReader *into = userdata;

    return into->current->assignment;
}

/* ------------------------------------------------------------------ keys of [Assignment] */

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
    ManifestReader *into = userdata;

    into->current->machine_line = reader->line;
    return key_file_reader_text(reader, &assignment_of(into)->machine_name) &&
           (*assignment_of(into)->machine_name ||
            key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_NAME,
                                         "the name or the UUID of a machine"));
}

static bool read_group(KeyFileReader *reader, void *userdata)
{
    ManifestReader *into = userdata;
    g_autofree char *name = key_file_reader_value(reader);

    if (!group_name_is_valid(name) && !group_name_is_tenants(name, NULL))
        return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_NAME, "a group's name");
    into->current->group_line = reader->line;
    assignment_of(into)->group = g_steal_pointer(&name);
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

static bool read_selector(KeyFileReader *reader, void *userdata)
{
    Assignment *assignment = assignment_of(userdata);
    g_autofree char *text = key_file_reader_value(reader);
    g_autoptr(GError) error = NULL;

    assignment->rule = rule_parse(text, &error);
    if (!assignment->rule)
        return key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_RULE, "%s", error->message);
    g_free(assignment->selector);
    assignment->selector = rule_print(assignment->rule);
    return true;
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

static bool read_choice(KeyFileReader *reader, Choice *choice)
{
    bool value;

    if (!key_file_reader_flag(reader, &value))
        return false;
    *choice = value ? CHOICE_YES : CHOICE_NO;
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

static const KeyFileKey assignment_keys[] = {
    { "Name", read_name, true },
    { "Machine", read_machine, true },
    { "Group", read_group },
    { "Quantity", read_quantity },
    { "Selector", read_selector },
    { "Description", read_description },
    { "Enabled", read_enabled },
    { "Persistent", read_persistent },
    { "Priority", read_priority },
    { "AllowGuestReset", read_allow_guest_reset },
    { "AllowGuestResetsAll", read_allow_guest_resets_all },
    {},
};

/* ------------------------------------------------------------------ reading */

/* Each is there once. Takes the identity. */
static bool check_first(ManifestReader *into, KeyFileReader *reader, char *identity, const char *what)
{
    unsigned line = into->current->line;
    unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(into->seen, identity));

    if (before) {
        g_free(identity);
        return key_file_reader_refuse(reader, line, FERRY_ERROR_ALREADY_EXISTS,
                                      "%s is declared in line %u already", what, before);
    }
    g_hash_table_insert(into->seen, identity, GUINT_TO_POINTER(line));
    return true;
}

static bool check_assignment(ManifestReader *into, KeyFileReader *reader)
{
    const Assignment *assignment = into->current->assignment;
    g_autofree char *name = text_quote(assignment->name);
    g_autofree char *machine = text_quote(assignment->machine_name);
    g_autofree char *what = g_strdup_printf("assignment %s of machine %s", name, machine);
    unsigned line = into->current->line;

    if (!assignment->group && !assignment->rule)
        return key_file_reader_refuse(reader, line, FERRY_ERROR_INVALID_OPTION,
                                      "[" ASSIGNMENT_SECTION
                                      "] has no Group and no Selector: one of them says which devices");
    if (!assignment->group && (assignment->quantity_kind != QUANTITY_COUNT || assignment->quantity != 1))
        return key_file_reader_refuse(reader, line, FERRY_ERROR_INVALID_OPTION,
                                      "[" ASSIGNMENT_SECTION
                                      "] has a Quantity and no Group: without a group it is one device");
    return check_first(into, reader, g_strdup_printf("%s\n%s", assignment->machine_name, assignment->name),
                       what);
}

/* What was read last is complete. */
static bool end_item(ManifestReader *into, KeyFileReader *reader)
{
    g_autofree char *what = NULL;

    if (!into->current)
        return true;
    if (into->current->assignment)
        return check_assignment(into, reader);
    group_reader_end(&into->group);
    what = g_strdup_printf("group %s", into->current->group->name);
    return check_first(into, reader, g_strdup(into->current->group->name), what);
}

static const KeyFileKey *begin_section(KeyFileReader *reader, const char *section, void *userdata)
{
    ManifestReader *into = userdata;
    bool is_assignment = g_str_equal(section, ASSIGNMENT_SECTION);

    if (group_reader_is_rule(section)) {
        g_autofree char *shown = NULL;

        if (into->current && into->current->group)
            return group_reader_begin(&into->group, reader, section);
        shown = key_file_reader_show(section);
        key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                               "section %s belongs to no group: it has to follow a [" GROUP_SECTION "]",
                               shown);
        return NULL;
    }
    if (!end_item(into, reader))
        return NULL;

    into->current = g_new0(ManifestItem, 1);
    into->current->line = reader->line;
    g_ptr_array_add(into->manifest->items, into->current);
    if (is_assignment) {
        into->current->assignment = assignment_new("");
        return assignment_keys;
    }
    into->current->group = group_new("");
    into->group = (GroupReader){ .group = into->current->group };
    return group_reader_begin(&into->group, reader, section);
}

Manifest *manifest_from_text(const char *text, const char *source, GError **error)
{
    g_autoptr(Manifest) manifest = g_new0(Manifest, 1);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ManifestReader into = { .manifest = manifest, .seen = seen };
    KeyFileReader reader = {
        .first = "[" GROUP_SECTION "] or [" ASSIGNMENT_SECTION "]",
        .error = error,
        .begin = begin_section,
        .userdata = &into,
    };

    g_return_val_if_fail(text, NULL);

    manifest->items = g_ptr_array_new_with_free_func(declared_free);
    manifest->source = text_sanitize(source, PATH_MAX);
    reader.path = manifest->source;
    if (strlen(text) > MANIFEST_BYTES_MAX) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "%s: longer than %d bytes, split it into several", manifest->source, MANIFEST_BYTES_MAX);
        return NULL;
    }
    if (!key_file_reader_read(&reader, text) || !end_item(&into, &reader))
        return NULL;
    /* Not "nothing is wanted": that is what a file that was cut off looks like. */
    if (manifest->items->len == 0) {
        key_file_reader_refuse(&reader, MAX(reader.line, 1), FERRY_ERROR_INVALID_OPTION,
                               "expected %s somewhere in the file", reader.first);
        return NULL;
    }
    return g_steal_pointer(&manifest);
}

Manifest *manifest_free(Manifest *manifest)
{
    if (!manifest)
        return NULL;
    g_free(manifest->source);
    g_ptr_array_unref(manifest->items);
    g_free(manifest);
    return NULL;
}

void manifest_set_error(const Manifest *manifest, unsigned line, GError **error, FerryError code,
                        const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, FERRY_ERROR, code, "%s:%u: %s", manifest->source, line, message);
}

/* ------------------------------------------------------------------ printing */

/* What is left to the group isn't there. */
static void print_choice(GKeyFile *file, const char *key, Choice choice)
{
    if (choice != CHOICE_OPEN)
        g_key_file_set_boolean(file, ASSIGNMENT_SECTION, key, choice == CHOICE_YES);
}

char *manifest_print_assignment(const Assignment *assignment, const char *machine)
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
    if (assignment->priority != 0)
        g_key_file_set_integer(file, ASSIGNMENT_SECTION, "Priority", assignment->priority);
    print_choice(file, "AllowGuestReset", assignment->own_guest_reset);
    print_choice(file, "AllowGuestResetsAll", assignment->own_guest_resets_all);
    return g_key_file_to_data(file, NULL, NULL);
}
