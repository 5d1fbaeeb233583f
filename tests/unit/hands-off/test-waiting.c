/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What waits for a VM: exactly that, and for each the line that udev gets. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/hands-off/waiting.h"
#include "daemon/usb/udev-daemon.h"
#include "tests/unit/fixture.h"

#define ABSENT "ATTR{idVendor}==\"0781\", ATTR{idProduct}==\"5567\", ATTR{serial}==\"S-1\""
#define RULE   "vendor=0781 product=5567 serial=S-1"
#define THERE  "KERNEL==\"1-1\", ATTR{idVendor}==\"0781\", ATTR{idProduct}==\"5567\""

/* lines: "matches=waits" in one text, each ended by a newline. */
static void assert_waiting(Fixture *fixture, bool input, const char *lines)
{
    g_autoptr(Waiting) waiting = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    fixture_look(fixture);
    waiting = waiting_new(fixture->allocation, input);
    waiting_say(waiting, fixture->registry);
    for (guint i = 0; i < waiting->lines->len; i++) {
        const WaitingLine *line = waiting->lines->pdata[i];

        g_string_append_printf(text, "%s=%s\n", line->matches, line->waits);
    }
    assert_string_equal(text->str, lines);
}

static Device *plug(Fixture *fixture, const char *sysname, const char *serial)
{
    Device *device = fixture_make_device(fixture, sysname, 0x0781, 0x5567, serial);

    fixture_plug(fixture, device);
    return device;
}

static Machine *desk(Fixture *fixture)
{
    return registry_machine(fixture->registry, DESK);
}

/* By its rule as long as it isn't there, by its name as long as it is, in the VM too. */
static void test_one_device(void **state)
{
    Fixture *fixture = *state;

    assert_waiting(fixture, true, "");
    fixture_assign(fixture, "a1", DESK, NULL, RULE, "1");
    assert_waiting(fixture, true, ABSENT "=leaving\n");
    assert_waiting(fixture, false, ABSENT "=waiting\n");
    plug(fixture, "1-1", "S-1");
    assert_waiting(fixture, true, THERE "=waiting\n");
    fixture_put_into(fixture, "1-1", "a1");
    assert_waiting(fixture, true, THERE "=waiting\n");
}

/* It waits for a VM that is off, or that nobody can ask about; whoever types on it may go on with that. */
static void test_machine_off(void **state)
{
    Fixture *fixture = *state;

    fixture_assign(fixture, "a1", DESK, NULL, RULE, "1");
    desk(fixture)->info->state = MACHINE_STATE_SHUTOFF;
    assert_waiting(fixture, true, ABSENT "=waiting\n");
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTING;
    assert_waiting(fixture, true, ABSENT "=waiting\n");
}

/* What was detached, released, isn't stored yet, or is given to nobody for now doesn't wait. */
static void test_not_waiting(void **state)
{
    Fixture *fixture = *state;
    Assignment *assignment;

    fixture_assign(fixture, "a1", DESK, NULL, RULE, "1");
    assignment = registry_assignment(fixture->registry, "a1");
    assignment->wanted = false;
    assert_waiting(fixture, true, "");
    assignment->wanted = true;
    assignment->releasing = true;
    assert_waiting(fixture, true, "");
    assignment->releasing = false;
    assignment->stored = false;
    assert_waiting(fixture, true, "");
    assignment->stored = true;
    fixture->registry->enabled = false;
    assert_waiting(fixture, true, "");
    fixture->registry->enabled = true;
    fixture->registry->held_home = true;
    assert_waiting(fixture, true, "");
    fixture->registry->held_home = false;
    assert_waiting(fixture, true, ABSENT "=leaving\n");
}

/* While the one that is meant is there, no other one that says the same of itself is; and where two were
 * seen, only the socket tells which one comes back. */
static void test_twins(void **state)
{
    Fixture *fixture = *state;
    Device *root = fixture_make_device(fixture, "1-0", 0x1d6b, 2, "");
    Assignment *assignment;

    root->is_hub = true;
    root->speed = 480;
    g_free(root->socket);
    root->socket = g_strdup("pci-0000:00:14.0/");
    fixture_plug(fixture, root);
    fixture_assign(fixture, "a1", DESK, NULL, RULE, "1");
    assignment = registry_assignment(fixture->registry, "a1");
    g_free(assignment->home_socket);
    assignment->home_socket = g_strdup("pci-0000:00:14.0/1");
    plug(fixture, "1-1", "S-1");
    plug(fixture, "1-2", "S-1");
    assert_waiting(fixture, false, THERE "=waiting\n");
    registry_remove_device(fixture->registry, registry_device(fixture->registry, "1-1"));
    assignment->twins = true;
    /* The other one is named, as the rule would have it. */
    assert_waiting(fixture, false,
                   ABSENT ", KERNEL==\"1-1\"=waiting\n"
                          "KERNEL==\"1-2\", ATTR{idVendor}==\"0781\", ATTR{idProduct}==\"5567\"=\n");
}

/* As many as it lacks, each of its group; nothing while its VM is off, as others can have them then. */
static void test_pools(void **state)
{
    static const char *const rules[] = { "vendor=0781", "class=storage name=x", NULL };
    Fixture *fixture = *state;

    fixture_add_group(fixture, "sticks", rules);
    fixture_assign(fixture, "a1", DESK, "sticks", NULL, "1");
    assert_waiting(fixture, false, "ATTR{idVendor}==\"0781\"=waiting\n");
    plug(fixture, "1-1", "S-1");
    assert_waiting(fixture, false, THERE "=waiting\n");
    plug(fixture, "1-2", "S-2");
    assert_waiting(fixture, false, THERE "=waiting\n");
    registry_assignment(fixture->registry, "a1")->quantity = 3;
    assert_waiting(fixture, false,
                   "ATTR{idVendor}==\"0781\"=waiting\n" THERE "=waiting\n"
                   "KERNEL==\"1-2\", ATTR{idVendor}==\"0781\", ATTR{idProduct}==\"5567\"=waiting\n");
    desk(fixture)->info->state = MACHINE_STATE_SHUTOFF;
    assert_waiting(fixture, false, "");
    desk(fixture)->info->state = MACHINE_STATE_RUNNING;
    registry_group(fixture->registry, "sticks")->enabled = false;
    assert_waiting(fixture, false, "");
}

/* Whether it is what it was; forgets what it was. */
static bool is_same(Fixture *fixture, Waiting **last)
{
    g_autoptr(Waiting) was = *last;

    fixture_look(fixture);
    *last = waiting_new(fixture->allocation, true);
    return waiting_is_same(*last, was);
}

/* Whatever would make other lines is seen before they are made. */
static void test_same(void **state)
{
    static const char *const rules[] = { "vendor=0781 serial=A", "vendor=0781 serial=B", NULL };
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;
    g_autoptr(Waiting) last = NULL;
    Assignment *pinned, *pool;
    Group *group;

    fixture_add_group(fixture, "sticks", rules);
    group = registry_group(registry, "sticks");
    fixture_look(fixture);
    last = waiting_new(fixture->allocation, true);
    assert_true(is_same(fixture, &last));
    fixture_assign(fixture, "a1", DESK, NULL, RULE, "1");
    assert_false(is_same(fixture, &last));
    fixture_assign(fixture, "a2", DESK, "sticks", NULL, "1");
    assert_false(is_same(fixture, &last));
    /* It has said so already. */
    fixture_assign(fixture, "a3", DESK, "sticks", NULL, "1");
    assert_true(is_same(fixture, &last));
    pinned = registry_assignment(registry, "a1");
    pool = registry_assignment(registry, "a2");

    rule_unref(pinned->rule);
    pinned->rule = rule_parse("vendor=0781 product=5567 serial=S-2", NULL);
    assert_false(is_same(fixture, &last));
    pinned->twins = true;
    assert_false(is_same(fixture, &last));
    g_free(pinned->home_socket);
    pinned->home_socket = g_strdup("1-7");
    assert_false(is_same(fixture, &last));
    pool->rule = rule_parse("speed=480", NULL);
    assert_false(is_same(fixture, &last));
    ((GroupRule *)group->rules->pdata[1])->enabled = false;
    assert_false(is_same(fixture, &last));
    desk(fixture)->info->state = MACHINE_STATE_SHUTOFF;
    assert_false(is_same(fixture, &last));
    plug(fixture, "1-1", "S-2");
    assert_false(is_same(fixture, &last));
    registry->enabled = false;
    assert_false(is_same(fixture, &last));
    g_free(registry->node);
    registry->node = g_strdup("elsewhere");
    assert_false(is_same(fixture, &last));
    assert_true(is_same(fixture, &last));
}

/* What a rule can't be told exactly is told as a number, and what is too much is cut off. */
static void test_what_is_left_out(void **state)
{
    static const char *const rules[] = { "name=stick", NULL };
    Fixture *fixture = *state;
    g_autoptr(Waiting) waiting = NULL, many = NULL;

    fixture_add_group(fixture, "sticks", rules);
    fixture_assign(fixture, "a1", DESK, "sticks", NULL, "1");
    fixture_look(fixture);
    waiting = waiting_new(fixture->allocation, true);
    waiting_say(waiting, fixture->registry);
    assert_int_equal(waiting->n_unsaid, 1);
    assert_int_equal(waiting->lines->len, 0);
    for (guint i = 0; i <= HANDS_OFF_LINES_MAX; i++) {
        g_autofree char *text = g_strdup_printf("serial=N%u", i);

        group_add_rule(registry_group(fixture->registry, "sticks"), rule_parse(text, NULL), "admin");
    }
    many = waiting_new(fixture->allocation, true);
    waiting_say(many, fixture->registry);
    assert_int_equal(many->lines->len, HANDS_OFF_LINES_MAX);
    assert_int_equal(many->n_left_out, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_device), TEST(test_machine_off), TEST(test_not_waiting),      TEST(test_twins),
        TEST(test_pools),      TEST(test_same),        TEST(test_what_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
