/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/config/manifest.h"

#include <limits.h>
#include <string.h>

#include "daemon/config/group-text.h"
#include "daemon/config/key-file-reader.h"
#include "daemon/base/text.h"

#define ASSIGNMENT_SECTION "Assignment"

typedef struct Reader {
    GroupReader group; /* first: the keys of a group know nothing of the rest */
    Declaration *declaration;
    Declared *current; /* the last item; NULL = none yet */
    GHashTable *seen;  /* group name, or machine and name: → the line, as a pointer */
} Reader;

static void declared_free(gpointer data)
{
    Declared *declared = data;

    group_free(declared->group);
    assignment_free(declared->assignment);
    g_free(declared);
}

static Assignment *assignment_of(void *userdata)
{
    const Reader *reader = userdata;

    return reader->current->assignment;
}

/* ------------------------------------------------------------------ keys of [Assignment] */

static bool read_name(Sections *sections, void *userdata)
{
    Assignment *assignment = assignment_of(userdata);

    if (!sections_raw_text(sections, &assignment->name))
        return false;
    if (*assignment->name && strlen(assignment->name) <= ASSIGNMENT_NAME_MAX &&
        text_is_clean(assignment->name))
        return true;
    return sections_refuse_value(sections, FERRY_ERROR_INVALID_NAME,
                                 "an assignment's name, which is 1 to " G_STRINGIFY(
                                     ASSIGNMENT_NAME_MAX) " bytes without control characters");
}

static bool read_description(Sections *sections, void *userdata)
{
    return sections_text(sections, &assignment_of(userdata)->description);
}

static bool read_machine(Sections *sections, void *userdata)
{
    Reader *reader = userdata;

    reader->current->machine_line = sections->line;
    return sections_text(sections, &assignment_of(reader)->machine_name) &&
           (*assignment_of(reader)->machine_name ||
            sections_refuse_value(sections, FERRY_ERROR_INVALID_NAME, "the name or the UUID of a machine"));
}

static bool read_group(Sections *sections, void *userdata)
{
    Reader *reader = userdata;
    g_autofree char *name = sections_value(sections);

    if (!group_name_is_valid(name) && !group_name_is_tenants(name, NULL))
        return sections_refuse_value(sections, FERRY_ERROR_INVALID_NAME, "a group's name");
    reader->current->group_line = sections->line;
    assignment_of(reader)->group = g_steal_pointer(&name);
    return true;
}

static bool read_quantity(Sections *sections, void *userdata)
{
    Assignment *assignment = assignment_of(userdata);
    g_autofree char *text = sections_value(sections);

    return quantity_parse(text, &assignment->quantity_kind, &assignment->quantity) ||
           sections_refuse_value(sections, FERRY_ERROR_INVALID_OPTION,
                                 "1 to " G_STRINGIFY(QUANTITY_MAX) ", all or set");
}

static bool read_selector(Sections *sections, void *userdata)
{
    Assignment *assignment = assignment_of(userdata);
    g_autofree char *text = sections_value(sections);
    g_autoptr(GError) error = NULL;

    assignment->rule = rule_parse(text, &error);
    if (!assignment->rule)
        return sections_refuse(sections, sections->line, FERRY_ERROR_INVALID_RULE, "%s", error->message);
    g_free(assignment->selector);
    assignment->selector = rule_print(assignment->rule);
    return true;
}

static bool read_enabled(Sections *sections, void *userdata)
{
    return sections_flag(sections, &assignment_of(userdata)->wanted);
}

static bool read_persistent(Sections *sections, void *userdata)
{
    return sections_flag(sections, &assignment_of(userdata)->persistent);
}

static bool read_priority(Sections *sections, void *userdata)
{
    return sections_number(sections, &assignment_of(userdata)->priority);
}

static bool read_choice(Sections *sections, Choice *choice)
{
    bool value;

    if (!sections_flag(sections, &value))
        return false;
    *choice = value ? CHOICE_YES : CHOICE_NO;
    return true;
}

static bool read_allow_guest_reset(Sections *sections, void *userdata)
{
    return read_choice(sections, &assignment_of(userdata)->own_guest_reset);
}

static bool read_allow_guest_resets_all(Sections *sections, void *userdata)
{
    return read_choice(sections, &assignment_of(userdata)->own_guest_resets_all);
}

static const SectionKey assignment_keys[] = {
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
static bool check_first(Reader *reader, Sections *sections, char *identity, const char *what)
{
    unsigned line = reader->current->line;
    unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(reader->seen, identity));

    if (before) {
        g_free(identity);
        return sections_refuse(sections, line, FERRY_ERROR_ALREADY_EXISTS,
                               "%s is declared in line %u already", what, before);
    }
    g_hash_table_insert(reader->seen, identity, GUINT_TO_POINTER(line));
    return true;
}

static bool check_assignment(Reader *reader, Sections *sections)
{
    const Assignment *assignment = reader->current->assignment;
    g_autofree char *name = text_quote(assignment->name);
    g_autofree char *machine = text_quote(assignment->machine_name);
    g_autofree char *what = g_strdup_printf("assignment %s of machine %s", name, machine);
    unsigned line = reader->current->line;

    if (!assignment->group && !assignment->rule)
        return sections_refuse(sections, line, FERRY_ERROR_INVALID_OPTION,
                               "[" ASSIGNMENT_SECTION
                               "] has no Group and no Selector: one of them says which devices");
    if (!assignment->group && (assignment->quantity_kind != QUANTITY_COUNT || assignment->quantity != 1))
        return sections_refuse(sections, line, FERRY_ERROR_INVALID_OPTION,
                               "[" ASSIGNMENT_SECTION
                               "] has a Quantity and no Group: without a group it is one device");
    return check_first(reader, sections,
                       g_strdup_printf("%s\n%s", assignment->machine_name, assignment->name), what);
}

/* What was read last is complete. */
static bool end_item(Reader *reader, Sections *sections)
{
    g_autofree char *what = NULL;

    if (!reader->current)
        return true;
    if (reader->current->assignment)
        return check_assignment(reader, sections);
    group_reader_end(&reader->group);
    what = g_strdup_printf("group %s", reader->current->group->name);
    return check_first(reader, sections, g_strdup(reader->current->group->name), what);
}

static const SectionKey *begin_section(Sections *sections, const char *section, void *userdata)
{
    Reader *reader = userdata;
    bool is_assignment = g_str_equal(section, ASSIGNMENT_SECTION);

    if (group_reader_is_rule(section)) {
        g_autofree char *shown = NULL;

        if (reader->current && reader->current->group)
            return group_reader_begin(&reader->group, sections, section);
        shown = sections_show(section);
        sections_refuse(sections, sections->line, FERRY_ERROR_INVALID_OPTION,
                        "section %s belongs to no group: it has to follow a [" GROUP_SECTION "]", shown);
        return NULL;
    }
    if (!end_item(reader, sections))
        return NULL;

    reader->current = g_new0(Declared, 1);
    reader->current->line = sections->line;
    g_ptr_array_add(reader->declaration->items, reader->current);
    if (is_assignment) {
        reader->current->assignment = assignment_new("");
        return assignment_keys;
    }
    reader->current->group = group_new("");
    reader->group = (GroupReader){ .group = reader->current->group };
    return group_reader_begin(&reader->group, sections, section);
}

Declaration *declaration_from_text(const char *text, const char *source, GError **error)
{
    g_autoptr(Declaration) declaration = g_new0(Declaration, 1);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Reader reader = { .declaration = declaration, .seen = seen };
    Sections sections = {
        .first = "[" GROUP_SECTION "] or [" ASSIGNMENT_SECTION "]",
        .error = error,
        .begin = begin_section,
        .userdata = &reader,
    };

    g_return_val_if_fail(text, NULL);

    declaration->items = g_ptr_array_new_with_free_func(declared_free);
    declaration->source = text_sanitize(source, PATH_MAX);
    sections.path = declaration->source;
    if (strlen(text) > DECLARATION_BYTES_MAX) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "%s: longer than %d bytes, split it into several", declaration->source,
                    DECLARATION_BYTES_MAX);
        return NULL;
    }
    if (!sections_read(&sections, text) || !end_item(&reader, &sections))
        return NULL;
    /* Not "nothing is wanted": that is what a file that was cut off looks like. */
    if (declaration->items->len == 0) {
        sections_refuse(&sections, MAX(sections.line, 1), FERRY_ERROR_INVALID_OPTION,
                        "expected %s somewhere in the file", sections.first);
        return NULL;
    }
    return g_steal_pointer(&declaration);
}

Declaration *declaration_free(Declaration *declaration)
{
    if (!declaration)
        return NULL;
    g_free(declaration->source);
    g_ptr_array_unref(declaration->items);
    g_free(declaration);
    return NULL;
}

void declaration_set_error(const Declaration *declaration, unsigned line, GError **error, FerryError code,
                           const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, FERRY_ERROR, code, "%s:%u: %s", declaration->source, line, message);
}

/* ------------------------------------------------------------------ printing */

/* What is left to the group isn't there. */
static void print_choice(GKeyFile *file, const char *key, Choice choice)
{
    if (choice != CHOICE_OPEN)
        g_key_file_set_boolean(file, ASSIGNMENT_SECTION, key, choice == CHOICE_YES);
}

char *declaration_print_assignment(const Assignment *assignment, const char *machine)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *quantity = assignment_quantity_to_string(assignment);

    sections_set_text(file, ASSIGNMENT_SECTION, "Name", assignment->name);
    sections_set_text(file, ASSIGNMENT_SECTION, "Machine", machine);
    if (assignment->group)
        g_key_file_set_string(file, ASSIGNMENT_SECTION, "Group", assignment->group);
    if (!g_str_equal(quantity, "1"))
        g_key_file_set_string(file, ASSIGNMENT_SECTION, "Quantity", quantity);
    if (assignment->rule)
        g_key_file_set_value(file, ASSIGNMENT_SECTION, "Selector", assignment->selector);
    if (*assignment->description)
        sections_set_text(file, ASSIGNMENT_SECTION, "Description", assignment->description);
    sections_set_flag(file, ASSIGNMENT_SECTION, "Enabled", assignment->wanted, true);
    sections_set_flag(file, ASSIGNMENT_SECTION, "Persistent", assignment->persistent, true);
    if (assignment->priority != 0)
        g_key_file_set_integer(file, ASSIGNMENT_SECTION, "Priority", assignment->priority);
    print_choice(file, "AllowGuestReset", assignment->own_guest_reset);
    print_choice(file, "AllowGuestResetsAll", assignment->own_guest_resets_all);
    return g_key_file_to_data(file, NULL, NULL);
}
