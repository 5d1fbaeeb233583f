/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where an assignment stands, and what its user is told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/status.h"
#include "daemon/base/error.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"
#define POOL   "bbbbbbbb"

/* 1-1 is assigned to DESK, which also draws two of a pool that 1-2 and 1-3 are in. */
static int set_up(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x046d, 2, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x046d, 3, "CCCC-3"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=046d", NULL });
    fixture_assign(fixture, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, POOL, DESK, "keys", NULL, "2");
    return 0;
}

/* error: "" = none. */
static void assert_status(Fixture *fixture, const char *id, AssignmentState expected, const char *error,
                          const char *reason)
{
    Status status;
    g_autofree char *its = NULL;

    fixture_look(fixture);
    status = status_of(fixture->registry, fixture->allocation, registry_assignment(fixture->registry, id));
    its = status.reason;
    assert_string_equal(assignment_state_to_string(status.state), assignment_state_to_string(expected));
    assert_string_equal(status.error, error);
    assert_true(reason_code_from_string(status.code) != _REASON_CODE_INVALID);
    assert_string_equal(its, reason);
}

static void unplug(Fixture *fixture, const char *sysname)
{
    registry_remove_device(fixture->registry, registry_device(fixture->registry, sysname));
}

static void test_one_device(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);

    assert_status(fixture, PINNED, ASSIGNMENT_STATE_ATTACHING, "",
                  "0529:0001 (1-1) is on its way to VM \"desk\".");
    desk->stuck = true;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_FAILED, "Timeout",
                  "VM \"desk\" does not answer; it is tried again as soon as it does.");
    desk->stuck = false;
    fixture_put_into(fixture, "1-1", PINNED);
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_ATTACHED, "",
                  "0529:0001 (1-1) is attached to VM \"desk\".");
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_FAILED;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_ATTACHED, "",
                  "0529:0001 (1-1) was attached to VM \"desk\" when it was last seen; the VMs are "
                  "still being read.");
}

static void test_failed(void **state)
{
    Fixture *fixture = *state;
    Claim *claim = g_new0(Claim, 1);

    claim->sysname = g_strdup("1-1");
    claim->instance = registry_device(fixture->registry, "1-1")->instance;
    g_ptr_array_add(registry_assignment(fixture->registry, PINNED)->claims, claim);
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_ATTACHING, "",
                  "0529:0001 (1-1) is on its way to VM \"desk\".");
    claim->error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_NO_FREE_PORT, "no port");
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_FAILED, "NoFreePort", "no port.");
    /* Somebody else's error is the hypervisor's. */
    g_clear_error(&claim->error);
    claim->error = g_error_new_literal(G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE, "strange");
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_FAILED, "Hypervisor", "strange.");
}

/* What a verdict says is its state as well. */
static void test_by_verdict(void **state)
{
    Fixture *fixture = *state;

    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_WAITING_MACHINE, "",
                  "VM \"desk\" is not running; 0529:0001 (1-1) goes there when it starts.");
    fixture_put_foreign(fixture, "1-1", LOFT);
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_WAITING_DEVICE, "DeviceBusy",
                  "0529:0001 (1-1) was given to VM \"loft\" by another program; take it away there.");
}

static void test_unplugged(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);
    GPtrArray *pci = registry_machine(fixture->registry, STUDIO)->info->pci;

    g_free(pinned->device_text);
    pinned->device_text = g_strdup("the key");
    unplug(fixture, "1-1");
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_WAITING_DEVICE, "",
                  "the key is not plugged in; it goes to VM \"desk\" when it is.");
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_WAITING_MACHINE, "",
                  "VM \"desk\" is not running, and the key is not plugged in.");
    g_free(pinned->home_socket);
    pinned->home_socket = g_strdup("pci-0000:00:14.0/1");
    g_ptr_array_add(pci, g_strdup("0000:00:14.0"));
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_WAITING_DEVICE, "ControllerPassedThrough",
                  "the key cannot be seen: VM \"studio\" has the controller 0000:00:14.0, which it was "
                  "on, as a whole.");
}

static void test_not_left_to_it(void **state)
{
    Fixture *fixture = *state;

    registry_add_tenant(fixture->registry, tenant_new("lab"));
    registry_device(fixture->registry, "1-1")->tenant = g_strdup("lab");
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_WAITING_DEVICE, "NotOwned",
                  "0529:0001 (1-1) belongs to tenant lab, and VM \"desk\" does not.");
}

static void test_taken(void **state)
{
    Fixture *fixture = *state;

    fixture_assign(fixture, "cccccccc", STUDIO, NULL, "serial=AAAA-1", "1");
    registry_assignment(fixture->registry, "cccccccc")->priority = 1;
    fixture_put_into(fixture, "1-1", "cccccccc");
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_WAITING_DEVICE, "DeviceBusy",
                  "assignment \"cccccccc\" comes first for 0529:0001 (1-1): its VM has it.");
    registry_assignment(fixture->registry, "cccccccc")->wanted = false;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_WAITING_DEVICE, "DeviceBusy",
                  "0529:0001 (1-1) is on its way home from VM \"studio\" first.");
}

static void test_reattached(void **state)
{
    Fixture *fixture = *state;
    Hostdev *hostdev = fixture_put_into(fixture, "1-1", PINNED);

    hostdev->guest_reset = GUEST_RESET_ON;
    g_hash_table_insert(registry_machine(fixture->registry, DESK)->removals, g_strdup(hostdev->alias),
                        g_new0(Removal, 1));
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_ATTACHING, "",
                  "0529:0001 (1-1) is taken out of VM \"desk\" and put in again, because its "
                  "AllowGuestReset was changed.");
    g_hash_table_add(registry_machine(fixture->registry, DESK)->dead_aliases, g_strdup(hostdev->alias));
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_ATTACHING, "",
                  "0529:0001 (1-1) is taken out of VM \"desk\" and put in again, because the VM "
                  "came out of a saved state and it is dead there.");
}

/* What is on its way in isn't taken out before it is there. */
static void test_in_flight(void **state)
{
    Fixture *fixture = *state;

    fixture_put_in_flight(fixture, "1-1", PINNED)->guest_reset = GUEST_RESET_ON;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_ATTACHING, "",
                  "0529:0001 (1-1) is on its way to VM \"desk\".");
}

static void test_on_its_way_home(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);
    Machine *desk = registry_machine(fixture->registry, DESK);
    Removal *removal = g_new0(Removal, 1);
    const Hostdev *hostdev;

    pinned->wanted = false;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_DISABLED, "",
                  "The device was taken home and stays there until it is attached again.");
    hostdev = fixture_put_into(fixture, "1-1", PINNED);
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_DETACHING, "",
                  "The device is on its way home from VM \"desk\".");
    g_hash_table_insert(desk->removals, g_strdup(hostdev->alias), removal);
    removal->error = g_strdup("not now");
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_DETACHING, "Hypervisor",
                  "VM \"desk\" does not give the device back: not now. It is ordered again.");
    desk->stuck = true;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_DETACHING, "Timeout",
                  "VM \"desk\" does not answer; the device comes home when it does.");
    g_ptr_array_set_size(desk->info->hostdevs, 0);
    pinned->releasing = true;
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_DETACHING, "",
                  "The device was taken home, and the assignment ends.");
}

static void test_pool(void **state)
{
    Fixture *fixture = *state;

    assert_status(fixture, POOL, ASSIGNMENT_STATE_ATTACHING, "",
                  "046d:0003 (1-3) is on its way to VM \"desk\".");
    fixture_put_into(fixture, "1-2", POOL);
    assert_status(
        fixture, POOL, ASSIGNMENT_STATE_PARTIAL, "",
        "1 of 2 of group keys attached to VM \"desk\". 046d:0003 (1-3) is on its way to VM \"desk\".");
    fixture_put_into(fixture, "1-3", POOL);
    assert_status(fixture, POOL, ASSIGNMENT_STATE_ATTACHED, "", "2 of group keys attached to VM \"desk\".");
    unplug(fixture, "1-3");
    assert_status(fixture, POOL, ASSIGNMENT_STATE_PARTIAL, "",
                  "1 of 2 of group keys attached to VM \"desk\". No more is free.");
}

static void test_empty_pool(void **state)
{
    Fixture *fixture = *state;
    Assignment *pool = registry_assignment(fixture->registry, POOL);
    Group *keys = registry_group(fixture->registry, "keys");
    Machine *desk = registry_machine(fixture->registry, DESK);

    unplug(fixture, "1-2");
    unplug(fixture, "1-3");
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_DEVICE, "",
                  "No device of group keys is plugged in.");
    desk->stuck = true;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_MACHINE, "Timeout",
                  "VM \"desk\" does not answer; it draws from group keys when it does.");
    keys->enabled = false;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_DEVICE, "Disabled",
                  "group keys is disabled and gives nothing (usbferry group set keys --enable).");
    fixture->registry->enabled = false;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_DEVICE, "Disabled",
                  "usbferry is switched off and gives nothing.");
    desk->info->state = MACHINE_STATE_SHUTOFF;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_MACHINE, "",
                  "VM \"desk\" is not running; it draws from group keys when it does.");
    fixture->registry->machines_known = desk->stuck = false;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_MACHINE, "",
                  "Group keys waits for VM \"desk\": the VMs are still being read.");
    fixture->registry->machines_known = true;
    registry_remove_machine(fixture->registry, desk);
    g_free(pool->machine_name);
    pool->machine_name = g_strdup("desk");
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_MACHINE, "NoSuchMachine",
                  "the hypervisor knows no VM \"desk\" (" DESK "); assignment bbbbbbbb holds nothing until "
                  "it is there again.");
    registry_add_tenant(fixture->registry, tenant_new("lab"));
    keys->tenant = g_strdup("lab");
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_DEVICE, "NotOwned",
                  "Group keys belongs to tenant lab, and VM \"desk\" does not.");
    g_free(pool->group);
    pool->group = g_strdup("gone");
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_DEVICE, "NoSuchGroup",
                  "There is no group gone any more.");
}

/* A group that is stored along with the assignment isn't there yet. */
static void test_group_to_come(void **state)
{
    Fixture *fixture = *state;
    Assignment *pool = registry_assignment(fixture->registry, POOL);

    g_free(pool->group);
    pool->group = g_strdup("new");
    pool->stored = false;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_ATTACHING, "", "assignment bbbbbbbb is being stored.");
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_MACHINE, "",
                  "VM \"desk\" is not running; it draws from group new when it does.");
}

/* Others have what is there. */
static void test_queue(void **state)
{
    Fixture *fixture = *state;
    Assignment *before;

    fixture_put_into(fixture, "1-2", POOL);
    fixture_put_into(fixture, "1-3", POOL);
    fixture_assign(fixture, "cccccccc", STUDIO, "keys", NULL, "1");
    fixture_assign(fixture, "dddddddd", LOFT, "keys", NULL, "1");
    before = registry_assignment(fixture->registry, "cccccccc");
    before->state = ASSIGNMENT_STATE_WAITING_DEVICE;
    assert_status(fixture, "cccccccc", ASSIGNMENT_STATE_WAITING_DEVICE, "",
                  "No device of group keys is free; place 1 in the queue.");
    assert_status(fixture, "dddddddd", ASSIGNMENT_STATE_WAITING_DEVICE, "",
                  "No device of group keys is free; place 2 in the queue.");
    registry_assignment(fixture->registry, "dddddddd")->priority = 1;
    assert_status(fixture, "dddddddd", ASSIGNMENT_STATE_WAITING_DEVICE, "",
                  "No device of group keys is free; place 1 in the queue.");
    before->quantity_kind = QUANTITY_SET;
    assert_status(fixture, "cccccccc", ASSIGNMENT_STATE_WAITING_DEVICE, "",
                  "Not every rule of group keys has a free device: all come, or none.");
}

/* All are two, also while one of them isn't to be had. */
static void test_all_but_one(void **state)
{
    Fixture *fixture = *state;
    KernelWord *word = &registry_device(fixture->registry, "1-3")->kernel;

    registry_assignment(fixture->registry, POOL)->quantity_kind = QUANTITY_ALL;
    fixture_put_into(fixture, "1-2", POOL);
    word->seen_at = word->since[KERNEL_SIGN_UNAUTHORIZED] = 1;
    assert_status(
        fixture, POOL, ASSIGNMENT_STATE_PARTIAL, "DeviceBusy",
        "1 of 2 of group keys attached to VM \"desk\". the host has not authorized 046d:0003 (1-3), so "
        "nobody can use it; allow it there (in USBGuard, for instance).");
    *word = (KernelWord){ 0 };
    fixture_put_into(fixture, "1-3", POOL);
    assert_status(fixture, POOL, ASSIGNMENT_STATE_ATTACHED, "", "2 of group keys attached to VM \"desk\".");
}

/* What is to come is said as well. */
static void test_coming_conflict(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    Machine *studio = registry_machine(fixture->registry, STUDIO);

    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    g_ptr_array_add(studio->info->pci, g_strdup("0000:00:14.0"));
    studio->info->state = MACHINE_STATE_SHUTOFF;
    fixture_put_into(fixture, "1-1", PINNED);
    assert_status(fixture, PINNED, ASSIGNMENT_STATE_ATTACHED, "",
                  "0529:0001 (1-1) is attached to VM \"desk\". VM \"studio\" is off, and when it "
                  "starts it takes the controller 0000:00:14.0 as a whole, and 0529:0001 (1-1) with it.");
}

/* Whether what is said is another thing in a moment, by itself. */
static void assert_passes(Fixture *fixture, const char *id, bool expected)
{
    Status status;

    fixture_look(fixture);
    status = status_of(fixture->registry, fixture->allocation, registry_assignment(fixture->registry, id));
    g_free(status.reason);
    assert_int_equal(status.passes, expected);
}

static void test_settling_passes(void **state)
{
    Fixture *fixture = *state;

    unplug(fixture, "1-1");
    assert_passes(fixture, PINNED, false);
    fixture->registry->settling = true;
    assert_passes(fixture, PINNED, true);
}

/* A machine is read in a moment, unless nobody reads it. */
static void test_being_read_passes(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);

    desk->inspected = false;
    assert_passes(fixture, PINNED, true);
    assert_passes(fixture, POOL, true);
    desk->stuck = true;
    assert_passes(fixture, PINNED, false);
    desk->stuck = false;
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_FAILED;
    assert_passes(fixture, PINNED, false);
    assert_passes(fixture, POOL, false);
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTING;
    assert_passes(fixture, PINNED, false);
}

/* A device is on its way home from another machine, unless that keeps it. */
static void test_leaving_passes(void **state)
{
    Fixture *fixture = *state;
    Machine *studio = registry_machine(fixture->registry, STUDIO);
    Removal *removal = g_new0(Removal, 1);
    const Hostdev *hostdev;

    fixture_assign(fixture, "cccccccc", STUDIO, NULL, "serial=AAAA-1", "1");
    registry_assignment(fixture->registry, "cccccccc")->wanted = false;
    hostdev = fixture_put_into(fixture, "1-1", "cccccccc");
    assert_passes(fixture, PINNED, true);
    g_hash_table_insert(studio->removals, g_strdup(hostdev->alias), removal);
    removal->ordered = true;
    removal->tries = 1;
    assert_passes(fixture, PINNED, true);
    removal->tries = 2;
    assert_passes(fixture, PINNED, false);
    removal->tries = 1;
    removal->error = g_strdup("not now");
    assert_passes(fixture, PINNED, false);
    g_clear_pointer(&removal->error, g_free);
    studio->stuck = true;
    assert_passes(fixture, PINNED, false);
}

/* Some are there, and others on their way. */
static void test_partial_passes(void **state)
{
    Fixture *fixture = *state;
    Claim *claim = g_new0(Claim, 1);

    fixture_put_into(fixture, "1-2", POOL);
    assert_passes(fixture, POOL, true);
    claim->sysname = g_strdup("1-3");
    claim->instance = registry_device(fixture->registry, "1-3")->instance;
    claim->error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_NO_FREE_PORT, "no port");
    g_ptr_array_add(registry_assignment(fixture->registry, POOL)->claims, claim);
    assert_passes(fixture, POOL, false);
    g_clear_error(&claim->error);
    fixture_put_into(fixture, "1-3", POOL);
    assert_passes(fixture, POOL, false);
}

/* A program of the host has it, too, and may have it for ever. */
static void test_shared_does_not_pass(void **state)
{
    Fixture *fixture = *state;
    KernelWord *word = &registry_device(fixture->registry, "1-1")->kernel;

    fixture_put_into(fixture, "1-1", PINNED);
    word->seen_at = 10 * G_USEC_PER_SEC;
    word->since[KERNEL_SIGN_SHARED] = 1;
    fixture_look(fixture);
    assert_int_equal(allocation_possession(fixture->allocation, registry_device(fixture->registry, "1-1")),
                     POSSESSION_SHARED);
    assert_passes(fixture, PINNED, false);
}

/* People look for the program then, and not for another device. */
static void test_group_says_who_has_it(void **state)
{
    Fixture *fixture = *state;
    KernelWord *word = &registry_device(fixture->registry, "1-2")->kernel;

    unplug(fixture, "1-3");
    word->seen_at = 10 * G_USEC_PER_SEC;
    word->since[KERNEL_SIGN_IN_USE] = 1;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_DEVICE, "DeviceBusy",
                  "a program of the host uses 046d:0002 (1-2); end it, or wait until it lets go.");
    word->since[KERNEL_SIGN_UNAUTHORIZED] = 1;
    assert_status(fixture, POOL, ASSIGNMENT_STATE_WAITING_DEVICE, "DeviceBusy",
                  "the host has not authorized 046d:0002 (1-2), so nobody can use it; allow it there "
                  "(in USBGuard, for instance).");
}

/* So does a reset, be the device there or away for a moment. */
static void test_reset_passes(void **state)
{
    Fixture *fixture = *state;

    reservations_set(fixture->registry->reservations, "1-1", PINNED, RESERVATION_RESET);
    reservations_set(fixture->registry->reservations, "1-2", POOL, RESERVATION_RETURN);
    assert_passes(fixture, PINNED, true);
    unplug(fixture, "1-1");
    assert_passes(fixture, PINNED, true);
    fixture_put_into(fixture, "1-3", POOL);
    unplug(fixture, "1-2");
    assert_passes(fixture, POOL, true);
    reservations_end(fixture->registry->reservations, "1-1");
    reservations_end(fixture->registry->reservations, "1-2");
    assert_passes(fixture, PINNED, false);
    assert_passes(fixture, POOL, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_device),           TEST(test_failed),
        TEST(test_by_verdict),           TEST(test_unplugged),
        TEST(test_not_left_to_it),       TEST(test_taken),
        TEST(test_reattached),           TEST(test_in_flight),
        TEST(test_on_its_way_home),      TEST(test_pool),
        TEST(test_empty_pool),           TEST(test_queue),
        TEST(test_group_to_come),        TEST(test_coming_conflict),
        TEST(test_settling_passes),      TEST(test_being_read_passes),
        TEST(test_leaving_passes),       TEST(test_all_but_one),
        TEST(test_partial_passes),       TEST(test_reset_passes),
        TEST(test_shared_does_not_pass), TEST(test_group_says_who_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
