/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests: which section belongs to what, and that each thing is there once. What stands in a section is
 * read by group-text.c and assignment-text.c. */

#include "daemon/config/manifest.h"

#include <limits.h>
#include <string.h>

#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "daemon/base/key-file-reader.h"
#include "daemon/base/text.h"

typedef struct ManifestReader {
    GroupReader group;
    AssignmentReader assignment;
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
    g_autofree char *what = g_strdup_printf("assignment %s of VM %s", name, machine);

    if (!assignment_reader_end(&into->assignment, reader))
        return false;
    into->current->machine_line = into->assignment.machine_line;
    into->current->group_line = into->assignment.group_line;
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
        into->assignment = (AssignmentReader){ .assignment = into->current->assignment };
        return assignment_reader_begin(&into->assignment, reader);
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
