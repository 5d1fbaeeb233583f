/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The matrix of rights that the man page prints, tried out: every method, as every kind of user, with the
 * real polkitd, the real policy and the real rules.
 *
 * There is no logind here, so polkitd sees no session of anybody. What is told by a session is tried with a
 * rule in front that says so; the sessions themselves are the lab's. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/deadline.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/tenant-calls.h"

#define FREE_DEVICE    "1-3.1"
#define OWNERS_DEVICE  "1-2.1"
#define GRANTED_DEVICE "1-4"
#define OWNERS_SERIAL  "OWNERS"

#define TENANTS_MACHINE "0f0e0d0c-0b0a-4908-8706-050403020100"

typedef enum User {
    USER_STRANGER,
    USER_MEMBER, /* of the group usbferry */
    USER_OWNER,  /* of the assignment */
    USER_ROOT,
    _USER_MAX,
} User;

static const struct {
    const char *name;
    uid_t uid;
} users[_USER_MAX] = {
    [USER_STRANGER] = { "stranger", FIXTURE_STRANGER },
    [USER_MEMBER] = { "member", FIXTURE_MEMBER },
    [USER_OWNER] = { "owner", FIXTURE_OTHER },
    [USER_ROOT] = { "root", 0 },
};

/* Columns of the man page's second table. */
typedef enum Session {
    SESSION_NONE,
    SESSION_INACTIVE,
    SESSION_ACTIVE,
    _SESSION_MAX,
} Session;

/* How each method is called, so that nothing but a right can be missing. Arguments: the type, then the value,
 * where @ stands for something of the stage; { is an empty a{sv}, ! one with Force, [ an array with this
 * path. */
static const struct {
    const char *name;
    const char *arguments[4];
} calls[] = {
    { "Assignment.Update", { "{" } },
    { "Assignment.Detach", {} },
    { "Assignment.Attach", {} },
    { "Assignment.Retry", {} },
    { "Assignment.Confirm", {} },
    { "Assignment.Release", { "{" } },
    { "Assignment.ReleaseDevice", { "o@owners", "{" } },
    { "Assignment.Reset", { "{" } },
    { "Assignment.ResetAll", { "{" } },
    { "Device.Reset", { "{" } },
    { "Device.ResetHub", { "{" } },
    { "Machine.ReleaseAll", { "{" } },
    { "Machine.SetUsbController", { "sqemu-xhci", "{" } },
    { "Machine.Start", { "{" } },
    { "Manager.Apply", { "s[Group]\nName=applied\n", "sa file", "{" } },
    { "Manager.Assign", { "o@device", "o@machine", "{" } },
    { "Manager.Assign(Force)", { "o@device", "o@machine", "!" } },
    { "Manager.AssignMany", { "[@device", "o@machine", "{" } },
    { "Manager.CheckAssign", { "[@device", "o@machine", "{" } },
    { "Manager.CheckRelease", { "o@assignment", "o/", "{" } },
    { "Manager.CreateGroup", { "s@new", "{" } },
    { "Manager.CreateTenant", { "s@new", "{" } },
    { "Manager.Explain", { "o@device" } },
    { "Manager.Export", { "{" } },
    { "Manager.GetAssignment", { "sDevice 046d:c31c to desk" } },
    { "Manager.GetDevice", { "s" FREE_DEVICE } },
    { "Manager.GetGroup", { "s@name" } },
    { "Manager.GetHistory", { "u5", "{" } },
    { "Manager.GetMachine", { "sdesk" } },
    { "Manager.GetTenant", { "s@tenant" } },
    { "Manager.HoldHome", { "b0" } },
    { "Manager.MakePassthrough", { "[@device", "s@new", "{" } },
    { "Manager.ReleaseAll", { "{" } },
    { "Manager.PreviewRule", { "svendor=046d", "{" } },
    { "Manager.Rescan", {} },
    { "Manager.SetEnabled", { "b1" } },
    { "Manager.TestRule", { "svendor=046d" } },
    { "ResourceGroup.AddRule", { "svendor=1234", "{" } },
    { "ResourceGroup.Assign", { "o@machine", "{" } },
    { "ResourceGroup.Delete", { "{" } },
    { "ResourceGroup.RemoveRule", { "u1" } },
    { "ResourceGroup.Update", { "{" } },
    { "ResourceGroup.UpdateRule", { "u1", "svendor=4321", "{" } },
    { "Tenant.AddMachine", { "o@machine" } },
    { "Tenant.Delete", { "!" } },
    { "Tenant.Grant", { "[@device", "s@new", "{" } },
    { "Tenant.RemoveMachine", { "o@tenants-machine" } },
    { "Tenant.Revoke", { "[@granted", "{" } },
    { "Tenant.Update", { "{" } },
};

/* ------------------------------------------------------------------ what is documented */

typedef struct Documented {
    GHashTable *methods; /* "Manager.Assign" → its row, a GStrv */
    GHashTable *actions; /* "assign" → its row */
} Documented;

/* The rows of a table of the man page, until an empty line. */
static GHashTable *read_table(const char *text, const char *first_column)
{
    g_autofree char *begin = g_strdup_printf("\n    %s ", first_column);
    const char *found = strstr(text, begin);
    GHashTable *rows = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_strfreev);
    g_auto(GStrv) lines = NULL;

    assert_non_null(found);
    lines = g_strsplit(found + 1, "\n", -1);
    for (char **line = lines + 1; *line && **line; line++) {
        GStrv row = g_regex_split_simple(" {2,}", g_strstrip(*line), 0, 0);

        g_hash_table_insert(rows, row[0], row);
    }
    return rows;
}

static Documented read_documented(void)
{
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(g_getenv("FERRY_TEST_RIGHTS"), &text, NULL, NULL));
    return (Documented){ .methods = read_table(text, "METHOD"), .actions = read_table(text, "ACTION") };
}

static const char *unless_ruled(const Documented *documented, const char *action, Session session)
{
    char **row = g_hash_table_lookup(documented->actions, action);

    if (!row)
        fail_msg("%s is not documented", action);
    return row[1 + session];
}

#define OK        "ok"
#define DENIED    "org.freedesktop.DBus.Error.AccessDenied"
#define CHALLENGE "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

/* There is no assignment but his. */
static bool is_owners(const char *method)
{
    return g_str_has_prefix(method, "Assignment.") || strcmp(method, "Manager.ReleaseAll") == 0;
}

static const char *expected(const Documented *documented, const char *method, User user, Session session)
{
    char **row = g_hash_table_lookup(documented->methods, method);
    const char *action, *own, *unruled;

    if (!row)
        fail_msg("%s is not documented", method);
    action = row[1];
    own = row[2];
    if (strcmp(action, "-") == 0 || user == USER_ROOT)
        return OK;
    /* what is a tenant's own is test-tenants-rights.c */
    if (user == USER_OWNER && strcmp(own, "-") != 0 && is_owners(method) &&
        strcmp(unless_ruled(documented, own, session), "yes") == 0)
        return OK;
    if (user == USER_MEMBER && session == SESSION_ACTIVE &&
        (strcmp(action, "assign") == 0 || strcmp(action, "take-home") == 0))
        return OK;
    unruled = unless_ruled(documented, action, session);
    return strcmp(unruled, "yes") == 0 ? OK : strcmp(unruled, "no") == 0 ? DENIED : CHALLENGE;
}

/* ------------------------------------------------------------------ rules */

/* The one thing that no test is about: the owner gets his assignment. */
static const char owners_rule[] =
    "polkit.addRule(function (action, subject) {\n"
    "    if (action.id == 'org.usbferry1.assign' && action.lookup('serial') == '" OWNERS_SERIAL "' &&\n"
    "        action.lookup('owner') == '' && subject.user == 'daemon')\n"
    "        return polkit.Result.YES;\n"
    "});\n";

/* Every rule after this sees everybody in a session at this host. */
static const char session_rule[] =
    "(function () {\n"
    "    var add = polkit.addRule;\n"
    "    polkit.addRule = function (rule) {\n"
    "        add.call(polkit, function (action, subject) {\n"
    "            return rule(action, { user: subject.user, local: true, active: %s, isInGroup: function (group) {\n"
    "                return subject.isInGroup(group); } });\n"
    "        });\n"
    "    };\n"
    "})();\n";

static void start_polkit_for(Fixture *fixture, const Documented *documented, Session session)
{
    GString *rules = g_string_new(owners_rule);
    g_autofree char *real = NULL;
    GHashTableIter iter;
    gpointer action;

    assert_true(g_file_get_contents(g_getenv("FERRY_TEST_RULES"), &real, NULL, NULL));
    if (session != SESSION_NONE)
        g_string_append_printf(rules, session_rule, session == SESSION_ACTIVE ? "true" : "false");
    g_string_append(rules, real);
    if (session != SESSION_NONE) {
        g_string_append(rules, "var unruled = {};\n");
        g_hash_table_iter_init(&iter, documented->actions);
        while (g_hash_table_iter_next(&iter, &action, NULL))
            g_string_append_printf(rules, "unruled['org.usbferry1.%s'] = '%s';\n", (char *)action,
                                   unless_ruled(documented, action, session));
        g_string_append(rules, "polkit.addRule(function (action) { return unruled[action.id]; });\n");
    }
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, rules->str);
    g_string_free(rules, TRUE);
}

/* ------------------------------------------------------------------ the stage */

typedef struct Stage {
    Fixture *fixture;
    sd_bus *connections[_USER_MAX];
    char *assignment; /* attached to desk */
    char *group;      /* with a rule 1 */
    char *name;       /* its name */
    char *new;        /* a name that no group has */
    char *device;     /* free */
    char *machine;    /* studio, which is off */
    char *tenant;     /* a name */
    char *granted;    /* a device that it has */
    char *tenants_machine;
    char *owners; /* the device that his assignment is for */
} Stage;

static bool has_object(Fixture *fixture, const char *path, const char *interface, const char *property)
{
    g_autofree char *value = fixture_get(fixture, path, interface, property);

    return value;
}

/* On its way home, be it that it was released or detached. */
static bool is_settled(Fixture *fixture, void *assignment)
{
    g_autofree char *state = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State");

    return g_strcmp0(state, "detaching") != 0;
}

/* Sets up again what the last call used up. */
static void stage_set(Stage *stage)
{
    static unsigned number;
    Fixture *fixture = stage->fixture;
    g_autofree char *owners = fixture_device_path(OWNERS_DEVICE);
    g_autofree char *tenant = NULL;

    number++;
    g_free(stage->name);
    g_free(stage->new);
    g_free(stage->group);
    if (stage->tenant) {
        g_autofree char *path = tenant_path(stage->tenant);

        if (has_object(fixture, path, FERRY_INTERFACE_TENANT, "Name"))
            sd_bus_message_unref(fixture_call_ok(fixture, path, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 1,
                                                 "Force", "b", 1));
        g_free(stage->tenant);
    }
    stage->tenant = g_strdup_printf("tenant%u", number);
    tenant = tenant_create_with(fixture, stage->tenant, NULL, TENANTS_MACHINE);
    g_free(tenant_grant(fixture, tenant, GRANTED_DEVICE, "keys"));
    stage->name = g_strdup_printf("stage%u", number);
    stage->new = g_strdup_printf("new%u", number);
    stage->group = group_create_with(fixture, stage->name, "vendor=ffff");
    sd_bus_message_unref(
        fixture_call_ok(fixture, stage->machine, FERRY_INTERFACE_MACHINE, "ReleaseAll", "a{sv}", 0));
    fixture_wait(fixture, stage->device, FERRY_INTERFACE_DEVICE, "State", "host");

    if (stage->assignment)
        fixture_wait_for(fixture, is_settled, stage->assignment, "the assignment is there, or gone");
    if (stage->assignment && has_object(fixture, stage->assignment, FERRY_INTERFACE_ASSIGNMENT, "State")) {
        sd_bus_message_unref(
            fixture_call_ok(fixture, stage->assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    } else {
        sd_bus *bus = fixture->bus;

        g_free(stage->assignment);
        fixture_wait(fixture, owners, FERRY_INTERFACE_DEVICE, "State", "host");
        fixture->bus = stage->connections[USER_OWNER];
        stage->assignment = fixture_assign(fixture, OWNERS_DEVICE, FIXTURE_DESK);
        fixture->bus = bus;
        reset_allow(fixture, stage->assignment, "AllowGuestReset", true);
        reset_allow(fixture, stage->assignment, "AllowGuestResetsAll", true);
        /* It is attached anew for that, a moment after the answer. */
        reset_wait_machine(fixture, FIXTURE_DESK, ":on", true);
    }
    fixture_wait(fixture, stage->assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
}

static const char *stage_value(const Stage *stage, const char *value)
{
    const struct {
        const char *name, *value;
    } all[] = {
        { "@device", stage->device },
        { "@machine", stage->machine },
        { "@name", stage->name },
        { "@new", stage->new },
        { "@tenant", stage->tenant },
        { "@tenants-machine", stage->tenants_machine },
        { "@assignment", stage->assignment },
        { "@granted", stage->granted },
        { "@owners", stage->owners },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        if (strcmp(value, all[i].name) == 0)
            return all[i].value;
    return value;
}

static char *stage_target(const Stage *stage, const char *interface)
{
    if (strcmp(interface, FERRY_INTERFACE_MANAGER) == 0)
        return g_strdup(FERRY_PATH_ROOT);
    if (strcmp(interface, FERRY_INTERFACE_MACHINE) == 0)
        return g_strdup(stage->machine);
    if (strcmp(interface, FERRY_INTERFACE_GROUP) == 0)
        return g_strdup(stage->group);
    if (strcmp(interface, FERRY_INTERFACE_ASSIGNMENT) == 0)
        return g_strdup(stage->assignment);
    if (strcmp(interface, FERRY_INTERFACE_DEVICE) == 0)
        return g_strdup(stage->device);
    if (strcmp(interface, FERRY_INTERFACE_TENANT) == 0)
        return tenant_path(stage->tenant);
    fail_msg("no %s on the stage", interface);
    return NULL;
}

static void append_argument(const Stage *stage, sd_bus_message *message, const char *argument)
{
    const char *value = stage_value(stage, argument + 1);
    int r = -1;

    switch (argument[0]) {
    case 's':
    case 'o':
        r = sd_bus_message_append_basic(message, argument[0], value);
        break;
    case 'b':
        r = sd_bus_message_append(message, "b", g_str_equal(value, "1"));
        break;
    case 'u':
        r = sd_bus_message_append(message, "u", (uint32_t)g_ascii_strtoull(value, NULL, 10));
        break;
    case '{':
        r = sd_bus_message_append(message, "a{sv}", 0);
        break;
    case '!':
        r = sd_bus_message_append(message, "a{sv}", 1, "Force", "b", 1);
        break;
    case '[':
        r = sd_bus_message_append(message, "ao", 1, value);
        break;
    default:
        break;
    }
    assert_true(r >= 0);
}

/* "ok" or the error's name, and its text, or the first one of the answer. New strings. */
static char *stage_call(const Stage *stage, User user, const char *method, const char *const *arguments,
                        char **ret_text)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *message = NULL, *reply = NULL;
    const char *said = "";
    g_auto(GStrv) parts = g_strsplit(method, ".", 2);
    g_autofree char *interface = g_strconcat(FERRY_ACTION_PREFIX, parts[0], NULL);
    g_autofree char *target = stage_target(stage, interface);
    char *answer;
    int r;

    parts[1][strcspn(parts[1], "(")] = '\0'; /* with an option that needs more */
    assert_true(sd_bus_message_new_method_call(stage->connections[user], &message, FERRY_BUS_NAME, target,
                                               interface, parts[1]) >= 0);
    for (const char *const *argument = arguments; *argument; argument++)
        append_argument(stage, message, *argument);
    r = sd_bus_call(stage->connections[user], message, DEADLINE_US, &error, &reply);
    answer = g_strdup(r >= 0 ? OK : error.name);
    if (r >= 0 && sd_bus_message_has_signature(reply, "saa{sv}"))
        assert_true(sd_bus_message_read(reply, "s", &said) >= 0);
    *ret_text = g_strdup(r >= 0 ? said : error.message);
    sd_bus_message_unref(reply);
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
    return answer;
}

static const char *const *arguments_of(const char *method)
{
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++)
        if (strcmp(calls[i].name, method) == 0)
            return calls[i].arguments;
    fail_msg("this test does not know how to call %s", method);
    return NULL;
}

/* What says beforehand what a method would say, and with what. */
static const struct {
    const char *method, *check;
    const char *arguments[4];
} checks[] = {
    { "Manager.Assign", "Manager.CheckAssign", { "[@device", "o@machine", "{" } },
    { "Manager.Assign(Force)", "Manager.CheckAssign", { "[@device", "o@machine", "!" } },
    { "Manager.AssignMany", "Manager.CheckAssign", { "[@device", "o@machine", "{" } },
    { "Assignment.Release", "Manager.CheckRelease", { "o@assignment", "o/", "{" } },
    { "Assignment.ReleaseDevice", "Manager.CheckRelease", { "o@assignment", "o@owners", "{" } },
};

/* It says what comes. */
static bool is_foretold(const Stage *stage, User user, const char *method, const char *wanted)
{
    const char *word = strcmp(wanted, OK) == 0 ? "yes" : strcmp(wanted, DENIED) == 0 ? "no" : "challenge";
    bool good = true;

    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
        g_autofree char *text = NULL, *answer = NULL;

        if (strcmp(checks[i].method, method) != 0)
            continue;
        answer = stage_call(stage, user, checks[i].check, checks[i].arguments, &text);
        if (strcmp(answer, OK) == 0 && strcmp(text, word) == 0)
            continue;
        print_error("%s for %s as %s: %s (%s), expected %s\n", checks[i].check, method, users[user].name,
                    answer, text, word);
        good = false;
    }
    return good;
}

/* A hub's devices come back by themselves, which no script can do: allowed is what gets as far as the
 * hardware.
 */
static const char *as_far_as_the_hardware(Fixture *fixture, const char *method, const char *wanted)
{
    if (strcmp(wanted, OK) != 0 ||
        (!g_str_has_suffix(method, ".ResetAll") && !g_str_has_suffix(method, ".ResetHub")))
        return wanted;
    g_free(fixture_script(fixture, "usb fail the script says so"));
    return FERRY_ERROR_PREFIX "ResetFailed";
}

static void try_out(Fixture *fixture, Session session)
{
    Documented documented = read_documented();
    Stage stage = {
        .fixture = fixture,
        .device = fixture_device_path(FREE_DEVICE),
        .machine = fixture_machine_path(FIXTURE_STUDIO),
        .granted = fixture_device_path(GRANTED_DEVICE),
        .tenants_machine = fixture_machine_path(TENANTS_MACHINE),
        .owners = fixture_device_path(OWNERS_DEVICE),
    };
    g_autoptr(GList) methods = g_hash_table_get_keys(documented.methods);
    unsigned wrong = 0;

    g_free(fixture_script(fixture, "define %s office", TENANTS_MACHINE));
    fixture_wait_object(fixture, stage.tenants_machine, FERRY_INTERFACE_MACHINE, true);
    /* each behind a hub of its own */
    fixture_plug_hub(fixture, "1-2");
    fixture_plug_hub(fixture, "1-3");
    groups_plug(fixture, OWNERS_DEVICE, "046d:c31c", OWNERS_SERIAL);
    groups_plug(fixture, FREE_DEVICE, "046d:c31d", "FREE");
    groups_plug(fixture, GRANTED_DEVICE, "046d:c31e", "GRANTED");
    start_polkit_for(fixture, &documented, session);
    for (User user = 0; user < _USER_MAX; user++)
        stage.connections[user] = fixture_connect(fixture, users[user].uid);
    methods = g_list_sort(methods, (GCompareFunc)strcmp);
    assert_int_equal(g_list_length(methods), G_N_ELEMENTS(calls));
    for (GList *method = methods; method; method = method->next)
        for (User user = 0; user < _USER_MAX; user++) {
            const char *wanted = expected(&documented, method->data, user, session);
            g_autofree char *text = NULL;
            g_autofree char *answer = NULL;

            stage_set(&stage);
            wrong += !is_foretold(&stage, user, method->data, wanted);
            wanted = as_far_as_the_hardware(fixture, method->data, wanted);
            answer = stage_call(&stage, user, method->data, arguments_of(method->data), &text);
            if (strcmp(answer, wanted) == 0)
                continue;
            print_error("%s as %s: %s (%s), expected %s\n", (char *)method->data, users[user].name, answer,
                        text, wanted);
            wrong++;
        }
    fixture_assert(fixture, wrong == 0);

    for (User user = 0; user < _USER_MAX; user++)
        sd_bus_flush_close_unref(stage.connections[user]);
    g_free(stage.assignment);
    g_free(stage.group);
    g_free(stage.name);
    g_free(stage.new);
    g_free(stage.device);
    g_free(stage.machine);
    g_free(stage.tenant);
    g_free(stage.granted);
    g_free(stage.tenants_machine);
    g_free(stage.owners);
    g_hash_table_unref(documented.methods);
    g_hash_table_unref(documented.actions);
}

static void test_without_a_session(void **state)
{
    try_out(*state, SESSION_NONE);
}

static void test_in_an_inactive_session(void **state)
{
    try_out(*state, SESSION_INACTIVE);
}

static void test_in_an_active_session(void **state)
{
    try_out(*state, SESSION_ACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_a_session),
        TEST(test_in_an_inactive_session),
        TEST(test_in_an_active_session),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
