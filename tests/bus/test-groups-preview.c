/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PreviewRule and `usbferry rule test`: what would change, and nothing does. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

/* All that the service shows, and how often it was told that anything changed. */
typedef struct Watched {
    unsigned signals;
    sd_bus_slot *slot;
} Watched;

static int hear(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    ((Watched *)userdata)->signals++;
    return 0;
}

static void watch(Fixture *fixture, Watched *watched)
{
    *watched = (Watched){ .signals = 0 };
    assert_true(sd_bus_add_match(fixture->bus, &watched->slot, "type='signal',sender='" FERRY_BUS_NAME "'",
                                 hear, watched) >= 0);
    /* What was begun before has come to its end, and what was told of it is here before an answer. */
    g_free(fixture_script(fixture, "run 0"));
    g_free(fixture_get(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling"));
    while (sd_bus_process(fixture->bus, NULL) > 0)
        continue;
    watched->signals = 0;
}

static void assert_unchanged(Fixture *fixture, Watched *watched)
{
    while (sd_bus_process(fixture->bus, NULL) > 0)
        continue;
    assert_int_equal(watched->signals, 0);
    sd_bus_slot_unref(watched->slot);
}

/* "joins 1-1; gets 1-1 ASSIGNMENT" */
static char *preview(Fixture *fixture, const char *rule, const char *group, uint32_t number)
{
    sd_bus_message *reply;
    GString *list = g_string_new(NULL);
    const char *key, *change, *device, *assignment, *code, *text;

    if (number)
        reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule", "sa{sv}",
                                rule, 2, "Group", "s", group, "Rule", "u", number);
    else if (group)
        reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule", "sa{sv}",
                                rule, 1, "Group", "s", group);
    else
        reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule", "sa{sv}",
                                rule, 0);
    assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") >= 0);
    while (sd_bus_message_at_end(reply, 0) == 0) {
        assert_true(sd_bus_message_read(reply, "a{sv}", 5, &key, "s", &change, &key, "o", &device, &key, "o",
                                        &assignment, &key, "s", &code, &key, "s", &text) > 0);
        assert_true(*code != '\0');
        assert_true(g_str_has_suffix(text, "."));
        g_string_append_printf(list, "%s%s %s%s%s", list->len ? "; " : "", change,
                               strstr(device, "/_3") ? strrchr(device, '/') + 1 : device,
                               g_str_equal(assignment, "/") ? "" : " ",
                               g_str_equal(assignment, "/") ? "" : assignment);
    }
    sd_bus_message_unref(reply);
    return g_string_free(list, FALSE);
}

static void assert_preview(Fixture *fixture, const char *rule, const char *group, uint32_t number,
                           const char *expected)
{
    g_autofree char *list = preview(fixture, rule, group, number);

    if (strcmp(list, expected) != 0)
        fail_msg("%s in %s: \"%s\", expected \"%s\"", rule, group ? group : "no group", list, expected);
}

static void test_preview_rule(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529 product=0001");
    g_autofree char *assignment = NULL;
    g_autofree char *gets = NULL;
    g_autofree char *instead = NULL;
    Watched watched;

    groups_plug(fixture, "1-1", "0529:0001", "");
    groups_plug(fixture, "1-2", "0529:0002", "");
    assignment = group_assign(fixture, keys, FIXTURE_DESK, "all", NULL);
    wait_list(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-1 attached");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_wait(fixture, keys, FERRY_INTERFACE_GROUP, "Free", "0");

    watch(fixture, &watched);
    gets = g_strdup_printf("joins _31_2d2; gets _31_2d2 %s", assignment);
    assert_preview(fixture, "vendor=0529", "keys", 0, gets);
    instead = g_strdup_printf("leaves _31_2d1; joins _31_2d2; loses _31_2d1 %s; gets _31_2d2 %s", assignment,
                              assignment);
    assert_preview(fixture, "vendor=0529 product=0002", "keys", 1, instead);
    assert_preview(fixture, "vendor=0529 product=0001", "keys", 0, "");
    assert_preview(fixture, "vendor=*", NULL, 0, "");
    wait_list(fixture, keys, FERRY_INTERFACE_GROUP, "Rules", "1 true vendor=0529 product=0001 admin");
    wait_list(fixture, keys, FERRY_INTERFACE_GROUP, "Devices", "1-1");
    wait_list(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-1 attached");
    assert_unchanged(fixture, &watched);

    /* And so it comes. */
    group_add_rule(fixture, keys, "vendor=0529");
    wait_list(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-1 attached; 1-2 attached");

    g_free(fixture_call_error(fixture, "InvalidRule", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule",
                              "sa{sv}", "vendor=xyz", 1, "Group", "s", "keys"));
    g_free(fixture_call_error(fixture, "InvalidRule", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule",
                              "sa{sv}", "vendor=xyz", 0));
    g_free(fixture_call_error(fixture, "NoSuchGroup", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule",
                              "sa{sv}", "vendor=*", 1, "Group", "s", "missing"));
    g_free(fixture_call_error(fixture, "NoSuchRule", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule",
                              "sa{sv}", "vendor=*", 2, "Group", "s", "keys", "Rule", "u", 9));
    g_free(fixture_call_error(fixture, "NoSuchRule", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule",
                              "sa{sv}", "vendor=*", 2, "Group", "s", "keys", "Rule", "u", 0));
    g_free(fixture_call_error(fixture, "InvalidOption", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "PreviewRule", "sa{sv}", "vendor=*", 1, "Rule", "u", 1));
}

/* Also of a group that a file holds, by somebody without any right. */
static void test_preview_is_open(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_path("keys");
    sd_bus *bus = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;

    g_free(groups_drop_in("etc", "keys.conf", "[Group]\nName=keys\n\n[Rule 1]\nMatch=vendor=0529\n"));
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, keys, FERRY_INTERFACE_GROUP, true);
    groups_plug(fixture, "1-1", "0529:0001", "");
    assert_preview(fixture, "vendor=046d", "keys", 1, "leaves _31_2d1");
    bus = fixture_connect(fixture, FIXTURE_STRANGER);
    if (sd_bus_call_method(bus, FERRY_BUS_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule",
                           &error, NULL, "sa{sv}", "vendor=046d", 1, "Group", "s", "keys") < 0)
        fail_msg("%s: %s", error.name, error.message);
    sd_bus_flush_close_unref(bus);
}

/* ------------------------------------------------------------------ the client */

/* What `usbferry rule test …` prints. New string. */
static char *rule_test(Fixture *fixture, int exit_status, const char *const *words)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_auto(GStrv) environment = g_environ_unsetenv(g_get_environ(), "LD_PRELOAD");
    g_autoptr(GError) error = NULL;
    char *output = NULL;
    int status = 0;

    g_ptr_array_add(argv, (gpointer)g_getenv("FERRY_TEST_CLIENT"));
    g_ptr_array_add(argv, (gpointer) "rule");
    g_ptr_array_add(argv, (gpointer) "test");
    for (; *words; words++)
        g_ptr_array_add(argv, (gpointer)*words);
    g_ptr_array_add(argv, NULL);
    if (!g_spawn_sync(NULL, (char **)argv->pdata, environment, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL,
                      &status, &error))
        fail_msg("%s", error->message);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), exit_status);
    return output;
}

#define RULE_TEST(fixture, status, ...) rule_test(fixture, status, (const char *const[]){ __VA_ARGS__, NULL })

static void test_client(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529 product=0001");
    g_autofree char *assignment = NULL;
    char *text;

    groups_plug(fixture, "1-1", "0529:0001", "");
    groups_plug(fixture, "1-2", "0529:0002", "");
    assignment = group_assign(fixture, keys, FIXTURE_DESK, "all", NULL);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");

    text = RULE_TEST(fixture, 0, "vendor=0529");
    assert_says(text, "0529:0001");
    assert_says(text, "0529:0002");
    assert_says(text, "In a new group nothing changes until the group is assigned.\n");
    g_free(text);
    text = RULE_TEST(fixture, 0, "vendor=0529", "--group", "keys");
    assert_says(text, "In group keys this would change:\n"
                      "  0529:0002 \"Device 0529:0002\" (1-2) joins group keys.\n"
                      "  VM \"desk\" gets 0529:0002 \"Device 0529:0002\" (1-2), as \"keys to desk\".\n");
    g_free(text);
    text = RULE_TEST(fixture, 0, "vendor=1234", "--group", "keys", "--rule", "1");
    assert_says(text, "No device that is plugged in matches.\n"
                      "In group keys this would change:\n"
                      "  0529:0001 \"Device 0529:0001\" (1-1) leaves group keys.\n"
                      "  VM \"desk\" loses 0529:0001 \"Device 0529:0001\" (1-1): ");
    g_free(text);
    text = RULE_TEST(fixture, 0, "vendor=1234", "--group=keys");
    assert_says(text, "In group keys nothing would change.\n");
    g_free(text);
    text = RULE_TEST(fixture, 0, "vendor=0529", "--group", "keys", "--json");
    assert_says(text, "\"changes\"");
    assert_says(text, "\"joins\"");
    g_free(text);
    g_free(RULE_TEST(fixture, 2, "vendor=0529", "--rule", "1"));
    g_free(RULE_TEST(fixture, 2, "vendor=0529", "--group", "keys", "--rule", "x"));
    g_free(RULE_TEST(fixture, 4, "vendor=0529", "--group", "missing"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_preview_rule),
        TEST(test_preview_is_open),
        TEST(test_client),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
