/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What polkit is told about each call, with the real polkitd: what the manual page promises of details holds
 * for every method that needs a right, and the question names what is told of devices. */

#include "tests/bus/cmocka-include.h"

#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/bus/agent.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/open-call.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/tenant-calls.h"

#define DENIED "org.freedesktop.DBus.Error.AccessDenied"

#define GIVEN   "1-2.1" /* by itself, to studio */
#define DRAWN   "1-3.1" /* by studio from the group pool */
#define GRANTED "1-4.1" /* to acme, whose machine desk has it */
#define FREE    "1-5"
#define SECOND  "1-6" /* of the same kind */
#define SPARE   "1-8" /* granted to acme, and not given to anybody */
#define LOST    "1-7" /* granted to lost, whose file is damaged */

#define KEYBOARD "046d:c31c"
#define DONGLE   "0529:0001"

#define SELECTOR      "vendor=046d product=c31c serial=KBD-0002"
#define SELECTED(key) ((Expected){ SELECTOR, KEYBOARD, "KBD-0002", key })

/* In the order of the manual page. "": doesn't apply. */
typedef struct Expected {
    const char *device, *vendor_product, *serial, *group, *machine, *tenant, *owner;
} Expected;

static const char *const keys[] = { "device",  "vendor_product", "serial", "group",
                                    "machine", "tenant",         "owner" };

typedef struct Stage {
    Fixture *fixture;
    Agent agent;
    GHashTable *told;              /* method → bits of the keys that some call has filled */
    char *given, *drawn, *granted; /* assignments */
    char *device, *second;         /* paths */
    char *pool, *keys, *lost;      /* groups */
    char *acme, *desk, *studio;
} Stage;

/* ------------------------------------------------------------------ what is documented */

/* The rows of a table: its second column by its first one, until an empty line. New table. */
static GHashTable *read_table(const char *file, const char *heading)
{
    g_autofree char *text = NULL;
    const char *found;
    GHashTable *rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) lines = NULL;

    assert_true(g_file_get_contents(g_getenv(file), &text, NULL, NULL));
    found = strstr(text, heading);
    assert_non_null(found);
    lines = g_strsplit(found + 1, "\n", -1);
    for (char **line = lines + 1; *line && **line; line++) {
        g_auto(GStrv) row = g_regex_split_simple(" {2,}", g_strstrip(*line), 0, 0);

        g_hash_table_insert(rows, g_strdup(row[0]), g_strdup(row[1]));
    }
    return rows;
}

static unsigned bits_of(const char *row)
{
    g_auto(GStrv) words = g_strsplit(row, " ", -1);
    unsigned bits = 0;

    for (char **word = words; *word && strcmp(row, "-") != 0; word++) {
        gsize i = 0;

        while (i < G_N_ELEMENTS(keys) && strcmp(keys[i], *word) != 0)
            i++;
        if (i == G_N_ELEMENTS(keys))
            fail_msg("the manual page says \"%s\" in a row of details", *word);
        bits |= 1U << i;
    }
    return bits;
}

/* "Assignment.*" stands for all of them. The row's text. */
static const char *find_row(GHashTable *rows, const char *method)
{
    GHashTableIter iter;
    gpointer pattern, row;
    const char *found = NULL;

    g_hash_table_iter_init(&iter, rows);
    while (g_hash_table_iter_next(&iter, &pattern, &row))
        if (g_pattern_match_simple(pattern, method)) {
            if (found)
                fail_msg("the manual page has two rows of details for %s", method);
            found = row;
        }
    if (!found)
        fail_msg("the manual page has no row of details for %s", method);
    return found;
}

static void assert_as_documented(const Stage *stage)
{
    g_autoptr(GHashTable) rows = read_table("FERRY_TEST_MANUAL", "\n    METHOD  ");
    g_autoptr(GHashTable) methods = read_table("FERRY_TEST_RIGHTS", "\n    METHOD ");
    GHashTableIter iter;
    gpointer method, action;

    g_hash_table_iter_init(&iter, methods);
    while (g_hash_table_iter_next(&iter, &method, &action)) {
        const char *row = strcmp(action, "-") == 0 ? NULL : find_row(rows, method);
        gpointer told;

        if (!row)
            continue;
        if (!g_hash_table_lookup_extended(stage->told, method, NULL, &told))
            fail_msg("this test does not call %s", (char *)method);
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
            if ((bits_of(row) ^ GPOINTER_TO_UINT(told)) & 1U << i)
                fail_msg("%s: the manual page says %s, and \"%s\" is %s", (char *)method, row, keys[i],
                         GPOINTER_TO_UINT(told) & 1U << i ? "told" : "never told");
    }
}

/* ------------------------------------------------------------------ asking */

/* A rule sees the details, and writes the values down, one a line. It decides nothing. */
static const char telling_rule[] =
    "polkit.addRule(function (action) {\n"
    "    var keys = ['device', 'vendor_product', 'serial', 'group', 'machine', 'tenant', 'owner'];\n"
    "    var told = keys.map(function (key) { return action.lookup(key) + '\\n'; }).join('');\n"
    "    polkit.spawn(['sh', '-c', 'printf %%s \"$1\" > \"$0\"', '%s', told]);\n"
    "});\n";

static char *told_path(Fixture *fixture)
{
    return g_build_filename(fixture->dir, "told", NULL);
}

static void start_telling(Fixture *fixture)
{
    g_autofree char *path = told_path(fixture);
    g_autofree char *rule = g_strdup_printf(telling_rule, path);
    const struct passwd *user = getpwnam("polkitd");

    assert_non_null(user);
    assert_true(g_file_set_contents(path, "", -1, NULL));
    assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, rule);
}

/* In the order of the keys. New array. */
static GStrv read_told(Fixture *fixture)
{
    g_autofree char *path = told_path(fixture);
    g_autofree char *text = NULL;
    GStrv values;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    values = g_strsplit(text, "\n", -1);
    assert_int_equal(g_strv_length(values), G_N_ELEMENTS(keys) + 1);
    return values;
}

/* A stranger calls, is asked, and dismisses the question. */
static void ask(Stage *stage, const char *method, const char *path, Expected expected, const char *types, ...)
{
    const char *const *values = (const char *const *)&expected;
    g_auto(GStrv) parts = g_strsplit(method, ".", 2);
    g_autofree char *interface = g_strconcat(FERRY_ACTION_PREFIX, parts[0], NULL);
    g_auto(GStrv) details = NULL;
    unsigned told = GPOINTER_TO_UINT(g_hash_table_lookup(stage->told, method));
    va_list arguments;
    OpenCall open;

    parts[1][strcspn(parts[1], "(")] = '\0'; /* with an option that needs more */
    va_start(arguments, types);
    open_call_va(stage->fixture, &open, FIXTURE_STRANGER, path, interface, parts[1], true, types, arguments);
    va_end(arguments);
    agent_wait_asked(stage->fixture, &stage->agent, stage->agent.asked + 1);
    details = read_told(stage->fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const char *wanted = values[i] ? values[i] : "";

        if (strcmp(details[i], wanted) != 0)
            fail_msg("%s: %s is \"%s\", expected \"%s\"", method, keys[i], details[i], wanted);
        if (*wanted)
            told |= 1U << i;
    }
    g_hash_table_insert(stage->told, g_strdup(method), GUINT_TO_POINTER(told));
    if (expected.device)
        assert_says(stage->agent.text, expected.device);
    assert_null(strstr(stage->agent.text, "$("));
    agent_dismiss(&stage->agent);
    g_free(open_call_finish(stage->fixture, &open, DENIED));
}

/* ------------------------------------------------------------------ the stage */

static void plug_behind_hub(Fixture *fixture, const char *sysname, const char *ids, const char *serial)
{
    g_autofree char *hub = g_strndup(sysname, strcspn(sysname, "."));

    fixture_plug_hub(fixture, hub);
    groups_plug(fixture, sysname, ids, serial);
}

/* A tenant's group that is nobody's, as the tenant's file can't be read. */
static void lose_tenant(Stage *stage)
{
    Fixture *fixture = stage->fixture;
    g_autofree char *file = fixture_state_path(fixture, "tenants/lost");
    g_autofree char *lost = tenant_create(fixture, "lost", NULL);

    groups_plug(fixture, LOST, DONGLE, "KEY-0009");
    stage->lost = tenant_grant(fixture, lost, LOST, "keys");
    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_file_set_contents(file, "[Tenant]\nName=lost\nColour=red\n", -1, NULL));
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
}

static void allow_resets(Fixture *fixture, const char *assignment)
{
    reset_allow(fixture, assignment, "AllowGuestReset", true);
    reset_allow(fixture, assignment, "AllowGuestResetsAll", true);
    reset_wait_state(fixture, assignment, "attached");
}

static int setup(void **state)
{
    Stage *stage = g_new0(Stage, 1);
    void *fixture;

    if (groups_setup(&fixture) != 0)
        return -1;
    *state = stage;
    stage->fixture = fixture;
    stage->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    lose_tenant(stage);
    stage->desk = fixture_machine_path(FIXTURE_DESK);
    stage->studio = fixture_machine_path(FIXTURE_STUDIO);
    stage->device = fixture_device_path(FREE);
    stage->second = fixture_device_path(SECOND);
    plug_behind_hub(fixture, GIVEN, KEYBOARD, "KBD-0001");
    plug_behind_hub(fixture, DRAWN, KEYBOARD, "KBD-0002");
    plug_behind_hub(fixture, GRANTED, DONGLE, "KEY-0001");
    groups_plug(fixture, FREE, KEYBOARD, "KBD-0005");
    groups_plug(fixture, SECOND, KEYBOARD, "KBD-0006");
    stage->acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    stage->keys = tenant_grant(fixture, stage->acme, GRANTED, "keys");
    groups_plug(fixture, SPARE, DONGLE, "KEY-0008");
    g_free(tenant_grant(fixture, stage->acme, SPARE, "spare"));
    stage->pool = group_create_with(fixture, "pool", SELECTOR);
    stage->given = fixture_assign(fixture, GIVEN, FIXTURE_STUDIO);
    stage->drawn = group_assign(fixture, stage->pool, FIXTURE_STUDIO, "1", SELECTOR);
    stage->granted = fixture_assign(fixture, GRANTED, FIXTURE_DESK);
    allow_resets(fixture, stage->given);
    allow_resets(fixture, stage->drawn);
    allow_resets(fixture, stage->granted);
    /* they are taken out for that, and put in again */
    reset_wait_machine(fixture, FIXTURE_STUDIO, ":on", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":on", true);
    reset_wait_state(fixture, stage->given, "attached");
    reset_wait_state(fixture, stage->drawn, "attached");
    reset_wait_state(fixture, stage->granted, "attached");
    start_telling(fixture);
    agent_register(fixture, &stage->agent, FIXTURE_STRANGER);
    return 0;
}

static int teardown(void **state)
{
    Stage *stage = *state;
    void *fixture = stage->fixture;
    char *const texts[] = { stage->given,  stage->drawn, stage->granted, stage->device,
                            stage->second, stage->pool,  stage->keys,    stage->lost,
                            stage->acme,   stage->desk,  stage->studio };

    agent_close(&stage->agent);
    g_hash_table_unref(stage->told);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_free(stage);
    return groups_teardown(&fixture);
}

/* ------------------------------------------------------------------ every method */

#define TEXT_OF(ids, sysname) ids " \"Device " ids "\" (" sysname ")"

static void ask_assigning(Stage *stage)
{
    const Expected whole = { .group = "pool", .machine = "desk" };
    const Expected limited = { SELECTOR, KEYBOARD, "KBD-0002", "pool", "desk" };
    const Expected tenants = { .group = "acme/keys", .machine = "desk", .tenant = "acme" };
    g_autofree char *spare = fixture_device_path(SPARE);

    ask(stage, "Manager.Assign", FERRY_PATH_ROOT,
        (Expected){ TEXT_OF(KEYBOARD, FREE), KEYBOARD, "KBD-0005", NULL, "studio" }, "ooa{sv}", stage->device,
        stage->studio, 0);
    ask(stage, "Manager.AssignMany", FERRY_PATH_ROOT,
        (Expected){ TEXT_OF(KEYBOARD, FREE), KEYBOARD, "KBD-0005", NULL, "studio" }, "aooa{sv}", 1,
        stage->device, stage->studio, 0);
    ask(stage, "Manager.AssignMany", FERRY_PATH_ROOT,
        (Expected){ TEXT_OF(KEYBOARD, FREE) ", " TEXT_OF(KEYBOARD, SECOND), KEYBOARD, NULL, NULL, "studio" },
        "aooa{sv}", 2, stage->device, stage->second, stage->studio, 0);
    ask(stage, "Manager.AssignMany", FERRY_PATH_ROOT, tenants, "aooa{sv}", 1, stage->keys, stage->desk, 0);
    ask(stage, "Manager.AssignMany", FERRY_PATH_ROOT,
        (Expected){ "group pool, group acme/keys", .machine = "desk" }, "aooa{sv}", 2, stage->pool,
        stage->keys, stage->desk, 0);
    ask(stage, "Manager.Assign(Force)", FERRY_PATH_ROOT,
        (Expected){ TEXT_OF(KEYBOARD, FREE), KEYBOARD, "KBD-0005", NULL, "studio" }, "ooa{sv}", stage->device,
        stage->studio, 1, "Force", "b", 1);
    assert_says(stage->agent.text, "which the host uses");
    ask(stage, "Manager.Assign(Force)", FERRY_PATH_ROOT,
        (Expected){ TEXT_OF(DONGLE, SPARE), DONGLE, "KEY-0008", NULL, "desk", "acme" }, "ooa{sv}", spare,
        stage->desk, 1, "Force", "b", 1);
    ask(stage, "Manager.Assign", FERRY_PATH_ROOT, whole, "ooa{sv}", stage->pool, stage->desk, 0);
    ask(stage, "Manager.Assign", FERRY_PATH_ROOT, limited, "ooa{sv}", stage->pool, stage->desk, 1, "Selector",
        "s", "serial=KBD-0002 product=c31c vendor=46d");
    ask(stage, "Manager.Assign", FERRY_PATH_ROOT, tenants, "ooa{sv}", stage->keys, stage->desk, 0);
    ask(stage, "ResourceGroup.Assign", stage->pool, whole, "oa{sv}", stage->desk, 0);
    ask(stage, "ResourceGroup.Assign", stage->pool, limited, "oa{sv}", stage->desk, 1, "Selector", "s",
        SELECTOR);
    /* what a rule names inexactly is in the question alone */
    ask(stage, "ResourceGroup.Assign", stage->pool,
        (Expected){ "vendor=046d serial=KBD*", .group = "pool", .machine = "desk" }, "oa{sv}", stage->desk, 1,
        "Selector", "s", "vendor=046d serial=KBD*");
    ask(stage, "ResourceGroup.Assign", stage->keys, tenants, "oa{sv}", stage->desk, 0);
}

static void ask_assignments(Stage *stage)
{
    const struct {
        const char *path, *sysname, *text;
        Expected expected;
    } cases[] = {
        { stage->given,
          GIVEN,
          TEXT_OF(KEYBOARD, GIVEN),
          { TEXT_OF(KEYBOARD, GIVEN), KEYBOARD, "KBD-0001", NULL, "studio", NULL, "0" } },
        { stage->drawn,
          DRAWN,
          TEXT_OF(KEYBOARD, DRAWN),
          { SELECTOR, KEYBOARD, "KBD-0002", "pool", "studio", NULL, "0" } },
        { stage->granted,
          GRANTED,
          TEXT_OF(DONGLE, GRANTED),
          { TEXT_OF(DONGLE, GRANTED), DONGLE, "KEY-0001", NULL, "desk", "acme", "0" } },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *path = cases[i].path;
        const Expected expected = cases[i].expected;
        g_autofree char *device = fixture_device_path(cases[i].sysname);
        Expected of_device = expected;

        of_device.device = cases[i].text;
        ask(stage, "Assignment.Update", path, expected, "a{sv}", 1, "Priority", "i", 1);
        ask(stage, "Assignment.Reset", path, expected, "a{sv}", 0);
        ask(stage, "Assignment.ResetAll", path, expected, "a{sv}", 0);
        ask(stage, "Assignment.Attach", path, expected, "");
        ask(stage, "Assignment.Retry", path, expected, "");
        ask(stage, "Assignment.Confirm", path, expected, "");
        ask(stage, "Assignment.Detach", path, expected, "");
        ask(stage, "Assignment.Release", path, expected, "a{sv}", 0);
        ask(stage, "Assignment.ReleaseDevice", path, of_device, "oa{sv}", device, 0);
    }
    ask(stage, "Machine.ReleaseAll", stage->desk, (Expected){ .machine = "desk" }, "a{sv}", 0);
    ask(stage, "Machine.SetUsbController", stage->desk, (Expected){ .machine = "desk" }, "sa{sv}",
        "qemu-xhci", 0);
    ask(stage, "Machine.Start", stage->desk, (Expected){ .machine = "desk" }, "a{sv}", 0);
    ask(stage, "Manager.ReleaseAll", FERRY_PATH_ROOT, (Expected){}, "a{sv}", 0);
}

static void ask_devices(Stage *stage)
{
    g_autofree char *granted = fixture_device_path(GRANTED);
    const Expected expected = { TEXT_OF(DONGLE, GRANTED), DONGLE, "KEY-0001", NULL, "desk", "acme" };

    ask(stage, "Device.Reset", granted, expected, "a{sv}", 0);
    ask(stage, "Device.ResetHub", granted, expected, "a{sv}", 0);
}

static void ask_groups(Stage *stage)
{
    ask(stage, "Manager.CreateGroup", FERRY_PATH_ROOT, (Expected){ .group = "new" }, "sa{sv}", "new", 0);
    ask(stage, "Manager.CreateGroup", FERRY_PATH_ROOT, (Expected){}, "sa{sv}", "", 0);
    ask(stage, "Manager.MakePassthrough", FERRY_PATH_ROOT,
        (Expected){ TEXT_OF(KEYBOARD, FREE), KEYBOARD, "KBD-0005", "new" }, "aosa{sv}", 1, stage->device,
        "new", 0);
    /* what all of them have, also when they are one */
    ask(stage, "Manager.MakePassthrough", FERRY_PATH_ROOT,
        (Expected){ TEXT_OF(KEYBOARD, FREE) ", " TEXT_OF(KEYBOARD, SECOND), KEYBOARD, NULL, "new" },
        "aosa{sv}", 2, stage->device, stage->second, "new", 0);
    ask(stage, "Manager.MakePassthrough", FERRY_PATH_ROOT,
        (Expected){ TEXT_OF(KEYBOARD, FREE) ", " TEXT_OF(KEYBOARD, FREE), KEYBOARD, "KBD-0005", "new" },
        "aosa{sv}", 2, stage->device, stage->device, "new", 0);
    ask(stage, "ResourceGroup.Update", stage->pool, (Expected){ .group = "pool" }, "a{sv}", 0);
    ask(stage, "ResourceGroup.Update", stage->keys, (Expected){ .group = "acme/keys", .tenant = "acme" },
        "a{sv}", 0);
    ask(stage, "ResourceGroup.AddRule", stage->pool,
        (Expected){ "vendor=0529 product=0001 serial=KEY-0002", DONGLE, "KEY-0002", "pool" }, "sa{sv}",
        "vendor=0529 product=0001 serial=KEY-0002", 0);
    ask(stage, "ResourceGroup.AddRule", stage->pool,
        (Expected){ "vendor=0529 product!=0001", .group = "pool" }, "sa{sv}", "vendor=0529 product!=0001", 0);
    ask(stage, "ResourceGroup.UpdateRule", stage->pool,
        (Expected){ "vendor=0529 product=0001 serial=KEY-0002", DONGLE, "KEY-0002", "pool" }, "usa{sv}", 1,
        "vendor=0529 product=0001 serial=KEY-0002", 0);
    ask(stage, "ResourceGroup.UpdateRule", stage->pool, SELECTED("pool"), "usa{sv}", 1, "", 1, "Enabled", "b",
        0);
    ask(stage, "ResourceGroup.RemoveRule", stage->pool, SELECTED("pool"), "u", 1);
    ask(stage, "ResourceGroup.Delete", stage->pool, (Expected){ .group = "pool" }, "a{sv}", 1, "Force", "b",
        1);
    ask(stage, "ResourceGroup.Delete", stage->lost, (Expected){ .group = "lost/keys", .tenant = "lost" },
        "a{sv}", 0);
}

static void ask_tenants(Stage *stage)
{
    const Expected grant = { TEXT_OF(KEYBOARD, FREE), KEYBOARD, "KBD-0005", "acme/more", NULL, "acme" };
    const Expected revoke = { TEXT_OF(DONGLE, GRANTED), DONGLE, "KEY-0001", "acme/keys", NULL, "acme" };
    const Expected rule = {
        "vendor=0529 product=0001 serial=KEY-0001", DONGLE, "KEY-0001", "acme/keys", NULL, "acme"
    };
    g_autofree char *granted = fixture_device_path(GRANTED);

    ask(stage, "Manager.CreateTenant", FERRY_PATH_ROOT, (Expected){ .tenant = "new" }, "sa{sv}", "new", 0);
    ask(stage, "Tenant.Grant", stage->acme, grant, "aosa{sv}", 1, stage->device, "more", 0);
    ask(stage, "Tenant.Revoke", stage->acme, revoke, "aoa{sv}", 1, granted, 0);
    ask(stage, "Tenant.Revoke", stage->acme, rule, "aoa{sv}", 0, 2, "Group", "s", "keys", "Rule", "u", 1);
    ask(stage, "Tenant.Revoke", stage->acme, (Expected){ .group = "acme/keys", .tenant = "acme" }, "aoa{sv}",
        0, 1, "Group", "s", "keys");
    ask(stage, "Tenant.AddMachine", stage->acme, (Expected){ .machine = "studio", .tenant = "acme" }, "o",
        stage->studio);
    ask(stage, "Tenant.RemoveMachine", stage->acme, (Expected){ .machine = "desk", .tenant = "acme" }, "o",
        stage->desk);
    ask(stage, "Tenant.Update", stage->acme, (Expected){ .tenant = "acme" }, "a{sv}", 0);
    ask(stage, "Tenant.Delete", stage->acme, (Expected){ .tenant = "acme" }, "a{sv}", 1, "Force", "b", 1);
}

static void ask_the_rest(Stage *stage)
{
    ask(stage, "Manager.Apply", FERRY_PATH_ROOT, (Expected){}, "ssa{sv}", "[Group]\nName=applied\n", "a file",
        0);
    ask(stage, "Manager.SetEnabled", FERRY_PATH_ROOT, (Expected){}, "b", 1);
    /* Nobody is asked: who has no right gets none. */
    g_hash_table_insert(stage->told, g_strdup("Manager.HoldHome"), GUINT_TO_POINTER(0));
    /* a machine that the hypervisor knows no more has its UUID for a name */
    g_free(fixture_script(stage->fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(stage->fixture, "undefine %s", FIXTURE_DESK));
    fixture_wait_object(stage->fixture, stage->desk, FERRY_INTERFACE_MACHINE, false);
    ask(stage, "Tenant.RemoveMachine", stage->acme, (Expected){ .machine = FIXTURE_DESK, .tenant = "acme" },
        "o", stage->desk);
}

static void test_every_method_tells_what_the_manual_promises(void **state)
{
    Stage *stage = *state;

    ask_assigning(stage);
    ask_assignments(stage);
    ask_devices(stage);
    ask_groups(stage);
    ask_tenants(stage);
    ask_the_rest(stage);
    assert_as_documented(stage);
}

/* ------------------------------------------------------------------ rules that go by them */

#define NOTHING_OF_THIS                                                                          \
    "polkit.addRule(function (action) {\n"                                                       \
    "    return action.lookup('serial') == 'KBD-0005' ? polkit.Result.NO : polkit.Result.YES;\n" \
    "});\n"

static void assert_denied(const Stage *stage, sd_bus *bus, const char *path, const char *interface,
                          const char *member, const char *types, ...)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *message = NULL;
    va_list arguments;

    assert_true(sd_bus_message_new_method_call(bus, &message, FERRY_BUS_NAME, path, interface, member) >= 0);
    va_start(arguments, types);
    assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    va_end(arguments);
    if (sd_bus_call(bus, message, 0, &error, NULL) >= 0 || strcmp(error.name, DENIED) != 0) {
        fixture_print_log(stage->fixture);
        fail_msg("%s: %s, which passes the rule", member, error.name ? error.name : "success");
    }
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
}

/* However a call names a device: the administrator's rule against it holds. */
static void test_a_rule_is_not_passed(void **state)
{
    const Stage *stage = *state;
    Fixture *fixture = stage->fixture;
    sd_bus *bus = fixture_connect(fixture, FIXTURE_STRANGER);
    g_autofree char *all = group_create_with(fixture, "all", "vendor=046d");
    const char *serial = "product=c31c serial=KBD-0005 vendor=046d";

    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, NOTHING_OF_THIS);
    assert_denied(stage, bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", stage->device,
                  stage->studio, 0);
    assert_denied(stage, bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", all,
                  stage->studio, 1, "Selector", "s", serial);
    assert_denied(stage, bus, all, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", stage->studio, 1, "Selector",
                  "s", serial);
    assert_denied(stage, bus, all, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}", serial, 0);
    assert_denied(stage, bus, all, FERRY_INTERFACE_GROUP, "UpdateRule", "usa{sv}", 1, serial, 0);
    assert_denied(stage, bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "MakePassthrough", "aosa{sv}", 2,
                  stage->device, stage->device, "new", 0);
    /* alone or among others */
    assert_denied(stage, bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "AssignMany", "aooa{sv}", 1,
                  stage->device, stage->studio, 0);
    assert_denied(stage, bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "AssignMany", "aooa{sv}", 2,
                  stage->second, stage->device, stage->studio, 0);
    assert_denied(stage, bus, stage->acme, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 2, stage->device,
                  stage->device, "more", 0);
    /* and everything else doesn't hang on it */
    assert_call_as(fixture, bus, NULL, all, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", stage->studio, 1,
                   "Selector", "s", "serial=KBD-0006");
    sd_bus_flush_close_unref(bus);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_method_tells_what_the_manual_promises),
        TEST(test_a_rule_is_not_passed),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
