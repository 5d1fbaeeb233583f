/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A front end that redraws from every single signal: after each one, whatever it shows names only what it
 * shows. What was decided may name what isn't there, as the contract says: an assignment's machine and group,
 * a tenant's machines. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

#define PREFIX     "org.usbferry1."
#define QUESTIONS  20
#define DONGLE     "0529:0001"
#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT

typedef struct Screen {
    Fixture *fixture;
    GHashTable *objects; /* path → GHashTable of property → GPtrArray of paths that it names */
    unsigned signals;
    unsigned notices;
    char *wrong; /* the first thing that was; NULL = nothing */
} Screen;

/* ------------------------------------------------------------------ reading */

/* Every path in the next value, whatever it is. */
static void collect_paths(sd_bus_message *message, GPtrArray *paths)
{
    const char *contents, *path;
    char type;
    int r = sd_bus_message_peek_type(message, &type, &contents);

    assert_true(r > 0);
    if (type == SD_BUS_TYPE_OBJECT_PATH) {
        assert_true(sd_bus_message_read_basic(message, type, &path) > 0);
        if (strcmp(path, "/") != 0)
            g_ptr_array_add(paths, g_strdup(path));
    } else if (strchr("avre", type)) {
        assert_true(sd_bus_message_enter_container(message, type, contents) > 0);
        while (sd_bus_message_at_end(message, 0) == 0)
            collect_paths(message, paths);
        assert_true(sd_bus_message_exit_container(message) >= 0);
    } else {
        assert_true(sd_bus_message_skip(message, (char[]){ type, '\0' }) >= 0);
    }
}

static void free_paths(gpointer paths)
{
    g_ptr_array_unref(paths);
}

/* a{sv} into the object's properties; interface: of them. */
static void read_properties(sd_bus_message *message, const char *interface, GHashTable *properties)
{
    assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
        const char *name;

        assert_true(sd_bus_message_read(message, "s", &name) > 0);
        collect_paths(message, paths);
        assert_true(sd_bus_message_exit_container(message) >= 0);
        g_hash_table_replace(properties, g_strdup_printf("%s.%s", interface + strlen(PREFIX), name), paths);
    }
    assert_true(sd_bus_message_exit_container(message) >= 0);
}

static void free_properties(gpointer properties)
{
    g_hash_table_unref(properties);
}

static GHashTable *properties_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_paths);
}

/* oa{sa{sv}} */
static void read_object(sd_bus_message *message, Screen *screen)
{
    GHashTable *properties = properties_new();
    const char *path, *interface;
    bool ours = false;

    assert_true(sd_bus_message_read(message, "o", &path) > 0);
    assert_true(sd_bus_message_enter_container(message, 'a', "{sa{sv}}") > 0);
    while (sd_bus_message_enter_container(message, 'e', "sa{sv}") > 0) {
        assert_true(sd_bus_message_read(message, "s", &interface) > 0);
        if (g_str_has_prefix(interface, PREFIX)) {
            read_properties(message, interface, properties);
            ours = true;
        } else {
            assert_true(sd_bus_message_skip(message, "a{sv}") >= 0);
        }
        assert_true(sd_bus_message_exit_container(message) >= 0);
    }
    assert_true(sd_bus_message_exit_container(message) >= 0);
    if (ours)
        g_hash_table_replace(screen->objects, g_strdup(path), properties);
    else
        g_hash_table_unref(properties);
}

/* ------------------------------------------------------------------ drawing */

static bool may_name_nothing(const char *property)
{
    /* the mock's root hub is no device */
    return strcmp(property, "Device.Hub") == 0 || strcmp(property, "Assignment.Machine") == 0 ||
           strcmp(property, "Assignment.Group") == 0 || strcmp(property, "Tenant.Machines") == 0;
}

/* after: the signal that was drawn last. */
static void redraw(Screen *screen, const char *after, const char *about)
{
    GHashTableIter objects, properties;
    gpointer path, names, property, paths;

    g_hash_table_iter_init(&objects, screen->objects);
    while (g_hash_table_iter_next(&objects, &path, &names)) {
        g_hash_table_iter_init(&properties, names);
        while (g_hash_table_iter_next(&properties, &property, &paths))
            for (guint i = 0; !may_name_nothing(property) && i < ((GPtrArray *)paths)->len; i++)
                if (!screen->wrong && !g_hash_table_contains(screen->objects, ((GPtrArray *)paths)->pdata[i]))
                    screen->wrong = g_strdup_printf("after %s of %s: %s of %s names %s, which isn't there",
                                                    after, about, (char *)property, (char *)path,
                                                    (char *)((GPtrArray *)paths)->pdata[i]);
    }
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Screen *screen = userdata;
    const char *member = sd_bus_message_get_member(message), *path = sd_bus_message_get_path(message);
    const char *interface;

    if (strcmp(member, "InterfacesAdded") == 0) {
        read_object(message, screen);
        assert_true(sd_bus_message_rewind(message, true) >= 0);
        assert_true(sd_bus_message_read(message, "o", &path) > 0);
    } else if (strcmp(member, "InterfacesRemoved") == 0) {
        assert_true(sd_bus_message_read(message, "o", &path) > 0);
        if (!g_hash_table_remove(screen->objects, path) && !screen->wrong)
            screen->wrong = g_strdup_printf("%s goes twice, or never came", path);
    } else if (strcmp(member, "PropertiesChanged") == 0) {
        GHashTable *properties = g_hash_table_lookup(screen->objects, path);

        assert_true(sd_bus_message_read(message, "s", &interface) > 0);
        /* the root object is no member of itself */
        if (!properties && !screen->wrong && strcmp(path, FERRY_PATH_ROOT) != 0)
            screen->wrong = g_strdup_printf("%s changes, and isn't there", path);
        if (properties)
            read_properties(message, interface, properties);
    } else if (strcmp(member, "Notice") == 0) {
        assert_true(sd_bus_message_read(message, "so", NULL, &path) > 0);
        if (!g_hash_table_contains(screen->objects, path) && !screen->wrong &&
            strcmp(path, FERRY_PATH_ROOT) != 0)
            screen->wrong = g_strdup_printf("a notice is about %s, which isn't there", path);
        screen->notices++;
    } else {
        return 0;
    }
    screen->signals++;
    redraw(screen, member, path);
    return 0;
}

static sd_bus_slot *begin(Screen *screen, Fixture *fixture)
{
    sd_bus_slot *slot = NULL;
    sd_bus_message *reply;

    *screen = (Screen){ .fixture = fixture };
    screen->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_properties);
    assert_true(sd_bus_add_match(fixture->bus, &slot, "type='signal',sender='" FERRY_BUS_NAME "'", on_signal,
                                 screen) >= 0);
    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager",
                            "GetManagedObjects", "");
    assert_true(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}") > 0);
    while (sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}") > 0) {
        read_object(reply, screen);
        assert_true(sd_bus_message_exit_container(reply) >= 0);
    }
    sd_bus_message_unref(reply);
    redraw(screen, "GetManagedObjects", "all");
    return slot;
}

/* Draws what was told by now. */
static void draw(Screen *screen)
{
    while (sd_bus_process(screen->fixture->bus, NULL) > 0)
        continue;
    if (screen->wrong) {
        fixture_print_log(screen->fixture);
        fail_msg("%s", screen->wrong);
    }
}

static void end(Screen *screen, sd_bus_slot *slot)
{
    draw(screen);
    assert_true(screen->signals > 0);
    sd_bus_slot_unref(slot);
    g_hash_table_unref(screen->objects);
}

/* ------------------------------------------------------------------ what happens */

static void release(Fixture *fixture, const char *assignment)
{
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
}

static void test_plug_give_and_take(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2"), *assignment = NULL, *refused = NULL;
    Screen screen;
    sd_bus_slot *slot = begin(&screen, fixture);

    groups_plug(fixture, "1-2", "046d:c31c", "KBD");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    draw(&screen);
    /* pulled out of its machine, and put in again */
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    draw(&screen);
    groups_plug(fixture, "1-2", "046d:c31c", "KBD");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    /* another one in its place, at once */
    fixture_unplug(fixture, "1-2");
    fixture_plug(fixture, "1-2", "046d", "c31d", "OTHER", "Other");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Serial", "OTHER");
    draw(&screen);
    release(fixture, assignment);
    /* one that can't be stored comes and goes */
    fixture_break_disk(fixture);
    {
        g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);

        refused = fixture_call_error(fixture, "Storage", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                                     "ooa{sv}", device, machine, 0);
    }
    fixture_mend_disk(fixture);
    draw(&screen);
    assert_true(screen.notices >= 2);
    end(&screen, slot);
}

static void test_pools(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = NULL, *assignment = NULL, *second = NULL, *device = fixture_device_path("1-1");
    Screen screen;
    sd_bus_slot *slot = begin(&screen, fixture);

    group = group_create_with(fixture, "dongles", "vendor=0529");
    groups_plug(fixture, "1-1", DONGLE, "A");
    groups_plug(fixture, "1-2", DONGLE, "B");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "2", NULL);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, ASSIGNMENT, "ReleaseDevice", "oa{sv}", device, 0));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    draw(&screen);
    second = group_assign(fixture, group, FIXTURE_STUDIO, "all", NULL);
    fixture_unplug(fixture, "1-1");
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    draw(&screen);
    groups_plug(fixture, "1-1", DONGLE, "A");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    group_call(fixture, group, "Delete", "a{sv}", 1, "Force", "b", 1);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    draw(&screen);
    release(fixture, assignment);
    release(fixture, second);
    end(&screen, slot);
}

static void test_machines(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *desk = fixture_machine_path(FIXTURE_DESK);
    Screen screen;
    sd_bus_slot *slot = begin(&screen, fixture);

    groups_plug(fixture, "1-2", "046d:c31c", "KBD");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "waiting-machine");
    draw(&screen);
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_DESK));
    fixture_wait_object(fixture, desk, FERRY_INTERFACE_MACHINE, false);
    fixture_wait(fixture, assignment, ASSIGNMENT, "ReasonCode", "machine-unknown");
    draw(&screen);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    draw(&screen);
    release(fixture, assignment);
    end(&screen, slot);
}

static void test_tenants(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *tenant = NULL, *group = NULL, *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Screen screen;
    sd_bus_slot *slot = begin(&screen, fixture);

    groups_plug(fixture, "1-2", "046d:c31c", "KBD");
    tenant = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    group = tenant_grant(fixture, tenant, "1-2", "keys");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    draw(&screen);
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    draw(&screen);
    groups_plug(fixture, "1-2", "046d:c31c", "KBD");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, tenant, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 1, "Force", "b", 1));
    fixture_wait_object(fixture, tenant, FERRY_INTERFACE_TENANT, false);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
    end(&screen, slot);
}

/* At its start the service shows what it has stored before it knows any machine. */
static void test_a_start(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    Screen screen;
    sd_bus_slot *slot;

    groups_plug(fixture, "1-2", "046d:c31c", "KBD");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, true);
    slot = begin(&screen, fixture);
    draw(&screen);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    end(&screen, slot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

/* ------------------------------------------------------------------ the start */

static void start_patiently(Fixture *fixture, const char *patience_ms)
{
    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_setenv("FERRY_SCRIPT_PATIENCE_MS", patience_ms, TRUE));
    fixture_start_daemon(fixture);
    g_unsetenv("FERRY_SCRIPT_PATIENCE_MS");
}

static bool has_name(Fixture *fixture, void *userdata)
{
    return sd_bus_get_name_creds(fixture->bus, FERRY_BUS_NAME, 0, NULL) >= 0;
}

static int count_changes(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    if (sd_bus_message_is_signal(signal, "org.freedesktop.DBus.Properties", "PropertiesChanged"))
        ++*(unsigned *)userdata;
    return 0;
}

/* What was said before the last answer. */
static void hear_all(Fixture *fixture)
{
    while (sd_bus_process(fixture->bus, NULL) > 0)
        ;
}

/* The first look shows where everything stands, so nothing has changed until something happens. */
static void test_the_first_look_is_no_change(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=046d");
    g_autofree char *assignment = group_assign(fixture, group, FIXTURE_DESK, "1", NULL), *is = NULL;
    unsigned changes = 0;
    sd_bus_slot *slot;

    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "waiting-device");
    fixture_stop_daemon(fixture, SIGTERM);
    assert_false(has_name(fixture, NULL));
    hear_all(fixture);
    assert_true(sd_bus_add_filter(fixture->bus, &slot, count_changes, &changes) >= 0);
    fixture_start_daemon(fixture);
    fixture_wait_for(fixture, has_name, NULL, "the service has its name");
    is = fixture_get(fixture, assignment, ASSIGNMENT, "Reason");
    assert_non_null(strstr(is, "still being read"));
    /* Whatever was to be done meanwhile is done. */
    for (unsigned i = 0; i < QUESTIONS; i++)
        g_free(fixture_get(fixture, assignment, ASSIGNMENT, "Reason"));
    hear_all(fixture);
    assert_int_equal(changes, 0);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "waiting-device");
    hear_all(fixture);
    assert_true(changes > 0);
    sd_bus_slot_unref(slot);
}

static bool was_listed(Fixture *fixture, void *userdata)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    return strstr(counts, "list=1") != NULL;
}

/* Who sees an assignment sees the machine that it names, and where everything is, from the first look on. */
static void test_machines_come_first(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *settling = NULL, *desk = fixture_machine_path(FIXTURE_DESK);
    Screen screen;
    sd_bus_slot *slot;

    groups_plug(fixture, "1-2", "046d:c31c", "KBD");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    start_patiently(fixture, "60000");
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    /* it answers to the script, and isn't on the bus */
    assert_false(has_name(fixture, NULL));
    g_free(fixture_script(fixture, "hang %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_for(fixture, was_listed, NULL, "the VMs were listed");
    for (unsigned i = 0; i < QUESTIONS; i++)
        g_free(fixture_script(fixture, "counts"));
    assert_false(has_name(fixture, NULL));
    g_free(fixture_script(fixture, "resume %s", FIXTURE_DESK));
    fixture_wait_for(fixture, has_name, NULL, "the service has its name");
    settling = fixture_get(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling");
    assert_string_equal(settling, "false");
    slot = begin(&screen, fixture);
    assert_true(g_hash_table_contains(screen.objects, assignment));
    assert_true(g_hash_table_contains(screen.objects, desk));
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    /* It may have been so at the first look: there is to be something to draw. */
    release(fixture, assignment);
    end(&screen, slot);
}

/* A hypervisor that doesn't answer holds nothing up. */
static void test_patience_ends(void **state)
{
    Fixture *fixture = *state;

    start_patiently(fixture, "1");
    fixture_wait_for(fixture, has_name, NULL, "the service has its name");
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connecting");
    /* one that is away isn't waited for */
    start_patiently(fixture, "60000");
    g_free(fixture_script(fixture, "list away"));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_for(fixture, has_name, NULL, "the service has its name");
    /* and it ends in between */
    start_patiently(fixture, "60000");
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plug_give_and_take),
        TEST(test_pools),
        TEST(test_machines),
        TEST(test_tenants),
        TEST(test_a_start),
        TEST(test_the_first_look_is_no_change),
        TEST(test_machines_come_first),
        TEST(test_patience_ends),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
