/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes files of stored assignments: whatever is taken can be printed and read again, and is the same then;
 * whatever isn't names its line. The input is every text of an assignment as well, as it came over the bus.
 * Runs as a test and with libFuzzer; touches no file. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/text.h"
#include "daemon/config/assignment-text.h"
#include "daemon/model/group.h"
#include "daemon/model/tenant.h"
#include "tests/fuzz/check-error.h"
#include "tests/fuzz/cut-text.h"

#define ID   "k3xw90ab"
#define PATH "/var/lib/usbferry/assignments/" ID
#define UUID "11111111-1111-1111-1111-111111111111"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const Assignment *assignment)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(assignment);

    return key_file_reader_close(file);
}

static void check_assignment(const Assignment *assignment)
{
    const char *const texts[] = { assignment->name, assignment->description, assignment->machine_name,
                                  assignment->home_socket, assignment->device_text };
    g_autofree char *folded = g_ascii_strdown(assignment->machine_uuid, -1);

    g_assert_cmpstr(assignment->id, ==, ID);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_assert_true(text_is_clean(texts[i]));
        g_assert_cmpuint(strlen(texts[i]), <=, TEXT_MAX);
    }
    g_assert_cmpstr(assignment->name, !=, "");
    g_assert_cmpuint(strlen(assignment->name), <=, ASSIGNMENT_NAME_MAX);
    /* It is compared as a text with what libvirt gives. */
    g_assert_true(g_uuid_string_is_valid(assignment->machine_uuid));
    g_assert_cmpstr(assignment->machine_uuid, ==, folded);
    g_assert_true(assignment->group || assignment->rule);
    g_assert_cmpint(*assignment->selector == '\0', ==, assignment->rule == NULL);
    g_assert_true(!assignment->group || group_name_is_valid(assignment->group) ||
                  group_name_is_tenants(assignment->group, NULL));
    g_assert_true(!assignment->tenant || tenant_name_is_valid(assignment->tenant));
    g_assert_cmpint(assignment->quantity_kind == QUANTITY_COUNT, ==, assignment->quantity > 0);
    g_assert_cmpuint(assignment->quantity, <=, QUANTITY_MAX);
    g_assert_cmpint(assignment->created, >=, 0);
}

static void check_round_trip(const Assignment *assignment)
{
    g_autofree char *text = print(assignment), *text_again = NULL, *text_of_copy = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Assignment) again = assignment_from_text(ID, text, PATH, &error);
    g_autoptr(Assignment) copy = assignment_copy(assignment);

    g_assert_no_error(error);
    g_assert_nonnull(again);
    check_assignment(again);
    g_assert_cmpstr(again->name, ==, assignment->name);
    g_assert_cmpstr(again->description, ==, assignment->description);
    g_assert_cmpstr(again->device_text, ==, assignment->device_text);
    text_again = print(again);
    g_assert_cmpstr(text, ==, text_again);
    text_of_copy = print(copy);
    g_assert_cmpstr(text, ==, text_of_copy);
    cut_closed_text(text);
    g_assert_null(assignment_from_text(ID, text, PATH, NULL));
}

/* Such as the manager makes of a call and of what a device calls itself. */
static Assignment *make_assignment(const char *text)
{
    Assignment *assignment = assignment_new(ID);
    char **const texts[] = { &assignment->name, &assignment->description, &assignment->machine_name,
                             &assignment->home_socket, &assignment->device_text };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(*texts[i]);
        *texts[i] = text_sanitize(text, i == 0 ? ASSIGNMENT_NAME_MAX : TEXT_MAX);
    }
    if (*assignment->name == '\0') {
        g_free(assignment->name);
        assignment->name = g_strdup("a");
    }
    assignment->machine_uuid = g_strdup(UUID);
    assignment->group = g_strdup("a");
    return assignment;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
    g_autoptr(Assignment) made = make_assignment(text);
    g_autoptr(GError) error = NULL;
    g_autoptr(Assignment) assignment = assignment_from_text(ID, text, PATH, &error);

    g_assert_cmpint(assignment != NULL, ==, error == NULL);
    if (error)
        check_error(error, PATH, text);
    if (assignment) {
        check_assignment(assignment);
        check_round_trip(assignment);
    }
    check_round_trip(made);
    return 0;
}
