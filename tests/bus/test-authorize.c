/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The authorizer itself, with the real polkitd, in front of a handler that does what a test wants: who is
 * told to call, and that an answer counts for what was asked only. */

#include "tests/bus/cmocka-include.h"

#include <gio/gio.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "dbus/rights/authorize.h"
#include "dbus/bus/bus-source.h"
#include "dbus/rights/details.h"
#include "dbus/bus/sd-bus-cleanup.h"
#include "tests/bus/deadline.h"
#include "tests/bus/fixture.h"

#define PATH FERRY_PATH_ASSIGNMENT_PREFIX "/k7m2xq4p"

/* Group ids that nobody has. */
#define GROUP_A 64201
#define GROUP_B 64202

#define RULES                                                                                 \
    "polkit.addRule(function (action, subject) {\n"                                           \
    "    if (subject.user != 'daemon') return polkit.Result.NO;\n"                            \
    "    if (action.id == 'org.usbferry1.assign-own') return polkit.Result.YES;\n"            \
    "    if (action.id == 'org.usbferry1.assign' && action.lookup('device') != 'not this')\n" \
    "        return polkit.Result.YES;\n"                                                     \
    "    return polkit.Result.NO;\n"                                                          \
    "});\n"

#define DENIED "org.freedesktop.DBus.Error.AccessDenied"

/* A service with one method. What it is to see in each of its runs, and what it saw. */
typedef struct Service {
    Fixture *fixture;
    sd_bus *bus;
    GSource *source;
    GDBusConnection *shared;
    Authority *authority;
    Authorizer *authorizer;

    bool owned[2];
    const char *device[2];

    unsigned runs;
    unsigned asked_owned;
    unsigned done;
    uint32_t uid;
    GArray *gids;
} Service;

static Service service;

static bool owned(const Caller *caller, gpointer object)
{
    bool answer = service.owned[MIN(service.asked_owned, 1)];

    assert_ptr_equal(object, &service);
    service.asked_owned++;
    service.uid = caller->uid;
    g_array_set_size(service.gids, 0);
    if (caller->n_gids > 0)
        g_array_append_vals(service.gids, caller->gids, (guint)caller->n_gids);
    return answer;
}

static int handle(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    /* the first run only makes the bus say who calls */
    g_auto(GStrv) details = details_new(&(Details){ .device = service.device[service.asked_owned > 0] });
    uint32_t uid = UINT32_MAX;
    int r;

    service.runs++;
    r = authorize_owned(service.authorizer, message, (const char *const *)details, owned, &service, &uid,
                        error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1;
    service.done++;
    assert_int_equal(uid, service.uid);
    return sd_bus_reply_method_return(message, NULL);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Release", "a{sv}", "", handle, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static void lost(int error, void *userdata)
{
    fail_msg("the connection is lost");
}

static int setup(void **state)
{
    assert_int_equal(fixture_setup(state), 0);
    service.fixture = *state;
    fixture_stop_polkit(service.fixture);
    fixture_start_polkit(service.fixture, RULES);
    service.bus = fixture_connect(service.fixture, 0);
    assert_true(sd_bus_add_object_vtable(service.bus, NULL, PATH, FERRY_INTERFACE_ASSIGNMENT, vtable, NULL) >=
                0);
    service.source = bus_source_new(service.bus, lost, NULL);
    /* The authority gets the same one. It would connect while a caller does, which is as another user for
     * that moment, and all of this process with it. */
    service.shared = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
    assert_non_null(service.shared);
    service.authority = authority_new();
    service.authorizer = authorizer_new(service.bus, service.authority);
    service.gids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    return 0;
}

static int teardown(void **state)
{
    service.authorizer = authorizer_free(service.authorizer);
    service.authority = authority_free(service.authority);
    g_clear_object(&service.shared);
    g_source_destroy(service.source);
    g_source_unref(service.source);
    sd_bus_flush_close_unref(service.bus);
    g_array_unref(service.gids);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    return fixture_teardown(state);
}

static int note_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    char **name = userdata;

    *name =
        g_strdup(sd_bus_message_is_method_error(reply, NULL) ? sd_bus_message_get_error(reply)->name : "ok");
    return 0;
}

static gboolean wake(gpointer userdata)
{
    return G_SOURCE_CONTINUE;
}

/* Calls it; "ok" or the error's name. New string. */
static char *call(sd_bus *caller)
{
    enum { TURN_MS = 20 };
    g_autoptr(sd_bus_message) message = NULL;
    gint64 deadline = g_get_monotonic_time() + DEADLINE_US;
    guint tick = g_timeout_add(TURN_MS, wake, NULL);
    const char *name;
    char *answer = NULL;

    service.runs = service.asked_owned = service.done = 0;
    assert_true(sd_bus_get_unique_name(service.bus, &name) >= 0);
    assert_true(sd_bus_message_new_method_call(caller, &message, name, PATH, FERRY_INTERFACE_ASSIGNMENT,
                                               "Release") >= 0);
    assert_true(sd_bus_message_append(message, "a{sv}", 0) >= 0);
    assert_true(sd_bus_call_async(caller, NULL, message, note_reply, &answer, UINT64_MAX) >= 0);
    assert_true(sd_bus_flush(caller) >= 0);
    while (!answer) {
        if (g_get_monotonic_time() > deadline) {
            fixture_print_log(service.fixture);
            fail_msg("not answered");
        }
        g_main_context_iteration(NULL, TRUE);
        while (sd_bus_process(caller, NULL) > 0)
            continue;
    }
    g_source_remove(tick);
    return answer;
}

/* What a caller with a right of his own and one of everybody hears. */
static void check(uid_t uid, bool owned_first, bool owned_then, const char *device_first,
                  const char *device_then, const char *expected)
{
    sd_bus *caller = fixture_connect(service.fixture, uid);
    g_autofree char *answer = NULL;

    service.owned[0] = owned_first;
    service.owned[1] = owned_then;
    service.device[0] = device_first;
    service.device[1] = device_then;
    answer = call(caller);
    assert_string_equal(answer, expected);
    assert_int_equal(service.done, strcmp(expected, "ok") == 0);
    sd_bus_flush_close_unref(caller);
}

static void test_answer_counts_for_what_was_asked(void **state)
{
    check(FIXTURE_OTHER, false, false, "keyboard", "keyboard", "ok");
    check(FIXTURE_OTHER, true, true, "keyboard", "keyboard", "ok");
    /* his own right, for what is no longer his, and the other way round */
    check(FIXTURE_OTHER, true, false, "not this", "not this", DENIED);
    check(FIXTURE_OTHER, true, false, "keyboard", "keyboard", DENIED);
    check(FIXTURE_OTHER, false, true, "keyboard", "keyboard", DENIED);
    /* for another device */
    check(FIXTURE_OTHER, false, false, "keyboard", "mouse", DENIED);
    check(FIXTURE_OTHER, true, true, "keyboard", "mouse", DENIED);
}

static void test_own_action_is_asked_for_ones_own_only(void **state)
{
    check(FIXTURE_OTHER, true, true, "not this", "not this", "ok");
    check(FIXTURE_OTHER, false, false, "not this", "not this", DENIED);
    check(FIXTURE_STRANGER, true, true, "keyboard", "keyboard", DENIED);
    /* root is never asked about, and nothing is asked twice for it */
    check(0, false, false, "not this", "not this", "ok");
    assert_int_equal(service.runs, 2);
}

/* What is not there isn't named; what is most of all is. */
static void test_question_is_the_one_that_names_most(void **state)
{
    static const char *const questions[] = { "$(device) of $(group) to $(machine)", "$(device) to $(machine)",
                                             "$(group) to $(machine)", "$(machine)", NULL };
    static const struct {
        Details details;
        unsigned expected;
    } cases[] = {
        { { .device = "keyboard", .group = "keys", .machine = "desk" }, 0 },
        { { .device = "keyboard", .machine = "desk", .tenant = "acme" }, 1 },
        { { .group = "keys", .machine = "desk" }, 2 },
        { { .machine = "desk" }, 3 },
        /* of a machine without a name */
        { { .device = "keyboard" }, 1 },
        { { .group = "keys" }, 2 },
        { { .owner = "0" }, 3 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) details = details_new(&cases[i].details);
        const char *question = details_pick_question(questions, (const char *const *)details);

        assert_string_equal(question, questions[cases[i].expected]);
    }
}

static void test_caller_is_told_with_all_groups(void **state)
{
    const gid_t groups[] = { GROUP_A, GROUP_B };
    sd_bus *caller;
    g_autofree char *answer = NULL;
    bool found[G_N_ELEMENTS(groups)] = { false };

    assert_int_equal(setgroups(G_N_ELEMENTS(groups), groups), 0);
    caller = fixture_connect(service.fixture, FIXTURE_OTHER);
    assert_int_equal(setgroups(0, NULL), 0);
    service.owned[0] = service.owned[1] = true;
    service.device[0] = service.device[1] = "keyboard";
    answer = call(caller);
    assert_string_equal(answer, "ok");
    assert_int_equal(service.uid, FIXTURE_OTHER);
    for (guint i = 0; i < service.gids->len; i++)
        for (gsize k = 0; k < G_N_ELEMENTS(groups); k++)
            if (g_array_index(service.gids, uint32_t, i) == groups[k])
                found[k] = true;
    assert_true(found[0] && found[1]);
    sd_bus_flush_close_unref(caller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_counts_for_what_was_asked),
        cmocka_unit_test(test_own_action_is_asked_for_ones_own_only),
        cmocka_unit_test(test_question_is_the_one_that_names_most),
        cmocka_unit_test(test_caller_is_told_with_all_groups),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
