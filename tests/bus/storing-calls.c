/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The methods that store, and what they have stored. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/storing-calls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/deadline.h"
#include "tests/bus/tenant-calls.h"

#define LOFT "33333333-3333-3333-3333-333333333333"

#define MANAGER    FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER
#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT
#define GROUP      FERRY_INTERFACE_GROUP
#define TENANT     FERRY_INTERFACE_TENANT

static const char *const devices[] = { "1-1", "1-2", "1-3", "1-4", "1-5", "1-6" };

/* It is left to who stops the service. */
static void wait_end(Fixture *fixture, const sd_bus_error *error)
{
    siginfo_t end;

    if (!sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY)) {
        fixture_print_log(fixture);
        fail_msg("%s: %s", error->name, error->message);
    }
    assert_int_equal(waitid(P_PID, (id_t)fixture->daemon_pid, &end, WEXITED | WNOWAIT), 0);
}

static Outcome call(Fixture *fixture, const char *path, const char *interface, const char *member,
                    const char *types, ...)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *message = NULL, *reply = NULL;
    Outcome outcome = OUTCOME_OK;
    va_list arguments;

    assert_true(
        sd_bus_message_new_method_call(fixture->bus, &message, FERRY_BUS_NAME, path, interface, member) >= 0);
    va_start(arguments, types);
    if (*types)
        assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    va_end(arguments);
    if (sd_bus_call(fixture->bus, message, DEADLINE_US, &error, &reply) < 0) {
        outcome =
            sd_bus_error_has_name(&error, FERRY_ERROR_PREFIX "Storage") ? OUTCOME_REFUSED : OUTCOME_GONE;
        if (outcome == OUTCOME_GONE)
            wait_end(fixture, &error);
    }
    sd_bus_error_free(&error);
    sd_bus_message_unref(reply);
    sd_bus_message_unref(message);
    return outcome;
}

/* ------------------------------------------------------------------ assignments */

/* Calls found() for each property of each object. It reads the value, and returns true when it has. */
static void read_objects(Fixture *fixture,
                         bool (*found)(sd_bus_message *message, const char *path, const char *interface,
                                       const char *property, void *userdata),
                         void *userdata)
{
    sd_bus_message *reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager",
                                            "GetManagedObjects", "");
    const char *path, *interface, *property;

    assert_true(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}") > 0);
    while (sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}") > 0) {
        assert_true(sd_bus_message_read(reply, "o", &path) > 0);
        assert_true(sd_bus_message_enter_container(reply, 'a', "{sa{sv}}") > 0);
        while (sd_bus_message_enter_container(reply, 'e', "sa{sv}") > 0) {
            assert_true(sd_bus_message_read(reply, "s", &interface) > 0);
            assert_true(sd_bus_message_enter_container(reply, 'a', "{sv}") > 0);
            while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(reply, "s", &property) > 0);
                if (!found(reply, path, interface, property, userdata))
                    assert_true(sd_bus_message_skip(reply, "v") > 0);
                assert_true(sd_bus_message_exit_container(reply) > 0);
            }
            assert_true(sd_bus_message_exit_container(reply) > 0);
            assert_true(sd_bus_message_exit_container(reply) > 0);
        }
        assert_true(sd_bus_message_exit_container(reply) > 0);
        assert_true(sd_bus_message_exit_container(reply) > 0);
    }
    sd_bus_message_unref(reply);
}

typedef struct Named {
    const char *name;
    char *path;
} Named;

static bool take_path(sd_bus_message *message, const char *path, const char *interface, const char *property,
                      void *userdata)
{
    Named *named = userdata;
    const char *name;

    if (strcmp(interface, ASSIGNMENT) != 0 || strcmp(property, "Name") != 0)
        return false;
    assert_true(sd_bus_message_read(message, "v", "s", &name) > 0);
    if (strcmp(named->name, name) == 0)
        named->path = g_strdup(path);
    return true;
}

static char *find_assignment(Fixture *fixture, const char *name)
{
    Named named = { .name = name };

    read_objects(fixture, take_path, &named);
    assert_non_null(named.path);
    return named.path;
}

static Outcome assign_device(Fixture *fixture, const char *name)
{
    g_autofree char *device = fixture_device_path("1-5"), *machine = fixture_machine_path(LOFT);

    return call(fixture, MANAGER, "Assign", "ooa{sv}", device, machine, 1, "Name", "s", name);
}

static Outcome assign_for_this_boot(Fixture *fixture, const char *name)
{
    g_autofree char *group = group_path("pool"), *machine = fixture_machine_path(LOFT);

    return call(fixture, MANAGER, "Assign", "ooa{sv}", group, machine, 2, "Name", "s", name, "Persistent",
                "b", 0);
}

/* A released assignment is shown until its device is home. */
static Outcome wait_ended(Fixture *fixture, const char *path, Outcome outcome)
{
    if (outcome == OUTCOME_OK)
        fixture_wait_object(fixture, path, ASSIGNMENT, false);
    return outcome;
}

static Outcome release(Fixture *fixture, const char *name)
{
    g_autofree char *path = find_assignment(fixture, name);

    return wait_ended(fixture, path, call(fixture, path, ASSIGNMENT, "Release", "a{sv}", 0));
}

static Outcome update(Fixture *fixture, const char *name)
{
    g_autofree char *path = find_assignment(fixture, name);

    return call(fixture, path, ASSIGNMENT, "Update", "a{sv}", 2, "Priority", "i", 5, "Description", "s",
                "new");
}

static Outcome detach(Fixture *fixture, const char *name)
{
    g_autofree char *path = find_assignment(fixture, name);

    return call(fixture, path, ASSIGNMENT, "Detach", "");
}

static Outcome attach(Fixture *fixture, const char *name)
{
    g_autofree char *path = find_assignment(fixture, name);

    return call(fixture, path, ASSIGNMENT, "Attach", "");
}

/* ------------------------------------------------------------------ groups */

static Outcome create_group(Fixture *fixture, const char *name)
{
    return call(fixture, MANAGER, "CreateGroup", "sa{sv}", name, 1, "Description", "s", "new");
}

static Outcome update_group(Fixture *fixture, const char *name)
{
    g_autofree char *group = group_path(name);

    return call(fixture, group, GROUP, "Update", "a{sv}", 1, "Description", "s", "new");
}

static Outcome delete_group(Fixture *fixture, const char *name)
{
    g_autofree char *group = group_path(name);

    return call(fixture, group, GROUP, "Delete", "a{sv}", 0);
}

static Outcome add_rule(Fixture *fixture, const char *name)
{
    g_autofree char *group = group_path(name);

    return call(fixture, group, GROUP, "AddRule", "sa{sv}", "vendor=1234", 0);
}

static Outcome update_rule(Fixture *fixture, const char *name)
{
    g_autofree char *group = group_path(name);

    return call(fixture, group, GROUP, "UpdateRule", "usa{sv}", 1, "vendor=4321", 0);
}

static Outcome remove_rule(Fixture *fixture, const char *name)
{
    g_autofree char *group = group_path(name);

    return call(fixture, group, GROUP, "RemoveRule", "u", 1);
}

static Outcome make_passthrough(Fixture *fixture, const char *name)
{
    g_autofree char *device = fixture_device_path("1-6");

    return call(fixture, MANAGER, "MakePassthrough", "aosa{sv}", 1, device, name, 0);
}

/* ------------------------------------------------------------------ tenants and the rest */

static Outcome create_tenant(Fixture *fixture, const char *name)
{
    return call(fixture, MANAGER, "CreateTenant", "sa{sv}", name, 1, "Members", "as", 1, "user:daemon");
}

static Outcome update_tenant(Fixture *fixture, const char *name)
{
    g_autofree char *tenant = tenant_path(name);

    return call(fixture, tenant, TENANT, "Update", "a{sv}", 1, "Members", "as", 1, "user:bin");
}

static Outcome add_machine(Fixture *fixture, const char *name)
{
    g_autofree char *tenant = tenant_path(name), *machine = fixture_machine_path(LOFT);

    return call(fixture, tenant, TENANT, "AddMachine", "o", machine);
}

static Outcome remove_machine(Fixture *fixture, const char *name)
{
    g_autofree char *tenant = tenant_path(name), *machine = fixture_machine_path(FIXTURE_STUDIO);

    return call(fixture, tenant, TENANT, "RemoveMachine", "o", machine);
}

static Outcome delete_tenant(Fixture *fixture, const char *name)
{
    g_autofree char *tenant = tenant_path(name);

    return call(fixture, tenant, TENANT, "Delete", "a{sv}", 0);
}

static Outcome grant(Fixture *fixture, const char *name)
{
    g_autofree char *tenant = tenant_path("acme"), *device = fixture_device_path("1-3");

    return call(fixture, tenant, TENANT, "Grant", "aosa{sv}", 1, device, name, 0);
}

static Outcome revoke_device(Fixture *fixture, const char *name)
{
    g_autofree char *tenant = tenant_path("acme"), *device = fixture_device_path("1-2");

    return call(fixture, tenant, TENANT, "Revoke", "aoa{sv}", 1, device, 0);
}

static Outcome revoke_in_use(Fixture *fixture, const char *name)
{
    g_autofree char *tenant = tenant_path("acme"), *path = find_assignment(fixture, name);

    return wait_ended(fixture, path,
                      call(fixture, tenant, TENANT, "Revoke", "aoa{sv}", 0, 1, "Group", "s", name));
}

static Outcome apply_text(Fixture *fixture, const char *name)
{
    return call(fixture, MANAGER, "Apply", "ssa{sv}",
                "[Group]\nName=applied\n[Rule 1]\nMatch=vendor=0001\n[Group]\nName=applied-over\nPriority=3\n"
                "[Assignment]\nName=applied\nMachine=loft\nGroup=applied\n"
                "[Assignment]\nName=applied-over\nMachine=desk\nGroup=applied\nPersistent=false\n",
                name, 0);
}

static Outcome set_enabled(Fixture *fixture, const char *name)
{
    return call(fixture, MANAGER, "SetEnabled", "b", 0);
}

const StoringCall storing_calls[] = {
    { "assigned", assign_device },
    { "for-this-boot", assign_for_this_boot },
    { "released", release },
    { "updated", update },
    { "detached", detach },
    { "attached", attach },
    { "created", create_group },
    { "group-updated", update_group },
    { "deleted", delete_group },
    { "rule-added", add_rule },
    { "rule-updated", update_rule },
    { "rule-removed", remove_rule },
    { "passthrough", make_passthrough },
    { "born", create_tenant },
    { "tenant-updated", update_tenant },
    { "with-machine", add_machine },
    { "without-machine", remove_machine },
    { "ended", delete_tenant },
    { "granted", grant },
    { "revoked", revoke_device },
    { "in-use", revoke_in_use, true },
    { "applied", apply_text },
    { "switched-off", set_enabled },
    {},
};

/* ------------------------------------------------------------------ what is there before */

void storing_plug(Fixture *fixture)
{
    for (gsize i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autofree char *serial = g_strdup_printf("KEY-%s", devices[i]);

        groups_plug(fixture, devices[i], "0529:0001", serial);
    }
}

static void assign(Fixture *fixture, const char *source, const char *name, const char *selector)
{
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);

    sd_bus_message_unref(fixture_call_ok(fixture, MANAGER, "Assign", "ooa{sv}", source, machine, 2, "Name",
                                         "s", name, "Selector", "s", selector));
}

void storing_prepare(Fixture *fixture)
{
    static const char *const drawing[] = { "released", "updated", "detached", "attached", "applied-over" };
    static const char *const groups[] = { "group-updated", "deleted",      "rule-added",
                                          "rule-updated",  "rule-removed", "applied-over" };
    static const char *const tenants[] = { "tenant-updated", "with-machine", "ended" };
    g_autofree char *pool = group_create_with(fixture, "pool", "vendor=0529");
    g_autofree char *acme = NULL, *attached = NULL, *third = fixture_device_path("1-3"),
                    *fourth = fixture_device_path("1-4");

    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    for (gsize i = 0; i < G_N_ELEMENTS(drawing); i++) {
        g_autofree char *selector = g_strconcat("serial=", drawing[i], NULL);

        assign(fixture, pool, drawing[i], selector);
    }
    attached = find_assignment(fixture, "attached");
    assert_int_equal(call(fixture, attached, ASSIGNMENT, "Detach", ""), OUTCOME_OK);
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        g_free(group_create_with(fixture, groups[i], "vendor=0001"));
    for (gsize i = 0; i < G_N_ELEMENTS(tenants); i++)
        g_free(tenant_create(fixture, tenants[i], NULL));
    g_free(tenant_create_with(fixture, "without-machine", NULL, FIXTURE_STUDIO));
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    g_free(tenant_grant(fixture, acme, "1-2", "keys"));
    g_free(tenant_grant(fixture, acme, "1-4", "in-use"));
    assign(fixture, fourth, "in-use", "");
    assign(fixture, third, "becomes-acmes", "");
}

void storing_settle(Fixture *fixture)
{
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "define %s loft", LOFT));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
    for (gsize i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autofree char *path = fixture_device_path(devices[i]);

        fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
    }
}

/* ------------------------------------------------------------------ what is there now */

static void add_line(GPtrArray *lines, char *line)
{
    g_ptr_array_add(lines, g_strdelimit(line, "\n", '|'));
}

static const struct {
    const char *interface, *property;
} shown[] = {
    { ASSIGNMENT, "Name" }, { GROUP, "Rules" },     { TENANT, "Description" },
    { TENANT, "Members" },  { TENANT, "Machines" },
};

/* What a release or a text doesn't tell: tenants, and what is theirs. The path of an assignment is another
 * one each time. */
static bool add_property(sd_bus_message *message, const char *path, const char *interface,
                         const char *property, void *userdata)
{
    bool is_assignment = strcmp(interface, ASSIGNMENT) == 0;
    const char *contents, *text;
    g_autofree char *value = NULL;
    bool is_shown = false;

    for (gsize i = 0; i < G_N_ELEMENTS(shown); i++)
        is_shown |= strcmp(interface, shown[i].interface) == 0 && strcmp(property, shown[i].property) == 0;
    if (!is_shown)
        return false;
    assert_true(sd_bus_message_peek_type(message, NULL, &contents) > 0);
    assert_true(sd_bus_message_enter_container(message, 'v', contents) > 0);
    if (*contents == 'a') {
        value = read_list(message);
    } else {
        assert_true(sd_bus_message_read(message, "s", &text) > 0);
        value = g_strdup(text);
    }
    assert_true(sd_bus_message_exit_container(message) > 0);
    add_line(userdata, g_strdup_printf("%s %s %s", is_assignment ? "assignment" : path, property, value));
    return true;
}

/* Groups with their rules, and assignments. */
static void add_exported(Fixture *fixture, GPtrArray *lines)
{
    g_autofree char *text = apply_export(fixture);
    g_auto(GStrv) parts = g_strsplit(text, "\n\n", -1);
    GString *object = g_string_new(NULL);

    for (char **part = parts; *part; part++) {
        if (!g_str_has_prefix(*part, "[Rule") && object->len > 0) {
            add_line(lines, g_string_free(object, FALSE));
            object = g_string_new(NULL);
        }
        g_string_append(object, *part);
    }
    add_line(lines, g_strchomp(g_string_free(object, FALSE)));
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *look(Fixture *fixture, void *userdata)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *enabled = fixture_get(fixture, MANAGER, "Enabled");

    add_line(lines, g_strdup_printf("enabled %s", enabled));
    add_exported(fixture, lines);
    read_objects(fixture, add_property, lines);
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

/* A call that failed in its second step may have ended an assignment in its first, and that goes a moment
 * later. */
char *storing_snapshot(Fixture *fixture)
{
    return fixture_wait_steady(fixture, look, NULL);
}
