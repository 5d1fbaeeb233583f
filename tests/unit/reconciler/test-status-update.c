/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written down of devices, claims, groups and tenants, and that only what is different is reported.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/reconciler/status-update.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"

/* 1-1 is assigned to DESK, 1-2 is nobody's. */
static int set_up(void **state)
{
    fixture_setup(state);
    fixture_plug(*state, fixture_make_device(*state, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(*state, fixture_make_device(*state, "1-2", 0x0529, 2, "BBBB-2"));
    fixture_assign(*state, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    return 0;
}

static void update(Fixture *fixture)
{
    fixture_look(fixture);
    fixture_record(fixture);
    status_update(fixture->registry, fixture->allocation);
}

static void assert_device(Fixture *fixture, DeviceState expected, const char *uuid, const char *id)
{
    const Device *device = registry_device(fixture->registry, "1-1");

    assert_string_equal(device_state_to_string(device->state), device_state_to_string(expected));
    assert_string_equal(device->machine_uuid ? device->machine_uuid : "", uuid ? uuid : "");
    assert_string_equal(device->assignment_id ? device->assignment_id : "", id ? id : "");
}

static void assert_claim(Fixture *fixture, DeviceState expected)
{
    const GPtrArray *claims = registry_assignment(fixture->registry, PINNED)->claims;
    const Claim *claim;

    assert_int_equal(claims->len, 1);
    claim = claims->pdata[0];
    assert_string_equal(claim->sysname, "1-1");
    assert_string_equal(device_state_to_string(claim->state), device_state_to_string(expected));
}

static void test_on_its_way_in_and_out(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);
    const Hostdev *hostdev;

    update(fixture);
    assert_device(fixture, DEVICE_STATE_ATTACHING, DESK, PINNED);
    assert_claim(fixture, DEVICE_STATE_ATTACHING);
    fixture_put_in_flight(fixture, "1-1", PINNED);
    update(fixture);
    assert_device(fixture, DEVICE_STATE_ATTACHING, DESK, PINNED);
    assert_claim(fixture, DEVICE_STATE_ATTACHING);
    desk->in_flight = hostdev_free(desk->in_flight);
    hostdev = fixture_put_into(fixture, "1-1", PINNED);
    update(fixture);
    assert_device(fixture, DEVICE_STATE_ATTACHED, DESK, PINNED);
    assert_claim(fixture, DEVICE_STATE_ATTACHED);
    g_hash_table_insert(desk->removals, g_strdup(hostdev->alias), g_new0(Removal, 1));
    update(fixture);
    assert_device(fixture, DEVICE_STATE_DETACHING, DESK, PINNED);
    assert_claim(fixture, DEVICE_STATE_DETACHING);
    registry_assignment(fixture->registry, PINNED)->wanted = false;
    update(fixture);
    assert_device(fixture, DEVICE_STATE_DETACHING, DESK, PINNED);
    g_ptr_array_set_size(desk->info->hostdevs, 0);
    update(fixture);
    assert_device(fixture, DEVICE_STATE_HOST, NULL, PINNED);
    assert_claim(fixture, DEVICE_STATE_HOST);
}

/* An attach of what nobody wants any more comes out again. */
static void test_unwanted_in_flight(void **state)
{
    Fixture *fixture = *state;

    fixture_put_in_flight(fixture, "1-1", PINNED);
    registry_assignment(fixture->registry, PINNED)->wanted = false;
    update(fixture);
    assert_device(fixture, DEVICE_STATE_DETACHING, DESK, PINNED);
    assert_claim(fixture, DEVICE_STATE_DETACHING);
}

static void test_waiting(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);
    Claim *claim;

    update(fixture);
    claim = registry_assignment(fixture->registry, PINNED)->claims->pdata[0];
    claim->error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "no");
    claim->failures = 3;
    update(fixture);
    assert_device(fixture, DEVICE_STATE_WAITING, DESK, PINNED);
    /* What is remembered of failures stays with the claim. */
    claim = registry_assignment(fixture->registry, PINNED)->claims->pdata[0];
    assert_int_equal(claim->failures, 3);
    assert_non_null(claim->error);
    /* The same device again is another enumeration, and nothing has failed with it. */
    registry_device(fixture->registry, "1-1")->instance++;
    update(fixture);
    assert_device(fixture, DEVICE_STATE_ATTACHING, DESK, PINNED);
    claim = registry_assignment(fixture->registry, PINNED)->claims->pdata[0];
    assert_int_equal(claim->failures, 0);
    assert_null(claim->error);
    desk->info->state = MACHINE_STATE_SHUTOFF;
    update(fixture);
    assert_device(fixture, DEVICE_STATE_WAITING, DESK, PINNED);
}

/* Whatever libvirt says: there is room for so much of it in what all objects are together. */
static void test_a_long_reason(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *text = g_strnfill(2 * ASSIGNMENT_REASON_MAX, 'x');
    const Assignment *assignment = registry_assignment(fixture->registry, PINNED);
    Claim *claim;

    update(fixture);
    claim = assignment->claims->pdata[0];
    claim->error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, text);
    claim->failures = 3;
    update(fixture);
    assert_true(strlen(assignment->reason) <= ASSIGNMENT_REASON_MAX);
    assert_true(g_str_has_suffix(assignment->reason, "xxx\u2026"));
}

static void test_others_have_it(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    GPtrArray *pci = registry_machine(fixture->registry, LOFT)->info->pci;

    fixture_assign(fixture, "bbbbbbbb", STUDIO, NULL, "serial=AAAA-1", "1");
    fixture_put_into(fixture, "1-1", "bbbbbbbb");
    registry_assignment(fixture->registry, "bbbbbbbb")->wanted = false;
    update(fixture);
    assert_device(fixture, DEVICE_STATE_DETACHING, STUDIO, "bbbbbbbb");
    assert_claim(fixture, DEVICE_STATE_WAITING);
    /* Nobody knows the assignment any more. */
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, "bbbbbbbb"));
    update(fixture);
    assert_device(fixture, DEVICE_STATE_DETACHING, STUDIO, NULL);
    g_ptr_array_set_size(registry_machine(fixture->registry, STUDIO)->info->hostdevs, 0);
    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    g_ptr_array_add(pci, g_strdup("0000:00:14.0"));
    update(fixture);
    assert_device(fixture, DEVICE_STATE_BLOCKED, DESK, PINNED);
    assert_claim(fixture, DEVICE_STATE_BLOCKED);
    fixture_put_foreign(fixture, "1-1", LOFT);
    update(fixture);
    assert_device(fixture, DEVICE_STATE_FOREIGN, LOFT, PINNED);
}

static void test_reports_what_is_different(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    update(fixture);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-1"),
                     DEVICE_FIELD_STATE | DEVICE_FIELD_MACHINE | DEVICE_FIELD_ASSIGNMENT |
                         DEVICE_FIELD_REASON);
    /* The first look at it: it is the host's since then. */
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-2"),
                     DEVICE_FIELD_STATE | DEVICE_FIELD_REASON);
    assert_true(fixture_reported(fixture, OBJECT_ASSIGNMENT, PINNED) & ASSIGNMENT_FIELD_STATE);
    update(fixture);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-1"), 0);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-2"), 0);
    assert_int_equal(fixture_reported(fixture, OBJECT_ASSIGNMENT, PINNED), 0);
    pinned->own_guest_reset = CHOICE_YES;
    update(fixture);
    assert_int_equal(fixture_reported(fixture, OBJECT_ASSIGNMENT, PINNED), ASSIGNMENT_FIELD_GUEST_RESET);
    assert_true(pinned->allow_guest_reset);
    assert_false(pinned->allow_guest_resets_all);
    fixture_put_into(fixture, "1-1", PINNED)->guest_reset = GUEST_RESET_UNINITIALIZED;
    update(fixture);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-1"),
                     DEVICE_FIELD_STATE | DEVICE_FIELD_REASON);
    assert_true(fixture_reported(fixture, OBJECT_ASSIGNMENT, PINNED) & ASSIGNMENT_FIELD_DEVICES);
    assert_int_equal(pinned->state, ASSIGNMENT_STATE_ATTACHED);
    assert_string_equal(pinned->reason, "0529:0001 (1-1) is attached to VM \"desk\".");
    assert_string_equal(pinned->reason_code, "attached");
    assert_string_equal(registry_device(fixture->registry, "1-1")->reason, pinned->reason);
    assert_string_equal(registry_device(fixture->registry, "1-1")->reason_code, "attached");
    assert_string_equal(registry_device(fixture->registry, "1-2")->reason,
                        "0529:0002 (1-2) is with the host.");
    assert_string_equal(registry_device(fixture->registry, "1-2")->reason_code, "host");
}

/* Until it was compared with what is, and again with every change that isn't durable. */
static void test_pending(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    assert_true(pinned->pending);
    update(fixture);
    assert_false(pinned->pending);
    assert_true(fixture_reported(fixture, OBJECT_ASSIGNMENT, PINNED) & ASSIGNMENT_FIELD_PENDING);
    fixture_record(fixture);
    registry_mark_pending(fixture->registry, pinned);
    assert_true(pinned->pending);
    assert_int_equal(fixture_reported(fixture, OBJECT_ASSIGNMENT, PINNED), ASSIGNMENT_FIELD_PENDING);
    fixture_record(fixture);
    registry_mark_pending(fixture->registry, pinned);
    assert_int_equal(fixture_reported(fixture, OBJECT_ASSIGNMENT, PINNED), 0);
    update(fixture);
    assert_false(pinned->pending);
    pinned->saving = true;
    update(fixture);
    assert_true(pinned->pending);
    assert_int_equal(fixture_reported(fixture, OBJECT_ASSIGNMENT, PINNED), ASSIGNMENT_FIELD_PENDING);
    pinned->saving = false;
    pinned->stored = false;
    update(fixture);
    assert_true(pinned->pending);
    pinned->stored = true;
    update(fixture);
    assert_false(pinned->pending);
}

/* Free is what is neither anybody's nor anywhere. */
static void test_groups(void **state)
{
    Fixture *fixture = *state;
    const Group *keys;

    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    keys = registry_group(fixture->registry, "keys");
    update(fixture);
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "keys"), GROUP_FIELD_DEVICES | GROUP_FIELD_FREE);
    assert_int_equal(keys->devices->len, 2);
    assert_string_equal(keys->devices->pdata[0], "1-1");
    assert_int_equal(keys->free, 1);
    fixture_put_foreign(fixture, "1-2", LOFT);
    update(fixture);
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "keys"), GROUP_FIELD_FREE);
    assert_int_equal(keys->free, 0);
}

static void test_tenants(void **state)
{
    Fixture *fixture = *state;
    Tenant *lab = tenant_new("lab");

    registry_add_tenant(fixture->registry, lab);
    fixture_add_group(fixture, "lab/keys", (const char *const[]){ "serial=AAAA-1", NULL });
    update(fixture);
    assert_int_equal(fixture_reported(fixture, OBJECT_TENANT, "lab"),
                     TENANT_FIELD_DEVICES | TENANT_FIELD_GROUPS);
    assert_int_equal(lab->devices->len, 1);
    assert_string_equal(lab->devices->pdata[0], "1-1");
    assert_int_equal(lab->groups->len, 1);
    assert_string_equal(lab->groups->pdata[0], "lab/keys");
    update(fixture);
    assert_int_equal(fixture_reported(fixture, OBJECT_TENANT, "lab"), 0);
}

static GLogWriterOutput note_line(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer userdata)
{
    if (strstr(fields[0].value, "assignment " PINNED))
        g_ptr_array_add(userdata, g_strdup(fields[0].value));
    return G_LOG_WRITER_HANDLED;
}

static void assert_lines(GPtrArray *lines, guint n, const char *part)
{
    assert_int_equal(lines->len, n);
    if (n > 0)
        assert_non_null(strstr(lines->pdata[n - 1], part));
    g_ptr_array_set_size(lines, 0);
}

static GPtrArray *lines;

/* While nobody knows yet where everything stands the log doesn't say it. */
static void test_told_once_it_is_known(void **state)
{
    Fixture *fixture = *state;

    g_ptr_array_set_size(lines, 0);
    fixture->registry->settling = true;
    fixture->registry->machines_known = false;
    update(fixture);
    fixture->registry->machines_known = true;
    update(fixture);
    assert_lines(lines, 0, NULL);
    fixture->registry->settling = false;
    update(fixture);
    assert_lines(lines, 1, "is attaching");
    update(fixture);
    assert_lines(lines, 0, NULL);
    /* Trouble is told at once, and once. */
    fixture->registry->settling = true;
    registry_assignment(fixture->registry, PINNED)->damage = g_strdup("no sense");
    update(fixture);
    assert_lines(lines, 1, "no sense");
    fixture->registry->settling = false;
    update(fixture);
    assert_lines(lines, 0, NULL);
}

/* Each counts as it stands when the next one is looked at. */
static void test_places(void **state)
{
    Fixture *fixture = *state;

    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_put_foreign(fixture, "1-1", LOFT);
    fixture_put_foreign(fixture, "1-2", LOFT);
    fixture_assign(fixture, "bbbbbbbb", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "cccccccc", STUDIO, "keys", NULL, "1");
    update(fixture);
    assert_string_equal(registry_assignment(fixture->registry, "bbbbbbbb")->reason,
                        "No device of group keys is free; place 1 in the queue.");
    assert_string_equal(registry_assignment(fixture->registry, "cccccccc")->reason,
                        "No device of group keys is free; place 2 in the queue.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_on_its_way_in_and_out),
        TEST(test_unwanted_in_flight),
        TEST(test_waiting),
        TEST(test_a_long_reason),
        TEST(test_others_have_it),
        TEST(test_reports_what_is_different),
        TEST(test_pending),
        TEST(test_groups),
        TEST(test_places),
        TEST(test_tenants),
        TEST(test_told_once_it_is_known),
    };

    lines = g_ptr_array_new_with_free_func(g_free);
    g_log_set_writer_func(note_line, lines, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
