/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One's own: who made an assignment may change and end it, and nobody else may for that reason. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/deadline.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

#define OWNER    FIXTURE_OTHER
#define NEIGHBOR FIXTURE_STRANGER

#define ALLOW(action) \
    "polkit.addRule(function (asked) { if (asked.id == '" action "') return polkit.Result.YES; });\n"

#define REQUIRED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

/* The error's name, NULL = it worked. New string. */
static char *call_assignment(sd_bus *bus, const char *path, const char *member)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *message = NULL;
    char *name;

    assert_true(sd_bus_message_new_method_call(bus, &message, FERRY_BUS_NAME, path,
                                               FERRY_INTERFACE_ASSIGNMENT, member) >= 0);
    if (strcmp(member, "Release") == 0)
        assert_true(sd_bus_message_append(message, "a{sv}", 0) >= 0);
    if (strcmp(member, "Update") == 0)
        assert_true(sd_bus_message_append(message, "a{sv}", 1, "Description", "s", member) >= 0);
    name = sd_bus_call(bus, message, DEADLINE_US, &error, NULL) >= 0 ? NULL : g_strdup(error.name);
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
    return name;
}

static void assert_call(Fixture *fixture, sd_bus *bus, const char *path, const char *member,
                        const char *expected)
{
    g_autofree char *name = call_assignment(bus, path, member);

    if (g_strcmp0(name, expected) != 0) {
        fixture_print_log(fixture);
        fail_msg("%s: %s, expected %s", member, name ? name : "success", expected ? expected : "success");
    }
}

static char *assign(Fixture *fixture, sd_bus *bus, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    const char *path = NULL;
    char *copy;

    fixture_plug(fixture, sysname, "046d", "c31c", sysname, "Keyboard K120");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    if (sd_bus_call_method(bus, FERRY_BUS_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", &error,
                           &reply, "ooa{sv}", device, desk, 0) < 0) {
        fixture_print_log(fixture);
        fail_msg("Assign: %s: %s", error.name, error.message);
    }
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

/* polkitd again, with other rules. */
static void rules(Fixture *fixture, const char *text)
{
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, text);
}

static const char *const members[] = { "Update", "Detach", "Attach", "Retry", "Release" };

static void test_owner_may_and_others_may_not(void **state)
{
    Fixture *fixture = *state;
    sd_bus *owner = fixture_connect(fixture, OWNER);
    sd_bus *neighbor = fixture_connect(fixture, NEIGHBOR);
    g_autofree char *assignment = NULL;

    rules(fixture, ALLOW("org.usbferry1.assign"));
    assignment = assign(fixture, owner, "1-2");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Owner", G_STRINGIFY(OWNER));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");

    /* Everybody has the right to his own. */
    rules(fixture, ALLOW("org.usbferry1.assign-own"));
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
        assert_call(fixture, neighbor, assignment, members[i], REQUIRED);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
        assert_call(fixture, owner, assignment, members[i], NULL);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    sd_bus_flush_close_unref(neighbor);
    sd_bus_flush_close_unref(owner);
}

/* His machine has become a tenant's meanwhile: what is there stays, and nothing new gets in by his right. */
static void test_a_machine_that_became_a_tenants(void **state)
{
    Fixture *fixture = *state;
    sd_bus *owner = fixture_connect(fixture, OWNER);
    g_autofree char *first = NULL, *second = NULL, *tenant = NULL;

    rules(fixture, ALLOW("org.usbferry1.assign"));
    first = assign(fixture, owner, "1-2");
    second = assign(fixture, owner, "1-3");
    fixture_wait(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    rules(fixture, ALLOW("org.usbferry1.assign-own"));
    tenant = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    fixture_wait(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    assert_call(fixture, owner, first, "Update", NULL);
    assert_call(fixture, owner, first, "Detach", NULL);
    assert_call(fixture, owner, first, "Attach", REQUIRED);
    fixture_wait(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "State", "disabled");
    assert_call(fixture, owner, first, "Release", NULL);

    tenant_set_machine(fixture, tenant, FIXTURE_DESK, false);
    assert_call(fixture, owner, second, "Detach", NULL);
    assert_call(fixture, owner, second, "Attach", NULL);
    sd_bus_flush_close_unref(owner);
}

/* Here nobody has an active session: by the policy a password is asked for, unless a rule grants what
 * everybody may ask for. */
static void test_owner_without_that_right(void **state)
{
    Fixture *fixture = *state;
    sd_bus *owner = fixture_connect(fixture, OWNER);
    g_autofree char *assignment = NULL;

    rules(fixture, ALLOW("org.usbferry1.assign"));
    assignment = assign(fixture, owner, "1-2");
    assert_call(fixture, owner, assignment, "Update", NULL);
    assert_call(fixture, owner, assignment, "Detach", REQUIRED);
    rules(fixture, ALLOW("org.usbferry1.take-home"));
    assert_call(fixture, owner, assignment, "Update", REQUIRED);
    assert_call(fixture, owner, assignment, "Release", REQUIRED);
    assert_call(fixture, owner, assignment, "Detach", NULL);
    rules(fixture, ALLOW("org.usbferry1.assign"));
    assert_call(fixture, owner, assignment, "Release", NULL);
    sd_bus_flush_close_unref(owner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_owner_may_and_others_may_not),
        TEST(test_a_machine_that_became_a_tenants),
        TEST(test_owner_without_that_right),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
