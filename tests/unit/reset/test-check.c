/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reset affects, and whether it may begin. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/reset/check.h"
#include "tests/unit/fixture.h"

/* Plugs a device, or a hub, into that hub. */
static Device *plug(Fixture *fixture, const char *sysname, const char *hub, bool is_hub)
{
    Device *device = fixture_make_device(fixture, sysname, 0x046d, 0xc31c, "");

    device->hub = g_strdup(hub);
    device->is_hub = is_hub;
    fixture_plug(fixture, device);
    return device;
}

/* A hub 1-1 with 1-1.2 and a hub 1-1.3 with 1-1.3.1 behind it, and 1-12 beside it. */
static int set_up(void **state)
{
    Device *root;

    fixture_setup(state);
    root = device_new("usb1");
    root->is_hub = true;
    registry_add_device(((Fixture *)*state)->registry, root);
    plug(*state, "1-1", "usb1", true);
    plug(*state, "1-1.2", "1-1", false);
    plug(*state, "1-1.3", "1-1", true);
    plug(*state, "1-1.3.1", "1-1.3", false);
    plug(*state, "1-12", "usb1", false);
    return 0;
}

static const Device *device(Fixture *fixture, const char *sysname)
{
    return registry_device(fixture->registry, sysname);
}

/* Takes the devices. */
static void assert_names(GPtrArray *devices, const char *expected)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < devices->len; i++)
        g_string_append_printf(names, "%s%s", i ? " " : "", ((const Device *)devices->pdata[i])->sysname);
    g_ptr_array_unref(devices);
    assert_string_equal(names->str, expected);
}

static void a_reset_affects_what_is_behind(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;

    assert_names(resets_behind(registry, device(fixture, "1-1")), "1-1.2 1-1.3 1-1.3.1");
    assert_names(reset_find_affected(registry, device(fixture, "1-1"), RESET_METHOD_RESET),
                 "1-1.2 1-1.3 1-1.3.1");
    assert_names(reset_find_affected(registry, device(fixture, "1-1.3"), RESET_METHOD_POWER_CYCLE),
                 "1-1.3.1");
    assert_names(reset_find_affected(registry, device(fixture, "1-12"), RESET_METHOD_RESET), "");
}

/* text: a part of the message; NULL = it may begin. */
static void assert_check(Fixture *fixture, const char *sysname, FerryError code, const char *text)
{
    g_autoptr(GError) error = NULL;
    bool may = reset_may_begin(fixture->registry, device(fixture, sysname), RESET_METHOD_RESET, &error);

    if (!text) {
        assert_true(may);
        assert_null(error);
        return;
    }
    assert_false(may);
    assert_true(g_error_matches(error, FERRY_ERROR, (gint)code));
    if (!strstr(error->message, text))
        fail_msg("\"%s\" doesn't say \"%s\"", error->message, text);
}

static void a_root_hub_is_refused(void **state)
{
    assert_check(*state, "usb1", FERRY_ERROR_DEVICE_IS_HUB, "is a root hub");
    assert_check(*state, "1-1", FERRY_ERROR_DEVICE_IS_HUB, NULL);
    assert_check(*state, "1-12", FERRY_ERROR_DEVICE_IS_HUB, NULL);
}

static void what_is_in_a_reset_is_refused(void **state)
{
    Fixture *fixture = *state;
    Reservations *reservations = fixture->registry->reservations;

    reservations_set(reservations, "1-1.3", NULL, RESERVATION_RESET);
    assert_true(resets_is_open(fixture->registry, "1-1.3"));
    assert_true(resets_is_open(fixture->registry, "1-1.3.1"));
    assert_false(resets_is_open(fixture->registry, "1-1"));
    assert_check(fixture, "1-1.3.1", FERRY_ERROR_DEVICE_BUSY, "is being reset already");
    /* Its hub would reset it, too. */
    assert_check(fixture, "1-1", FERRY_ERROR_DEVICE_BUSY, "(1-1.3) is being reset already");
    assert_check(fixture, "1-12", FERRY_ERROR_DEVICE_BUSY, NULL);
    /* On its way back it is still in the reset. */
    reservations_set(reservations, "1-1.3", NULL, RESERVATION_RETURN);
    assert_check(fixture, "1-1.3", FERRY_ERROR_DEVICE_BUSY, "is being reset already");
    /* One that is attached anew isn't. */
    reservations_set(reservations, "1-1.3", NULL, RESERVATION_REATTACH);
    assert_false(resets_is_open(fixture->registry, "1-1.3"));
    assert_check(fixture, "1-1.3", FERRY_ERROR_DEVICE_BUSY, NULL);
}

static void what_another_program_has_is_refused(void **state)
{
    Fixture *fixture = *state;

    fixture_put_foreign(fixture, "1-1.2", STUDIO);
    registry_device(fixture->registry, "1-1.2")->state = DEVICE_STATE_FOREIGN;
    g_free(registry_machine(fixture->registry, STUDIO)->info->name);
    registry_machine(fixture->registry, STUDIO)->info->name = g_strdup("studio");
    assert_check(fixture, "1-1.2", FERRY_ERROR_DEVICE_BUSY, "VM \"studio\" by another program");
    assert_check(fixture, "1-1", FERRY_ERROR_DEVICE_BUSY, "VM \"studio\" by another program");
    assert_check(fixture, "1-1.3", FERRY_ERROR_DEVICE_BUSY, NULL);
}

static void nothing_is_reset_while_a_machine_is_unseen(void **state)
{
    Fixture *fixture = *state;
    Machine *machine = registry_machine(fixture->registry, LOFT);

    machine->inspected = false;
    assert_check(fixture, "1-12", FERRY_ERROR_HYPERVISOR, "is still being read");
    machine->stuck = true;
    assert_check(fixture, "1-12", FERRY_ERROR_HYPERVISOR, "does not answer");
    machine->stuck = false;
    machine->read_error = g_strdup("no luck");
    assert_check(fixture, "1-12", FERRY_ERROR_HYPERVISOR, "cannot be read (no luck)");
    g_clear_pointer(&machine->read_error, g_free);
    machine->inspected = true;
    assert_check(fixture, "1-12", FERRY_ERROR_HYPERVISOR, NULL);
    fixture->registry->machines_known = false;
    assert_check(fixture, "1-12", FERRY_ERROR_HYPERVISOR, "");
    fixture->registry->machines_known = true;
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_FAILED;
    assert_check(fixture, "1-12", FERRY_ERROR_HYPERVISOR, "");
}

static void an_older_look_is_enough_to_begin(void **state)
{
    Fixture *fixture = *state;
    Machine *machine = registry_machine(fixture->registry, LOFT);
    g_autofree char *none = NULL, *unseen = NULL, *stuck = NULL;

    machine->stale = true;
    none = reset_unseen_text(fixture->registry, false);
    unseen = reset_unseen_text(fixture->registry, true);
    assert_null(none);
    assert_non_null(unseen);
    /* Nobody else gets a device into it. */
    machine->stuck = true;
    stuck = reset_unseen_text(fixture->registry, true);
    assert_null(stuck);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_reset_affects_what_is_behind),
        TEST(a_root_hub_is_refused),
        TEST(what_is_in_a_reset_is_refused),
        TEST(what_another_program_has_is_refused),
        TEST(nothing_is_reset_while_a_machine_is_unseen),
        TEST(an_older_look_is_enough_to_begin),
    };

    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
