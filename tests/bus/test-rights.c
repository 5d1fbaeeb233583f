/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rights, with the real polkitd: who may not, may not, and a question that nobody answers delays nobody. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/agent.h"
#include "tests/bus/deadline.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/open-call.h"
#include "tests/bus/tenant-calls.h"

static sd_bus_message *new_assign(sd_bus *bus, const char *sysname, bool interactive)
{
    g_autofree char *device = fixture_device_path(sysname);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    sd_bus_message *message = NULL;

    assert_true(sd_bus_message_new_method_call(bus, &message, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                               FERRY_INTERFACE_MANAGER, "Assign") >= 0);
    assert_true(sd_bus_message_append(message, "ooa{sv}", device, desk, 0) >= 0);
    assert_true(sd_bus_message_set_allow_interactive_authorization(message, interactive) >= 0);
    return message;
}

static void assert_refused(Fixture *fixture, sd_bus *bus, sd_bus_message *message, const char *name)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call(bus, message, DEADLINE_US, &error, NULL);

    if (r >= 0 || g_strcmp0(error.name, name) != 0) {
        fixture_print_log(fixture);
        fail_msg("%s: %s, expected %s", r >= 0 ? "success" : error.name, r >= 0 ? "" : error.message, name);
    }
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
}

static void plug(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "046d", "c31c", serial, "Keyboard K120");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void assert_untouched(Fixture *fixture, const char *sysname)
{
    g_autofree char *path = fixture_device_path(sysname);
    g_autofree char *at = fixture_get(fixture, path, FERRY_INTERFACE_DEVICE, "State");

    assert_string_equal(at, "host");
}

static void test_stranger_is_refused(void **state)
{
    Fixture *fixture = *state;
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);

    plug(fixture, "1-2", "KBD-0001");
    assert_refused(fixture, stranger, new_assign(stranger, "1-2", false),
                   "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
    /* It may be asked for, but there is nobody to ask. */
    assert_refused(fixture, stranger, new_assign(stranger, "1-2", true),
                   "org.freedesktop.DBus.Error.AccessDenied");
    assert_untouched(fixture, "1-2");
    sd_bus_flush_close_unref(stranger);
}

static void test_stranger_cannot_take(void **state)
{
    Fixture *fixture = *state;
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    static const char *const members[] = { "Attach", "Detach" };
    g_autofree char *assignment = NULL;
    sd_bus_message *message;

    plug(fixture, "1-2", "KBD-0001");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        assert_true(sd_bus_message_new_method_call(stranger, &message, FERRY_BUS_NAME, assignment,
                                                   FERRY_INTERFACE_ASSIGNMENT, members[i]) >= 0);
        assert_refused(fixture, stranger, message,
                       "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
    }
    assert_true(sd_bus_message_new_method_call(stranger, &message, FERRY_BUS_NAME, assignment,
                                               FERRY_INTERFACE_ASSIGNMENT, "Release") >= 0);
    assert_true(sd_bus_message_append(message, "a{sv}", 0) >= 0);
    assert_refused(fixture, stranger, message, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
    assert_true(sd_bus_message_new_method_call(stranger, &message, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                               FERRY_INTERFACE_MANAGER, "ReleaseAll") >= 0);
    assert_true(sd_bus_message_append(message, "a{sv}", 0) >= 0);
    assert_refused(fixture, stranger, message, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    sd_bus_flush_close_unref(stranger);
}

static void test_everybody_may_look(void **state)
{
    Fixture *fixture = *state;
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    sd_bus_message *reply = NULL;
    g_autofree char *device = fixture_device_path("1-2");

    plug(fixture, "1-2", "KBD-0001");
    assert_true(sd_bus_call_method(stranger, FERRY_BUS_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                                   "GetDevice", NULL, &reply, "s", "keyboard") >= 0);
    sd_bus_message_unref(reply);
    assert_true(sd_bus_call_method(stranger, FERRY_BUS_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                                   "Explain", NULL, &reply, "o", device) >= 0);
    sd_bus_message_unref(reply);
    sd_bus_flush_close_unref(stranger);
}

/* ------------------------------------------------------------------ what is made, and who ends it */

#define REQUIRED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

#define ALLOW(action) \
    "polkit.addRule(function (asked) { if (asked.id == '" action "') return polkit.Result.YES; });\n"

static void rules(Fixture *fixture, const char *text)
{
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, text);
}

static void assert_release_all(Fixture *fixture, sd_bus *bus, const char *expected, const char *machine)
{
    assert_call_as(fixture, bus, expected, machine ? machine : FERRY_PATH_ROOT,
                   machine ? FERRY_INTERFACE_MACHINE : FERRY_INTERFACE_MANAGER, "ReleaseAll", "a{sv}", 0);
}

/* Who may take devices home takes them home: what others have decided stays. */
static void test_take_home_ends_nothing(void **state)
{
    Fixture *fixture = *state;
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *assignment = NULL;

    rules(fixture, ALLOW("org.usbferry1.take-home"));
    plug(fixture, "1-2", "KBD-0001");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    assert_call_as(fixture, stranger, REQUIRED, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}",
                   0);
    assert_release_all(fixture, stranger, REQUIRED, desk);
    assert_release_all(fixture, stranger, REQUIRED, NULL);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    assert_call_as(fixture, stranger, NULL, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", "");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "disabled");
    assert_untouched(fixture, "1-2");
    sd_bus_flush_close_unref(stranger);
}

static char *assign_as(Fixture *fixture, sd_bus *bus, const char *sysname)
{
    sd_bus *root = fixture->bus;
    char *assignment;

    plug(fixture, sysname, sysname);
    fixture->bus = bus;
    assignment = fixture_assign(fixture, sysname, FIXTURE_DESK);
    fixture->bus = root;
    return assignment;
}

/* ReleaseAll is one's own when all that it would end is. */
static void test_all_that_is_ones_own_is_ended_as_such(void **state)
{
    Fixture *fixture = *state;
    sd_bus *owner = fixture_connect(fixture, FIXTURE_OTHER);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *own = NULL, *others = NULL;

    rules(fixture, ALLOW("org.usbferry1.assign"));
    own = assign_as(fixture, owner, "1-2");
    others = assign_as(fixture, fixture->bus, "1-3");
    rules(fixture, ALLOW("org.usbferry1.assign-own"));
    assert_release_all(fixture, owner, REQUIRED, desk);
    assert_release_all(fixture, owner, REQUIRED, NULL);
    fixture_wait(fixture, own, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_wait(fixture, others, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    assert_call_as(fixture, fixture->bus, NULL, others, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0);
    /* what is on its way out is nobody's any more */
    assert_release_all(fixture, owner, NULL, desk);
    fixture_wait_object(fixture, own, FERRY_INTERFACE_ASSIGNMENT, false);

    rules(fixture, ALLOW("org.usbferry1.assign"));
    g_free(g_steal_pointer(&own));
    own = assign_as(fixture, owner, "1-4");
    rules(fixture, ALLOW("org.usbferry1.assign-own"));
    assert_release_all(fixture, owner, NULL, NULL);
    fixture_wait_object(fixture, own, FERRY_INTERFACE_ASSIGNMENT, false);
    /* nothing is nobody's */
    assert_release_all(fixture, owner, REQUIRED, NULL);
    sd_bus_flush_close_unref(owner);
}

/* ------------------------------------------------------------------ an answer that is kept */

#define KEEP_BUT_FOR_ONE                                                                                        \
    "polkit.addRule(function (asked) {\n"                                                                       \
    "    if (asked.id == 'org.usbferry1.assign')\n"                                                             \
    "        return asked.lookup('serial') == 'KBD-0002' ? polkit.Result.NO : polkit.Result.AUTH_ADMIN_KEEP;\n" \
    "});\n"

/* What the manual says of auth_admin_keep: polkit keeps the answer for the action, and not for what the
 * question named. */
static void test_a_kept_answer_covers_the_action(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = fixture_device_path("1-2"), *second = fixture_device_path("1-3");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    Agent agent;
    OpenCall open;

    rules(fixture, KEEP_BUT_FOR_ONE);
    plug(fixture, "1-2", "KBD-0001");
    plug(fixture, "1-3", "KBD-0002");
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    open_call(fixture, &open, FIXTURE_STRANGER, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", true,
              "ooa{sv}", second, desk, 0);
    g_free(open_call_finish(fixture, &open, "org.freedesktop.DBus.Error.AccessDenied"));
    open_call(fixture, &open, FIXTURE_STRANGER, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", true,
              "ooa{sv}", first, desk, 0);
    agent_wait_asked(fixture, &agent, 1);
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, OPEN_CALL_OK));

    open_call(fixture, &open, FIXTURE_STRANGER, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", true,
              "ooa{sv}", second, desk, 0);
    g_free(open_call_finish(fixture, &open, OPEN_CALL_OK));
    assert_int_equal(agent.asked, 1);
    agent_close(&agent);
}

/* ------------------------------------------------------------------ a dialog that is never answered */

static int note_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    *(bool *)userdata = true;
    return 0;
}

static void test_unanswered_question(void **state)
{
    Fixture *fixture = *state;
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    Agent agent = { .bus = NULL };
    sd_bus_message *question;
    bool answered = false;
    g_autofree char *assignment = NULL;

    plug(fixture, "1-2", "KBD-0001");
    plug(fixture, "1-3", "KBD-0002");
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    question = new_assign(stranger, "1-2", true);
    assert_true(sd_bus_call_async(stranger, NULL, question, note_reply, &answered, UINT64_MAX) >= 0);
    sd_bus_message_unref(question);
    assert_true(sd_bus_flush(stranger) >= 0);
    agent_wait_asked(fixture, &agent, 1);
    /* The person in front of the dialog reads which device and which machine it is about. */
    if (!strstr(agent.text, "Keyboard K120") || !strstr(agent.text, "desk"))
        fail_msg("the question is: %s", agent.text);

    /* Meanwhile everybody else is served, also for the very same device. */
    assignment = fixture_assign(fixture, "1-3", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    g_free(assignment);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    while (sd_bus_process(stranger, NULL) > 0)
        continue;
    assert_false(answered);

    /* The caller leaves: the dialog goes. */
    sd_bus_close_unref(stranger);
    agent_wait_cancelled(fixture, &agent, 1);
    agent_close(&agent);
}

/* ------------------------------------------------------------------ many dialogs of one user */

#define CONNECTIONS 4
#define QUESTIONS   5 /* of each connection */
#define OPEN_MAX    8 /* of one user */

typedef struct Flood {
    sd_bus *connections[CONNECTIONS];
    unsigned refused;
    unsigned others;
} Flood;

static int note_refusal(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Flood *flood = userdata;
    const sd_bus_error *its = sd_bus_message_get_error(reply);

    if (its && strcmp(its->name, FERRY_ERROR_PREFIX "LimitExceeded") == 0)
        flood->refused++;
    else
        flood->others++;
    return 0;
}

static bool rest_is_refused(Fixture *fixture, void *userdata)
{
    Flood *flood = userdata;

    for (int i = 0; i < CONNECTIONS; i++)
        while (sd_bus_process(flood->connections[i], NULL) > 0)
            continue;
    return flood->refused == CONNECTIONS * QUESTIONS - OPEN_MAX;
}

/* However many connections somebody has: others can still be asked for, and root is never kept out. */
static void test_one_user_cannot_use_up_the_questions(void **state)
{
    Fixture *fixture = *state;
    sd_bus *other = fixture_connect(fixture, FIXTURE_OTHER);
    Flood flood = { .refused = 0 };
    Agent agent = { .bus = NULL };

    plug(fixture, "1-2", "KBD-0001");
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    for (int i = 0; i < CONNECTIONS; i++) {
        flood.connections[i] = fixture_connect(fixture, FIXTURE_STRANGER);
        for (int k = 0; k < QUESTIONS; k++) {
            sd_bus_message *question = new_assign(flood.connections[i], "1-2", true);

            assert_true(sd_bus_call_async(flood.connections[i], NULL, question, note_refusal, &flood,
                                          UINT64_MAX) >= 0);
            sd_bus_message_unref(question);
        }
        assert_true(sd_bus_flush(flood.connections[i]) >= 0);
    }
    fixture_wait_for(fixture, rest_is_refused, &flood, "what is too much is refused");
    assert_int_equal(flood.others, 0);
    assert_refused(fixture, other, new_assign(other, "1-2", false),
                   "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
    g_free(fixture_assign(fixture, "1-2", FIXTURE_DESK));
    for (int i = 0; i < CONNECTIONS; i++)
        sd_bus_close_unref(flood.connections[i]);
    sd_bus_flush_close_unref(other);
    agent_close(&agent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stranger_is_refused),
        TEST(test_stranger_cannot_take),
        TEST(test_everybody_may_look),
        TEST(test_take_home_ends_nothing),
        TEST(test_all_that_is_ones_own_is_ended_as_such),
        TEST(test_a_kept_answer_covers_the_action),
        TEST(test_unanswered_question),
        TEST(test_one_user_cannot_use_up_the_questions),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
