/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups from drop-in files: read at the start and at a reload, never changed over the bus, and a bad one
 * stands in nobody's way. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

#define KEYS_FILE                            \
    "[Group]\n"                              \
    "Name=keys\n"                            \
    "Description=Keys of the CAD machines\n" \
    "Class=smartcard\n"                      \
    "\n"                                     \
    "[Rule 1]\n"                             \
    "Match=vendor=0529 serial=AB*\n"         \
    "\n"                                     \
    "[Rule 2]\n"                             \
    "Match=vendor=046d\n"                    \
    "Enabled=false\n"

#define MANY_GROUPS 1000
#define MANY_RULES  10

static void reload(Fixture *fixture)
{
    assert_int_equal(kill(fixture->daemon_pid, SIGHUP), 0);
}

static char *text_of(const char *name, const char *rule)
{
    return g_strdup_printf("[Group]\nName=%s\n\n[Rule 1]\nMatch=%s\n", name, rule);
}

static void wait_rules(Fixture *fixture, const char *group, const char *rules)
{
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Rules", rules);
}

static bool log_says(Fixture *fixture, void *userdata)
{
    g_autofree char *path = g_build_filename(fixture->dir, "daemon.log", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, userdata);
}

static void wait_log(Fixture *fixture, const char *text)
{
    g_autofree char *searched = g_strdup(text);
    g_autofree char *what = g_strdup_printf("the log says \"%s\"", text);

    fixture_wait_for(fixture, log_says, searched, what);
}

static void test_file_is_read_only(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *file = groups_drop_in("etc", "keys.conf", KEYS_FILE);
    g_autofree char *group = group_path("keys");
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *rules =
        g_strdup_printf("1 true vendor=0529 serial=AB* file:%s; 2 false vendor=046d file:%s", file, file);
    g_autofree char *assignment = NULL;
    char *text;

    groups_plug(fixture, "1-1", "0529:0001", "AB-1");
    reload(fixture);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, true);
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "File", file);
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Description", "Keys of the CAD machines");
    wait_rules(fixture, group, rules);
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Devices", "1-1");

    text = fixture_call_error(fixture, "AlreadyExists", group, FERRY_INTERFACE_GROUP, "Update", "a{sv}", 1,
                              "Description", "s", "Mine");
    assert_says(text, file);
    g_free(text);
    g_free(fixture_call_error(fixture, "AlreadyExists", group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}",
                              "vendor=*", 0));
    g_free(fixture_call_error(fixture, "AlreadyExists", group, FERRY_INTERFACE_GROUP, "UpdateRule", "usa{sv}",
                              1, "vendor=*", 0));
    g_free(fixture_call_error(fixture, "AlreadyExists", group, FERRY_INTERFACE_GROUP, "RemoveRule", "u", 1));
    g_free(fixture_call_error(fixture, "AlreadyExists", group, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 1,
                              "Force", "b", 1));
    g_free(fixture_call_error(fixture, "AlreadyExists", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "CreateGroup", "sa{sv}", "keys", 0));
    g_free(fixture_call_error(fixture, "AlreadyExists", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "MakePassthrough", "aosa{sv}", 1, device, "keys", 0));
    wait_rules(fixture, group, rules);
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Description", "Keys of the CAD machines");

    /* It is there to be assigned. */
    assignment = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
}

static void test_reload(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_path("keys");
    g_autofree char *first = text_of("keys", "vendor=0001");
    g_autofree char *second = text_of("keys", "vendor=0002");
    g_autofree char *third = text_of("keys", "vendor=0003");
    g_autofree char *lib = groups_drop_in("lib", "keys.conf", first);
    g_autofree char *lib_rules = g_strdup_printf("1 true vendor=0001 file:%s", lib);
    g_autofree char *etc = NULL;
    g_autofree char *etc_rules = NULL;
    g_autofree char *changed_rules = NULL;

    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, true);
    wait_rules(fixture, group, lib_rules);

    /* /etc comes before /usr/lib. */
    etc = groups_drop_in("etc", "keys.conf", second);
    etc_rules = g_strdup_printf("1 true vendor=0002 file:%s", etc);
    reload(fixture);
    wait_rules(fixture, group, etc_rules);
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "File", etc);
    g_free(groups_drop_in("etc", "keys.conf", third));
    changed_rules = g_strdup_printf("1 true vendor=0003 file:%s", etc);
    reload(fixture);
    wait_rules(fixture, group, changed_rules);
    g_free(groups_drop_in("etc", "keys.conf", NULL));
    reload(fixture);
    wait_rules(fixture, group, lib_rules);
    g_free(groups_drop_in("lib", "keys.conf", NULL));
    reload(fixture);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
}

/* A slip in an editor takes no device out of a machine. */
static void test_a_file_that_gets_bad(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_path("keys"), *assignment = NULL;
    g_autofree char *first = text_of("keys", "vendor=0529"), *second = text_of("keys", "vendor=0002");
    g_autofree char *file = groups_drop_in("lib", "keys.conf", first);
    g_autofree char *rules = g_strdup_printf("1 true vendor=0529 file:%s", file), *mended = NULL;
    g_autofree char *hiding = NULL;

    groups_plug(fixture, "1-2", "0529:0001", "KEY-1");
    reload(fixture);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, true);
    assignment = group_assign(fixture, group, FIXTURE_DESK, "all", NULL);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    /* in its place, and in one that hides it */
    g_free(groups_drop_in("lib", "keys.conf", "[Group]\nName=keys\n[Rule 1]\nMatch=vendor=\n"));
    reload(fixture);
    wait_log(fixture, "lib/keys.conf: group keys stays as it was");
    hiding = groups_drop_in("etc", "keys.conf", "rubbish");
    reload(fixture);
    wait_log(fixture, "etc/keys.conf:1: ");
    wait_rules(fixture, group, rules);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    /* mended, and taken away */
    g_free(groups_drop_in("etc", "keys.conf", second));
    reload(fixture);
    mended = g_strdup_printf("1 true vendor=0002 file:%s", hiding);
    wait_rules(fixture, group, mended);
    g_free(groups_drop_in("etc", "keys.conf", ""));
    reload(fixture);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
}

static void test_bad_files_keep_nothing_from_loading(void **state)
{
    Fixture *fixture = *state;
    static const char *const bad[] = {
        "[Group]\nName=bad1\nColour=red\n",
        "[Group]\nName=bad2\n\n[Rule 1]\nMatch=vendor=xyz\n",
        "[Group]\nName=my keys\n",
        "[Rule 1]\nMatch=vendor=0001\n",
        "rubbish\n",
        "\xff\xfe",
        "",
    };
    g_autofree char *good = text_of("good", "vendor=0529");
    g_autofree char *twice = text_of("good", "vendor=046d");
    g_autofree char *last = text_of("last", "vendor=0001");
    g_autofree char *good_path = group_path("good");
    g_autofree char *last_path = group_path("last");
    g_autofree char *bad_path = group_path("bad1");
    g_autofree char *good_file = groups_drop_in("etc", "50-good.conf", good);
    g_autofree char *rules = g_strdup_printf("1 true vendor=0529 file:%s", good_file);

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *name = g_strdup_printf("%zu0-bad.conf", i + 1);

        g_free(groups_drop_in("etc", name, bad[i]));
    }
    g_free(groups_drop_in("etc", "60-twice.conf", twice));
    g_free(groups_drop_in("etc", "99-last.conf", last));
    g_free(groups_drop_in("etc", "README", "not a group"));
    reload(fixture);
    fixture_wait_object(fixture, last_path, FERRY_INTERFACE_GROUP, true);
    wait_rules(fixture, good_path, rules);
    fixture_wait_object(fixture, bad_path, FERRY_INTERFACE_GROUP, false);
    wait_log(fixture, "etc/10-bad.conf:3: ");
    wait_log(fixture, "etc/20-bad.conf:5: ");
    wait_log(fixture, "etc/60-twice.conf");

    /* The same at a start. */
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, last_path, FERRY_INTERFACE_GROUP, true);
    wait_rules(fixture, good_path, rules);
}

/* Ten rules in each of them, about a vendor that only this group knows; a plugged device is in just its own.
 */
static char *text_of_many(unsigned number)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "[Group]\nName=group-%u\n", number);
    for (unsigned rule = 1; rule <= MANY_RULES; rule++)
        g_string_append_printf(text, "\n[Rule %u]\nMatch=vendor=%04x product=%04x\n", rule, number, rule);
    return g_string_free(text, FALSE);
}

static bool has_many_groups(Fixture *fixture, void *userdata)
{
    sd_bus_message *reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager",
                                            "GetManagedObjects", "");
    const char *path;
    unsigned groups = 0;

    assert_true(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}") > 0);
    while (sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}") > 0) {
        assert_true(sd_bus_message_read(reply, "o", &path) > 0);
        groups += g_str_has_prefix(path, FERRY_PATH_GROUP_PREFIX "/") ? 1 : 0;
        assert_true(sd_bus_message_skip(reply, "a{sa{sv}}") > 0);
        assert_true(sd_bus_message_exit_container(reply) > 0);
    }
    sd_bus_message_unref(reply);
    g_free(fixture->last_seen);
    fixture->last_seen = g_strdup_printf("%u groups", groups);
    return groups == *(const unsigned *)userdata;
}

static void wait_many_groups(Fixture *fixture, unsigned groups)
{
    fixture_wait_for(fixture, has_many_groups, &groups, "all groups are there");
}

static void test_many_files(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = fixture_device_path("1-1");
    g_autofree char *last = fixture_device_path("1-2");
    g_autofree char *last_group = g_strdup_printf("group-%u", MANY_GROUPS);
    g_autofree char *last_rule = g_strdup_printf("%s#10 vendor=%04x product=000a", last_group, MANY_GROUPS);
    g_autofree char *last_ids = g_strdup_printf("%04x:000a", MANY_GROUPS);
    g_autofree char *all = text_of("all", "vendor=*");

    groups_plug(fixture, "1-1", "0001:0001", "");
    for (unsigned i = 1; i <= MANY_GROUPS; i++) {
        g_autofree char *name = g_strdup_printf("%04u.conf", i);
        g_autofree char *text = text_of_many(i);

        g_free(groups_drop_in("etc", name, text));
    }
    reload(fixture);
    wait_many_groups(fixture, MANY_GROUPS);
    wait_list(fixture, first, FERRY_INTERFACE_DEVICE, "Groups", "group-1");
    groups_plug(fixture, "1-2", last_ids, "");
    wait_list(fixture, last, FERRY_INTERFACE_DEVICE, "Groups", last_group);
    wait_list(fixture, last, FERRY_INTERFACE_DEVICE, "Rules", last_rule);

    /* The same at a start. */
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, first, FERRY_INTERFACE_DEVICE, true);
    wait_many_groups(fixture, MANY_GROUPS);
    wait_list(fixture, first, FERRY_INTERFACE_DEVICE, "Rules", "group-1#1 vendor=0001 product=0001");
    wait_list(fixture, last, FERRY_INTERFACE_DEVICE, "Rules", last_rule);

    /* One reload with a group more and two less, one of which has a device. */
    g_free(groups_drop_in("etc", "0001.conf", NULL));
    g_free(groups_drop_in("etc", "0002.conf", NULL));
    g_free(groups_drop_in("etc", "all.conf", all));
    reload(fixture);
    wait_many_groups(fixture, MANY_GROUPS - 1);
    wait_list(fixture, first, FERRY_INTERFACE_DEVICE, "Groups", "all");
    wait_list(fixture, last, FERRY_INTERFACE_DEVICE, "Groups", "all; group-1000");
}

static void test_a_group_of_the_bus_comes_first(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=0001");
    g_autofree char *other = text_of("other", "vendor=0002");
    g_autofree char *other_path = group_path("other");

    g_free(groups_drop_in("etc", "keys.conf", KEYS_FILE));
    g_free(groups_drop_in("etc", "other.conf", other));
    reload(fixture);
    fixture_wait_object(fixture, other_path, FERRY_INTERFACE_GROUP, true);
    wait_rules(fixture, group, "1 true vendor=0001 admin");
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "File", "");
    group_add_rule(fixture, group, "vendor=0003");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_file_is_read_only),    TEST(test_reload),
        TEST(test_a_file_that_gets_bad), TEST(test_bad_files_keep_nothing_from_loading),
        TEST(test_many_files),           TEST(test_a_group_of_the_bus_comes_first),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
