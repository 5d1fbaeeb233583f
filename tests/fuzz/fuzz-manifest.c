/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes texts of groups and assignments: whatever is taken can be printed and read again, and is the same
 * then; whatever isn't names its line. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "daemon/config/manifest.h"
#include "daemon/config/manifest-diff.h"
#include "daemon/base/text.h"
#include "tests/fuzz/check-error.h"

#define SOURCE "host.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const ManifestItem *declared)
{
    return declared->group
               ? group_to_text(declared->group)
               : assignment_to_manifest_text(declared->assignment, declared->assignment->machine_name);
}

static char *print_all(const Manifest *manifest)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < manifest->items->len; i++) {
        g_autofree char *one = print(manifest->items->pdata[i]);

        g_string_append(text, one);
    }
    return g_string_free(text, FALSE);
}

static void check_item(const ManifestItem *declared)
{
    g_autofree char *text = print(declared);
    ManifestDiff *added = manifest_diff_new("group", "", "", NULL, text);

    g_assert_cmpint(declared->group != NULL, !=, declared->assignment != NULL);
    g_assert_cmpuint(declared->line, >, 0);
    g_assert_nonnull(added);
    g_assert_null(manifest_diff_new("group", "", "", text, text));
    manifest_diff_free(added);
    if (declared->group) {
        g_assert_true(group_name_is_valid(declared->group->name) ||
                      group_name_is_tenants(declared->group->name, NULL));
        return;
    }
    g_assert_true(text_is_clean(declared->assignment->name));
    g_assert_cmpuint(strlen(declared->assignment->name), <=, ASSIGNMENT_NAME_MAX);
    g_assert_cmpstr(declared->assignment->name, !=, "");
    g_assert_cmpstr(declared->assignment->machine_name, !=, "");
    g_assert_true(declared->assignment->group || declared->assignment->rule);
    g_assert_cmpuint(declared->machine_line, >, declared->line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
    g_autofree char *printed = NULL, *printed_again = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Manifest) manifest = manifest_from_text(text, SOURCE, &error), again = NULL;

    g_assert_cmpint(manifest != NULL, ==, error == NULL);
    if (error) {
        check_error(error, SOURCE, text);
        return 0;
    }
    for (guint i = 0; i < manifest->items->len; i++)
        check_item(manifest->items->pdata[i]);
    printed = print_all(manifest);
    again = manifest_from_text(printed, SOURCE, &error);
    g_assert_no_error(error);
    printed_again = print_all(again);
    g_assert_cmpstr(printed, ==, printed_again);
    return 0;
}
