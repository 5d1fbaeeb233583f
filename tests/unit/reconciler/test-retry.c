/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When an attach that failed is tried again: by its error, and at once when something changed that helps. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/reconciler/retry.h"
#include "tests/unit/fixture.h"

#define NOW   (100 * G_USEC_PER_SEC)
#define TRIES 10

/* The waits after each failure, in ms. */
static void assert_waits(FerryError code, const int *expected)
{
    g_autoptr(Claim) claim = g_new0(Claim, 1);
    g_autoptr(GError) error = g_error_new_literal(FERRY_ERROR, (gint)code, "no luck");

    for (int i = 0; i < TRIES; i++) {
        retry_note_failure(claim, error, NOW);
        assert_int_equal((claim->next_at - NOW) / 1000, expected[i]);
        assert_int_equal(claim->failures, i + 1);
    }
    assert_true(g_error_matches(claim->error, FERRY_ERROR, (gint)code));
    claim_forget_failures(claim);
    assert_int_equal(claim->next_at, 0);
    assert_int_equal(claim->failures, 0);
    assert_null(claim->error);
}

static void each_error_has_its_pace(void **state)
{
    static const int fast[TRIES] = { 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000 };
    static const int slow[TRIES] = { 15000, 30000, 60000, 60000, 60000, 60000, 60000, 60000, 60000, 60000 };
    static const int change[TRIES] = { 60000, 60000, 60000, 60000, 60000, 60000, 60000, 60000, 60000, 60000 };

    assert_waits(FERRY_ERROR_HYPERVISOR, fast);
    assert_waits(FERRY_ERROR_DEVICE_BUSY, fast);
    assert_waits(FERRY_ERROR_TIMEOUT, fast);
    assert_waits(FERRY_ERROR_NO_FREE_PORT, slow);
    assert_waits(FERRY_ERROR_NO_CONTROLLER, slow);
    assert_waits(FERRY_ERROR_MACHINE_NOT_RUNNING, change);
    assert_waits(FERRY_ERROR_NO_SUCH_MACHINE, change);
    /* One that has no row. */
    assert_waits(FERRY_ERROR_STORAGE, fast);
}

static void add_hostdev(MachineInfo *info, const char *alias, unsigned number)
{
    Hostdev *hostdev = g_new0(Hostdev, 1);

    hostdev->alias = g_strdup(alias);
    hostdev->device_number = number;
    g_ptr_array_add(info->hostdevs, hostdev);
}

static void what_can_help_is_seen(void **state)
{
    g_autoptr(MachineInfo) before = machine_info_new(DESK);
    g_autoptr(MachineInfo) after = machine_info_new(DESK);

    before->state = after->state = MACHINE_STATE_RUNNING;
    before->free_ports = after->free_ports = 2;
    assert_int_equal(retry_compare(before, after), 0);
    after->state = MACHINE_STATE_PAUSED;
    after->free_ports = 1;
    add_hostdev(after, "hostdev0", 5);
    assert_int_equal(retry_compare(before, after), 0);
    after->free_ports = 3;
    assert_int_equal(retry_compare(before, after), RETRY_PORT);
    add_hostdev(before, "hostdev0", 4);
    assert_int_equal(retry_compare(before, after), RETRY_PORT | RETRY_HOLDER);
    add_hostdev(after, "hostdev0", 4);
    g_free(after->usb_controller);
    after->usb_controller = g_strdup("qemu-xhci");
    assert_int_equal(retry_compare(before, after), RETRY_PORT | RETRY_CONTROLLER);
    after->free_ports = 2;
    after->domain_id = 7;
    assert_int_equal(retry_compare(before, after), RETRY_LIFE | RETRY_CONTROLLER);
    before->domain_id = 7;
    before->state = MACHINE_STATE_SHUTOFF;
    assert_int_equal(retry_compare(before, after), RETRY_LIFE | RETRY_CONTROLLER);
}

typedef struct Failing {
    Fixture *fixture;
    Claim *desk; /* of an assignment to DESK */
    Claim *loft;
} Failing;

static Claim *fail_once(Fixture *fixture, const char *id, const char *uuid, FerryError code)
{
    g_autoptr(GError) error = g_error_new_literal(FERRY_ERROR, (gint)code, "no luck");
    Claim *claim = g_new0(Claim, 1);

    fixture_assign(fixture, id, uuid, NULL, "serial=X", "1");
    g_ptr_array_add(registry_assignment(fixture->registry, id)->claims, claim);
    retry_note_failure(claim, error, NOW);
    return claim;
}

static void begin(Failing *failing, Fixture *fixture, FerryError code)
{
    for (const char *const *id = (const char *const[]){ "aaaaaaaa", "bbbbbbbb", NULL }; *id; id++)
        if (registry_assignment(fixture->registry, *id))
            registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, *id));
    *failing = (Failing){ .fixture = fixture };
    failing->desk = fail_once(fixture, "aaaaaaaa", DESK, code);
    failing->loft = fail_once(fixture, "bbbbbbbb", LOFT, code);
}

/* Only who is helped, and of whom it is remembered how often he failed: should it fail again, it is as slow
 * as it was. */
static void who_is_helped_is_tried_at_once(void **state)
{
    Failing failing;

    begin(&failing, *state, FERRY_ERROR_NO_FREE_PORT);
    retry_at_once(failing.fixture->registry, DESK, RETRY_HOLDER);
    assert_true(failing.desk->next_at > NOW);
    retry_at_once(failing.fixture->registry, DESK, RETRY_PORT);
    assert_int_equal(failing.desk->next_at, 0);
    assert_int_equal(failing.desk->failures, 1);
    assert_non_null(failing.desk->error);
    assert_true(failing.loft->next_at > NOW);

    begin(&failing, *state, FERRY_ERROR_NO_CONTROLLER);
    retry_at_once(failing.fixture->registry, DESK, RETRY_PORT | RETRY_HOLDER);
    assert_true(failing.desk->next_at > NOW);
    retry_at_once(failing.fixture->registry, DESK, RETRY_CONTROLLER);
    assert_int_equal(failing.desk->next_at, 0);

    /* Libvirt's own words may mean anything. */
    begin(&failing, *state, FERRY_ERROR_HYPERVISOR);
    retry_at_once(failing.fixture->registry, DESK, RETRY_PORT);
    assert_int_equal(failing.desk->next_at, 0);
    retry_at_once(failing.fixture->registry, DESK, 0);
    assert_true(failing.loft->next_at > NOW);
}

/* Whose machine let it go doesn't matter. */
static void a_device_that_is_let_go_helps_every_machine(void **state)
{
    Failing failing;

    begin(&failing, *state, FERRY_ERROR_DEVICE_BUSY);
    retry_at_once(failing.fixture->registry, STUDIO, RETRY_HOLDER | RETRY_LIFE);
    assert_int_equal(failing.desk->next_at, 0);
    assert_int_equal(failing.loft->next_at, 0);
    assert_non_null(failing.loft->error);
}

static void another_life_begins_anew(void **state)
{
    Failing failing;

    begin(&failing, *state, FERRY_ERROR_MACHINE_NOT_RUNNING);
    retry_at_once(failing.fixture->registry, DESK, RETRY_LIFE);
    assert_int_equal(failing.desk->failures, 0);
    assert_null(failing.desk->error);
    assert_int_equal(failing.loft->failures, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_pace),
        cmocka_unit_test(what_can_help_is_seen),
        TEST(who_is_helped_is_tried_at_once),
        TEST(a_device_that_is_let_go_helps_every_machine),
        TEST(another_life_begins_anew),
    };

    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
