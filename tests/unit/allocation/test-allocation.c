/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was dealt out, judged, and what is said of any pair. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "tests/unit/fixture.h"

static void plug_dongles(Fixture *fixture)
{
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x0529, 1, "CCCC-3"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-4", 0x0529, 1, "DDDD-4"));
}

static void test_switches(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "2");
    fixture_put_into(fixture, "1-2", "aaaaaaaa");
    fixture->registry->enabled = false;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    assert_int_equal(allocation_want(fixture->allocation, registry_device(fixture->registry, "1-2"))->verdict,
                     VERDICT_GO);
    fixture->registry->enabled = true;
    registry_group(fixture->registry, "keys")->enabled = false;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_GROUP_DISABLED);
}

/* A reset takes a device out of its machine, and even off the bus for a moment; it stays whose it was. */
/* What a machine has comes home, drawn or assigned. */
static void test_held_home(void **state)
{
    Fixture *fixture = *state;

    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 2, ""));
    fixture_add_group(fixture, "dongles", (const char *const[]){ "product=0002", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, "bbbbbbbb", DESK, "dongles", NULL, "1");
    fixture_put_into(fixture, "1-1", "aaaaaaaa");
    fixture->registry->held_home = true;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_HELD_HOME);
    fixture_assert_verdict(fixture, "bbbbbbbb", "1-2", VERDICT_HELD_HOME);
}

static void test_reserved(void **state)
{
    Fixture *fixture = *state;

    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, ""));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    registry_assignment(fixture->registry, "bbbbbbbb")->priority = 9;
    reservations_set(fixture->registry->reservations, "1-1", "aaaaaaaa", RESERVATION_RESET);
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1");
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_RESETTING);

    registry_remove_device(fixture->registry, registry_device(fixture->registry, "1-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, ""));
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, "bbbbbbbb"));
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");

    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, ""));
    reservations_set(fixture->registry->reservations, "1-1", "aaaaaaaa", RESERVATION_RETURN);
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1");
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_GO);

    /* A set isn't taken apart for it. */
    fixture_plug(fixture, fixture_make_device(fixture, "1-5", 0x0600, 1, ""));
    fixture_plug(fixture, fixture_make_device(fixture, "1-6", 0x0601, 1, ""));
    fixture_add_group(fixture, "both", (const char *const[]){ "vendor=0600", "vendor=0601", NULL });
    fixture_assign(fixture, "cccccccc", STUDIO, "both", NULL, "set");
    fixture_put_into(fixture, "1-5", "cccccccc");
    fixture_put_into(fixture, "1-6", "cccccccc");
    reservations_set(fixture->registry->reservations, "1-6", "cccccccc", RESERVATION_RESET);
    registry_remove_device(fixture->registry, registry_device(fixture->registry, "1-6"));
    fixture_look(fixture);
    fixture_assert_gets(fixture, "cccccccc", "1-5");
    reservations_end(fixture->registry->reservations, "1-6");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "cccccccc", "");

    /* What is behind a hub that is being reset, and nothing else. */
    reservations_end(fixture->registry->reservations, "1-1");
    registry_assignment(fixture->registry, "aaaaaaaa")->quantity = 9;
    fixture_plug(fixture, fixture_make_device(fixture, "1-3.1", 0x0529, 1, ""));
    fixture_plug(fixture, fixture_make_device(fixture, "1-33", 0x0529, 1, ""));
    reservations_set(fixture->registry->reservations, "1-3", NULL, RESERVATION_RESET);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-3.1", VERDICT_RESETTING);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-33", VERDICT_GO);
}

static void test_controller_of_a_machine(void **state)
{
    Fixture *fixture = *state;
    Device *device = fixture_make_device(fixture, "1-1", 0x0529, 1, "");
    GPtrArray *pci = registry_machine(fixture->registry, STUDIO)->info->pci;

    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    fixture_plug(fixture, device);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "vendor=0529", "1");
    fixture_assign(fixture, "bbbbbbbb", DESK, "keys", NULL, "1");
    g_ptr_array_add(pci, g_strdup("0000:00:14.0"));
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_CONTROLLER_TAKEN);
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, "aaaaaaaa"));
    fixture_look(fixture);
    /* A pool has other devices. */
    fixture_assert_gets(fixture, "bbbbbbbb", "");
    fixture_assert_verdict(fixture, "bbbbbbbb", "1-1", VERDICT_CONTROLLER_TAKEN);

    registry_machine(fixture->registry, STUDIO)->info->state = MACHINE_STATE_SHUTOFF;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "bbbbbbbb", "1-1", VERDICT_GO);
}

static void test_other_verdicts(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(fixture, "set", (const char *const[]){ "vendor=0529", "vendor=9999", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "bbbbbbbb", DESK, NULL, "vendor=0529", "1");
    fixture_assign(fixture, "cccccccc", STUDIO, "set", NULL, "set");
    fixture_assign(fixture, "dddddddd", STUDIO, NULL, "serial=DDDD-4", "1");
    registry_device(fixture->registry, "1-2")->is_hub = true;
    g_free(registry_assignment(fixture->registry, "bbbbbbbb")->home_socket);
    registry_assignment(fixture->registry, "bbbbbbbb")->home_socket = g_strdup("elsewhere");
    registry_assignment(fixture->registry, "dddddddd")->wanted = false;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_GO);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-2", VERDICT_HUB);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-3", VERDICT_ENOUGH);
    fixture_assert_verdict(fixture, "bbbbbbbb", "1-1", VERDICT_NOT_HOME);
    fixture_assert_verdict(fixture, "cccccccc", "1-1", VERDICT_TAKEN);
    fixture_assert_verdict(fixture, "cccccccc", "1-3", VERDICT_SET_INCOMPLETE);
    fixture_assert_verdict(fixture, "dddddddd", "1-4", VERDICT_SUSPENDED);
    fixture_assert_verdict(fixture, "dddddddd", "1-3", VERDICT_OTHER_DEVICE);
}

/* What the machine of a pinned one is, and what it has itself. */
static void test_verdicts_of_a_want(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);

    plug_dongles(fixture);
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_GO);
    desk->info->state = MACHINE_STATE_SHUTOFF;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_MACHINE_OFF);
    desk->inspected = false;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_HYPERVISOR_AWAY);
    fixture_put_foreign(fixture, "1-1", LOFT);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_FOREIGN);
    registry_remove_machine(fixture->registry, desk);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_MACHINE_UNKNOWN);
    /* What nobody is there for is nobody's. */
    assert_null(allocation_owner(fixture->allocation, registry_device(fixture->registry, "1-1")));
}

/* Before it is durable it stands for its device, and gets nothing. */
static void test_storing(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);
    Assignment *assignment;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", STUDIO, "keys", NULL, "all");
    fixture_put_into(fixture, "1-2", "aaaaaaaa");
    fixture_assign(fixture, "bbbbbbbb", DESK, NULL, "serial=AAAA-1", "1");
    assignment = registry_assignment(fixture->registry, "bbbbbbbb");
    assignment->priority = 1;
    assignment->stored = false;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1");
    fixture_assert_verdict(fixture, "bbbbbbbb", "1-1", VERDICT_STORING);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_TAKEN);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-2", VERDICT_GO);
    desk->info->state = MACHINE_STATE_SHUTOFF;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "bbbbbbbb", "1-1", VERDICT_MACHINE_OFF);
    desk->info->state = MACHINE_STATE_RUNNING;
    assignment->stored = true;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "bbbbbbbb", "1-1", VERDICT_GO);
    /* What couldn't be stored leaves it to others. */
    registry_remove_assignment(fixture->registry, assignment);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_GO);
}

/* A device that came back a moment ago waits, and the time when it has waited enough is known. */
static void test_unsteady(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, "bbbbbbbb", DESK, NULL, "serial=BBBB-2", "1");
    fixture_look(fixture);
    assert_int_equal(fixture->allocation->next_at, 0);
    /* fixture_look() looks at the time 1. */
    registry_device(fixture->registry, "1-1")->steady_at = 7;
    registry_device(fixture->registry, "1-2")->steady_at = 5;
    registry_device(fixture->registry, "1-3")->steady_at = 3;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_UNSTEADY);
    assert_int_equal(fixture->allocation->next_at, 5);
    registry_device(fixture->registry, "1-1")->steady_at = 1;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_GO);
}

static void quarantine(Fixture *fixture, const char *sysname)
{
    /* fixture_look() looks at the time 1. */
    for (int i = 0; i < 3; i++)
        quarantines_strike(fixture->registry->quarantines, registry_device(fixture->registry, sysname),
                           QUARANTINE_FLAPS, NULL, 1);
}

/* What is held back waits, and it is known until when. It doesn't move what is where it belongs. */
static void test_quarantined(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, "bbbbbbbb", DESK, NULL, "serial=BBBB-2", "1");
    fixture_put_into(fixture, "1-2", "bbbbbbbb");
    quarantine(fixture, "1-1");
    quarantine(fixture, "1-2");
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_QUARANTINED);
    fixture_assert_verdict(fixture, "bbbbbbbb", "1-2", VERDICT_GO);
    assert_int_equal(fixture->allocation->next_at, 1 + 5 * G_USEC_PER_SEC);
    /* What else is in the way stays longer. */
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_MACHINE_OFF);
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_RUNNING;
    quarantines_end(fixture->registry->quarantines, registry_device(fixture->registry, "1-1"), 1);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_GO);
}

/* A group has others. */
static void test_quarantined_of_a_group(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    quarantine(fixture, "1-1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-3", VERDICT_ENOUGH);

    for (const char *const *one = (const char *const[]){ "1-2", "1-3", "1-4", NULL }; *one; one++)
        quarantine(fixture, *one);
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");
    fixture_assert_verdict(fixture, "aaaaaaaa", "1-1", VERDICT_QUARANTINED);
    assert_true(deal_is_held_back(fixture->allocation->deal, registry_device(fixture->registry, "1-3")));
}

/* Sysnames, sorted. */
static void assert_quarantined(Fixture *fixture, const char *id, const char *expected)
{
    g_autoptr(GPtrArray) devices = NULL;
    g_autoptr(GString) found = g_string_new(NULL);

    fixture_look(fixture);
    devices = allocation_quarantined(fixture->allocation, registry_assignment(fixture->registry, id));
    for (guint i = 0; i < devices->len; i++)
        g_string_append_printf(found, "%s%s", i ? " " : "", ((const Device *)devices->pdata[i])->sysname);
    assert_string_equal(found->str, expected);
}

/* Whoever is in a group has no say about what others have of it, or it doesn't need. */
static void test_whose_quarantines(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "bbbbbbbb", DESK, NULL, "serial=BBBB-2", "1");
    assert_quarantined(fixture, "aaaaaaaa", "");
    for (const char *const *one = (const char *const[]){ "1-1", "1-2", "1-3", "1-4", NULL }; *one; one++)
        quarantine(fixture, *one);
    assert_quarantined(fixture, "aaaaaaaa", "1-1");
    assert_quarantined(fixture, "bbbbbbbb", "1-2");
    registry_assignment(fixture->registry, "aaaaaaaa")->quantity_kind = QUANTITY_ALL;
    assert_quarantined(fixture, "aaaaaaaa", "1-1 1-3 1-4");
    registry_assignment(fixture->registry, "aaaaaaaa")->quantity_kind = QUANTITY_COUNT;
    quarantines_end(fixture->registry->quarantines, registry_device(fixture->registry, "1-1"), 1);
    assert_quarantined(fixture, "aaaaaaaa", "");
}

static void test_owner(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned, *other;
    const Device *device;

    plug_dongles(fixture);
    device = registry_device(fixture->registry, "1-1");
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    pinned = registry_assignment(fixture->registry, "aaaaaaaa");
    fixture_look(fixture);
    assert_ptr_equal(allocation_owner(fixture->allocation, device), pinned);
    assert_ptr_equal(allocation_pinned(fixture->allocation, pinned), device);
    assert_null(allocation_owner(fixture->allocation, registry_device(fixture->registry, "1-2")));
    /* Taken home, it stays its own; released, it is nobody's. */
    pinned->wanted = false;
    fixture_look(fixture);
    assert_ptr_equal(allocation_owner(fixture->allocation, device), pinned);
    assert_null(allocation_want(fixture->allocation, device));
    pinned->releasing = true;
    fixture_look(fixture);
    assert_null(allocation_owner(fixture->allocation, device));
    /* One that takes part comes before one that doesn't. */
    pinned->releasing = false;
    fixture_assign(fixture, "bbbbbbbb", STUDIO, NULL, "serial=AAAA-1", "1");
    other = registry_assignment(fixture->registry, "bbbbbbbb");
    fixture_look(fixture);
    assert_ptr_equal(allocation_owner(fixture->allocation, device), other);
}

static void test_where_it_is(void **state)
{
    Fixture *fixture = *state;
    const Device *device;
    const Hostdev *hostdev;
    Assignment *pinned;

    plug_dongles(fixture);
    device = registry_device(fixture->registry, "1-1");
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    pinned = registry_assignment(fixture->registry, "aaaaaaaa");
    fixture_look(fixture);
    assert_null(allocation_attachment(fixture->allocation, device));
    assert_false(allocation_is_attached(fixture->allocation, device));
    hostdev = fixture_put_into(fixture, "1-1", "aaaaaaaa");
    fixture_look(fixture);
    assert_true(allocation_is_attached(fixture->allocation, device));
    assert_ptr_equal(allocation_want_of_hostdev(fixture->allocation, hostdev),
                     allocation_want(fixture->allocation, device));
    /* On its way out. */
    g_hash_table_insert(registry_machine(fixture->registry, DESK)->removals, g_strdup(hostdev->alias),
                        g_new0(Removal, 1));
    fixture_look(fixture);
    assert_false(allocation_is_attached(fixture->allocation, device));
    g_hash_table_remove_all(registry_machine(fixture->registry, DESK)->removals);
    /* In the machine where it was to be before. */
    g_free(pinned->machine_uuid);
    pinned->machine_uuid = g_strdup(STUDIO);
    fixture_look(fixture);
    assert_false(allocation_is_attached(fixture->allocation, device));
    assert_non_null(allocation_want_of_hostdev(fixture->allocation, hostdev));
    pinned->wanted = false;
    fixture_look(fixture);
    assert_false(allocation_is_attached(fixture->allocation, device));
    assert_null(allocation_want_of_hostdev(fixture->allocation, hostdev));
}

/* The allocation knows who comes first and who has it. */
static void test_text(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *taken = NULL, *foreign = NULL, *service = NULL;

    plug_dongles(fixture);
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, NULL, "serial=AAAA-1", "1");
    fixture_put_foreign(fixture, "1-2", LOFT);
    fixture_look(fixture);
    taken = allocation_verdict_text(fixture->allocation, registry_assignment(fixture->registry, "bbbbbbbb"),
                                    registry_device(fixture->registry, "1-1"), VERDICT_TAKEN);
    assert_string_equal(taken, "assignment \"aaaaaaaa\" comes first for 0529:0001 (1-1): it is older");
    foreign = allocation_verdict_text(fixture->allocation, registry_assignment(fixture->registry, "bbbbbbbb"),
                                      registry_device(fixture->registry, "1-2"), VERDICT_FOREIGN);
    assert_string_equal(foreign,
                        "0529:0001 (1-2) was given to VM \"loft\" by another program; take it away there");
    service = allocation_verdict_text(fixture->allocation, registry_assignment(fixture->registry, "bbbbbbbb"),
                                      NULL, VERDICT_SWITCHED_OFF);
    assert_string_equal(service, "usbferry is switched off and gives nothing");
}

static void assert_refused(Fixture *fixture, const char *sysname, FerryError code, const char *text)
{
    g_autoptr(GError) error = NULL;

    fixture_look(fixture);
    assert_false(allocation_check_device(fixture->allocation, registry_device(fixture->registry, sysname),
                                         false, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, (int)code));
    assert_string_equal(error->message, text);
}

/* What speaks against the device itself is refused at once; who else has it is another matter. */
static void test_check_device(void **state)
{
    Fixture *fixture = *state;
    Device *device;

    plug_dongles(fixture);
    device = registry_device(fixture->registry, "1-1");
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    fixture_put_into(fixture, "1-1", "aaaaaaaa");
    fixture_put_foreign(fixture, "1-2", LOFT);
    fixture_look(fixture);
    assert_true(allocation_check_device(fixture->allocation, device, false, NULL));
    assert_refused(fixture, "1-2", FERRY_ERROR_DEVICE_BUSY,
                   "0529:0001 (1-2) was given to VM \"loft\" by another program; take it away there");
    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    g_ptr_array_add(registry_machine(fixture->registry, STUDIO)->info->pci, g_strdup("0000:00:14.0"));
    assert_refused(fixture, "1-1", FERRY_ERROR_CONTROLLER_PASSED_THROUGH,
                   "0529:0001 (1-1) is on the controller 0000:00:14.0, which VM \"studio\" has as a whole; "
                   "take that away from it first");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_switches),
        TEST(test_held_home),
        TEST(test_reserved),
        TEST(test_controller_of_a_machine),
        TEST(test_other_verdicts),
        TEST(test_verdicts_of_a_want),
        TEST(test_unsteady),
        TEST(test_quarantined),
        TEST(test_quarantined_of_a_group),
        TEST(test_whose_quarantines),
        TEST(test_storing),
        TEST(test_owner),
        TEST(test_where_it_is),
        TEST(test_text),
        TEST(test_check_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
