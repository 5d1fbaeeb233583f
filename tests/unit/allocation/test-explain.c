/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The story of one device: where it is, who gets it, whose it is, which rules match. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/explain.h"
#include "daemon/allocation/reason-code.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"
#define POOL   "bbbbbbbb"

static int set_up(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    return 0;
}

static void reason_is(Fixture *fixture, const char *id, const char *reason)
{
    Assignment *assignment = registry_assignment(fixture->registry, id);

    g_free(assignment->reason);
    assignment->reason = g_strdup(reason);
}

/* A line each: "kind subject verdict[*]: text", with the star for the winner. */
static void assert_lines(const GPtrArray *lines, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < lines->len; i++) {
        const Explanation *line = lines->pdata[i];

        /* That of an assignment may be what it has itself, which these tests leave empty. */
        assert_true(g_str_equal(line->kind, "assignment") ||
                    reason_code_from_string(line->code) != _REASON_CODE_INVALID);
        g_string_append_printf(text, "%s %s %s%s: %s\n", line->kind, line->subject, line->verdict,
                               line->winner ? "*" : "", line->text);
    }
    assert_string_equal(text->str, expected);
}

static void assert_story(Fixture *fixture, const char *expected)
{
    g_autoptr(GPtrArray) lines = explain_device(fixture->registry, registry_device(fixture->registry, "1-1"));

    assert_lines(lines, expected);
}

static void test_nothing(void **state)
{
    assert_story(*state, "device 1-1 no: 0529:0001 (1-1) is with the host.\n"
                         "device 1-1 no: no assignment is for it.\n");
}

/* The winner first, then those that the device matches; what is for others is not told. */
static void test_assignments(void **state)
{
    Fixture *fixture = *state;

    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "00000000", LOFT, NULL, "vendor=9999", "1");
    fixture_assign(fixture, PINNED, DESK, "keys", NULL, "1");
    fixture_assign(fixture, POOL, STUDIO, "keys", NULL, "1");
    registry_assignment(fixture->registry, POOL)->priority = 1;
    g_free(registry_assignment(fixture->registry, "00000000")->selector);
    registry_assignment(fixture->registry, "00000000")->selector = g_strdup("vendor=9999");
    reason_is(fixture, POOL, "It comes.");
    assert_story(
        fixture,
        "device 1-1 waits: 0529:0001 (1-1) is with the host.\n"
        "assignment bbbbbbbb yes*: \"bbbbbbbb\": It comes.\n"
        "assignment aaaaaaaa blocks: \"aaaaaaaa\": assignment \"bbbbbbbb\" comes first for 0529:0001 "
        "(1-1): its priority is higher (1, not 0).\n"
        "rule keys yes: rule 1 of group keys matches: vendor=0529.\n"
        "group keys yes: it is in group keys.\n");
    /* A winner that failed waits for nothing. */
    registry_assignment(fixture->registry, POOL)->state = ASSIGNMENT_STATE_FAILED;
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, "00000000"));
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, PINNED));
    assert_story(fixture, "device 1-1 waits: 0529:0001 (1-1) is with the host.\n"
                          "assignment bbbbbbbb blocks*: \"bbbbbbbb\": It comes.\n"
                          "rule keys yes: rule 1 of group keys matches: vendor=0529.\n"
                          "group keys yes: it is in group keys.\n");
}

static void test_places(void **state)
{
    Fixture *fixture = *state;
    const Hostdev *hostdev;

    fixture_assign(fixture, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    reason_is(fixture, PINNED, "Its reason.");
    hostdev = fixture_put_into(fixture, "1-1", PINNED);
    assert_story(fixture, "device 1-1 yes: 0529:0001 (1-1) is in VM \"desk\" now.\n"
                          "assignment aaaaaaaa yes*: \"aaaaaaaa\": Its reason.\n");
    g_hash_table_add(registry_machine(fixture->registry, DESK)->dead_aliases, g_strdup(hostdev->alias));
    assert_story(fixture, "device 1-1 waits: 0529:0001 (1-1) is dead in VM \"desk\", which came out of a "
                          "saved state; it is taken out.\n"
                          "assignment aaaaaaaa yes*: \"aaaaaaaa\": Its reason.\n");
    g_ptr_array_set_size(registry_machine(fixture->registry, DESK)->info->hostdevs, 0);
    fixture_put_foreign(fixture, "1-1", LOFT);
    assert_story(fixture, "device 1-1 blocks: 0529:0001 (1-1) was given to VM \"loft\" by another "
                          "program; usbferry leaves it alone.\n"
                          "assignment aaaaaaaa blocks*: \"aaaaaaaa\": Its reason.\n");
}

static void test_hub(void **state)
{
    Fixture *fixture = *state;

    fixture_assign(fixture, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    registry_device(fixture->registry, "1-1")->is_hub = true;
    assert_story(fixture, "device 1-1 blocks: 0529:0001 (1-1) is a hub; hubs are never given to VMs, the "
                          "devices behind them are.\n");
}

static void test_groups(void **state)
{
    Fixture *fixture = *state;
    Group *keys, *off;

    fixture_add_group(fixture, "keys",
                      (const char *const[]){ "vendor=0529", "vendor=0529 product=0001", NULL });
    fixture_add_group(fixture, "mice", (const char *const[]){ "vendor=046d", NULL });
    fixture_add_group(fixture, "off", (const char *const[]){ "vendor=0529", NULL });
    keys = registry_group(fixture->registry, "keys");
    off = registry_group(fixture->registry, "off");
    keys->enabled = false;
    ((GroupRule *)keys->rules->pdata[1])->enabled = false;
    ((GroupRule *)off->rules->pdata[0])->enabled = false;
    memberships_rebuild(fixture->memberships);
    assert_story(fixture, "device 1-1 no: 0529:0001 (1-1) is with the host.\n"
                          "device 1-1 no: no assignment is for it.\n"
                          "rule keys yes: rule 1 of group keys matches: vendor=0529.\n"
                          "rule keys blocks: rule 2 of group keys would match, but is disabled: vendor=0529 "
                          "product=0001.\n"
                          "group keys blocks: it is in group keys, which is disabled and gives nothing.\n"
                          "group mice no: no rule of group mice matches.\n"
                          "rule off blocks: rule 1 of group off would match, but is disabled: vendor=0529.\n"
                          "group off no: it is not in group off.\n");
}

static void test_around_it(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    Machine *studio = registry_machine(fixture->registry, STUDIO);

    device->tenant = g_strdup("lab");
    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    g_ptr_array_add(studio->info->pci, g_strdup("0000:00:14.0"));
    fixture->registry->enabled = false;
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_FAILED;
    fixture->registry->hypervisor_text = g_strdup("no socket");
    assert_story(fixture,
                 "device 1-1 no: 0529:0001 (1-1) is with the host.\n"
                 "controller 0000:00:14.0 blocks: VM \"studio\" has its controller 0000:00:14.0 as a whole.\n"
                 "device 1-1 no: no assignment is for it.\n"
                 "tenant lab yes: it belongs to tenant lab: only that tenant's VMs can have it.\n"
                 "service  blocks: usbferry is switched off and gives nothing more.\n"
                 "hypervisor  waits: the hypervisor is away: no socket.\n");
    studio->info->state = MACHINE_STATE_SHUTOFF;
    fixture->registry->enabled = true;
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    assert_story(fixture, "device 1-1 no: 0529:0001 (1-1) is with the host.\n"
                          "controller 0000:00:14.0 waits: VM \"studio\" is off, and when it starts it "
                          "takes its controller 0000:00:14.0 as a whole.\n"
                          "device 1-1 no: no assignment is for it.\n"
                          "tenant lab yes: it belongs to tenant lab: only that tenant's VMs can have it.\n");
}

/* A tenant's device isn't in the groups of everybody. */
static void test_kept_by_a_tenant(void **state)
{
    Fixture *fixture = *state;

    registry_add_tenant(fixture->registry, tenant_new("lab"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(fixture, "lab/keys", (const char *const[]){ "vendor=0529", NULL });
    memberships_rebuild(fixture->memberships);
    assert_story(fixture, "device 1-1 no: 0529:0001 (1-1) is with the host.\n"
                          "device 1-1 no: no assignment is for it.\n"
                          "tenant lab yes: it belongs to tenant lab: only that tenant's VMs can have it.\n"
                          "rule keys yes: rule 1 of group keys matches: vendor=0529.\n"
                          "group keys blocks: it belongs to tenant lab, so it is not in group keys.\n"
                          "rule lab/keys yes: rule 1 of group lab/keys matches: vendor=0529.\n"
                          "group lab/keys yes: it is in group lab/keys.\n");
}

/* What an assignment has, and who comes first for what it hasn't; who draws from a group, in their order. */
static void test_of_others(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GPtrArray) pinned = NULL, pool = NULL, group = NULL, desk = NULL, loft = NULL, empty = NULL;

    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(fixture, "mice", (const char *const[]){ "vendor=046d", NULL });
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "AAAA-2"));
    fixture_assign(fixture, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, POOL, STUDIO, "keys", NULL, "2");
    reason_is(fixture, PINNED, "Its reason.");
    reason_is(fixture, POOL, "One of two.");
    fixture_put_into(fixture, "1-1", PINNED);
    memberships_rebuild(fixture->memberships);

    pinned = explain_assignment(fixture->registry, registry_assignment(fixture->registry, PINNED));
    assert_lines(pinned, "assignment aaaaaaaa waits: \"aaaaaaaa\": Its reason.\n"
                         "device 1-1 yes*: 0529:0001 (1-1) is in VM \"desk\" now.\n");
    pool = explain_assignment(fixture->registry, registry_assignment(fixture->registry, POOL));
    assert_lines(pool,
                 "assignment bbbbbbbb waits: \"bbbbbbbb\": One of two.\n"
                 "device 1-2 yes*: 0529:0001 (1-2) goes to VM \"studio\".\n"
                 "device 1-1 blocks: assignment \"aaaaaaaa\" comes first for 0529:0001 (1-1): its VM has "
                 "it.\n");
    group = explain_group(fixture->registry, registry_group(fixture->registry, "keys"));
    assert_lines(group, "assignment bbbbbbbb waits: \"bbbbbbbb\": One of two.\n"
                        "device 1-1 yes: 0529:0001 (1-1) is in VM \"desk\" now.\n"
                        "device 1-2 waits: 0529:0001 (1-2) is with the host.\n");
    empty = explain_group(fixture->registry, registry_group(fixture->registry, "mice"));
    assert_lines(empty, "group mice no: no VM draws from group mice.\n"
                        "group mice waits: no device of group mice is plugged in.\n");
    desk = explain_machine(fixture->registry, registry_machine(fixture->registry, DESK));
    assert_lines(desk, "machine " DESK " yes: VM \"desk\" is running.\n"
                       "assignment aaaaaaaa waits: \"aaaaaaaa\": Its reason.\n"
                       "device 1-1 yes: 0529:0001 (1-1) is in VM \"desk\" now.\n");
    loft = explain_machine(fixture->registry, registry_machine(fixture->registry, LOFT));
    assert_lines(loft, "machine " LOFT " yes: VM \"loft\" is running.\n"
                       "machine " LOFT " no: nothing is assigned to VM \"loft\".\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing), TEST(test_assignments), TEST(test_places),           TEST(test_hub),
        TEST(test_groups),  TEST(test_around_it),   TEST(test_kept_by_a_tenant), TEST(test_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
