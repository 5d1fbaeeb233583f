/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an assignment becomes, and what is reported of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/text.h"
#include "daemon/config/assignment-text.h"
#include "daemon/model/assignment-update.h"
#include "tests/unit/fixture.h"

#define ID "aaaaaaaa"

/* All fields that people decide, and the machine's name with them. */
static char *text_of(const Assignment *assignment)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(assignment);
    g_autofree char *text = g_key_file_to_data(file, NULL, NULL);

    return g_strdup_printf("%s\nPersistent=%d\n", text, assignment->persistent);
}

static Assignment *make_next(Fixture *fixture)
{
    return assignment_copy(registry_assignment(fixture->registry, ID));
}

static void set_rule(Assignment *assignment, const char *text)
{
    rule_unref(assignment->rule);
    assignment->rule = rule_parse(text, NULL);
    text_replace(&assignment->selector, text);
}

static int setup(void **state)
{
    Assignment *assignment;

    fixture_setup(state);
    assignment = fixture_make_assignment(*state, ID, DESK, NULL, "vendor=0529", "1");
    text_replace(&assignment->name, "key to desk");
    text_replace(&assignment->selector, "vendor=0529");
    registry_add_assignment(((Fixture *)*state)->registry, assignment);
    fixture_record(*state);
    return 0;
}

static void test_nothing_differs(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(assignment_update(fixture->registry, make_next(fixture)), 0);
    assert_int_equal(fixture_reported(fixture, OBJECT_ASSIGNMENT, ID), 0);
}

/* Everything at once: the same object, and nothing is left behind. */
static void test_everything(void **state)
{
    Fixture *fixture = *state;
    const Assignment *assignment = registry_assignment(fixture->registry, ID);
    Assignment *next = make_next(fixture);
    g_autofree char *before = text_of(assignment), *expected = NULL, *after = NULL;
    unsigned fields;

    text_replace(&next->name, "keys");
    text_replace(&next->description, "all of them");
    next->group = g_strdup("keys");
    next->tenant = g_strdup("acme");
    set_rule(next, "vendor=1234");
    next->quantity_kind = QUANTITY_ALL;
    next->quantity = 0;
    text_replace(&next->home_socket, "pci-0000:00:14.0/1");
    text_replace(&next->device_text, "group keys");
    next->persistent = false;
    next->wanted = false;
    next->priority = 7;
    next->own_guest_reset = CHOICE_YES;
    next->own_guest_resets_all = CHOICE_NO;
    expected = text_of(next);
    assert_string_not_equal(expected, before);

    fields = assignment_update(fixture->registry, next);
    after = text_of(assignment);
    assert_string_equal(after, expected);
    assert_true(rule_matches(assignment->rule,
                             &(Device){ .vendor_id = 0x1234, .serial = (char *)"", .socket = (char *)"" },
                             "host"));
    assert_int_equal(fields, ASSIGNMENT_FIELD_NAME | ASSIGNMENT_FIELD_DESCRIPTION | ASSIGNMENT_FIELD_GROUP |
                                 ASSIGNMENT_FIELD_SELECTOR | ASSIGNMENT_FIELD_QUANTITY |
                                 ASSIGNMENT_FIELD_PERSISTENT | ASSIGNMENT_FIELD_PRIORITY);
    assert_int_equal(fixture_reported(fixture, OBJECT_ASSIGNMENT, ID), fields);
}

static void test_one_by_one(void **state)
{
    Fixture *fixture = *state;
    Assignment *next = make_next(fixture);

    next->priority = 1;
    assert_int_equal(assignment_update(fixture->registry, next), ASSIGNMENT_FIELD_PRIORITY);
    next = make_next(fixture);
    next->quantity = 2;
    assert_int_equal(assignment_update(fixture->registry, next), ASSIGNMENT_FIELD_QUANTITY);
    next = make_next(fixture);
    set_rule(next, "vendor=1234");
    assert_int_equal(assignment_update(fixture->registry, next), ASSIGNMENT_FIELD_SELECTOR);
    /* Worked out and reported with its group's, or by its state. */
    next = make_next(fixture);
    next->own_guest_reset = CHOICE_YES;
    next->wanted = false;
    assert_int_equal(assignment_update(fixture->registry, next), 0);
    assert_int_equal(registry_assignment(fixture->registry, ID)->own_guest_reset, CHOICE_YES);
    assert_false(registry_assignment(fixture->registry, ID)->wanted);
}

/* Its way in and out, and where it stands, are no decisions. */
static void test_what_stays(void **state)
{
    Fixture *fixture = *state;
    Assignment *assignment = registry_assignment(fixture->registry, ID);
    Assignment *next = make_next(fixture);

    assignment->state = ASSIGNMENT_STATE_ATTACHED;
    text_replace(&assignment->reason, "It is attached.");
    assignment->saving = true;
    assignment_update(fixture->registry, next);
    assert_int_equal(assignment->state, ASSIGNMENT_STATE_ATTACHED);
    assert_string_equal(assignment->reason, "It is attached.");
    assert_true(assignment->saving && assignment->stored);
    assert_string_equal(assignment->machine_uuid, DESK);
    assert_int_equal(assignment->sequence, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_differs),
        TEST(test_everything),
        TEST(test_one_by_one),
        TEST(test_what_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
