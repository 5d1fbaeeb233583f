/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many assignments whoever may make, and that nobody makes one twice. What is there already is written
 * into the store beforehand. */

#include "tests/bus/cmocka-include.h"

#include <gio/gio.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bus/agent.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/open-call.h"
#include "tests/bus/tenant-calls.h"

#define DONGLE "0529:0001"

#define MEMBER_UID 1                /* daemon, of acme */
#define OTHER_UID  2                /* bin, of globex */
#define GIVER_UID  FIXTURE_STRANGER /* may give what is nobody's */

/* As daemon/manager/quotas.h has them. */
enum { ALL_MAX = 1024, PER_TENANT_MAX = 128, PER_OWNER_MAX = 256, FOR_ROOT = 256 };

/* Users that nobody is here. */
enum { MANY_UID = 2000, MANY_USERS = 16 };

#define RULES                                                                                             \
    "polkit.addRule(function (asked, subject) {\n"                                                        \
    "    if (asked.id == 'org.usbferry1.assign-own') return polkit.Result.YES;\n"                         \
    "    if (asked.id == 'org.usbferry1.assign' && subject.user == 'nobody') return polkit.Result.YES;\n" \
    "});\n"

typedef struct Stage {
    Fixture *fixture;
    sd_bus *member;
    sd_bus *other;
    sd_bus *giver;
    char *keys;   /* of acme, which has desk */
    char *others; /* of globex, which has studio */
    char *pool;   /* nobody's */
    char *desk, *studio;
    unsigned stored;
} Stage;

static int setup(void **state)
{
    Stage *stage = g_new0(Stage, 1);
    g_autofree char *member = g_strdup_printf("user:%s", getpwuid(MEMBER_UID)->pw_name);
    g_autofree char *other = g_strdup_printf("user:%s", getpwuid(OTHER_UID)->pw_name);
    g_autofree char *acme = NULL, *globex = NULL;
    void *fixture;

    if (groups_setup(&fixture) != 0)
        return -1;
    *state = stage;
    stage->fixture = fixture;
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, RULES);
    stage->member = fixture_connect(fixture, MEMBER_UID);
    stage->other = fixture_connect(fixture, OTHER_UID);
    stage->giver = fixture_connect(fixture, GIVER_UID);
    stage->desk = fixture_machine_path(FIXTURE_DESK);
    stage->studio = fixture_machine_path(FIXTURE_STUDIO);
    acme = tenant_create_with(fixture, "acme", member, FIXTURE_DESK);
    globex = tenant_create_with(fixture, "globex", other, FIXTURE_STUDIO);
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    stage->keys = tenant_grant(fixture, acme, "1-1", "keys");
    stage->others = tenant_grant(fixture, globex, "1-2", "keys");
    stage->pool = group_create_with(fixture, "pool", "vendor=046d");
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
    wait_list(fixture, globex, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
    return 0;
}

static int teardown(void **state)
{
    Stage *stage = *state;
    void *fixture = stage->fixture;

    sd_bus_flush_close_unref(stage->member);
    sd_bus_flush_close_unref(stage->other);
    sd_bus_flush_close_unref(stage->giver);
    g_free(stage->keys);
    g_free(stage->others);
    g_free(stage->pool);
    g_free(stage->desk);
    g_free(stage->studio);
    g_free(stage);
    return groups_teardown(&fixture);
}

/* ------------------------------------------------------------------ calls */

/* From the group, as this user; each with another number says something else. The error's name, NULL = it
 * worked. New string. */
static char *draw(sd_bus *bus, const char *group, const char *machine, unsigned number)
{
    g_autofree char *selector = g_strdup_printf("serial=S%u", number);

    return call_as(bus, group, FERRY_INTERFACE_GROUP, "Assign", NULL, "oa{sv}", machine, 1, "Selector", "s",
                   selector);
}

static void assert_draw(const Stage *stage, sd_bus *bus, const char *group, const char *machine,
                        unsigned number, const char *expected)
{
    g_autofree char *outcome = draw(bus, group, machine, number);

    if (g_strcmp0(outcome, expected) != 0) {
        fixture_print_log(stage->fixture);
        fail_msg("assignment %u of %s: %s, expected %s", number, group, outcome ? outcome : "success",
                 expected ? expected : "success");
    }
}

/* Restarts the service with more assignments in the store: of this user, or with MANY_UID of many. */
static void restart_with(Stage *stage, unsigned more, uid_t owner)
{
    Fixture *fixture = stage->fixture;

    fixture_stop_daemon(fixture, SIGTERM);
    for (unsigned end = stage->stored + more; stage->stored < end; stage->stored++) {
        g_autofree char *name = g_strdup_printf("assignments/%08u", stage->stored);
        g_autofree char *path = fixture_state_path(fixture, name);
        uid_t uid = owner == MANY_UID ? owner + stage->stored % MANY_USERS : owner;
        g_autofree char *text =
            g_strdup_printf("[Assignment]\nName=stored %u\nMachine=" FIXTURE_STUDIO "\nGroup=pool\n"
                            "Selector=serial=OF%u\nOwner=%u\nCreated=%u\n",
                            stage->stored, stage->stored, (unsigned)uid, stage->stored + 1);

        assert_true(g_file_set_contents(path, text, -1, NULL));
    }
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
}

/* ------------------------------------------------------------------ how many */

/* A member has his tenant's places, and leaves everybody else's. */
static void test_a_member_has_the_places_of_his_tenant(void **state)
{
    const Stage *stage = *state;
    unsigned n = 0;

    while (n <= ALL_MAX) {
        g_autofree char *outcome = draw(stage->member, stage->keys, stage->desk, n);

        if (outcome) {
            assert_string_equal(outcome, "LimitExceeded");
            break;
        }
        n++;
    }
    assert_int_equal(n, PER_TENANT_MAX);
    assert_draw(stage, stage->other, stage->others, stage->studio, n, NULL);
    assert_draw(stage, stage->giver, stage->pool, stage->studio, n, NULL);
    /* the tenant's administrator is root */
    assert_draw(stage, stage->fixture->bus, stage->keys, stage->desk, n, NULL);
    assert_draw(stage, stage->member, stage->keys, stage->desk, n + 1, "LimitExceeded");
}

static void test_a_user_has_his_places(void **state)
{
    Stage *stage = *state;

    restart_with(stage, PER_OWNER_MAX - 1, GIVER_UID);
    assert_draw(stage, stage->giver, stage->pool, stage->studio, 0, NULL);
    assert_draw(stage, stage->giver, stage->pool, stage->studio, 1, "LimitExceeded");
    assert_draw(stage, stage->member, stage->keys, stage->desk, 1, NULL);
    assert_draw(stage, stage->fixture->bus, stage->pool, stage->studio, 1, NULL);
}

static void test_the_last_places_are_roots(void **state)
{
    Stage *stage = *state;
    sd_bus *root = stage->fixture->bus;

    restart_with(stage, ALL_MAX - FOR_ROOT - 1, MANY_UID);
    assert_draw(stage, stage->giver, stage->pool, stage->studio, 0, NULL);
    assert_draw(stage, stage->giver, stage->pool, stage->studio, 1, "LimitExceeded");
    assert_draw(stage, stage->member, stage->keys, stage->desk, 1, "LimitExceeded");
    assert_draw(stage, root, stage->pool, stage->studio, 1, NULL);
    restart_with(stage, FOR_ROOT - 2, MANY_UID);
    assert_draw(stage, root, stage->pool, stage->studio, 2, NULL);
    assert_draw(stage, root, stage->pool, stage->studio, 3, "LimitExceeded");
}

/* Nobody types a password for what can't be. */
static void test_who_has_no_place_is_not_asked(void **state)
{
    Stage *stage = *state;
    Fixture *fixture = stage->fixture;
    g_autofree char *text = NULL;
    Agent agent;
    OpenCall open;

    restart_with(stage, PER_OWNER_MAX, MEMBER_UID);
    agent_register(fixture, &agent, MEMBER_UID);
    open_call(fixture, &open, MEMBER_UID, stage->pool, FERRY_INTERFACE_GROUP, "Assign", true, "oa{sv}",
              stage->desk, 0);
    text = open_call_finish(fixture, &open, FERRY_ERROR_PREFIX "LimitExceeded");
    assert_says(text, "256");
    assert_int_equal(agent.asked, 0);
    agent_close(&agent);
}

/* ------------------------------------------------------------------ the same twice */

static char *refused_as_same(const Stage *stage, const char *source, const char *machine, unsigned n_options,
                             const char *key, const char *value)
{
    return fixture_call_error(stage->fixture, "AlreadyExists", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "Assign", "ooa{sv}", source, machine, n_options, key, "s", value);
}

/* Says the id of the one that is there. */
static void assert_same(const Stage *stage, const char *assignment, const char *machine, const char *key,
                        const char *value)
{
    g_autofree char *text = refused_as_same(stage, stage->pool, machine, key ? 1 : 0, key, value);
    char *id = NULL;

    assert_true(sd_bus_path_decode(assignment, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    assert_says(text, id);
    free(id);
}

static void test_a_pool_is_drawn_from_once_for_one_purpose(void **state)
{
    const Stage *stage = *state;
    Fixture *fixture = stage->fixture;
    g_autofree char *plain = group_assign(fixture, stage->pool, FIXTURE_STUDIO, NULL, NULL);
    g_autofree char *two = group_assign(fixture, stage->pool, FIXTURE_STUDIO, "2", NULL);
    g_autofree char *all = group_assign(fixture, stage->pool, FIXTURE_STUDIO, "all", NULL);
    g_autofree char *chosen =
        group_assign(fixture, stage->pool, FIXTURE_STUDIO, NULL, "vendor=046d serial=A*");
    g_autofree char *again = NULL;

    assert_same(stage, plain, stage->studio, NULL, NULL);
    assert_same(stage, plain, stage->studio, "Quantity", "1");
    assert_same(stage, plain, stage->studio, "Selector", "");
    /* what it is called says nothing */
    assert_same(stage, plain, stage->studio, "Name", "another");
    assert_same(stage, two, stage->studio, "Quantity", "2");
    assert_same(stage, all, stage->studio, "Quantity", "all");
    assert_same(stage, chosen, stage->studio, "Selector", "serial=A*   vendor=46d");
    g_free(group_assign(fixture, stage->pool, FIXTURE_STUDIO, "2", "vendor=046d serial=A*"));
    g_free(group_assign(fixture, stage->pool, FIXTURE_STUDIO, "set", NULL));
    g_free(group_assign(fixture, stage->pool, FIXTURE_DESK, NULL, NULL));

    /* detached, it is still there; ended, it isn't */
    sd_bus_message_unref(fixture_call_ok(fixture, plain, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    assert_same(stage, plain, stage->studio, NULL, NULL);
    sd_bus_message_unref(fixture_call_ok(fixture, plain, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    again = group_assign(fixture, stage->pool, FIXTURE_STUDIO, NULL, NULL);
}

/* In the state that the first one leaves behind, whatever that is. */
static void test_a_device_is_given_once(void **state)
{
    const Stage *stage = *state;
    Fixture *fixture = stage->fixture;
    g_autofree char *device = fixture_device_path("1-3");
    g_autofree char *assignment = NULL;
    static const char *const members[] = { "Detach", "Attach" };
    char *id = NULL;

    groups_plug(fixture, "1-3", "046d:c31c", "KBD-0001");
    assignment = fixture_assign(fixture, "1-3", FIXTURE_STUDIO);
    assert_true(sd_bus_path_decode(assignment, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        g_autofree char *text = refused_as_same(stage, device, stage->studio, 0, NULL, NULL);

        assert_says(text, id);
        sd_bus_message_unref(
            fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, members[i], ""));
    }
    free(id);
}

/* Two that are on their way at the same time: one is made. */
static void test_the_same_twice_at_once(void **state)
{
    const Stage *stage = *state;
    Fixture *fixture = stage->fixture;
    OpenCall calls[2];
    const char *expected[2] = { OPEN_CALL_OK, FERRY_ERROR_PREFIX "AlreadyExists" };

    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++)
        open_call(fixture, &calls[i], 0, stage->pool, FERRY_INTERFACE_GROUP, "Assign", false, "oa{sv}",
                  stage->studio, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++)
        g_free(open_call_finish(fixture, &calls[i], expected[i]));
}

/* ------------------------------------------------------------------ all of it in one message */

/* As the headers of the core have them. */
enum { MESSAGE_MAX = 8 * 1024 * 1024, RULE_MAX = 1024, NAME_MAX_BYTES = 128, DESCRIPTION_MAX = 512 };

/* Rules of one text that is applied; it has to be short enough itself. */
enum { RULES_OF_TEXT = 900 };
enum { MEASURE_TIMEOUT_MS = 60000 };
/* Far more than fit. */
enum { GROUPS_OF_TEST_MAX = 40 };

static void append_filled(GString *text, const char *begin, gsize bytes)
{
    g_autofree char *rest = g_strnfill(bytes - strlen(begin), 'x');

    g_string_append_printf(text, "%s%s\n", begin, rest);
}

/* The largest that there can be, in all places. */
static void store_largest(Fixture *fixture)
{
    for (unsigned i = 0; i < ALL_MAX; i++) {
        g_autofree char *name = g_strdup_printf("assignments/%08u", i);
        g_autofree char *path = fixture_state_path(fixture, name);
        g_autofree char *selector = g_strdup_printf("vendor=046d serial=OF%04u name!=", i);
        GString *text = g_string_new("[Assignment]\nMachine=" FIXTURE_STUDIO "\nGroup=pool\nOwner=0\n");

        g_string_append_printf(text, "Created=%u\nName=", i + 1);
        append_filled(text, "", NAME_MAX_BYTES);
        g_string_append(text, "Description=");
        append_filled(text, "", DESCRIPTION_MAX);
        g_string_append(text, "Selector=");
        append_filled(text, selector, RULE_MAX);
        assert_true(g_file_set_contents(path, text->str, -1, NULL));
        g_string_free(text, TRUE);
    }
}

/* A group with the longest rules. New string. */
static char *large_group(const char *name, unsigned n_rules)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "[Group]\nName=%s\n", name);
    for (unsigned i = 1; i <= n_rules; i++) {
        g_string_append_printf(text, "[Rule %u]\nMatch=", i);
        append_filled(text, "vendor=0529 name!=", RULE_MAX);
    }
    return g_string_free(text, FALSE);
}

static char *apply_group(const Stage *stage, const char *name, unsigned n_rules)
{
    g_autofree char *text = large_group(name, n_rules);

    return call_as(stage->fixture->bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", NULL, "ssa{sv}",
                   text, "large.conf", 0);
}

/* As the bus carries it. */
static gsize measure_all(Fixture *fixture)
{
    GDBusConnectionFlags flags =
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION;
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus =
        g_dbus_connection_new_for_address_sync(fixture->address, flags, NULL, NULL, &error);
    g_autoptr(GDBusMessage) call = g_dbus_message_new_method_call(
        FERRY_BUS_NAME, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    g_autoptr(GDBusMessage) reply = NULL;
    g_autofree guchar *blob = NULL;
    gsize bytes;

    assert_null(error);
    reply = g_dbus_connection_send_message_with_reply_sync(bus, call, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                                           MEASURE_TIMEOUT_MS, NULL, NULL, &error);
    assert_null(error);
    g_dbus_message_to_gerror(reply, &error);
    assert_null(error);
    blob = g_dbus_message_to_blob(reply, &bytes, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    assert_null(error);
    return bytes;
}

/* All places of assignments, and groups until they are refused: with the longest texts that there can be, the
 * bus takes it. */
static void test_all_objects_fit_into_one_message(void **state)
{
    Stage *stage = *state;
    Fixture *fixture = stage->fixture;
    g_autofree char *first = group_path("large0"), *path = NULL;
    g_autofree char *outcome = NULL, *again = NULL;
    gsize bytes;
    unsigned n = 0, rules = RULES_OF_TEXT;

    fixture_stop_daemon(fixture, SIGTERM);
    store_largest(fixture);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, stage->pool, FERRY_INTERFACE_GROUP, true);
    /* to the brim: smaller ones where the larger don't fit */
    while (rules > 0) {
        g_autofree char *name = g_strdup_printf("large%u", n);

        g_free(outcome);
        outcome = apply_group(stage, name, rules);
        if (!outcome)
            assert_true(++n < GROUPS_OF_TEST_MAX);
        else
            rules /= 2;
    }
    assert_string_equal(outcome, "LimitExceeded");
    bytes = measure_all(fixture);
    print_message("# %u groups, %u assignments: %" G_GSIZE_FORMAT " bytes\n", n, ALL_MAX, bytes);
    assert_true(bytes <= MESSAGE_MAX);
    assert_true(bytes > MESSAGE_MAX / 2);

    /* what becomes less is never refused, and leaves room */
    assert_call_as(fixture, fixture->bus, NULL, first, FERRY_INTERFACE_GROUP, "UpdateRule", "usa{sv}", 1,
                   "vendor=0529", 0);
    assert_call_as(fixture, fixture->bus, NULL, first, FERRY_INTERFACE_GROUP, "RemoveRule", "u", 2);
    path = group_create(fixture, "small");
    again = apply_group(stage, "another", RULES_OF_TEXT);
    assert_string_equal(again, "LimitExceeded");
    assert_call_as(fixture, fixture->bus, NULL, first, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 0);
    assert_null(apply_group(stage, "another", RULES_OF_TEXT / 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_member_has_the_places_of_his_tenant),
        TEST(test_a_user_has_his_places),
        TEST(test_the_last_places_are_roots),
        TEST(test_who_has_no_place_is_not_asked),
        TEST(test_a_pool_is_drawn_from_once_for_one_purpose),
        TEST(test_a_device_is_given_once),
        TEST(test_the_same_twice_at_once),
        TEST(test_all_objects_fit_into_one_message),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
