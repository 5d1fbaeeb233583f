/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a wait ended, in words and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/verbs/wait-report.h"
#include "tests/unit/client/fixture.h"

/* What is said of the fixture's assignment when its wait ended like this. */
static char *say(const Model *model, WaitGoal goal, WaitVerdict verdict, unsigned seconds, bool json,
                 Outcome *ret_outcome)
{
    g_autoptr(GPtrArray) items = wait_list_new();
    Client client = { .json = json };

    wait_list_add(items, model, ASSIGNMENT);
    ((WaitItem *)items->pdata[0])->verdict = verdict;
    fixture_begin_capture();
    *ret_outcome = wait_report(&client, model, goal, items, seconds);
    return fixture_end_capture();
}

static void expect(const Model *model, WaitGoal goal, WaitVerdict verdict, unsigned seconds, Outcome outcome,
                   const char *text)
{
    Outcome was;
    g_autofree char *said = say(model, goal, verdict, seconds, /* json= */ false, &was);

    assert_string_equal(said, text);
    assert_int_equal(was, outcome);
}

static void test_one_device(void **state)
{
    g_autoptr(Model) model = fixture_load();

    expect(model, WAIT_ATTACHED, WAIT_DONE, 20, OUTCOME_DONE,
           "046d:c31c \"Keyboard K120\" (3-1.10) is attached to VM \"win11\".\n");
    expect(model, WAIT_ATTACHED, WAIT_GOES_ON, 0, OUTCOME_DONE,
           "046d:c31c \"Keyboard K120\" (3-1.10): ordered.\n");
    expect(model, WAIT_ATTACHED, WAIT_GOES_ON, 20, OUTCOME_FAILED,
           "usbferry: attached after 20 s; the service goes on trying: 046d:c31c \"Keyboard K120\" (3-1.10): "
           "the VM has it\n");

    fixture_change(
        model, ASSIGNMENT,
        "{'State': <'waiting-machine'>, 'Reason': <'046d:c31c \"Keyboard K120\" (3-1.10) waits.'>}");
    expect(model, WAIT_ATTACHED, WAIT_RESTS, 20, OUTCOME_DONE,
           "Waiting: 046d:c31c \"Keyboard K120\" (3-1.10) waits.\n");

    fixture_change(model, ASSIGNMENT,
                   "{'State': <'failed'>, 'Reason': <''>, 'Error': <'org.usbferry1.Error.Hypervisor'>}");
    expect(model, WAIT_ATTACHED, WAIT_FAILED, 20, OUTCOME_FAILED,
           "usbferry: 046d:c31c \"Keyboard K120\" (3-1.10): no reason given\n"
           "  The service goes on trying. usbferry retry 3-1.10 tries at once, usbferry take 3-1.10 gives it "
           "up\n");
    fixture_change(model, ASSIGNMENT, "{'State': <'disabled'>, 'Error': <''>}");
    expect(model, WAIT_ATTACHED, WAIT_FAILED, 20, OUTCOME_FAILED,
           "usbferry: 046d:c31c \"Keyboard K120\" (3-1.10): no reason given\n"
           "  usbferry attach 3-1.10 goes on with it\n");
}

static void test_home(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_change(model, DEVICE, "{'State': <'host'>, 'Assignment': <objectpath '/'>}");
    expect(model, WAIT_RELEASED, WAIT_DONE, 20, OUTCOME_DONE,
           "046d:c31c \"Keyboard K120\" (3-1.10) is on the host.\n");
}

static void test_group(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_add_group(model);
    expect(model, WAIT_ATTACHED, WAIT_DONE, 20, OUTCOME_DONE,
           "046d:c31c \"Keyboard K120\" (3-1.10) is attached to VM \"win11\".\n");
    fixture_change(model, ASSIGNMENT, "{'State': <'partial'>, 'Reason': <'1 of 2 of group keys attached.'>}");
    expect(model, WAIT_ATTACHED, WAIT_RESTS, 20, OUTCOME_DONE, "In part: 1 of 2 of group keys attached.\n");
}

/* What was released is remembered by name when it is gone; what was home already has no assignment. */
static void test_json(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GPtrArray) items = wait_list_new();
    Client client = { .json = true };

    wait_list_add(items, model, ASSIGNMENT);
    wait_list_add_home(items, model_get(model, HUB, KIND_DEVICE));
    ((WaitItem *)items->pdata[0])->verdict = WAIT_DONE;
    g_autoptr(GVariant) gone = fixture_parse("['org.usbferry1.Assignment']");
    model_remove(model, ASSIGNMENT, gone, NULL, NULL);

    fixture_begin_capture();
    Outcome outcome = wait_report(&client, model, WAIT_RELEASED, items, 20);
    g_autofree char *json = fixture_end_capture();
    assert_int_equal(outcome, OUTCOME_DONE);
    assert_string_equal(
        json,
        "[\n  {\n    \"result\": \"done\",\n    \"assignment-id\": \"abcd1234\",\n"
        "    \"assignment\": \"keys\",\n    \"group\": \"\",\n    \"devices\": [\n      \"3-1.10\"\n    ],\n"
        "    \"vm\": \"win11\",\n    \"state\": \"\",\n    \"reason\": \"\",\n    \"error\": \"\",\n"
        "    \"path\": \"" ASSIGNMENT "\"\n  },\n"
        "  {\n    \"result\": \"done\",\n    \"assignment-id\": \"\",\n"
        "    \"assignment\": \"\",\n    \"group\": \"\",\n    \"devices\": [\n      \"3-1.9\"\n    ],\n"
        "    \"vm\": \"\",\n    \"state\": \"\",\n    \"reason\": \"\",\n    \"error\": \"\",\n"
        "    \"path\": \"\"\n  }\n]\n");
}

static void test_json_results(void **state)
{
    static const struct {
        WaitVerdict verdict;
        unsigned seconds;
        const char *state, *result;
    } cases[] = {
        { WAIT_DONE, 20, "attached", "done" },        { WAIT_RESTS, 20, "waiting-device", "waiting" },
        { WAIT_RESTS, 20, "partial", "partial" },     { WAIT_FAILED, 20, "failed", "failed" },
        { WAIT_GOES_ON, 20, "attaching", "timeout" }, { WAIT_GOES_ON, 0, "attaching", "ordered" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Model) model = fixture_load();
        g_autofree char *properties = g_strdup_printf("{'State': <'%s'>}", cases[i].state);
        g_autofree char *expected = g_strdup_printf("\"result\": \"%s\"", cases[i].result);
        Outcome outcome;

        fixture_change(model, ASSIGNMENT, properties);
        g_autofree char *json = say(model, WAIT_ATTACHED, cases[i].verdict, cases[i].seconds, true, &outcome);
        assert_non_null(strstr(json, expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_device), cmocka_unit_test(test_home),         cmocka_unit_test(test_group),
        cmocka_unit_test(test_json),       cmocka_unit_test(test_json_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
