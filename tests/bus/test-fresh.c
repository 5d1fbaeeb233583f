/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the service says of everything, after devices, groups, rules, tenants, assignments and VMs came,
 * changed and went, is what one says that starts with the same store, devices and VMs: nothing that it keeps
 * for speed is older than what it is made of. Other steps each time; $FERRY_TEST_SEED repeats them. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

#define LOFT "33333333-3333-3333-3333-333333333333"

#define ROUNDS 8
#define STEPS  16

/* Long enough for everything that is put off: in the service's own time. */
#define REST_MS 700000

#define DEVICE     FERRY_INTERFACE_DEVICE
#define GROUP      FERRY_INTERFACE_GROUP
#define MANAGER    FERRY_INTERFACE_MANAGER
#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT
#define TENANT     FERRY_INTERFACE_TENANT

static const char *const sockets[] = { "1-1", "1-2", "1-3", "1-4", "1-5.1", "1-5.2", "1-6" };
static const struct {
    const char *vendor, *product, *serial, *name;
} things[] = {
    { "046d", "c31c", "KBD-4711", "Keyboard" },
    { "046d", "c31c", "KBD-0815", "Keyboard" },
    { "0529", "0001", "", "HASP" },
    { "0529", "0001", "", "HASP" },
    { "0781", "5567", "TWIN-77X2", "Stick" },
    { "0781", "5567", "TWIN-77X2", "Stick" },
    { "0781", "5567", "STICK-9K4", "Stick" },
    { "16c0", "05dc", "PRB-20X7", "Probe" },
};
static const char *const groups[] = { "alpha", "beta", "gamma", "filed" };
static const char *const rules[] = { "vendor=046d",
                                     "vendor=046D product=C31C",
                                     "product=c31c  vendor=046d",
                                     "serial=TWIN-77X2",
                                     "serial=KBD-4711",
                                     "port=1-1",
                                     "hub=1-5",
                                     "name=St*",
                                     "class=03:01:01",
                                     "class=keyboard",
                                     "manufacturer=*",
                                     "serial=\"\"",
                                     "controller=*" };
static const char *const tenants[] = { "red", "blue" };
static const char *const machines[] = { FIXTURE_DESK, FIXTURE_STUDIO, LOFT };
static const char *const machine_names[] = { "desk", "studio", "loft" };

typedef struct World {
    Fixture *fixture;
    GRand *rand;
    bool plugged[G_N_ELEMENTS(sockets)];
    bool defined[G_N_ELEMENTS(machines)];
    GString *story;
} World;

static guint below(World *world, guint n)
{
    return (guint)g_rand_int_range(world->rand, 0, (gint32)n);
}

static void say(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void say(World *world, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_string_append_vprintf(world->story, format, arguments);
    va_end(arguments);
    g_string_append_c(world->story, '\n');
}

/* ------------------------------------------------------------------ all that it says */

static void print_value(GString *text, sd_bus_message *message)
{
    const char *contents;
    char type;

    assert_true(sd_bus_message_peek_type(message, &type, &contents) > 0);
    if (strchr("avre({", type)) {
        assert_true(sd_bus_message_enter_container(message, type, contents) > 0);
        g_string_append_c(text, '[');
        while (sd_bus_message_at_end(message, false) == 0) {
            print_value(text, message);
            g_string_append(text, "; ");
        }
        g_string_append_c(text, ']');
        assert_true(sd_bus_message_exit_container(message) > 0);
    } else {
        union {
            const char *string;
            uint64_t u64;
            uint32_t u32;
            uint16_t u16;
            uint8_t u8;
        } value = { .u64 = 0 };

        assert_true(sd_bus_message_read_basic(message, type, &value) > 0);
        if (strchr("sog", type))
            g_string_append(text, value.string);
        else
            g_string_append_printf(text, "%" G_GUINT64_FORMAT,
                                   type == 'y'          ? value.u8
                                   : strchr("nq", type) ? value.u16
                                   : strchr("tx", type) ? value.u64
                                                        : value.u32);
    }
}

/* What a start says otherwise: when something began, and the icon of a device that it never saw. */
static bool is_of_the_moment(const char *property)
{
    static const char *const names[] = { "Since", "ExpiresIn", "DeviceIcon" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(property, names[i]) == 0)
            return true;
    return false;
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *read_everything(Fixture *fixture)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
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
                GString *line = g_string_new(NULL);

                assert_true(sd_bus_message_read(reply, "s", &property) > 0);
                g_string_printf(line, "%s %s ", path, property);
                print_value(line, reply);
                if (is_of_the_moment(property))
                    g_string_free(line, TRUE);
                else
                    g_ptr_array_add(lines, g_string_free(line, FALSE));
                assert_true(sd_bus_message_exit_container(reply) > 0);
            }
            assert_true(sd_bus_message_exit_container(reply) > 0);
            assert_true(sd_bus_message_exit_container(reply) > 0);
        }
        assert_true(sd_bus_message_exit_container(reply) > 0);
        assert_true(sd_bus_message_exit_container(reply) > 0);
    }
    sd_bus_message_unref(reply);
    g_ptr_array_sort(lines, compare_lines);
    return lines;
}

/* The paths of all objects of a kind, sorted. */
static GPtrArray *list_paths(Fixture *fixture, const char *prefix)
{
    g_autoptr(GPtrArray) lines = read_everything(fixture);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < lines->len; i++) {
        g_autofree char *path = g_strndup(lines->pdata[i], strcspn(lines->pdata[i], " "));

        if (g_str_has_prefix(path, prefix) &&
            (paths->len == 0 || strcmp(paths->pdata[paths->len - 1], path) != 0))
            g_ptr_array_add(paths, g_steal_pointer(&path));
    }
    return paths;
}

/* ------------------------------------------------------------------ steps */

static bool call(World *world, const char *path, const char *interface, const char *member, const char *types,
                 ...)
{
    sd_bus_message *message = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    va_list arguments;
    int r;

    assert_true(sd_bus_message_new_method_call(world->fixture->bus, &message, FERRY_BUS_NAME, path, interface,
                                               member) >= 0);
    va_start(arguments, types);
    assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    va_end(arguments);
    r = sd_bus_call(world->fixture->bus, message, 0, &error, NULL);
    say(world, "  %s %s: %s %s", path, member, r < 0 ? error.name : "ok", r < 0 ? error.message : "");
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
    return r >= 0;
}

static void plug(World *world)
{
    guint i = below(world, G_N_ELEMENTS(sockets)), k = below(world, G_N_ELEMENTS(things));
    g_autofree char *path = fixture_device_path(sockets[i]);

    say(world, "%s %s (%s)", world->plugged[i] ? "unplug" : "plug", sockets[i], things[k].serial);
    if (world->plugged[i])
        fixture_unplug(world->fixture, sockets[i]);
    else
        fixture_plug(world->fixture, sockets[i], things[k].vendor, things[k].product, things[k].serial,
                     things[k].name);
    world->plugged[i] = !world->plugged[i];
    if (below(world, 2))
        fixture_wait_object(world->fixture, path, DEVICE, world->plugged[i]);
}

/* The same place, another device, and nobody has looked meanwhile. */
static void replace(World *world)
{
    guint i = below(world, G_N_ELEMENTS(sockets)), k = below(world, G_N_ELEMENTS(things));

    if (!world->plugged[i])
        return;
    say(world, "replace %s: %s", sockets[i], things[k].serial);
    fixture_unplug(world->fixture, sockets[i]);
    fixture_plug(world->fixture, sockets[i], things[k].vendor, things[k].product, things[k].serial,
                 things[k].name);
}

static void change_group(World *world)
{
    const char *name = groups[below(world, G_N_ELEMENTS(groups) - 1)];
    g_autofree char *path = group_path(name);

    switch (below(world, 6)) {
    case 0:
        call(world, path, GROUP, "Delete", "a{sv}", 1, "Force", "b", 1);
        break;
    case 1:
        call(world, path, GROUP, "Update", "a{sv}", 1, "Enabled", "b", (int)below(world, 2));
        break;
    case 2:
        call(world, path, GROUP, "Update", "a{sv}", 1, "Priority", "i", (int)below(world, 5));
        break;
    default:
        call(world, FERRY_PATH_ROOT, MANAGER, "CreateGroup", "sa{sv}", name, 0);
    }
}

static void change_rule(World *world)
{
    const char *name = groups[below(world, G_N_ELEMENTS(groups))];
    const char *rule = rules[below(world, G_N_ELEMENTS(rules))];
    g_autofree char *path = group_path(name);
    guint id = 1 + below(world, 4);

    say(world, "rule %u, %s", id, rule);
    switch (below(world, 8)) {
    case 0:
        call(world, path, GROUP, "RemoveRule", "u", id);
        break;
    case 1:
        call(world, path, GROUP, "UpdateRule", "usa{sv}", id, rule, 0);
        break;
    case 2:
        call(world, path, GROUP, "UpdateRule", "usa{sv}", id, "", 1, "Enabled", "b", (int)below(world, 2));
        break;
    case 3:
        call(world, path, GROUP, "AddRule", "sa{sv}", rule, 1, "Enabled", "b", 0);
        break;
    default:
        call(world, path, GROUP, "AddRule", "sa{sv}", rule, 0);
    }
}

static void assign(World *world)
{
    static const char *const quantities[] = { "1", "2", "all", "set" };
    const char *name = groups[below(world, G_N_ELEMENTS(groups))];
    g_autofree char *group = group_path(name);
    g_autofree char *device = fixture_device_path(sockets[below(world, G_N_ELEMENTS(sockets))]);
    g_autofree char *machine = fixture_machine_path(machines[below(world, G_N_ELEMENTS(machines))]);

    if (below(world, 2))
        call(world, FERRY_PATH_ROOT, MANAGER, "Assign", "ooa{sv}", group, machine, 2, "Quantity", "s",
             quantities[below(world, G_N_ELEMENTS(quantities))], "Priority", "i", (int)below(world, 4));
    else
        call(world, FERRY_PATH_ROOT, MANAGER, "Assign", "ooa{sv}", device, machine, 0);
}

static void change_assignment(World *world)
{
    g_autoptr(GPtrArray) paths = list_paths(world->fixture, FERRY_PATH_ASSIGNMENT_PREFIX "/");
    const char *path = paths->len ? paths->pdata[below(world, paths->len)] : NULL;

    if (!path)
        return;
    switch (below(world, 5)) {
    case 0:
        call(world, path, ASSIGNMENT, "Release", "a{sv}", 0);
        break;
    case 1:
        call(world, path, ASSIGNMENT, "Detach", "");
        break;
    case 2:
    case 3:
        call(world, path, ASSIGNMENT, "Attach", "");
        break;
    default:
        call(world, path, ASSIGNMENT, "Update", "a{sv}", 1, "Priority", "i", (int)below(world, 5));
    }
}

static void change_tenant(World *world)
{
    const char *name = tenants[below(world, G_N_ELEMENTS(tenants))];
    g_autofree char *path = tenant_path(name);
    g_autofree char *device = fixture_device_path(sockets[below(world, G_N_ELEMENTS(sockets))]);
    g_autofree char *machine = fixture_machine_path(machines[below(world, G_N_ELEMENTS(machines))]);

    switch (below(world, 6)) {
    case 0:
    case 1:
        call(world, FERRY_PATH_ROOT, MANAGER, "CreateTenant", "sa{sv}", name, 0);
        break;
    case 2:
        call(world, path, TENANT, "Grant", "aosa{sv}", 1, device, "", 0);
        break;
    case 3:
        call(world, path, TENANT, "Revoke", "aoa{sv}", 1, device, 0);
        break;
    case 4:
        call(world, path, TENANT, "AddMachine", "o", machine);
        break;
    default:
        call(world, path, TENANT, below(world, 2) ? "RemoveMachine" : "AddMachine", "o", machine);
    }
}

static void change_machine(World *world)
{
    guint i = below(world, G_N_ELEMENTS(machines));
    const char *uuid = machines[i];
    g_autofree char *path = fixture_machine_path(uuid);
    g_autofree char *shown = NULL;

    if (i == 2 && (!world->defined[i] || below(world, 3) == 0)) {
        g_free(fixture_script(world->fixture, world->defined[i] ? "undefine %s" : "define %s loft", uuid));
        say(world, "%sdefine loft", world->defined[i] ? "un" : "");
        world->defined[i] = !world->defined[i];
        return;
    }
    shown = fixture_script(world->fixture, "show %s", uuid);
    say(world, "%s: %s is started or stopped", shown, uuid);
    g_free(fixture_script(world->fixture, strstr(shown, "shutoff") ? "start %s" : "stop %s", uuid));
}

/* What is worked out from what would be leaves no trace. */
static void ask(World *world)
{
    const char *name = groups[below(world, G_N_ELEMENTS(groups))];
    const char *rule = rules[below(world, G_N_ELEMENTS(rules))];
    g_autofree char *device = fixture_device_path(sockets[below(world, G_N_ELEMENTS(sockets))]);
    g_autofree char *machine = fixture_machine_path(machines[below(world, G_N_ELEMENTS(machines))]);

    if (below(world, 2))
        call(world, FERRY_PATH_ROOT, MANAGER, "PreviewRule", "sa{sv}", rule, 1, "Group", "s", name);
    else
        call(world, FERRY_PATH_ROOT, MANAGER, "CheckAssign", "aooa{sv}", 1, device, machine, 1, "Force", "b",
             1);
}

/* A file of a group comes, is another one, or goes. */
static void change_file(World *world)
{
    static const char *const files[] = { "one.conf", "two.conf" };
    static const char *const names[] = { "filed", "also" };
    guint i = below(world, G_N_ELEMENTS(files));
    guint n_rules = below(world, 4);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_printf(text, "[Group]\nName=%s\n", names[i]);
    for (guint n = 1; n <= n_rules; n++)
        g_string_append_printf(text, "[Rule %u]\nMatch=%s\n%s", n, rules[below(world, G_N_ELEMENTS(rules))],
                               below(world, 4) ? "" : "Enabled=false\n");
    say(world, "reload with %s: %s", files[i], text->str);
    g_free(groups_drop_in("etc", files[i], text->str));
    assert_int_equal(kill(world->fixture->daemon_pid, SIGHUP), 0);
    if (below(world, 2))
        g_free(fixture_script(world->fixture, "run 0"));
}

static void step(World *world)
{
    static void (*const steps[])(
        World * world) = { plug,           plug,        plug,       replace,           change_group,
                           change_rule,    change_rule, assign,     change_assignment, change_tenant,
                           change_machine, ask,         change_file };

    steps[below(world, G_N_ELEMENTS(steps))](world);
}

/* ------------------------------------------------------------------ a fresh one */

static void start_anew(World *world)
{
    enum { NAME, STATE, LIFE, HOSTDEVS, PARTS };
    Fixture *fixture = world->fixture;
    char *shown[G_N_ELEMENTS(machines)] = {};

    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++)
        if (world->defined[i])
            shown[i] = fixture_script(fixture, "show %s", machines[i]);
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++) {
        g_auto(GStrv) words = shown[i] ? g_strsplit(shown[i], " ", PARTS) : NULL;

        if (!words)
            continue;
        say(world, "anew: %s", shown[i]);
        g_free(fixture_script(fixture, "define %s %s", machines[i], machine_names[i]));
        if (strcmp(words[STATE], "shutoff") != 0)
            g_free(fixture_script(fixture, "carry-on %s %s%s%s", machines[i], words[LIFE],
                                  words[HOSTDEVS] ? " " : "", words[HOSTDEVS] ? words[HOSTDEVS] : ""));
        g_free(shown[i]);
    }
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, MANAGER, "Settling", "false");
}

static void print_differences(const GPtrArray *left, const GPtrArray *right, const char *mark, GString *text)
{
    for (guint i = 0; i < left->len; i++)
        if (!g_ptr_array_find_with_equal_func((GPtrArray *)right, left->pdata[i], g_str_equal, NULL))
            g_string_append_printf(text, "%s %s\n", mark, (const char *)left->pdata[i]);
}

static void compare(World *world)
{
    g_autoptr(GPtrArray) old = NULL, fresh = NULL;
    g_autoptr(GString) differences = g_string_new(NULL);

    g_free(fixture_script(world->fixture, "run %u", REST_MS));
    old = read_everything(world->fixture);
    start_anew(world);
    g_free(fixture_script(world->fixture, "run %u", REST_MS));
    fresh = read_everything(world->fixture);
    print_differences(old, fresh, "-", differences);
    print_differences(fresh, old, "+", differences);
    if (differences->len == 0)
        return;
    fixture_print_log(world->fixture);
    g_printerr("%s\nA start says otherwise:\n%s", world->story->str, differences->str);
    fail_msg("a start says otherwise");
}

static void test_as_a_fresh_one(void **state)
{
    const char *given = g_getenv("FERRY_TEST_SEED");
    guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();
    World world = { .fixture = *state,
                    .rand = g_rand_new_with_seed(seed),
                    .story = g_string_new(NULL),
                    .defined = { true, true, false } };

    say(&world, "FERRY_TEST_SEED=%u", seed);
    for (gsize i = 0; i + 1 < G_N_ELEMENTS(groups); i++)
        call(&world, FERRY_PATH_ROOT, MANAGER, "CreateGroup", "sa{sv}", groups[i], 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < STEPS; i++)
            step(&world);
        compare(&world);
        say(&world, "---- the same");
    }
    g_string_free(world.story, TRUE);
    g_rand_free(world.rand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_a_fresh_one, groups_setup, groups_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
