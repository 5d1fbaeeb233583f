/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stored files that make no sense, or can't be read: what is in a running machine stays there, a tenant's
 * device stays everybody else's no, until somebody decides. */

#include "tests/bus/cmocka-include.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

#define KEY   "0529:0001"
#define OTHER "0529:0002"

#define RUBBISH "\x01\x02 rubbish"

/* "LIFE ALIAS=… …" of a running machine. New string. */
static char *life_of(Fixture *fixture, const char *uuid)
{
    enum { NAME, STATE, PARTS };
    g_autofree char *shown = fixture_script(fixture, "show %s", uuid);
    g_auto(GStrv) parts = g_strsplit(shown, " ", PARTS + 1);

    fixture_assert(fixture, g_strv_length(parts) == PARTS + 1);
    return g_strdup(parts[PARTS]);
}

typedef struct Stopped {
    char *desk; /* how it goes on */
} Stopped;

static Stopped stop(Fixture *fixture)
{
    Stopped stopped = { .desk = life_of(fixture, FIXTURE_DESK) };

    fixture_stop_daemon(fixture, SIGTERM);
    return stopped;
}

static void start(Fixture *fixture, Stopped *stopped)
{
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "carry-on %s %s", FIXTURE_DESK, stopped->desk));
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
    g_free(stopped->desk);
}

static void wait_plugged(Fixture *fixture, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
}

/* Nothing was ordered since the start of the service. What is said of an assignment comes after its turn. */
static void assert_nothing_moved(Fixture *fixture)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    fixture_assert(fixture, g_str_has_prefix(counts, "attach=0 detach=0 "));
}

/* The file of an object. New string. */
static char *file_of(Fixture *fixture, const char *kind, const char *prefix, const char *path)
{
    g_autofree char *folder = fixture_state_path(fixture, kind);
    g_autofree char *name = NULL;
    char *id = NULL;

    assert_true(sd_bus_path_decode(path, prefix, &id) > 0);
    name = g_strdelimit(g_strdelimit(g_strdup(id), ".", '~'), "/", '@');
    free(id);
    return g_build_filename(folder, name, NULL);
}

static char *assignment_file(Fixture *fixture, const char *assignment)
{
    return file_of(fixture, "assignments", FERRY_PATH_ASSIGNMENT_PREFIX, assignment);
}

static void write_file(const char *path, const char *text)
{
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* What is left makes sense, line by line. New string. */
static char *cut_off(const char *text, const char *from)
{
    const char *end = strstr(text, from);

    assert_non_null(end);
    return g_strndup(text, (gsize)(end - text));
}

static void append_line(const char *path, const char *line)
{
    g_autofree char *text = NULL, *more = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    more = g_strconcat(text, line, NULL);
    write_file(path, more);
}

static void wait_attached(Fixture *fixture, const char *sysname, const char *uuid)
{
    g_autofree char *device = fixture_device_path(sysname), *machine = fixture_machine_path(uuid);

    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Machine", machine);
}

static void release(Fixture *fixture, const char *assignment)
{
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
}

/* ------------------------------------------------------------------ assignments */

/* Whatever is left of its file, a running machine keeps its device, and nobody else gets it. */
static void test_an_assignment_of_a_running_machine(void **state)
{
    const char *texts[] = { "", RUBBISH, "[Assignment]\nName=x\nSelector=\n", NULL };
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *file = NULL, *good = NULL, *cut = NULL, *reason = NULL;

    groups_plug(fixture, "1-1", KEY, "KEY-1");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    file = assignment_file(fixture, assignment);
    assert_true(g_file_get_contents(file, &good, NULL, NULL));
    texts[G_N_ELEMENTS(texts) - 1] = cut = cut_off(good, "Sequence=");
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        Stopped stopped = stop(fixture);

        write_file(file, texts[i]);
        start(fixture, &stopped);
        wait_attached(fixture, "1-1", FIXTURE_DESK);
        fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
        fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "Storage");
        g_free(reason);
        reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
        assert_says(reason, "is damaged");
        assert_says(reason, file);
        g_free(tenant_assign_error(fixture, "DeviceBusy", "1-1", FIXTURE_STUDIO));
        g_free(fixture_call_error(fixture, "Storage", assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
        g_free(fixture_call_error(fixture, "Storage", assignment, FERRY_INTERFACE_ASSIGNMENT, "Update",
                                  "a{sv}", 1, "Priority", "i", 1));
        assert_nothing_moved(fixture);
    }
    /* mended */
    {
        Stopped stopped = stop(fixture);

        write_file(file, good);
        start(fixture, &stopped);
        fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
        fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", "");
        assert_nothing_moved(fixture);
    }
}

/* A reset takes the device out of its machine, and nothing says that it may come back. */
static void refuse_reset(Fixture *fixture, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname), *message = NULL;

    message = fixture_call_error(fixture, "Storage", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    assert_says(message, "would not come back to VM \"desk\": ");
    wait_attached(fixture, sysname, FIXTURE_DESK);
    assert_nothing_moved(fixture);
}

static void test_a_reset_of_what_is_frozen(void **state)
{
    static const char *const texts[] = {
        RUBBISH,
        "[Assignment]\nName=x\nMachine=nonsense\nSelector=vendor=0529\n",
        "[Assignment]\nName=x\nMachine=" FIXTURE_STUDIO "\nSelector=vendor=0529\nColour=red\n",
        "[Assignment]\nName=x\nMachine=" FIXTURE_DESK "\nSelector=vendor=0529\nColour=red\n",
        "[Assignment]\nName=x\nMachine=" FIXTURE_DESK "\nSelector=\n",
    };
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *file = NULL;

    groups_plug(fixture, "1-1", KEY, "KEY-1");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    file = assignment_file(fixture, assignment);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        Stopped stopped = stop(fixture);

        write_file(file, texts[i]);
        start(fixture, &stopped);
        wait_attached(fixture, "1-1", FIXTURE_DESK);
        refuse_reset(fixture, "1-1");
    }
}

/* Releasing it is a decision, also when it lies in both folders. */
static void test_a_damaged_assignment_can_be_released(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *file = NULL, *text = NULL, *other = NULL;

    groups_plug(fixture, "1-1", KEY, "KEY-1");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    file = assignment_file(fixture, assignment);
    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    {
        Stopped stopped = stop(fixture);
        g_autofree char *name = g_path_get_basename(file);

        other = g_build_filename(fixture->dir, "run", "assignments", name, NULL);
        write_file(other, text);
        start(fixture, &stopped);
    }
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    assert_nothing_moved(fixture);
    release(fixture, assignment);
    assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
    assert_false(g_file_test(other, G_FILE_TEST_EXISTS));
    g_free(fixture_assign(fixture, "1-1", FIXTURE_STUDIO));
    wait_attached(fixture, "1-1", FIXTURE_STUDIO);
}

/* Its machine is off. What its Selector names is nobody else's, not even a pool's. */
static void test_an_assignment_that_waits(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *pool = NULL, *drawing = NULL, *file = NULL;
    Stopped stopped;

    groups_plug(fixture, "1-1", KEY, "KEY-1");
    groups_plug(fixture, "1-2", OTHER, "KEY-2");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_STUDIO);
    pool = group_create_with(fixture, "keys", "vendor=0529");
    stopped = stop(fixture);
    file = assignment_file(fixture, assignment);
    append_line(file, "Colour=red\n");
    start(fixture, &stopped);
    wait_plugged(fixture, "1-1");
    wait_plugged(fixture, "1-2");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-device");
    drawing = group_assign(fixture, pool, FIXTURE_DESK, "all", NULL);
    wait_attached(fixture, "1-2", FIXTURE_DESK);
    wait_list(fixture, drawing, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-2 attached");
    release(fixture, assignment);
    wait_attached(fixture, "1-1", FIXTURE_DESK);
}

/* ------------------------------------------------------------------ groups */

static void test_a_pool(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *pool = NULL, *drawing = NULL, *file = fixture_state_path(fixture, "groups/keys");
    g_autofree char *description = NULL, *exported = NULL;
    Stopped stopped;

    groups_plug(fixture, "1-1", KEY, "KEY-1");
    pool = group_create_with(fixture, "keys", "vendor=0529");
    drawing = group_assign(fixture, pool, FIXTURE_DESK, "all", NULL);
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    stopped = stop(fixture);
    write_file(file, RUBBISH);
    start(fixture, &stopped);
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    fixture_wait(fixture, drawing, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    description = fixture_get(fixture, pool, FERRY_INTERFACE_GROUP, "Description");
    assert_says(description, "Damaged: ");
    assert_says(description, file);
    assert_nothing_moved(fixture);
    g_free(fixture_call_error(fixture, "Storage", pool, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}",
                              "vendor=0529", 0));
    g_free(tenant_assign_error(fixture, "Storage", pool, FIXTURE_STUDIO));
    apply_refuse(fixture, "[Group]\nName=keys\n", false, "Storage", "group keys is damaged (");
    exported = apply_export(fixture);
    assert_says(exported, "# group keys is damaged and left out: ");
    /* nothing new is drawn, and of what nobody is known to own anybody may have the rest */
    groups_plug(fixture, "1-2", KEY, "KEY-2");
    g_free(fixture_assign(fixture, "1-2", FIXTURE_STUDIO));
    wait_attached(fixture, "1-2", FIXTURE_STUDIO);
    wait_list(fixture, drawing, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-1 attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, pool, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 1, "Force", "b", 1));
    fixture_wait_object(fixture, pool, FERRY_INTERFACE_GROUP, false);
    assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
}

typedef struct Acme {
    char *tenant;
    char *group;
    char *drawing; /* of desk, from its group: 1-1 */
    char *pinned;  /* of desk, one device: 1-2 */
    char *file;    /* of the group */
} Acme;

/* The tenant of desk has 1-1, 1-2 and 1-3; 1-4 is nobody's. */
static Acme make_acme(Fixture *fixture)
{
    Acme acme = { .tenant = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK) };

    groups_plug(fixture, "1-1", KEY, "KEY-1");
    groups_plug(fixture, "1-2", KEY, "KEY-2");
    groups_plug(fixture, "1-3", KEY, "KEY-3");
    groups_plug(fixture, "1-4", OTHER, "KEY-4");
    acme.group = tenant_grant(fixture, acme.tenant, "1-1", "keys");
    g_free(tenant_grant(fixture, acme.tenant, "1-2", "keys"));
    g_free(tenant_grant(fixture, acme.tenant, "1-3", "keys"));
    acme.drawing = group_assign(fixture, acme.group, FIXTURE_DESK, "1", NULL);
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    acme.pinned = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_attached(fixture, "1-2", FIXTURE_DESK);
    acme.file = file_of(fixture, "groups", FERRY_PATH_GROUP_PREFIX, acme.group);
    return acme;
}

static void acme_clear(Acme *acme)
{
    g_free(acme->tenant);
    g_free(acme->group);
    g_free(acme->drawing);
    g_free(acme->pinned);
    g_free(acme->file);
}

/* The tenant's machine keeps what it has, and the rest is nobody's. owned: it is known whose it is. */
static void assert_acme_stays(Fixture *fixture, const Acme *acme, bool owned)
{
    wait_plugged(fixture, "1-3");
    wait_plugged(fixture, "1-4");
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    wait_attached(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, acme->drawing, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_wait(fixture, acme->pinned, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    assert_nothing_moved(fixture);
    refuse_reset(fixture, "1-1");
    refuse_reset(fixture, "1-2");
    g_free(tenant_assign_error(fixture, "NotOwned", "1-3", FIXTURE_STUDIO));
    g_free(tenant_assign_error(fixture, owned ? "NotOwned" : "DeviceBusy", "1-1", FIXTURE_STUDIO));
}

/* Which devices are its is known still: those are kept, and the others are as free as ever. */
static void test_a_tenants_group_whose_rules_can_be_read(void **state)
{
    Fixture *fixture = *state;
    Acme acme = make_acme(fixture);
    g_autofree char *device = fixture_device_path("1-3");
    Stopped stopped = stop(fixture);

    append_line(acme.file, "Colour=red\n");
    start(fixture, &stopped);
    wait_plugged(fixture, "1-3");
    assert_tenant_of_device(fixture, "1-3", acme.tenant);
    assert_acme_stays(fixture, &acme, true);
    g_free(fixture_assign(fixture, "1-4", FIXTURE_STUDIO));
    wait_attached(fixture, "1-4", FIXTURE_STUDIO);
    g_free(tenant_grant_error(fixture, "Storage", acme.tenant, "1-3", "keys"));
    /* one of them can't go without the others */
    g_free(fixture_call_error(fixture, "Storage", acme.tenant, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 1,
                              device, 0));
    acme_clear(&acme);
}

/* Nobody knows which devices are its: nothing that isn't known to be somebody's is given to anybody. */
static void test_a_tenants_group_that_is_rubbish(void **state)
{
    const char *texts[] = { "", RUBBISH, "[Group]\nName=acme/keys\n[Rule 1]\nMatch=vendor=xyz\n", NULL };
    Fixture *fixture = *state;
    Acme acme = make_acme(fixture);
    g_autofree char *good = NULL, *cut = NULL;
    g_autofree char *other = tenant_create(fixture, "other", NULL);
    g_autofree char *pool = group_create_with(fixture, "all", "vendor=0529");
    g_autofree char *drawing = NULL, *reason = NULL;

    assert_true(g_file_get_contents(acme.file, &good, NULL, NULL));
    texts[G_N_ELEMENTS(texts) - 1] = cut = cut_off(good, "[Rule 3]");
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        Stopped stopped = stop(fixture);

        write_file(acme.file, texts[i]);
        start(fixture, &stopped);
        assert_acme_stays(fixture, &acme, texts[i] == cut);
        reason = tenant_assign_error(fixture, "NotOwned", "1-4", FIXTURE_STUDIO);
        assert_says(reason, "may belong to tenant acme");
        g_clear_pointer(&reason, g_free);
        g_free(tenant_grant_error(fixture, "NotOwned", other, "1-4", "keys"));
    }
    drawing = group_assign(fixture, pool, FIXTURE_STUDIO, "all", NULL);
    fixture_wait(fixture, drawing, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-device");
    assert_nothing_moved(fixture);
    /* An administrator decides. */
    tenant_revoke_group(fixture, acme.tenant, "keys");
    fixture_wait_object(fixture, acme.group, FERRY_INTERFACE_GROUP, false);
    assert_false(g_file_test(acme.file, G_FILE_TEST_EXISTS));
    wait_attached(fixture, "1-3", FIXTURE_STUDIO);
    wait_attached(fixture, "1-4", FIXTURE_STUDIO);
    acme_clear(&acme);
}

static void test_a_tenant(void **state)
{
    Fixture *fixture = *state;
    Acme acme = make_acme(fixture);
    g_autofree char *file = fixture_state_path(fixture, "tenants/acme");
    Stopped stopped = stop(fixture);

    write_file(file, RUBBISH);
    start(fixture, &stopped);
    assert_acme_stays(fixture, &acme, true);
    g_free(fixture_assign(fixture, "1-4", FIXTURE_STUDIO));
    wait_attached(fixture, "1-4", FIXTURE_STUDIO);
    /* also the next time */
    stopped = stop(fixture);
    start(fixture, &stopped);
    wait_plugged(fixture, "1-3");
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    g_free(tenant_assign_error(fixture, "NotOwned", "1-3", FIXTURE_STUDIO));
    acme_clear(&acme);
}

/* ------------------------------------------------------------------ the switch, and what can't be read */

static void test_the_switch(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *file = fixture_state_path(fixture, "settings/manager");
    Stopped stopped;

    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0));
    stopped = stop(fixture);
    write_file(file, RUBBISH);
    start(fixture, &stopped);
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Enabled", "false");
    groups_plug(fixture, "1-1", KEY, "KEY-1");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "Disabled");
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 1));
    wait_attached(fixture, "1-1", FIXTURE_DESK);
    stopped = stop(fixture);
    start(fixture, &stopped);
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Enabled", "true");
}

static bool is_written_anew(Fixture *fixture, void *path)
{
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, ":0;");
}

/* It only helps to give back what was lent: the service starts without it, and begins anew. */
static void test_what_was_lent(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *folder = g_build_filename(fixture->dir, "run", "lent", NULL);
    g_autofree char *path = g_build_filename(folder, "devices", NULL);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    static const char *const texts[] = { "rubbish", "", "[Lent]\nDevices=zz;\n", "[Lent]\nDevices=1:2" };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        fixture_stop_daemon(fixture, SIGTERM);
        write_file(path, texts[i]);
        fixture_start_daemon(fixture);
    }
    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_object(fixture, desk, FERRY_INTERFACE_MACHINE, true);
    g_free(fixture_assign(fixture, "1-2", FIXTURE_DESK));
    fixture_wait_for(fixture, is_written_anew, path, "what is lent is kept again");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_assignment_of_a_running_machine),
        TEST(test_a_reset_of_what_is_frozen),
        TEST(test_a_damaged_assignment_can_be_released),
        TEST(test_an_assignment_that_waits),
        TEST(test_a_pool),
        TEST(test_a_tenants_group_whose_rules_can_be_read),
        TEST(test_a_tenants_group_that_is_rubbish),
        TEST(test_a_tenant),
        TEST(test_the_switch),
        TEST(test_what_was_lent),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
