/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Export and Apply: groups and assignments as one text, all of it or nothing, and the second time nothing. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

static void update(Fixture *fixture, const char *path, const char *interface, const char *description)
{
    sd_bus_message_unref(fixture_call_ok(fixture, path, interface, "Update", "a{sv}", 2, "Description", "s",
                                         description, "Priority", "i", 7));
}

/* Two groups, three assignments, by other means. Gives the paths of the assignments. */
static void make_things(Fixture *fixture, char *ret_assignments[3])
{
    g_autofree char *keys = group_create_with(fixture, "keys.a", "vendor=0529 serial=\"A \\\"B\\\"*\"");
    g_autofree char *spare = group_create(fixture, "spare");

    group_add_rule(fixture, keys, "vendor=0001");
    group_add_rule(fixture, keys, "vendor=0529 product!=0002");
    group_call(fixture, keys, "RemoveRule", "u", 2);
    group_call(fixture, keys, "UpdateRule", "usa{sv}", 3, "", 1, "Enabled", "b", 0);
    update(fixture, keys, FERRY_INTERFACE_GROUP, "[x]=y; # z \\n ");
    ret_assignments[0] = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    ret_assignments[1] = group_assign(fixture, keys, FIXTURE_STUDIO, "set", "vendor=0529");
    ret_assignments[2] = group_assign(fixture, spare, FIXTURE_DESK, "all", NULL);
    update(fixture, ret_assignments[1], FERRY_INTERFACE_ASSIGNMENT, " [Group] ");
    sd_bus_message_unref(
        fixture_call_ok(fixture, ret_assignments[2], FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
}

static void wipe(Fixture *fixture, char *assignments[3])
{
    static const char *const groups[] = { "keys.a", "spare" };

    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "ReleaseAll", "a{sv}", 0));
    for (int i = 0; i < 3; i++)
        fixture_wait_object(fixture, assignments[i], FERRY_INTERFACE_ASSIGNMENT, false);
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
        g_autofree char *path = group_path(groups[i]);

        group_call(fixture, path, "Delete", "a{sv}", 0);
    }
}

static void test_there_and_back(void **state)
{
    Fixture *fixture = *state;
    char *assignments[3];
    g_autofree char *before = NULL, *wiped = NULL, *after = NULL, *device = fixture_device_path("1-2");

    groups_plug(fixture, "1-2", "046d:c31c", "KBD-0001");
    make_things(fixture, assignments);
    before = apply_export(fixture);
    assert_says(before, "Machine=desk\n");
    assert_says(before, "Selector=vendor=046d product=c31c serial=KBD-0001\n");

    /* what is there already is nothing to do, and no file is written */
    {
        g_autofree char *stored = apply_store_state(fixture);

        apply_assert(fixture, before, "");
        apply_assert_untouched(fixture, g_strdup(before), g_steal_pointer(&stored));
    }
    wipe(fixture, assignments);
    wiped = apply_export(fixture);
    assert_string_equal(wiped, "");

    g_free(apply(fixture, before));
    after = apply_export(fixture);
    assert_string_equal(after, before);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
    {
        g_autofree char *stored = apply_store_state(fixture);

        apply_assert(fixture, before, "");
        apply_assert_untouched(fixture, g_steal_pointer(&after), g_steal_pointer(&stored));
    }
    /* and after a crash */
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
    after = apply_export(fixture);
    assert_string_equal(after, before);
    for (int i = 0; i < 3; i++)
        g_free(assignments[i]);
}

static void test_only_what_differs(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = fixture_state_path(fixture, "groups/b");
    g_autofree char *group = group_path("a");
    struct stat before, after;

    apply_assert(fixture, APPLY_TWO,
                 "added group a Group/Name:>a Group/Description:>A Rule 1/Match:>vendor=0529 "
                 "Rule 2/Match:>vendor=0001; added group b Group/Name:>b; added assignment x@desk "
                 "Assignment/Name:>x Assignment/Machine:>desk Assignment/Group:>a");
    assert_int_equal(stat(keys, &before), 0);
    apply_assert(fixture,
                 "[Group]\nName=a\nClass=hid\n\n[Rule 1]\nMatch=vendor=0529\nEnabled=false\n\n[Rule 4]\n"
                 "Match=vendor=0004\n\n[Group]\nName=b\n",
                 "changed group a Group/Class:>hid Group/Description:A> Rule 1/Enabled:>false "
                 "Rule 4/Match:>vendor=0004 Rule 2/Match:vendor=0001>");
    assert_int_equal(stat(keys, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Rules",
              "1 false vendor=0529 admin; 4 true vendor=0004 admin");
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Class", "hid");
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Description", "");
    /* the next rule has a number that none had */
    assert_int_equal(group_add_rule(fixture, group, "vendor=0005"), 5);
    g_free(apply(fixture, "[Group]\nName=a\n\n[Rule 1]\nMatch=vendor=0529\n"));
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Rules", "1 true vendor=0529 admin");
    assert_int_equal(group_add_rule(fixture, group, "vendor=0005"), 6);
}

/* Its devices stay where they are. */
static void test_an_assignment_is_changed_in_place(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *path = NULL, *name = NULL, *text = NULL, *counts = NULL;
    g_autofree char *other = group_create_with(fixture, "other", "vendor=0529");

    groups_plug(fixture, "1-1", "0529:0001", "KEY-0001");
    groups_plug(fixture, "1-2", "0529:0001", "KEY-0002");
    path = group_assign(fixture, keys, FIXTURE_DESK, "1", NULL);
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    name = fixture_get(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Name");

    text = g_strdup_printf("[Assignment]\nName=%s\nMachine=" FIXTURE_DESK "\nGroup=other\nQuantity=2\n"
                           "Persistent=false\nPriority=4\nDescription=D\n",
                           name);
    g_free(apply(fixture, text));
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Quantity", "2");
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Group", other);
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Persistent", "false");
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Priority", "4");
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Description", "D");
    wait_list(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-1 attached; 1-2 attached");
    counts = fixture_script(fixture, "counts");
    assert_says(counts, "attach=2 detach=0");
    {
        g_autofree char *folder = fixture_state_path(fixture, "assignments");
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

        assert_null(g_dir_read_name(dir));
    }
    apply_assert(fixture, text, "");

    g_free(text);
    text = g_strdup_printf("[Assignment]\nName=%s\nMachine=desk\nGroup=other\nEnabled=false\n", name);
    g_free(apply(fixture, text));
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", "disabled");
    g_free(text);
    text = g_strdup_printf("[Assignment]\nName=%s\nMachine=desk\nSelector=serial=KEY-0002\n", name);
    g_free(apply(fixture, text));
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    wait_list(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-2 attached");
}

/* Names that are made of what devices call themselves are good for a text, too. */
static void test_long_names(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GString) product = g_string_new(NULL);
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *first = NULL, *text = NULL;

    while (product->len < 360)
        g_string_append(product, "Größe ");
    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", product->str);
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    first = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    sd_bus_message_unref(fixture_call_ok(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    text = apply_export(fixture);
    apply_assert(fixture, text, "");
}

static void test_one_fault_changes_nothing(void **state)
{
    Fixture *fixture = *state;
    static const struct {
        const char *text, *error, *expected;
        bool prune;
    } bad[] = {
        { APPLY_GOOD "[Group]\nName=keys\n\n[Rule 1]\nMatch=vendor=xyz\n", "InvalidRule",
          APPLY_SOURCE ":11: ", false },
        { APPLY_GOOD "[Group]\nName=my keys\n", "InvalidName", APPLY_SOURCE ":8: ", false },
        { APPLY_GOOD "[Group]\nName=keys\nColour=red\n", "InvalidOption", APPLY_SOURCE ":9: ", false },
        { APPLY_GOOD "\x01", "InvalidOption", APPLY_SOURCE ":7: ", false },
        { APPLY_GOOD "[Group]\nName=new\n", "AlreadyExists", APPLY_SOURCE ":7: ", false },
        { APPLY_GOOD "[Group]\nName=file\n", "AlreadyExists", APPLY_SOURCE ":7: group file comes from ",
          false },
        { APPLY_GOOD "[Assignment]\nName=x\nMachine=mars\nGroup=new\n", "NoSuchMachine",
          APPLY_SOURCE ":9: \"mars\"", false },
        { APPLY_GOOD "[Assignment]\nName=x\nMachine=desk\nGroup=nowhere\n", "NoSuchGroup",
          APPLY_SOURCE ":10: ", false },
        { APPLY_GOOD "[Assignment]\nName=x\nMachine=desk\nGroup=keys\n", "GroupInUse",
          APPLY_SOURCE ":10: ", true },
        { APPLY_GOOD
          "[Assignment]\nName=x\nMachine=desk\nGroup=new\n[Assignment]\nName=one\nMachine=desk\nGroup=new\n"
          "[Assignment]\nName=one\nMachine=" FIXTURE_DESK "\nGroup=new\n",
          "AlreadyExists", APPLY_SOURCE ":15: ", false },
        { "", "InvalidOption", APPLY_SOURCE ":1: ", true },
    };
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *file = groups_drop_in("etc", "file.conf", "[Group]\nName=file\n");
    g_autofree char *file_path = group_path("file"), *new_path = group_path("new");
    g_autofree char *assignment = NULL;

    assert_int_equal(kill(fixture->daemon_pid, SIGHUP), 0);
    fixture_wait_object(fixture, file_path, FERRY_INTERFACE_GROUP, true);
    assignment = group_assign(fixture, keys, FIXTURE_DESK, "1", NULL);
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}",
                                         1, "Name", "s", "one"));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *exported = apply_export(fixture), *stored = apply_store_state(fixture);

        apply_refuse(fixture, bad[i].text, bad[i].prune, bad[i].error, bad[i].expected);
        apply_assert_untouched(fixture, exported, stored);
        fixture_wait_object(fixture, new_path, FERRY_INTERFACE_GROUP, false);
    }
    g_free(fixture_call_error(fixture, "InvalidOption", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply",
                              "ssa{sv}", APPLY_GOOD, APPLY_SOURCE, 1, "Really", "b", 1));
}

static void test_dry_run_and_prune(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *file = groups_drop_in("etc", "file.conf", "[Group]\nName=file\n");
    g_autofree char *file_path = group_path("file"), *new_path = group_path("new");
    g_autofree char *assignment = group_assign(fixture, keys, FIXTURE_STUDIO, NULL, NULL);
    g_autofree char *planned = NULL, *done = NULL;
    char *exported, *stored;

    assert_int_equal(kill(fixture->daemon_pid, SIGHUP), 0);
    fixture_wait_object(fixture, file_path, FERRY_INTERFACE_GROUP, true);
    exported = apply_export(fixture);
    stored = apply_store_state(fixture);
    planned = apply_with(fixture, APPLY_GOOD, true, true);
    assert_string_equal(
        planned, "added group new Group/Name:>new Rule 1/Match:>vendor=0529; removed assignment "
                 "keys to studio@studio Assignment/Name:keys to studio> Assignment/Machine:studio> "
                 "Assignment/Group:keys>; removed group keys Group/Name:keys> Rule 1/Match:vendor=0529>");
    apply_assert_untouched(fixture, exported, stored);

    done = apply_with(fixture, APPLY_GOOD, false, true);
    assert_string_equal(done, planned);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait_object(fixture, keys, FERRY_INTERFACE_GROUP, false);
    fixture_wait_object(fixture, new_path, FERRY_INTERFACE_GROUP, true);
    fixture_wait_object(fixture, file_path, FERRY_INTERFACE_GROUP, true);
    exported = apply_export(fixture);
    assert_string_equal(exported, "[Group]\nName=new\n\n[Rule 1]\nMatch=vendor=0529\n");
    g_free(exported);
}

/* What is a tenant's is neither told nor touched, whatever the text says. */
static void test_tenants_are_left_alone(void **state)
{
    static const char text[] = "[Group]\nName=new\n";
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *tenant = NULL, *group = NULL, *assignment = NULL, *said = NULL, *exported = NULL;

    groups_plug(fixture, "1-2", "0529:0001", "AB");
    tenant = tenant_create_with(fixture, "acme", "user:nobody", FIXTURE_DESK);
    group = tenant_grant(fixture, tenant, "1-2", "keys");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "all", NULL);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    exported = apply_export(fixture);
    assert_string_equal(exported, "");

    said = apply_with(fixture, text, false, true);
    assert_string_equal(said, "added group new Group/Name:>new");
    apply_refuse(fixture, "[Group]\nName=acme/keys\n", true, "NotOwned", APPLY_SOURCE ":1: ");
    apply_refuse(fixture, "[Assignment]\nName=mine\nMachine=studio\nGroup=acme/keys\n", true, "NotOwned",
                 APPLY_SOURCE ":4: ");
    apply_refuse(fixture, "[Assignment]\nName=acme/keys to desk\nMachine=desk\nSelector=vendor=0529\n", false,
                 "NotOwned", APPLY_SOURCE ":1: ");
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
}

/* Its machine or its group is gone: what stays as it is is no error. */
static void test_what_waits_may_stay(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create(fixture, "keys");
    g_autofree char *machine = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *text = NULL;

    g_free(group_assign(fixture, keys, FIXTURE_STUDIO, NULL, NULL));
    group_call(fixture, keys, "Delete", "a{sv}", 1, "Force", "b", 1);
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_STUDIO));
    fixture_wait_object(fixture, machine, FERRY_INTERFACE_MACHINE, false);
    text = apply_export(fixture);
    assert_says(text, "Machine=studio\nGroup=keys\n");
    apply_assert(fixture, text, "");
}

static void test_strangers(void **state)
{
    Fixture *fixture = *state;
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    sd_bus *root = fixture->bus;
    char *exported, *stored;

    g_free(group_create_with(fixture, "keys", "vendor=0529"));
    exported = apply_export(fixture);
    stored = apply_store_state(fixture);
    fixture->bus = stranger;
    for (int dry_run = 0; dry_run < 2; dry_run++)
        g_free(fixture_call_error(fixture, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
                                  FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}", APPLY_GOOD,
                                  APPLY_SOURCE, 1, "DryRun", "b", dry_run));
    /* reads are open */
    apply_assert_untouched(fixture, g_strdup(exported), g_strdup(stored));
    fixture->bus = root;
    apply_assert_untouched(fixture, exported, stored);
    sd_bus_flush_close_unref(stranger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back),
        TEST(test_only_what_differs),
        TEST(test_an_assignment_is_changed_in_place),
        TEST(test_long_names),
        TEST(test_one_fault_changes_nothing),
        TEST(test_dry_run_and_prune),
        TEST(test_tenants_are_left_alone),
        TEST(test_what_waits_may_stay),
        TEST(test_strangers),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
