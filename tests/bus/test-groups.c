/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups and their rules: made, changed, deleted, stored; who is in them; and every refusal, with nothing
 * changed. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

#define NOT_ALLOWED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

static guint count_files(Fixture *fixture)
{
    g_autofree char *folder = fixture_state_path(fixture, "groups");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint n = 0;

    assert_non_null(dir);
    while (g_dir_read_name(dir))
        n++;
    return n;
}

static void assert_property(Fixture *fixture, const char *group, const char *property, const char *value)
{
    g_autofree char *now = fixture_get(fixture, group, FERRY_INTERFACE_GROUP, property);

    if (g_strcmp0(now, value) != 0) {
        fixture_print_log(fixture);
        fail_msg("%s of %s is \"%s\", expected \"%s\"", property, group, now ? now : "-", value);
    }
}

static void assert_rules(Fixture *fixture, const char *group, const char *rules)
{
    g_autofree char *now = get_list(fixture, group, FERRY_INTERFACE_GROUP, "Rules");

    assert_string_equal(now, rules);
}

static void test_create_update_delete(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_path("licence-dongles.2");
    g_autofree char *found = NULL;
    g_autofree char *again = NULL;
    sd_bus_message *reply;
    const char *path = NULL;

    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}",
                            "licence-dongles.2", 3, "Description", "s", "Keys of the CAD machines", "Class",
                            "s", "SmartCard", "AllowGuestReset", "b", 1);
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    assert_string_equal(path, group);
    sd_bus_message_unref(reply);
    assert_property(fixture, group, "Name", "licence-dongles.2");
    assert_property(fixture, group, "Type", "usb");
    assert_property(fixture, group, "Description", "Keys of the CAD machines");
    assert_property(fixture, group, "Class", "smartcard");
    assert_property(fixture, group, "Icon", "media-flash");
    assert_property(fixture, group, "Enabled", "true");
    assert_property(fixture, group, "AllowGuestReset", "true");
    assert_property(fixture, group, "AllowGuestResetsAll", "false");
    assert_property(fixture, group, "Priority", "0");
    assert_property(fixture, group, "File", "");
    assert_property(fixture, group, "Total", "0");
    assert_property(fixture, group, "Free", "0");
    assert_rules(fixture, group, "");
    assert_int_equal(count_files(fixture), 1);

    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetGroup", "s",
                            "licence-dongles.2");
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    assert_string_equal(path, group);
    sd_bus_message_unref(reply);

    group_call(fixture, group, "Update", "a{sv}", 5, "Description", "s", "", "Class", "s", "storage",
               "Enabled", "b", 0, "AllowGuestResetsAll", "b", 1, "Priority", "i", -3);
    assert_property(fixture, group, "Description", "");
    assert_property(fixture, group, "Class", "storage");
    assert_property(fixture, group, "Icon", "drive-removable-media");
    assert_property(fixture, group, "Enabled", "false");
    assert_property(fixture, group, "AllowGuestReset", "true");
    assert_property(fixture, group, "AllowGuestResetsAll", "true");
    assert_property(fixture, group, "Priority", "-3");

    group_call(fixture, group, "Delete", "a{sv}", 0);
    found = fixture_get(fixture, group, FERRY_INTERFACE_GROUP, "Name");
    assert_null(found);
    assert_int_equal(count_files(fixture), 0);
    again = group_create(fixture, "licence-dongles.2");
    assert_property(fixture, again, "Class", "generic");
}

/* What is refused is in tests/bus/bad-input-table.c; here is what the refusal says. */
static void test_refusals_help(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *longest = g_strnfill(64, 'x');
    g_autofree char *group = group_create(fixture, longest);
    char *text;

    text = fixture_call_error(fixture, "InvalidOption", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "CreateGroup", "sa{sv}", "a", 1, "Class", "s", "toaster");
    assert_says(text, "smartcard");
    g_free(text);
    text = fixture_call_error(fixture, "NoSuchGroup", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetGroup",
                              "s", "missing");
    assert_says(text, longest);
    g_free(text);
    text = fixture_call_error(fixture, "InvalidRule", group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}",
                              "serial=é vendor=xyz", 0);
    assert_says(text, "column 17");
    g_free(text);
}

static void assert_groups_of(Fixture *fixture, const char *sysname, const char *groups, const char *rules)
{
    g_autofree char *device = fixture_device_path(sysname);

    wait_list(fixture, device, FERRY_INTERFACE_DEVICE, "Groups", groups);
    wait_list(fixture, device, FERRY_INTERFACE_DEVICE, "Rules", rules);
}

static void test_rules_make_members(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create(fixture, "keys");
    g_autofree char *other = group_create(fixture, "all");

    groups_plug(fixture, "1-1", "0529:0001", "AB-1");
    groups_plug(fixture, "1-2", "0529:0002", "");
    groups_plug(fixture, "1-3", "046d:c31c", "KBD-0001");
    assert_groups_of(fixture, "1-1", "", "");

    /* Added. */
    assert_int_equal(group_add_rule(fixture, group, "serial=AB*  vendor=529"), 1);
    assert_int_equal(group_add_rule(fixture, group, "vendor=0529"), 2);
    assert_int_equal(group_add_rule(fixture, group, "vendor=529"), 2); /* the same one */
    assert_int_equal(group_add_rule(fixture, other, "vendor=*"), 1);
    assert_rules(fixture, group, "1 true vendor=0529 serial=AB* admin; 2 true vendor=0529 admin");
    assert_groups_of(fixture, "1-1", "all; keys",
                     "all#1 vendor=*; keys#1 vendor=0529 serial=AB*; keys#2 vendor=0529");
    assert_groups_of(fixture, "1-2", "all; keys", "all#1 vendor=*; keys#2 vendor=0529");
    assert_groups_of(fixture, "1-3", "all", "all#1 vendor=*");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1; 1-2");
    assert_property(fixture, group, "Total", "2");
    assert_property(fixture, group, "Free", "2");

    /* Edited. */
    group_call(fixture, group, "UpdateRule", "usa{sv}", 2, "vendor=046d", 0);
    assert_groups_of(fixture, "1-2", "all", "all#1 vendor=*");
    assert_groups_of(fixture, "1-3", "all; keys", "all#1 vendor=*; keys#2 vendor=046d");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1; 1-3");

    /* Disabled, with the text as it is; and on again. */
    group_call(fixture, group, "UpdateRule", "usa{sv}", 2, "", 1, "Enabled", "b", 0);
    assert_rules(fixture, group, "1 true vendor=0529 serial=AB* admin; 2 false vendor=046d admin");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1");
    group_call(fixture, group, "UpdateRule", "usa{sv}", 2, "", 1, "Enabled", "b", 1);
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1; 1-3");

    /* Removed; its number is never used again. */
    group_call(fixture, group, "RemoveRule", "u", 2);
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1");
    assert_groups_of(fixture, "1-3", "all", "all#1 vendor=*");
    assert_int_equal(group_add_rule(fixture, group, "vendor=046d"), 3);

    /* A rule for another host is kept and never matches here; one that begins disabled doesn't yet. */
    assert_int_equal(group_add_rule(fixture, group, "node=some-other-host"), 4);
    sd_bus_message_unref(fixture_call_ok(fixture, group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}",
                                         "vendor=*", 1, "Enabled", "b", 0));
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1; 1-3");

    /* A group that goes leaves nobody in it. */
    group_call(fixture, other, "Delete", "a{sv}", 0);
    assert_groups_of(fixture, "1-2", "", "");
}

static int hear_rules(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const char *property = NULL;
    bool *heard = userdata;

    assert_true(sd_bus_message_skip(message, "s") >= 0);
    assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") >= 0);
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        assert_true(sd_bus_message_read(message, "s", &property) >= 0);
        *heard |= g_strcmp0(property, "Rules") == 0;
        assert_true(sd_bus_message_skip(message, "v") >= 0);
        assert_true(sd_bus_message_exit_container(message) >= 0);
    }
    return 0;
}

static bool was_heard(Fixture *fixture, void *userdata)
{
    return *(bool *)userdata;
}

/* The device is in the group before and after, by the same rule, which reads differently. */
static void test_an_edited_rule_is_told(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *device = fixture_device_path("1-1");
    sd_bus_slot *slot = NULL;
    bool heard = false;

    groups_plug(fixture, "1-1", "0529:0001", "AB-1");
    assert_true(sd_bus_match_signal(fixture->bus, &slot, FERRY_BUS_NAME, device,
                                    "org.freedesktop.DBus.Properties", "PropertiesChanged", hear_rules,
                                    &heard) >= 0);
    group_call(fixture, group, "UpdateRule", "usa{sv}", 1, "vendor=0529 product=0001", 0);
    fixture_wait_for(fixture, was_heard, &heard, "the device's Rules are told");
    sd_bus_slot_unref(slot);
}

static void test_devices_come_and_go(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "all", "vendor=*");
    g_autofree char *hub = fixture_device_path("1-4");
    g_autofree char *hub_groups = NULL;
    g_autofree char *assignment = NULL;

    groups_plug(fixture, "1-1", "0529:0001", "");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1");
    groups_plug(fixture, "1-2", "0529:0001", "");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1; 1-2");
    fixture_unplug(fixture, "1-1");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-2");
    assert_property(fixture, group, "Total", "1");

    fixture_plug_hub(fixture, "1-4");
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    hub_groups = get_list(fixture, hub, FERRY_INTERFACE_DEVICE, "Groups");
    assert_string_equal(hub_groups, "");

    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Free", "0");
    assert_property(fixture, group, "Total", "1");
}

static void test_test_rule(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *hub = fixture_device_path("1-4");
    g_autofree char *list = NULL;
    sd_bus_message *reply;

    groups_plug(fixture, "1-1", "0529:0001", "");
    groups_plug(fixture, "1-2", "0529:0002", "");
    fixture_plug_hub(fixture, "1-4");
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "TestRule", "s", "vendor=*");
    list = read_list(reply);
    sd_bus_message_unref(reply);
    assert_string_equal(list, "1-1; 1-2");
    g_free(fixture_call_error(fixture, "InvalidRule", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "TestRule",
                              "s", "vendor=xyz"));
    g_free(fixture_call_error(fixture, "InvalidRule", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "TestRule",
                              "s", ""));
    assert_int_equal(count_files(fixture), 0);
}

/* The rules that it answers with. New string. */
static char *make_passthrough(Fixture *fixture, const char *first, const char *second, const char *name)
{
    g_autofree char *one = fixture_device_path(first);
    g_autofree char *two = fixture_device_path(second);
    g_autofree char *group = group_path(name);
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "MakePassthrough", "aosa{sv}", 2,
                        one, two, name, 2, "Class", "s", "storage", "Description", "s", "Sticks");
    const char *path = NULL;
    char *rules;

    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    assert_string_equal(path, group);
    rules = read_list(reply);
    sd_bus_message_unref(reply);
    return rules;
}

static void test_passthrough(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_path("sticks");
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    /* One with a serial of its own, two that have the same, which says nothing then. */
    groups_plug(fixture, "1-1", "0951:1666", "60A44C41");
    groups_plug(fixture, "1-2", "0781:5567", "4C530001");
    groups_plug(fixture, "1-3", "0781:5567", "4C530001");
    first = make_passthrough(fixture, "1-1", "1-2", "sticks");
    assert_string_equal(first, "vendor=0951 product=1666 serial=60A44C41; "
                               "vendor=0781 product=5567 port=pci-0000:00:14.0/2");
    assert_rules(fixture, group,
                 "1 true vendor=0951 product=1666 serial=60A44C41 auto:1-1; "
                 "2 true vendor=0781 product=5567 port=pci-0000:00:14.0/2 auto:1-2");
    assert_property(fixture, group, "Class", "storage");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1; 1-2");

    /* Into the group that is there now: it stays what it is, and no rule is written twice. */
    group_call(fixture, group, "Update", "a{sv}", 1, "Description", "s", "Mine");
    second = make_passthrough(fixture, "1-1", "1-3", "sticks");
    assert_string_equal(second, "vendor=0951 product=1666 serial=60A44C41; "
                                "vendor=0781 product=5567 port=pci-0000:00:14.0/3");
    assert_rules(fixture, group,
                 "1 true vendor=0951 product=1666 serial=60A44C41 auto:1-1; "
                 "2 true vendor=0781 product=5567 port=pci-0000:00:14.0/2 auto:1-2; "
                 "3 true vendor=0781 product=5567 port=pci-0000:00:14.0/3 auto:1-3");
    assert_property(fixture, group, "Description", "Mine");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1; 1-2; 1-3");

    /* A generated rule is a rule like any other. */
    group_call(fixture, group, "UpdateRule", "usa{sv}", 1, "vendor=0951 node=some-other-host", 0);
    group_call(fixture, group, "RemoveRule", "u", 2);
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-3");
}

/* The longest one that is taken, with all its spaces. */
static void test_restart_keeps_the_description(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create(fixture, "keys");
    g_autofree char *description = g_strnfill(512, 'x');

    memcpy(description, " a  b ", strlen(" a  b "));
    group_call(fixture, group, "Update", "a{sv}", 1, "Description", "s", description);
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, true);
    assert_property(fixture, group, "Description", description);
}

static void test_restart_keeps_groups(void **state)
{
    Fixture *fixture = *state;
    static const char rules[] = "1 true vendor=0529 serial=\"A \\\"B\\\" [x];#\" admin; "
                                "3 false vendor=046d admin";
    g_autofree char *group = group_create(fixture, "my.keys_1-a");
    g_autofree char *plain = group_create(fixture, "my-keys_1-a");

    groups_plug(fixture, "1-1", "0529:0001", "A \"B\" [x];#");
    group_add_rule(fixture, group, "vendor=0529 serial=\"A \\\"B\\\" [x];#\"");
    group_add_rule(fixture, group, "vendor=0001");
    group_call(fixture, group, "RemoveRule", "u", 2);
    group_add_rule(fixture, group, "vendor=046d");
    group_add_rule(fixture, group, "vendor=0002");
    group_call(fixture, group, "RemoveRule", "u", 4);
    group_call(fixture, group, "UpdateRule", "usa{sv}", 3, "", 1, "Enabled", "b", 0);
    group_call(fixture, group, "Update", "a{sv}", 5, "Description", "s", "\"x\"; [Rule 1]=\\n #", "Class",
               "s", "smartcard", "Enabled", "b", 0, "AllowGuestReset", "b", 1, "Priority", "i", 9);
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, true);
    fixture_wait_object(fixture, plain, FERRY_INTERFACE_GROUP, true);
    assert_rules(fixture, group, rules);
    assert_property(fixture, group, "Description", "\"x\"; [Rule 1]=\\n #");
    assert_property(fixture, group, "Class", "smartcard");
    assert_property(fixture, group, "Enabled", "false");
    assert_property(fixture, group, "AllowGuestReset", "true");
    assert_property(fixture, group, "AllowGuestResetsAll", "false");
    assert_property(fixture, group, "Priority", "9");
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1");
    assert_int_equal(group_add_rule(fixture, group, "vendor=0003"), 5);

    group_call(fixture, group, "Delete", "a{sv}", 0);
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, plain, FERRY_INTERFACE_GROUP, true);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
}

/* ------------------------------------------------------------------ rights */

static void assert_refused(Fixture *fixture, sd_bus *stranger, const char *path, const char *interface,
                           const char *member, const char *types, ...)
{
    sd_bus_message *message = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    va_list arguments;
    int r;

    assert_true(sd_bus_message_new_method_call(stranger, &message, FERRY_BUS_NAME, path, interface, member) >=
                0);
    va_start(arguments, types);
    assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    va_end(arguments);
    r = sd_bus_call(stranger, message, 0, &error, NULL);
    if (r >= 0 || g_strcmp0(error.name, NOT_ALLOWED) != 0) {
        fixture_print_log(fixture);
        fail_msg("%s: %s (%s)", member, r >= 0 ? "success" : error.name, r >= 0 ? "" : error.message);
    }
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
}

static void test_stranger_changes_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    sd_bus_message *reply = NULL;
    g_autofree char *enabled = NULL;

    groups_plug(fixture, "1-1", "0529:0001", "AB-1");
    assert_refused(fixture, stranger, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}", "x",
                   0);
    assert_refused(fixture, stranger, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "MakePassthrough", "aosa{sv}",
                   1, device, "x", 0);
    assert_refused(fixture, stranger, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0);
    assert_refused(fixture, stranger, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", group,
                   machine, 0);
    assert_refused(fixture, stranger, group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", machine, 0);
    assert_refused(fixture, stranger, group, FERRY_INTERFACE_GROUP, "Update", "a{sv}", 1, "Enabled", "b", 0);
    assert_refused(fixture, stranger, group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}", "vendor=*", 0);
    assert_refused(fixture, stranger, group, FERRY_INTERFACE_GROUP, "UpdateRule", "usa{sv}", 1, "vendor=*",
                   0);
    assert_refused(fixture, stranger, group, FERRY_INTERFACE_GROUP, "RemoveRule", "u", 1);
    assert_refused(fixture, stranger, group, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 1, "Force", "b", 1);
    assert_rules(fixture, group, "1 true vendor=0529 admin");
    assert_property(fixture, group, "Enabled", "true");
    enabled = fixture_get(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Enabled");
    assert_string_equal(enabled, "true");
    assert_int_equal(count_files(fixture), 1);

    /* Looking is free. */
    assert_true(sd_bus_call_method(stranger, FERRY_BUS_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                                   "GetGroup", NULL, NULL, "s", "keys") >= 0);
    assert_true(sd_bus_call_method(stranger, FERRY_BUS_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                                   "TestRule", NULL, &reply, "s", "vendor=*") >= 0);
    sd_bus_message_unref(reply);
    sd_bus_flush_close_unref(stranger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create_update_delete),
        TEST(test_refusals_help),
        TEST(test_rules_make_members),
        TEST(test_an_edited_rule_is_told),
        TEST(test_devices_come_and_go),
        TEST(test_test_rule),
        TEST(test_passthrough),
        TEST(test_restart_keeps_groups),
        TEST(test_restart_keeps_the_description),
        TEST(test_stranger_changes_nothing),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
