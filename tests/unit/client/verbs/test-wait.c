/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a wait is over: by State and Pending, and by nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/outcome.h"
#include "client/verbs/wait.h"
#include "tests/unit/client/fixture.h"
#include "tests/unit/client/service.h"

static void test_judge(void **state)
{
    static const struct {
        const char *state; /* NULL: the assignment is gone */
        WaitVerdict attached, detached, released;
    } cases[] = {
        { NULL, WAIT_FAILED, WAIT_DONE, WAIT_DONE },
        { "attaching", WAIT_GOES_ON, WAIT_GOES_ON, WAIT_GOES_ON },
        { "attached", WAIT_DONE, WAIT_GOES_ON, WAIT_GOES_ON },
        { "detaching", WAIT_GOES_ON, WAIT_GOES_ON, WAIT_GOES_ON },
        { "partial", WAIT_RESTS, WAIT_GOES_ON, WAIT_GOES_ON },
        { "waiting-machine", WAIT_RESTS, WAIT_GOES_ON, WAIT_GOES_ON },
        { "waiting-device", WAIT_RESTS, WAIT_GOES_ON, WAIT_GOES_ON },
        { "disabled", WAIT_FAILED, WAIT_DONE, WAIT_GOES_ON },
        { "failed", WAIT_FAILED, WAIT_GOES_ON, WAIT_GOES_ON },
        { "quarantined", WAIT_FAILED, WAIT_GOES_ON, WAIT_GOES_ON },
        { "of-a-later-version", WAIT_GOES_ON, WAIT_GOES_ON, WAIT_GOES_ON },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Model) model = fixture_load();
        g_autofree char *properties = g_strdup_printf("{'State': <'%s'>}", cases[i].state ?: "");
        const Object *assignment = cases[i].state ? model_get(model, ASSIGNMENT, KIND_ASSIGNMENT) : NULL;

        fixture_change(model, ASSIGNMENT, properties);
        assert_int_equal(wait_judge(WAIT_ATTACHED, assignment), cases[i].attached);
        assert_int_equal(wait_judge(WAIT_DETACHED, assignment), cases[i].detached);
        assert_int_equal(wait_judge(WAIT_RELEASED, assignment), cases[i].released);

        /* whatever it is called meanwhile: it isn't decided */
        fixture_change(model, ASSIGNMENT, "{'Pending': <true>}");
        if (assignment)
            for (WaitGoal goal = WAIT_ATTACHED; goal <= WAIT_RELEASED; goal++)
                assert_int_equal(wait_judge(goal, assignment), WAIT_GOES_ON);
    }
}

static void test_list(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GPtrArray) items = wait_list_new();

    /* named by its device */
    wait_list_add(items, model, ASSIGNMENT);
    wait_list_add(items, model, ASSIGNMENT);
    assert_int_equal(items->len, 1);
    assert_true(wait_list_has(items, ASSIGNMENT));
    assert_false(wait_list_has(items, "/org/usbferry1/assignment/other"));
    const WaitItem *item = items->pdata[0];
    assert_string_equal(item->label, "046d:c31c \"Keyboard K120\" (3-1.10)");
    assert_string_equal(item->name, "keys");
    assert_string_equal(item->vm, "win11");

    /* named by its group, with the devices that are here */
    fixture_add_group(model);
    g_autoptr(GPtrArray) of_group = wait_list_new();
    wait_list_add(of_group, model, ASSIGNMENT);
    wait_list_add_home(of_group, model_get(model, HUB, KIND_DEVICE));
    item = of_group->pdata[0];
    assert_string_equal(item->label, "group \"keys\"");
    assert_string_equal(item->group, "keys");
    assert_int_equal(item->devices->len, 1);
    item = of_group->pdata[1];
    assert_int_equal(item->verdict, WAIT_DONE);
    assert_null(item->assignment);
}

#define CHANGED(path, interface, properties)                          \
    {                                                                 \
        ":1.7", path, SERVICE_BUS ".Properties", "PropertiesChanged", \
            "('org.usbferry1." interface "', " properties ", @as [])" \
    }
#define OBJECTS                                                                                       \
    "(@a{oa{sa{sv}}} {'/org/usbferry1': {'org.usbferry1.Manager': {'Node': <'desk'>}},"               \
    " '" DEVICE "': {'org.usbferry1.Device': {'SysName': <'1-2'>, 'State': <'attached'>,"             \
    "   'Assignment': <objectpath '" ASSIGNMENT "'>}},"                                               \
    " '" ASSIGNMENT "': {'org.usbferry1.Assignment': {'Name': <'keys'>, 'State': <'waiting-device'>," \
    "   'Pending': <true>, 'Group': <objectpath '/'>, 'Devices': <[(objectpath '" DEVICE              \
    "', 'attached')]>}}},)"

/* Waits on this script; the verdict. The time is long enough for every machine, and only the script ends it.
 * What comes home is at home when the wait ends. */
static WaitVerdict wait_on(const Step *steps, WaitGoal goal)
{
    Client client = { 0 };
    Service service;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) items = wait_list_new();

    service_start(&service, &client, steps);
    Follow *follow = follow_new(&client, NULL, NULL, &error);
    assert_true(follow_fetch(follow, &error));
    wait_list_add(items, follow_model(follow), ASSIGNMENT);
    assert_true(wait_for(follow, goal, items, /* seconds= */ 60, &error));
    assert_null(error);
    if (goal != WAIT_ATTACHED)
        assert_string_equal(object_string(model_get(follow_model(follow), DEVICE, KIND_DEVICE), "State"),
                            "host");
    follow_free(follow);
    service_stop(&service, &client);
    return ((const WaitItem *)items->pdata[0])->verdict;
}

/* What is called "waiting" and "failed" while it isn't decided is none of it. */
static void test_pending(void **state)
{
    static const Step attached[] = {
        { ":1.7", NULL, NULL, NULL, OBJECTS },
        CHANGED(ASSIGNMENT, "Assignment", "{'State': <'failed'>}"),
        CHANGED(ASSIGNMENT, "Assignment", "{'State': <'attaching'>, 'Pending': <false>}"),
        CHANGED(ASSIGNMENT, "Assignment", "{'State': <'attached'>}"),
        { NULL },
    };
    static const Step rests[] = {
        { ":1.7", NULL, NULL, NULL, OBJECTS },
        CHANGED(ASSIGNMENT, "Assignment", "{'Pending': <false>}"),
        { NULL },
    };

    assert_int_equal(wait_on(attached, WAIT_ATTACHED), WAIT_DONE);
    assert_int_equal(wait_on(rests, WAIT_ATTACHED), WAIT_RESTS);
}

/* The assignment goes, and the device says a moment later that it is home. */
static void test_released(void **state)
{
    static const Step steps[] = {
        { ":1.7", NULL, NULL, NULL, OBJECTS },
        { ":1.7", "/org/usbferry1", SERVICE_BUS ".ObjectManager", "InterfacesRemoved",
          "(objectpath '" ASSIGNMENT "', ['org.usbferry1.Assignment'])" },
        CHANGED(DEVICE, "Device", "{'State': <'host'>, 'Assignment': <objectpath '/'>}"),
        { NULL },
    };

    assert_int_equal(wait_on(steps, WAIT_RELEASED), WAIT_DONE);
}

static void test_options(void **state)
{
    WaitOptions none = { .seconds = 20, .no_wait = TRUE }, bad = { .seconds = -1 };
    g_autoptr(GError) error = NULL;

    assert_true(wait_options_check(&none, &error));
    assert_int_equal(none.seconds, 0);
    assert_false(wait_options_check(&bad, &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),    cmocka_unit_test(test_list),    cmocka_unit_test(test_pending),
        cmocka_unit_test(test_released), cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
