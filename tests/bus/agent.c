/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/agent.h"
#include "tests/bus/deadline.h"

#include <string.h>
#include <unistd.h>

#define AGENT_PATH "/org/usbferry1/test/Agent"

static void forget_question(Agent *agent)
{
    g_clear_pointer(&agent->action, g_free);
    g_clear_pointer(&agent->text, g_free);
    g_clear_pointer(&agent->cookie, g_free);
    agent->message = sd_bus_message_unref(agent->message);
}

/* The uid of the first one whose password would do. */
static uint32_t read_identity(sd_bus_message *message)
{
    const char *kind, *key;
    uint32_t uid;

    assert_true(sd_bus_message_enter_container(message, 'a', "(sa{sv})") >= 0);
    assert_true(sd_bus_message_enter_container(message, 'r', "sa{sv}") >= 0);
    assert_true(sd_bus_message_read(message, "s", &kind) >= 0);
    assert_string_equal(kind, "unix-user");
    assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") >= 0);
    assert_true(sd_bus_message_read(message, "{sv}", &key, "u", &uid) > 0);
    assert_string_equal(key, "uid");
    return uid;
}

static int agent_begin(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Agent *agent = userdata;
    const char *action, *text, *icon, *cookie;

    forget_question(agent);
    assert_true(sd_bus_message_read(message, "sss", &action, &text, &icon) >= 0);
    assert_true(sd_bus_message_skip(message, "a{ss}") >= 0);
    assert_true(sd_bus_message_read(message, "s", &cookie) >= 0);
    agent->identity = read_identity(message);
    agent->asked++;
    agent->action = g_strdup(action);
    agent->text = g_strdup(text);
    agent->cookie = g_strdup(cookie);
    agent->message = sd_bus_message_ref(message);
    /* the answer, if ever, is the test's to give */
    return 1;
}

static int agent_cancel(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Agent *agent = userdata;

    agent->cancelled++;
    return sd_bus_reply_method_return(message, NULL);
}

static const sd_bus_vtable agent_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("BeginAuthentication", "sssa{ss}sa(sa{sv})", "", agent_begin, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CancelAuthentication", "s", "", agent_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

/* In field 22 of /proc/PID/stat, counted behind the name in brackets. */
static uint64_t start_time(void)
{
    enum { FIELDS_BEHIND_NAME = 20 };
    g_autofree char *stat = NULL;
    g_auto(GStrv) fields = NULL;

    assert_true(g_file_get_contents("/proc/self/stat", &stat, NULL, NULL));
    fields = g_strsplit(strrchr(stat, ')') + 2, " ", -1);
    return g_ascii_strtoull(fields[FIELDS_BEHIND_NAME - 1], NULL, 10);
}

static sd_bus_message *to_polkit(Agent *agent, const char *member)
{
    sd_bus_message *message = NULL;

    assert_true(sd_bus_message_new_method_call(agent->bus, &message, "org.freedesktop.PolicyKit1",
                                               "/org/freedesktop/PolicyKit1/Authority",
                                               "org.freedesktop.PolicyKit1.Authority", member) >= 0);
    return message;
}

static void call_polkit(Fixture *fixture, Agent *agent, sd_bus_message *message)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;

    if (sd_bus_call(agent->bus, message, DEADLINE_US, &error, NULL) < 0) {
        fixture_print_log(fixture);
        fail_msg("the agent: %s: %s", error.name, error.message);
    }
    sd_bus_message_unref(message);
}

void agent_register(Fixture *fixture, Agent *agent, uid_t uid)
{
    agent_register_in(fixture, agent, uid, "C");
}

void agent_register_in(Fixture *fixture, Agent *agent, uid_t uid, const char *locale)
{
    sd_bus_message *message;

    /* polkitd remembers for a while what somebody typed. */
    fixture_end_bus_with_test(fixture);
    *agent = (Agent){ .bus = fixture_connect(fixture, 0) };
    assert_true(sd_bus_add_object_vtable(agent->bus, NULL, AGENT_PATH,
                                         "org.freedesktop.PolicyKit1.AuthenticationAgent", agent_vtable,
                                         agent) >= 0);
    message = to_polkit(agent, "RegisterAuthenticationAgent");
    assert_true(sd_bus_message_append(message, "(sa{sv})ss", "unix-process", 3, "pid", "u",
                                      (uint32_t)getpid(), "start-time", "t", start_time(), "uid", "i",
                                      (int32_t)uid, locale, AGENT_PATH) >= 0);
    call_polkit(fixture, agent, message);
}

void agent_close(Agent *agent)
{
    forget_question(agent);
    sd_bus_flush_close_unref(agent->bus);
}

typedef struct Count {
    Agent *agent;
    const unsigned *number;
    unsigned wanted;
} Count;

static bool is_reached(Fixture *fixture, void *userdata)
{
    const Count *count = userdata;

    while (sd_bus_process(count->agent->bus, NULL) > 0)
        continue;
    return *count->number >= count->wanted;
}

void agent_wait_asked(Fixture *fixture, Agent *agent, unsigned n)
{
    Count count = { agent, &agent->asked, n };

    fixture_wait_for(fixture, is_reached, &count, "polkit has asked");
}

void agent_wait_cancelled(Fixture *fixture, Agent *agent, unsigned n)
{
    Count count = { agent, &agent->cancelled, n };

    fixture_wait_for(fixture, is_reached, &count, "the question is withdrawn");
}

void agent_say_yes(Fixture *fixture, Agent *agent)
{
    sd_bus_message *message = to_polkit(agent, "AuthenticationAgentResponse");

    /* As the helper does it that checks passwords: root may say so. Without a uid, as the versions of polkit
     * differ in whose it is when root registers an agent for somebody else. */
    assert_true(sd_bus_message_append(message, "s(sa{sv})", agent->cookie, "unix-user", 1, "uid", "u",
                                      agent->identity) >= 0);
    call_polkit(fixture, agent, message);
    assert_true(sd_bus_reply_method_return(agent->message, NULL) >= 0);
    assert_true(sd_bus_flush(agent->bus) >= 0);
}

void agent_dismiss(Agent *agent)
{
    assert_true(sd_bus_reply_method_errorf(agent->message, "org.freedesktop.PolicyKit1.Error.Cancelled",
                                           "dismissed") >= 0);
    assert_true(sd_bus_flush(agent->bus) >= 0);
}
