/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered of devices: in the registry at once, on the disk soon, and written when it is new only.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <glib/gstdio.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/text.h"
#include "daemon/manager/homes.h"
#include "daemon/manager/internal.h"
#include "tests/unit/manager/core.h"

#define ID         "aaaaaaaa"
#define FILE_OF_IT "state/assignments/" ID

static Assignment *assign(Core *core, const char *rule)
{
    Assignment *assignment = assignment_new(ID);

    text_replace(&assignment->name, "x");
    assignment->machine_uuid = g_strdup(DESK);
    text_replace(&assignment->machine_name, "desk");
    assignment->rule = rule_parse(rule, NULL);
    g_free(assignment->selector);
    assignment->selector = rule_print(assignment->rule);
    assignment->stored = true;
    assignment->sequence = 1;
    registry_add_assignment(core->registry, assignment);
    return assignment;
}

/* As its live XML would show it. */
static void put_into_desk(Core *core, Device *device, unsigned number)
{
    Hostdev *hostdev = g_new0(Hostdev, 1);

    device->bus_number = 1;
    device->instance = device->device_number = number;
    hostdev->alias = hostdev_alias_format(ID, number, 0);
    hostdev->assignment_id = g_strdup(ID);
    hostdev->instance = number;
    hostdev->bus_number = 1;
    hostdev->device_number = number;
    g_ptr_array_set_size(registry_machine(core->registry, DESK)->info->hostdevs, 0);
    g_ptr_array_add(registry_machine(core->registry, DESK)->info->hostdevs, hostdev);
}

static void look(Core *core)
{
    g_autoptr(Allocation) allocation = allocation_new(core->registry, 1);

    homes_look(allocation, core->manager);
}

/* Until all that was given to the store is on the disk. */
static void rest(Core *core)
{
    core_run_while(&core->manager->homes_saving);
}

static void remove_file(Core *core)
{
    g_autofree char *path = g_build_filename(core->folder, FILE_OF_IT, NULL);

    assert_int_equal(g_unlink(path), 0);
}

static void assert_file(Core *core, const char *part)
{
    g_autofree char *text = core_file(core, FILE_OF_IT);

    if (!part) {
        assert_null(text);
        return;
    }
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("no %s in:\n%s", part, text);
}

static void test_the_place_follows(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, "vendor=0529 product=0001 serial=A");
    Device *device = core_plug(core, "1-4", 0x0529, "A");

    /* Where it is plugged in says nothing. */
    look(core);
    assert_string_equal(assignment->home_socket, "");
    assert_false(core->manager->homes_saving);
    put_into_desk(core, device, 7);
    look(core);
    assert_string_equal(assignment->home_socket, "pci-0000:00:14.0/4");
    assert_non_null(strstr(assignment->device_text, "(1-4)"));
    rest(core);
    assert_file(core, "Socket=pci-0000:00:14.0/4");
    assert_false(assignment->unsaved);
    /* No turn follows. */
    assert_false(g_main_context_pending(NULL));
    /* Nothing new, nothing written, also when it is plugged in anew. */
    remove_file(core);
    look(core);
    put_into_desk(core, device, 8);
    look(core);
    rest(core);
    assert_file(core, NULL);
}

static void test_twins_for_ever(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, "vendor=0529 product=0001 serial=A");

    core_plug(core, "1-4", 0x0529, "A");
    core_plug(core, "1-5", 0x0529, "A");
    look(core);
    assert_true(assignment->twins);
    rest(core);
    assert_file(core, "Twins=true");
    registry_remove_device(core->registry, registry_device(core->registry, "1-5"));
    remove_file(core);
    look(core);
    rest(core);
    assert_true(assignment->twins);
    assert_file(core, NULL);
}

/* A machine that was renamed is found by its new name when it is made anew. */
static void test_the_name_of_its_machine(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, "vendor=0529");
    Machine *desk = registry_machine(core->registry, DESK);

    look(core);
    assert_false(core->manager->homes_saving);
    text_replace(&desk->info->name, "");
    look(core);
    assert_string_equal(assignment->machine_name, "desk");
    text_replace(&desk->info->name, "bureau");
    look(core);
    assert_string_equal(assignment->machine_name, "bureau");
    rest(core);
    assert_file(core, "MachineName=bureau");
    registry_remove_machine(core->registry, desk);
    look(core);
    assert_string_equal(assignment->machine_name, "bureau");
}

/* It is looked at again when that is over: the change would bring the old place back. */
static void test_not_while_a_change_is_being_stored(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, "vendor=0529 product=0001 serial=A");
    Device *device = core_plug(core, "1-4", 0x0529, "A");

    put_into_desk(core, device, 7);
    assignment->saving = true;
    look(core);
    assert_string_equal(assignment->home_socket, "");
    assignment->saving = false;
    assignment->stored = false;
    look(core);
    assert_string_equal(assignment->home_socket, "");
    assignment->stored = true;
    look(core);
    assert_string_equal(assignment->home_socket, "pci-0000:00:14.0/4");
    rest(core);
}

/* A second thing that is seen while the first one is on its way is written, too. */
static void test_one_behind_the_other(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, "vendor=0529 product=0001 serial=A");
    Device *device = core_plug(core, "1-4", 0x0529, "A");

    put_into_desk(core, device, 7);
    look(core);
    core_plug(core, "1-5", 0x0529, "A");
    look(core);
    assert_true(assignment->unsaved);
    rest(core);
    /* A turn follows by itself. */
    core_run_while(&assignment->unsaved);
    rest(core);
    assert_file(core, "Twins=true");
    assert_false(assignment->unsaved);
}

/* What can't be written is kept in mind and tried again. */
static void test_a_disk_that_takes_nothing(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, "vendor=0529 product=0001 serial=A");
    Device *device = core_plug(core, "1-4", 0x0529, "A");
    g_autofree char *folder = g_build_filename(core->folder, "state/assignments", NULL);
    g_autofree char *away = g_build_filename(core->folder, "away", NULL);

    put_into_desk(core, device, 7);
    assert_int_equal(g_rename(folder, away), 0);
    assert_true(g_file_set_contents(folder, "", 0, NULL));
    look(core);
    rest(core);
    assert_string_equal(assignment->home_socket, "pci-0000:00:14.0/4");
    assert_true(assignment->unsaved);
    /* Also without any turn, as while the hypervisor is away. */
    assert_non_null(g_main_context_find_source_by_id(NULL, core->manager->homes_retry));
    assert_int_equal(g_unlink(folder), 0);
    assert_int_equal(g_rename(away, folder), 0);
    look(core);
    rest(core);
    assert_false(assignment->unsaved);
    assert_file(core, "Socket=pci-0000:00:14.0/4");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_place_follows),       TEST(test_twins_for_ever),
        TEST(test_the_name_of_its_machine), TEST(test_not_while_a_change_is_being_stored),
        TEST(test_one_behind_the_other),    TEST(test_a_disk_that_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
