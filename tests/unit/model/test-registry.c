/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry: the order in which assignments are made, which serials tell, and who is gone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/fixture.h"

static Assignment *add(Fixture *fixture, const char *id, int64_t sequence)
{
    Assignment *assignment = fixture_make_assignment(fixture, id, DESK, NULL, "vendor=0529", "1");

    assignment->sequence = sequence;
    registry_add_assignment(fixture->registry, assignment);
    return assignment;
}

static void test_next_sequence(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;

    assert_true(registry_next_sequence(registry) == 1);
    add(fixture, "aaaaaaaa", 7);
    add(fixture, "bbbbbbbb", 1700000000000000);
    assert_true(registry_next_sequence(registry) == 1700000000000001);
    registry_remove_assignment(registry, registry_assignment(registry, "bbbbbbbb"));
    assert_true(registry_next_sequence(registry) == 8);
    /* a hand has written that */
    add(fixture, "cccccccc", ASSIGNMENT_SEQUENCE_MAX);
    assert_true(registry_next_sequence(registry) == ASSIGNMENT_SEQUENCE_MAX);
}

/* A serial that had a twin tells nothing more, also when the twin isn't there. */
static void test_serial_is_unique(void **state)
{
    Fixture *fixture = *state;
    Device *device = fixture_make_device(fixture, "1-1", 0x0529, 1, "KEY-4711");
    Assignment *assignment = add(fixture, "aaaaaaaa", 1);

    fixture_plug(fixture, device);
    assert_true(registry_serial_is_unique(fixture->registry, device));
    /* Of those that an assignment by ids found two may well have serials of their own. */
    assignment->twins = true;
    assert_true(registry_serial_is_unique(fixture->registry, device));
    rule_unref(assignment->rule);
    assignment->rule = rule_parse("vendor=0529 product=0001 serial=KEY-4711", NULL);
    assert_false(registry_serial_is_unique(fixture->registry, device));
    assignment->twins = false;
    assert_true(registry_serial_is_unique(fixture->registry, device));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "KEY-4711"));
    assert_false(registry_serial_is_unique(fixture->registry, device));
}

static void test_gone(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;
    static const char unknown[] = "99999999-9999-9999-9999-999999999999";

    assert_false(registry_machine_is_gone(registry, DESK));
    assert_true(registry_machine_is_gone(registry, unknown));
    registry->machines_known = false;
    assert_false(registry_machine_is_gone(registry, unknown));
    registry->machines_known = true;
    registry->hypervisor_state = HYPERVISOR_STATE_CONNECTING;
    assert_false(registry_machine_is_gone(registry, unknown));
}

/* The same array until something comes or goes, in the order of ids; a view has its own. */
static void test_list(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry, view = *registry;
    g_autoptr(GPtrArray) first = NULL, second = NULL, third = NULL, views = NULL;

    add(fixture, "bbbbbbbb", 1);
    first = registry_list(registry, registry->assignments);
    assert_int_equal(first->len, 1);
    add(fixture, "aaaaaaaa", 2);
    second = registry_list(registry, registry->assignments);
    assert_int_equal(first->len, 1);
    assert_int_equal(second->len, 2);
    assert_string_equal(((Assignment *)second->pdata[0])->id, "aaaaaaaa");
    registry_remove_assignment(registry, registry_assignment(registry, "aaaaaaaa"));
    third = registry_list(registry, registry->assignments);
    assert_int_equal(third->len, 1);
    assert_string_equal(((Assignment *)third->pdata[0])->id, "bbbbbbbb");

    registry_begin_view(&view);
    view.assignments = g_hash_table_new(g_str_hash, g_str_equal);
    views = registry_list(&view, view.assignments);
    assert_int_equal(views->len, 0);
    registry_end_view(&view);
    g_hash_table_unref(view.assignments);
}

static void plug_into(Fixture *fixture, const char *sysname, const char *socket)
{
    Device *device = fixture_make_device(fixture, sysname, 0x0529, 1, sysname);

    g_free(device->socket);
    device->socket = g_strdup(socket);
    fixture_plug(fixture, device);
}

static void assert_by_socket(Registry *registry, const char *sysnames)
{
    g_autoptr(GPtrArray) devices = registry_devices_by_socket(registry);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < devices->len; i++)
        g_string_append_printf(text, "%s ", ((const Device *)devices->pdata[i])->sysname);
    assert_string_equal(text->str, sysnames);
}

/* By names where the socket is the same; of those that are there now. */
static void test_devices_by_socket(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry, view = *registry;

    assert_by_socket(registry, "");
    plug_into(fixture, "1-1", "pci-0000:00:14.0/9");
    plug_into(fixture, "1-3", "pci-0000:00:14.0/1");
    plug_into(fixture, "1-2", "pci-0000:00:14.0/1");
    assert_by_socket(registry, "1-2 1-3 1-1 ");
    registry_begin_view(&view);
    assert_by_socket(&view, "1-2 1-3 1-1 ");
    registry_end_view(&view);
    registry_remove_device(registry, registry_device(registry, "1-3"));
    assert_by_socket(registry, "1-2 1-1 ");
}

/* Whatever came, went, or was decided since it was asked last. */
static void test_machine_of(void **state)
{
    static const char *const rules[] = { "vendor=0529", NULL };
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;
    Assignment *assignment = add(fixture, "aaaaaaaa", 1);

    assert_ptr_equal(registry_machine_of(registry, assignment), registry_machine(registry, DESK));
    assert_null(registry_group_of(registry, assignment));
    g_free(assignment->machine_uuid);
    assignment->machine_uuid = g_strdup(STUDIO);
    assignment->group = g_strdup("keys");
    assert_ptr_equal(registry_machine_of(registry, assignment), registry_machine(registry, STUDIO));
    assert_null(registry_group_of(registry, assignment));
    fixture_add_group(fixture, "keys", rules);
    assert_ptr_equal(registry_group_of(registry, assignment), registry_group(registry, "keys"));
    assert_false(registry_lost_machine_of(registry, assignment));
    registry_remove_machine(registry, registry_machine(registry, STUDIO));
    registry_remove_group(registry, registry_group(registry, "keys"));
    assert_null(registry_machine_of(registry, assignment));
    assert_null(registry_group_of(registry, assignment));
    assert_true(registry_lost_machine_of(registry, assignment));
    fixture_add_machine(fixture, STUDIO, "studio");
    assert_ptr_equal(registry_machine_of(registry, assignment), registry_machine(registry, STUDIO));
}

/* Another group by the same name. */
static void test_group_of_a_view(void **state)
{
    static const char *const rules[] = { "vendor=0529", NULL };
    Fixture *fixture = *state;
    Registry *registry = fixture->registry, view = *registry;
    Assignment *assignment = add(fixture, "aaaaaaaa", 1);
    g_autoptr(Group) other = group_new("keys");

    assignment->group = g_strdup("keys");
    fixture_add_group(fixture, "keys", rules);
    assert_ptr_equal(registry_group_of(registry, assignment), registry_group(registry, "keys"));
    registry_begin_view(&view);
    view.groups = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(view.groups, other->name, other);
    assert_ptr_equal(registry_group_of(&view, assignment), other);
    assert_ptr_equal(registry_group_of(registry, assignment), registry_group(registry, "keys"));
    registry_end_view(&view);
    g_hash_table_unref(view.groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_next_sequence, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_serial_is_unique, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_gone, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_list, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_devices_by_socket, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_machine_of, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_group_of_a_view, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
