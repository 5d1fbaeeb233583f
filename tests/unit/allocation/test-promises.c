/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of several keyboards that are wanted together the last one stays with the host. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "tests/unit/fixture.h"

#define LEFT  "aaaaaaaa"
#define RIGHT "bbbbbbbb"
#define POOL  "cccccccc"

typedef struct Desk {
    Fixture fixture;
    HostFacts *facts;
    HostView view;
} Desk;

static void add_keyboard(Desk *desk, const char *sysname)
{
    Fixture *fixture = &desk->fixture;
    HostInput *input = g_new0(HostInput, 1);
    Device *device = fixture_make_device(fixture, sysname, 0x0529, 1, sysname);

    g_free(device->syspath);
    device->syspath = g_strconcat("/sys/devices/usb1/", sysname, NULL);
    fixture_plug(fixture, device);
    input->syspath = g_strconcat(device->syspath, "/input/input1", NULL);
    input->seat = g_strdup("seat0");
    input->keyboard = true;
    g_ptr_array_add(desk->facts->inputs, input);
}

static int set_up(void **state)
{
    static const char *const rules[] = { "vendor=0529", NULL };
    Desk *desk = g_new0(Desk, 1);

    fixture_begin(&desk->fixture);
    desk->facts = host_facts_new();
    desk->view = (HostView){ .facts = desk->facts, .kinds = HOST_USE_ALL };
    desk->fixture.registry->host = &desk->view;
    fixture_add_group(&desk->fixture, "keyboards", rules);
    add_keyboard(desk, "1-1");
    add_keyboard(desk, "1-2");
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    Desk *desk = *state;
    void *fixture = &desk->fixture;

    host_facts_free(desk->facts);
    assert_int_equal(fixture_teardown(&fixture), 0);
    return 0;
}

static void assign_both(Fixture *fixture)
{
    fixture_assign(fixture, LEFT, DESK, NULL, "serial=1-1", "1");
    fixture_assign(fixture, RIGHT, STUDIO, NULL, "serial=1-2", "1");
}

static void assert_gets(Fixture *fixture, const char *expected)
{
    fixture_look(fixture);
    fixture_assert_gets(fixture, POOL, expected);
}

static void test_both_in_one_turn(void **state)
{
    Fixture *fixture = *state;

    assign_both(fixture);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, LEFT, "1-1", VERDICT_GO);
    fixture_assert_verdict(fixture, RIGHT, "1-2", VERDICT_GUARDED);
    {
        g_autofree char *text =
            allocation_verdict_text(fixture->allocation, registry_assignment(fixture->registry, RIGHT),
                                    registry_device(fixture->registry, "1-2"), VERDICT_GUARDED);

        assert_non_null(strstr(text, "(last-keyboard:seat0)"));
    }
}

/* The one that is on its way already, or goes in any case, is the one that goes. */
static void test_who_goes(void **state)
{
    Fixture *fixture = *state;

    assign_both(fixture);
    registry_assignment(fixture->registry, RIGHT)->forced = true;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, LEFT, "1-1", VERDICT_GUARDED);
    fixture_assert_verdict(fixture, RIGHT, "1-2", VERDICT_GO);
    registry_assignment(fixture->registry, RIGHT)->forced = false;
    fixture_put_in_flight(fixture, "1-2", RIGHT);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, LEFT, "1-1", VERDICT_GUARDED);
    fixture_assert_verdict(fixture, RIGHT, "1-2", VERDICT_GO);
}

/* What can't go is no reason to keep the other one. */
static void test_who_stays(void **state)
{
    Fixture *fixture = *state;

    assign_both(fixture);
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, LEFT, "1-1", VERDICT_MACHINE_OFF);
    fixture_assert_verdict(fixture, RIGHT, "1-2", VERDICT_GO);
}

static void test_check(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GError) error = NULL;

    fixture_assign(fixture, LEFT, DESK, NULL, "serial=1-1", "1");
    registry_assignment(fixture->registry, LEFT)->stored = false;
    fixture_look(fixture);
    assert_false(allocation_check_device(fixture->allocation, registry_device(fixture->registry, "1-2"),
                                         false, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_DEVICE_IN_USE));
    assert_true(
        allocation_check_device(fixture->allocation, registry_device(fixture->registry, "1-2"), true, NULL));
}

static void test_draws(void **state)
{
    Fixture *fixture = *state;

    fixture_assign(fixture, POOL, DESK, "keyboards", NULL, "all");
    assert_gets(fixture, "1-1");
    fixture_assert_verdict(fixture, POOL, "1-2", VERDICT_GUARDED);
    add_keyboard(*state, "1-3");
    assert_gets(fixture, "1-1 1-2");
}

static void test_set(void **state)
{
    static const char *const rules[] = { "serial=1-1", "serial=1-2", NULL };
    Fixture *fixture = *state;

    fixture_add_group(fixture, "both", rules);
    fixture_assign(fixture, POOL, DESK, "both", NULL, "set");
    assert_gets(fixture, "");
    fixture_assert_verdict(fixture, POOL, "1-2", VERDICT_GUARDED);
    add_keyboard(*state, "1-3");
    assert_gets(fixture, "1-1 1-2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_in_one_turn),
        TEST(test_who_goes),
        TEST(test_who_stays),
        TEST(test_check),
        TEST(test_draws),
        TEST(test_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
