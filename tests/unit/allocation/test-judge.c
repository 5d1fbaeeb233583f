/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What speaks against an assignment, a device and a machine, each by itself. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/judge.h"
#include "daemon/base/tuning.h"
#include "daemon/base/usb-speed.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"

static int set_up(void **state)
{
    fixture_setup(state);
    fixture_plug(*state, fixture_make_device(*state, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_assign(*state, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    return 0;
}

static void test_assignment(void **state)
{
    Fixture *fixture = *state;
    Assignment *assignment = registry_assignment(fixture->registry, PINNED);

    assert_int_equal(judge_assignment(fixture->registry, assignment), VERDICT_GO);
    assignment->wanted = false;
    assert_int_equal(judge_assignment(fixture->registry, assignment), VERDICT_SUSPENDED);
    assignment->wanted = true;
    assignment->releasing = true;
    assert_int_equal(judge_assignment(fixture->registry, assignment), VERDICT_SUSPENDED);
    assignment->releasing = false;
    assignment->stored = false;
    assert_int_equal(judge_assignment(fixture->registry, assignment), VERDICT_GO);
}

static void assert_device(Fixture *fixture, Verdict verdict)
{
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

    assert_int_equal(judge_device(fixture->registry, attachments, registry_device(fixture->registry, "1-1")),
                     verdict);
}

static void test_device(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    Machine *studio = registry_machine(fixture->registry, STUDIO);
    Hostdev *foreign;

    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    assert_device(fixture, VERDICT_GO);
    /* Another program gave what had the number before. */
    foreign = fixture_put_foreign(fixture, "1-1", STUDIO);
    foreign->vendor_id = (uint16_t)(device->vendor_id + 1);
    assert_device(fixture, VERDICT_NUMBER_LISTED);
    studio->info->state = MACHINE_STATE_SHUTOFF;
    assert_device(fixture, VERDICT_GO);
    studio->info->state = MACHINE_STATE_RUNNING;
    g_ptr_array_set_size(studio->info->hostdevs, 0);
    /* One of ours has it: that is no reason. */
    fixture_put_into(fixture, "1-1", PINNED);
    assert_device(fixture, VERDICT_GO);
    g_ptr_array_add(studio->info->pci, g_strdup("0000:00:14.0"));
    assert_device(fixture, VERDICT_CONTROLLER_TAKEN);
    studio->info->state = MACHINE_STATE_SHUTOFF;
    assert_device(fixture, VERDICT_GO);
    fixture_put_foreign(fixture, "1-1", DESK);
    assert_device(fixture, VERDICT_FOREIGN);
}

static void assert_guard(Fixture *fixture, const Assignment *assignment, Verdict verdict)
{
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

    assert_int_equal(
        judge_guard(fixture->registry, attachments, assignment, registry_device(fixture->registry, "1-1")),
        verdict);
}

static void test_guard(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    Assignment *assignment = registry_assignment(fixture->registry, PINNED);

    device->host_use = g_strsplit("security-key", " ", -1);
    assert_guard(fixture, assignment, VERDICT_GO);
    g_strfreev(device->host_use);
    device->host_use = g_strsplit("security-key mounted:/home", " ", -1);
    assert_guard(fixture, NULL, VERDICT_GUARDED);
    assert_guard(fixture, assignment, VERDICT_GUARDED);
    assignment->forced = true;
    assert_guard(fixture, assignment, VERDICT_GO);
    assignment->forced = false;
    /* What a machine has stays there, whatever the host is said to do with it. */
    fixture_put_into(fixture, "1-1", PINNED);
    assert_guard(fixture, assignment, VERDICT_GO);
}

static void assert_health(Fixture *fixture, gint64 now, Verdict verdict, gint64 wake)
{
    gint64 at = 0;

    assert_int_equal(judge_health(registry_machine(fixture->registry, DESK),
                                  registry_device(fixture->registry, "1-1"), now, &at),
                     verdict);
    assert_true(at == wake);
}

static void test_health(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    Machine *desk = registry_machine(fixture->registry, DESK);
    static const uint8_t keyboard[] = { 0x03, 0x01, 0x01 };

    /* A disk stays where it is, whatever becomes of the machine. */
    desk->info->trouble = MACHINE_TROUBLE_CRASHED;
    assert_health(fixture, 100, VERDICT_GO, 0);
    g_free(device->interfaces);
    device->interfaces = g_new0(DeviceInterface, 1);
    device->interfaces[0] = (DeviceInterface){ keyboard[0], keyboard[1], keyboard[2] };
    device->n_interfaces = 1;
    assert_health(fixture, 100, VERDICT_MACHINE_UNWELL, 0);
    desk->info->trouble = MACHINE_TROUBLE_IO_ERROR;
    assert_health(fixture, 100, VERDICT_MACHINE_UNWELL, 0);
    desk->info->trouble = MACHINE_TROUBLE_NONE;
    assert_health(fixture, 100, VERDICT_GO, 0);
    /* It hangs: for half a minute that may pass. */
    desk->stuck = true;
    desk->asked_at = 100;
    assert_health(fixture, 101, VERDICT_GO, 100 + MACHINE_HANGS_US);
    assert_health(fixture, 99 + MACHINE_HANGS_US, VERDICT_GO, 100 + MACHINE_HANGS_US);
    assert_health(fixture, 100 + MACHINE_HANGS_US, VERDICT_MACHINE_UNWELL, 0);
    desk->stuck = false;
    assert_health(fixture, 100 + MACHINE_HANGS_US, VERDICT_GO, 0);
}

static void test_machine(void **state)
{
    Fixture *fixture = *state;
    const Assignment *assignment = registry_assignment(fixture->registry, PINNED);
    Machine *desk = registry_machine(fixture->registry, DESK);

    assert_int_equal(judge_machine(fixture->registry, assignment), VERDICT_GO);
    desk->info->state = MACHINE_STATE_PAUSED;
    assert_int_equal(judge_machine(fixture->registry, assignment), VERDICT_GO);
    desk->info->state = MACHINE_STATE_SHUTOFF;
    assert_int_equal(judge_machine(fixture->registry, assignment), VERDICT_MACHINE_OFF);
    desk->starting = 1;
    assert_int_equal(judge_machine(fixture->registry, assignment), VERDICT_MACHINE_STARTING);
    desk->starting = 0;
    desk->inspected = false;
    assert_int_equal(judge_machine(fixture->registry, assignment), VERDICT_HYPERVISOR_AWAY);
    registry_remove_machine(fixture->registry, desk);
    assert_int_equal(judge_machine(fixture->registry, assignment), VERDICT_MACHINE_UNKNOWN);
    assert_int_equal(judge_assignment(fixture->registry, assignment), VERDICT_MACHINE_UNKNOWN);
    /* Nobody can say that it is unknown while the list of machines isn't known. */
    fixture->registry->machines_known = false;
    assert_int_equal(judge_machine(fixture->registry, assignment), VERDICT_HYPERVISOR_AWAY);
    assert_int_equal(judge_assignment(fixture->registry, assignment), VERDICT_GO);
    fixture->registry->machines_known = true;
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_FAILED;
    assert_int_equal(judge_machine(fixture->registry, assignment), VERDICT_HYPERVISOR_AWAY);
    assert_int_equal(judge_assignment(fixture->registry, assignment), VERDICT_GO);
}

static void test_speed(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    Machine *desk = registry_machine(fixture->registry, DESK);

    desk->info->ports_known = true;
    desk->info->usb_speeds = USB_SPEED_HIGH;
    assert_int_equal(judge_speed(desk, device), VERDICT_GO);
    device->speeds = USB_SPEED_LOW;
    assert_int_equal(judge_speed(desk, device), VERDICT_SPEED);
    device->speeds = USB_SPEED_SUPER | USB_SPEED_HIGH;
    assert_int_equal(judge_speed(desk, device), VERDICT_GO);
    device->speeds = USB_SPEED_SUPER;
    assert_int_equal(judge_speed(desk, device), VERDICT_SPEED);
    assert_int_equal(judge_speed(NULL, device), VERDICT_GO);
    /* What can't be known is libvirt's to say; and one that is off may have another one when it runs. */
    desk->info->ports_known = false;
    assert_int_equal(judge_speed(desk, device), VERDICT_GO);
    desk->info->ports_known = true;
    desk->info->state = MACHINE_STATE_SHUTOFF;
    assert_int_equal(judge_speed(desk, device), VERDICT_GO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_assignment), TEST(test_device),  TEST(test_guard),
        TEST(test_health),     TEST(test_machine), TEST(test_speed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
