/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* While polkit asks: many questions of one caller, polkitd that goes, comes, or hangs, and objects that are
 * gone when the answer comes. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/agent.h"
#include "tests/bus/deadline.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/open-call.h"
#include "tests/bus/tenant-calls.h"

#define QUESTIONS 200
#define OPEN_MAX  8 /* of one user */

#define DENIED     "org.freedesktop.DBus.Error.AccessDenied"
#define CHALLENGE  "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
#define GONE(what) FERRY_ERROR_PREFIX "NoSuch" what

#define DEVICE "1-2"
#define IDS    "046d:c31c"
#define SERIAL "KBD-0001"

#define ALLOW "polkit.addRule(function (action) { return polkit.Result.YES; });\n"

static void call_assign(Fixture *fixture, OpenCall *open, bool interactive)
{
    g_autofree char *device = fixture_device_path(DEVICE);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);

    open_call(fixture, open, FIXTURE_STRANGER, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
              interactive, "ooa{sv}", device, desk, 0);
}

static void assert_assign(Fixture *fixture, const char *expected, const char *part)
{
    OpenCall open;
    g_autofree char *text = NULL;

    call_assign(fixture, &open, false);
    text = open_call_finish(fixture, &open, expected);
    assert_says(text, part);
}

/* ------------------------------------------------------------------ many */

typedef struct Flood {
    sd_bus *bus;
    unsigned refused, others;
} Flood;

static int note_refusal(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Flood *flood = userdata;
    const sd_bus_error *its = sd_bus_message_get_error(reply);

    /* ours, or the bus's own when it has too many calls of one connection to wait for */
    if (its && (strcmp(its->name, FERRY_ERROR_PREFIX "LimitExceeded") == 0 ||
                strcmp(its->name, "org.freedesktop.DBus.Error.LimitsExceeded") == 0))
        flood->refused++;
    else
        flood->others++;
    return 0;
}

static bool rest_is_refused(Fixture *fixture, void *userdata)
{
    Flood *flood = userdata;

    while (sd_bus_process(flood->bus, NULL) > 0)
        continue;
    return flood->refused + flood->others >= QUESTIONS - OPEN_MAX;
}

static void test_two_hundred_questions(void **state)
{
    Fixture *fixture = *state;
    Flood flood = { .bus = fixture_connect(fixture, FIXTURE_STRANGER) };
    g_autofree char *device = fixture_device_path(DEVICE);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    sd_bus *other = fixture_connect(fixture, FIXTURE_OTHER);
    sd_bus_error error = SD_BUS_ERROR_NULL;
    g_autofree char *assignment = NULL;
    Agent agent;
    OpenCall again;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    groups_plug(fixture, "1-3", IDS, "KBD-0002");
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    for (unsigned i = 0; i < QUESTIONS; i++) {
        sd_bus_message *message = NULL;

        assert_true(sd_bus_message_new_method_call(flood.bus, &message, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                                   FERRY_INTERFACE_MANAGER, "Assign") >= 0);
        assert_true(sd_bus_message_append(message, "ooa{sv}", device, desk, 0) >= 0);
        assert_true(sd_bus_message_set_allow_interactive_authorization(message, true) >= 0);
        assert_true(sd_bus_call_async(flood.bus, NULL, message, note_refusal, &flood, UINT64_MAX) >= 0);
        sd_bus_message_unref(message);
    }
    assert_true(sd_bus_flush(flood.bus) >= 0);
    fixture_wait_for(fixture, rest_is_refused, &flood, "what is too much is refused");
    assert_int_equal(flood.others, 0);
    agent_wait_asked(fixture, &agent, OPEN_MAX);

    /* Others are served while all of these are open. */
    assert_true(sd_bus_call_method(other, FERRY_BUS_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                                   "ReleaseAll", &error, NULL, "a{sv}", 0) < 0);
    assert_string_equal(error.name, CHALLENGE);
    sd_bus_error_free(&error);
    assignment = fixture_assign(fixture, "1-3", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    assert_int_equal(agent.cancelled, 0);

    /* The caller leaves: all are cancelled, and he can be asked again. */
    sd_bus_close_unref(flood.bus);
    agent_wait_cancelled(fixture, &agent, OPEN_MAX);
    call_assign(fixture, &again, true);
    agent_wait_asked(fixture, &agent, OPEN_MAX + 1);
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &again, OPEN_CALL_OK));
    assert_int_equal(agent.asked, OPEN_MAX + 1);
    sd_bus_flush_close_unref(other);
    agent_close(&agent);
}

/* ------------------------------------------------------------------ polkitd */

static void test_polkitd_is_killed_while_it_asks(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *text = NULL;
    Agent agent;
    OpenCall open;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    call_assign(fixture, &open, true);
    agent_wait_asked(fixture, &agent, 1);
    fixture_stop_polkit(fixture);
    text = open_call_finish(fixture, &open, DENIED);
    assert_says(text, "polkit could not be asked");
    fixture_start_polkit(fixture, NULL);
    assert_assign(fixture, CHALLENGE, "has to be asked for");
    g_free(fixture_assign(fixture, DEVICE, FIXTURE_DESK));
    agent_close(&agent);
}

static void test_question_is_put_to_the_next_polkitd(void **state)
{
    Fixture *fixture = *state;
    Agent agent;
    OpenCall open;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    call_assign(fixture, &open, true);
    agent_wait_asked(fixture, &agent, 1);
    fixture_replace_polkit(fixture, ALLOW);
    g_free(open_call_finish(fixture, &open, OPEN_CALL_OK));
    agent_close(&agent);
}

static void test_polkitd_is_absent(void **state)
{
    Fixture *fixture = *state;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    fixture_stop_polkit(fixture);
    assert_assign(fixture, DENIED, "polkit could not be asked");
    /* also from the start */
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
    assert_assign(fixture, DENIED, "polkit could not be asked");
    g_free(fixture_assign(fixture, DEVICE, FIXTURE_DESK));
    /* and when it comes, it is asked */
    fixture_start_polkit(fixture, NULL);
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "ReleaseAll", "a{sv}", 0));
    assert_assign(fixture, CHALLENGE, "has to be asked for");
}

static void test_polkitd_hangs(void **state)
{
    Fixture *fixture = *state;
    OpenCall open;
    g_autofree char *text = NULL;
    g_autofree char *assignment = NULL;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    groups_plug(fixture, "1-3", IDS, "KBD-0002");
    fixture_end_bus_with_test(fixture);
    assert_int_equal(kill(fixture->polkit_pid, SIGSTOP), 0);
    call_assign(fixture, &open, false);
    assignment = fixture_assign(fixture, "1-3", FIXTURE_DESK);
    assert_null(open.name);
    text = open_call_finish(fixture, &open, DENIED);
    assert_says(text, "polkit could not be asked");
    assert_int_equal(kill(fixture->polkit_pid, SIGCONT), 0);
    assert_assign(fixture, CHALLENGE, "has to be asked for");
}

/* ------------------------------------------------------------------ the object */

static void test_dialog_is_answered(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *text = NULL;
    Agent agent;
    OpenCall open;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    call_assign(fixture, &open, true);
    agent_wait_asked(fixture, &agent, 1);
    agent_dismiss(&agent);
    text = open_call_finish(fixture, &open, DENIED);
    assert_says(text, "dismissed");
    call_assign(fixture, &open, true);
    agent_wait_asked(fixture, &agent, 2);
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, OPEN_CALL_OK));
    agent_close(&agent);
}

static void test_object_is_gone_when_the_answer_comes(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path(DEVICE);
    g_autofree char *studio = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *assignment = NULL;
    Agent agent;
    OpenCall open;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    agent_register(fixture, &agent, FIXTURE_STRANGER);

    assignment = fixture_assign(fixture, DEVICE, FIXTURE_DESK);
    open_call(fixture, &open, FIXTURE_STRANGER, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", true,
              "a{sv}", 0);
    agent_wait_asked(fixture, &agent, 1);
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, GONE("Assignment")));

    open_call(fixture, &open, FIXTURE_STRANGER, group, FERRY_INTERFACE_GROUP, "AddRule", true, "sa{sv}",
              "vendor=1234", 0);
    agent_wait_asked(fixture, &agent, 2);
    sd_bus_message_unref(fixture_call_ok(fixture, group, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 0));
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, GONE("Group")));

    open_call(fixture, &open, FIXTURE_STRANGER, studio, FERRY_INTERFACE_MACHINE, "ReleaseAll", true, "a{sv}",
              0);
    agent_wait_asked(fixture, &agent, 3);
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_STUDIO));
    fixture_wait_object(fixture, studio, FERRY_INTERFACE_MACHINE, false);
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, GONE("Machine")));

    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    call_assign(fixture, &open, true);
    agent_wait_asked(fixture, &agent, 4);
    fixture_unplug(fixture, DEVICE);
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, GONE("Device")));
    agent_close(&agent);
}

/* What stands in its place has the same path, and isn't what somebody said yes to. */
static void test_another_device_is_there_when_the_answer_comes(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path(DEVICE);
    g_autofree char *text = NULL;
    Agent agent;
    OpenCall open;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    call_assign(fixture, &open, true);
    agent_wait_asked(fixture, &agent, 1);
    fixture_unplug(fixture, DEVICE);
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    groups_plug(fixture, DEVICE, IDS, "KBD-0002");
    agent_say_yes(fixture, &agent);
    text = open_call_finish(fixture, &open, DENIED);
    assert_says(text, "changed while the question was open");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    agent_close(&agent);
}

/* ------------------------------------------------------------------ tenants */

static void dismiss(Fixture *fixture, Agent *agent, OpenCall *open)
{
    agent_dismiss(agent);
    g_free(open_call_finish(fixture, open, DENIED));
}

/* Devices are named, also when they lose a group; a group that nobody owns is not just any group. */
static void test_what_is_asked_about_tenants(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path(DEVICE);
    g_autofree char *acme = tenant_create(fixture, "acme", NULL);
    g_autofree char *file = fixture_state_path(fixture, "tenants/acme");
    g_autofree char *group = NULL;
    Agent agent;
    OpenCall open;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    group = tenant_grant(fixture, acme, DEVICE, "keys");
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    open_call(fixture, &open, FIXTURE_STRANGER, acme, FERRY_INTERFACE_TENANT, "Revoke", true, "aoa{sv}", 1,
              device, 0);
    agent_wait_asked(fixture, &agent, 1);
    assert_says(agent.text, "revoke the USB device " IDS);
    dismiss(fixture, &agent, &open);
    open_call(fixture, &open, FIXTURE_STRANGER, acme, FERRY_INTERFACE_TENANT, "Revoke", true, "aoa{sv}", 0, 1,
              "Group", "s", "keys");
    agent_wait_asked(fixture, &agent, 2);
    assert_says(agent.text, "revoke the USB devices of the group acme/keys from the tenant acme");
    dismiss(fixture, &agent, &open);

    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_file_set_contents(file, "[Tenant]\nName=acme\nColour=red\n", -1, NULL));
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, true);
    open_call(fixture, &open, FIXTURE_STRANGER, group, FERRY_INTERFACE_GROUP, "Delete", true, "a{sv}", 0);
    agent_wait_asked(fixture, &agent, 3);
    assert_says(agent.text,
                "delete the group acme/keys, whose USB devices then belong to the tenant acme no longer");
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, OPEN_CALL_OK));
    assert_tenant_of_device(fixture, DEVICE, NULL);
    agent_close(&agent);
}

/* The name that was made up when it was asked is somebody else's now. */
static void test_another_name_is_due_when_the_answer_comes(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path(DEVICE);
    g_autofree char *acme = tenant_create(fixture, "acme", NULL);
    g_autofree char *first = NULL, *text = NULL;
    Agent agent;
    OpenCall open;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    groups_plug(fixture, "1-3", IDS, "KBD-0002");
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    open_call(fixture, &open, FIXTURE_STRANGER, acme, FERRY_INTERFACE_TENANT, "Grant", true, "aosa{sv}", 1,
              device, "", 0);
    agent_wait_asked(fixture, &agent, 1);
    first = tenant_grant(fixture, acme, "1-3", "");
    fixture_wait(fixture, first, FERRY_INTERFACE_GROUP, "Name", "acme/devices-1");
    agent_say_yes(fixture, &agent);
    text = open_call_finish(fixture, &open, DENIED);
    assert_says(text, "changed while the question was open");
    assert_tenant_of_device(fixture, DEVICE, NULL);
    agent_close(&agent);
}

/* ------------------------------------------------------------------ the language */

static void test_question_in_german(void **state)
{
    Fixture *fixture = *state;
    Agent agent;
    OpenCall open;

    groups_plug(fixture, DEVICE, IDS, SERIAL);
    agent_register_in(fixture, &agent, FIXTURE_STRANGER, "de_DE.UTF-8");
    call_assign(fixture, &open, true);
    agent_wait_asked(fixture, &agent, 1);
    assert_says(agent.text, "Legitimierung ist erforderlich, um das USB-Gerät 046d:c31c");
    assert_says(agent.text, "der virtuellen Maschine desk zu geben");
    agent_dismiss(&agent);
    g_free(open_call_finish(fixture, &open, DENIED));
    agent_close(&agent);
}

/* id → description and message, of our actions */
static GHashTable *actions_in(Fixture *fixture, const char *locale)
{
    GHashTable *actions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
    sd_bus_message *reply = NULL;
    const char *id, *description, *message;

    assert_true(sd_bus_call_method(fixture->bus, "org.freedesktop.PolicyKit1",
                                   "/org/freedesktop/PolicyKit1/Authority",
                                   "org.freedesktop.PolicyKit1.Authority", "EnumerateActions", NULL, &reply,
                                   "s", locale) >= 0);
    assert_true(sd_bus_message_enter_container(reply, 'a', "(ssssssuuua{ss})") >= 0);
    while (sd_bus_message_enter_container(reply, 'r', "ssssssuuua{ss}") > 0) {
        assert_true(sd_bus_message_read(reply, "sss", &id, &description, &message) >= 0);
        if (g_str_has_prefix(id, FERRY_ACTION_PREFIX))
            g_hash_table_insert(actions, g_strdup(id),
                                g_strdupv((char **)(const char *[]){ description, message, NULL }));
        assert_true(sd_bus_message_skip(reply, "sssuuua{ss}") >= 0);
        assert_true(sd_bus_message_exit_container(reply) >= 0);
    }
    sd_bus_message_unref(reply);
    assert_true(g_hash_table_size(actions) > 0);
    return actions;
}

static void test_actions_in_german(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GHashTable) english = actions_in(fixture, "C");
    g_autoptr(GHashTable) german = actions_in(fixture, "de_DE.UTF-8");
    GHashTableIter iter;
    gpointer id, value;

    g_hash_table_iter_init(&iter, english);
    while (g_hash_table_iter_next(&iter, &id, &value)) {
        char **its = value, **translated = g_hash_table_lookup(german, id);

        assert_non_null(translated);
        assert_string_not_equal(translated[0], its[0]);
        assert_says(translated[1], "Legitimierung");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_hundred_questions),
        TEST(test_polkitd_is_killed_while_it_asks),
        TEST(test_question_is_put_to_the_next_polkitd),
        TEST(test_polkitd_is_absent),
        TEST(test_polkitd_hangs),
        TEST(test_dialog_is_answered),
        TEST(test_object_is_gone_when_the_answer_comes),
        TEST(test_another_device_is_there_when_the_answer_comes),
        TEST(test_what_is_asked_about_tenants),
        TEST(test_another_name_is_due_when_the_answer_comes),
        TEST(test_question_in_german),
        TEST(test_actions_in_german),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
