/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a word of the command line means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "client/bus/outcome.h"
#include "client/verbs/target.h"
#include "tests/unit/client/fixture.h"

static void test_target(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GError) error = NULL;
    static const struct {
        const char *word, *path;
    } cases[] = {
        { "keys", ASSIGNMENT }, { "abcd1234", ASSIGNMENT }, { "win11", MACHINE }, { "u-u", MACHINE },
        { "3-1.10", DEVICE },   { DEVICE, DEVICE },         { "keyboard", NULL }, { "", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Object *object = target_match(model, TARGET_ANY, cases[i].word, &error);
        assert_null(error);
        assert_int_equal(g_strcmp0(object ? object->path : NULL, cases[i].path), 0);
    }

    /* somebody called an assignment like a port */
    g_autoptr(GVariant) name = fixture_parse("{'Name': <'3-1.10'>}");
    model_change(model, ASSIGNMENT, "org.usbferry1.Assignment", name, NULL, NULL);
    assert_null(target_match(model, TARGET_ANY, "3-1.10", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
    assert_non_null(strstr(error->message, ASSIGNMENT));
}

/* Who takes, takes what was given; who looks must say which. */
static void test_groups(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GError) error = NULL;

    fixture_add_group(model);
    assert_ptr_equal(target_find_group(model, "keys", &error), model_get(model, GROUP, KIND_GROUP));
    assert_null(target_find_group(model, "3-1.10", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_NOT_FOUND));
    g_clear_error(&error);

    const Object *found = target_match(model, TARGET_GIVEN, "keys", &error);
    assert_string_equal(found->path, ASSIGNMENT);
    assert_null(target_match(model, TARGET_ANY, "keys", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
}

static void assert_ambiguous(const Model *model, const char *word, const char *text)
{
    g_autoptr(GError) error = NULL;

    assert_null(target_match(model, TARGET_ANY, word, &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
    if (!strstr(error->message, text))
        fail_msg("%s: not in: %s", text, error->message);
}

/* What a device says of itself never stands for what people and the program call something. */
static void test_impostors(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GError) error = NULL;

    fixture_change(model, DEVICE, "{'Serial': <'win11'>}");
    assert_ambiguous(model, "win11",
                     "  VM \"win11\": " MACHINE
                     "\n  046d:c31c \"Keyboard K120\" (3-1.10), which calls itself so: " DEVICE);
    fixture_change(model, DEVICE, "{'Serial': <''>, 'Product': <'Win11'>}");
    assert_ambiguous(model, "win11", "which calls itself so");
    /* A part of its name is not its name. */
    fixture_change(model, DEVICE, "{'Product': <'win11 thing'>, 'Class': <'hid-keyboard'>}");
    assert_non_null(target_match(model, TARGET_ANY, "win11", &error));
    /* Who looks for nothing but groups has nothing to do with devices. */
    fixture_change(model, DEVICE, "{'Product': <'win11'>}");
    assert_non_null(target_match(model, (TargetKinds)(1 << KIND_MACHINE), "win11", &error));
    /* A name that people gave comes before a class. */
    fixture_change(model, MACHINE, "{'Name': <'keyboard'>}");
    assert_string_equal(target_match(model, TARGET_ANY, "keyboard", &error)->path, MACHINE);
    /* The assignment that it is in is the same thing. */
    fixture_change(model, DEVICE, "{'Serial': <'keys'>}");
    assert_string_equal(target_match(model, TARGET_ANY, "keys", &error)->path, ASSIGNMENT);
}

/* No call is needed for what has exactly this name, and none is made. */
static void test_find(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GError) error = NULL;
    Client client = { 0 };

    const Object *found = target_find_assignment(&client, model, DEVICE, &error);
    assert_string_equal(found->path, ASSIGNMENT);
    assert_null(target_find_assignment(&client, model, "win11", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
    g_clear_error(&error);

    fixture_change(model, DEVICE, "{'State': <'foreign'>, 'Assignment': <objectpath '/'>}");
    assert_null(target_find_assignment(&client, model, "3-1.10", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_BUSY));
    assert_non_null(strstr(error->message, "VM \"win11\""));
    g_clear_error(&error);

    fixture_add_group(model);
    assert_null(target_find(&client, model, TARGET_GIVEN, GROUP, &error));
    assert_non_null(strstr(error->message, "cannot be taken as a whole"));
    assert_null(client.bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_impostors),
        cmocka_unit_test(test_find),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
