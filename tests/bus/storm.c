/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a storm. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/storm.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/tenant-calls.h"

#define HUB    "1-5"
#define BEHIND "1-5.1"

/* Between two steps, at most. */
#define PAUSE_US 6000

const StormMachine storm_machines[STORM_MACHINES] = { { FIXTURE_DESK, "desk" },
                                                      { FIXTURE_STUDIO, "studio" },
                                                      { STORM_LAB, "lab" } };

const StormDevice storm_devices[STORM_DEVICES] = {
    { "1-2", "046d", "c31c", "KBD-0001" }, { "1-3", "046d", "c31c", "" },
    { "1-4", "0529", "0001", "" },         { "1-6", "0529", "0001", "" },
    { "1-5.1", "046d", "c31c", "" },       { "1-5.2", "0529", "0001", "DNG-1" }
};
typedef struct Answer {
    Storm *storm;
    char *makes; /* NULL = the path is in the answer, when it makes_one */
    bool makes_one;
    bool may_end; /* something else may have ended what it makes */
    char *ends;
    unsigned number; /* of the Description */
    char *reset;     /* "MEMBER PATH": to be tried again when another reset holds it */
} Answer;

static guint below(Storm *storm, guint n)
{
    return (guint)g_rand_int_range(storm->rand, 0, (gint32)n);
}

/* ------------------------------------------------------------------ calls */

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Answer *answer = userdata;
    Storm *storm = answer->storm;

    storm->open--;
    if (!sd_bus_message_is_method_error(reply, NULL)) {
        const char *path = answer->makes;

        storm->worked++;
        if (answer->makes_one)
            assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
        if (path && !answer->may_end && !g_hash_table_contains(storm->doubted, path))
            g_hash_table_add(storm->there, g_strdup(path));
        if (answer->ends)
            g_hash_table_add(storm->ended, g_strdup(answer->ends));
        storm->told = MAX(storm->told, answer->number);
    } else if (answer->reset && strstr(sd_bus_message_get_error(reply)->message, "being reset")) {
        g_ptr_array_add(storm->held, g_steal_pointer(&answer->reset));
    }
    g_free(answer->reset);
    g_free(answer->makes);
    g_free(answer->ends);
    g_free(answer);
    return 0;
}

static Answer *fire(Storm *storm, const char *path, const char *interface, const char *member,
                    const char *types, ...)
{
    Answer *answer = g_new0(Answer, 1);
    va_list arguments;

    answer->storm = storm;
    va_start(arguments, types);
    assert_true(sd_bus_call_method_asyncv(storm->fixture->bus, NULL, FERRY_BUS_NAME, path, interface, member,
                                          on_answer, answer, types, arguments) >= 0);
    va_end(arguments);
    storm->open++;
    return answer;
}

static void doubt(Storm *storm, const char *path)
{
    g_hash_table_add(storm->doubted, g_strdup(path));
    g_hash_table_remove(storm->there, path);
}

static void doubt_all(Storm *storm, const char *prefix)
{
    GHashTableIter iter;
    gpointer path;

    g_hash_table_iter_init(&iter, storm->there);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        if (g_str_has_prefix(path, prefix)) {
            g_hash_table_add(storm->doubted, g_strdup(path));
            g_hash_table_iter_remove(&iter);
        }
}

static char *script(Storm *storm, const char *format, ...) G_GNUC_PRINTF(2, 3);
static char *script(Storm *storm, const char *format, ...)
{
    g_autofree char *command = NULL;
    va_list arguments;

    va_start(arguments, format);
    command = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fixture_script(storm->fixture, "%s", command);
}

/* ------------------------------------------------------------------ what there is */

/* One of them; NULL = there is none. New string. */
static char *any(Storm *storm, const char *prefix)
{
    g_autoptr(GPtrArray) paths = storm_objects(storm, prefix);

    return paths->len ? g_strdup(paths->pdata[below(storm, paths->len)]) : NULL;
}

static char *any_machine(Storm *storm)
{
    return fixture_machine_path(storm_machines[below(storm, STORM_MACHINES)].uuid);
}

static char *any_device(Storm *storm)
{
    return fixture_device_path(storm_devices[below(storm, STORM_DEVICES)].sysname);
}

/* ------------------------------------------------------------------ steps */

/* umockdev ends the program when ten events wait to be read. */
static void let_read(Storm *storm)
{
    g_free(fixture_get(storm->fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling"));
}

static void plug(Storm *storm, gsize i)
{
    fixture_plug(storm->fixture, storm_devices[i].sysname, storm_devices[i].vendor, storm_devices[i].product,
                 storm_devices[i].serial, "Thing");
    storm->plugged[i] = true;
    let_read(storm);
}

static void unplug(Storm *storm, gsize i)
{
    if (storm->plugged[i])
        fixture_unplug(storm->fixture, storm_devices[i].sysname);
    let_read(storm);
    storm->plugged[i] = false;
}

static void step_plug(Storm *storm)
{
    gsize i = below(storm, STORM_DEVICES);

    if (storm->plugged[i])
        unplug(storm, i);
    else
        plug(storm, i);
}

static void step_assign(Storm *storm)
{
    g_autofree char *source = below(storm, 2) ? any_device(storm) : any(storm, FERRY_PATH_GROUP_PREFIX "/");
    g_autofree char *machine = any_machine(storm);
    static const char *const quantities[] = { "1", "2", "all", "set" };
    Answer *answer;

    if (!source)
        return;
    if (strstr(source, "/device/"))
        answer =
            fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", source, machine, 2,
                 "Persistent", "b", (int)below(storm, 2), "AllowGuestReset", "b", (int)below(storm, 2));
    else
        answer = fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", source, machine,
                      2, "Quantity", "s", quantities[below(storm, G_N_ELEMENTS(quantities))],
                      "AllowGuestResetsAll", "b", (int)below(storm, 2));
    answer->makes_one = true;
}

static void step_assignment(Storm *storm)
{
    g_autofree char *path = any(storm, FERRY_PATH_ASSIGNMENT_PREFIX "/");
    Answer *answer;

    if (!path)
        return;
    switch (below(storm, 8)) {
    case 0:
    case 1:
        doubt(storm, path);
        answer = fire(storm, path, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0);
        answer->ends = g_strdup(path);
        break;
    case 2:
        fire(storm, path, FERRY_INTERFACE_ASSIGNMENT, "Detach", "");
        break;
    case 3:
        fire(storm, path, FERRY_INTERFACE_ASSIGNMENT, "Attach", "");
        break;
    case 4:
        fire(storm, path, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1, "AllowGuestReset", "b",
             (int)below(storm, 2));
        break;
    case 5:
        fire(storm, path, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 2, "Priority", "i",
             (int)below(storm, 5), "Name", "s", "renamed");
        break;
    case 6:
        fire(storm, path, FERRY_INTERFACE_ASSIGNMENT, "Reset", "a{sv}", 0);
        break;
    default:
        fire(storm, path, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "a{sv}", 0);
        break;
    }
}

static void step_group(Storm *storm)
{
    static const char *const rules[] = { "vendor=0529", "vendor=046d product=c31c", "class=hid-keyboard",
                                         "port=1-5.1", "serial=KBD*" };
    const char *rule = rules[below(storm, G_N_ELEMENTS(rules))];
    g_autofree char *path = any(storm, FERRY_PATH_GROUP_PREFIX "/");
    g_autofree char *name = g_strdup_printf("g%u", storm->names++);
    Answer *answer;

    switch (below(storm, 7)) {
    case 0:
        answer = fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}", name, 0);
        answer->makes = group_path(name);
        return;
    case 1: {
        g_autofree char *device = any_device(storm);
        answer = fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "MakePassthrough", "aosa{sv}", 1,
                      device, name, 0);
        answer->makes = group_path(name);
        return;
    }
    default:
        break;
    }
    if (!path)
        return;
    switch (below(storm, 6)) {
    case 0:
        if (g_str_has_suffix(path, "/keys"))
            return;
        doubt(storm, path);
        answer = fire(storm, path, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 0);
        /* The names of all others are given again. */
        if (g_str_has_prefix(path, FERRY_PATH_GROUP_PREFIX "/g"))
            answer->ends = g_strdup(path);
        break;
    case 1:
        fire(storm, path, FERRY_INTERFACE_GROUP, "RemoveRule", "u", 1 + below(storm, 2));
        break;
    case 2:
        fire(storm, path, FERRY_INTERFACE_GROUP, "Update", "a{sv}", 2, "Enabled", "b",
             (int)below(storm, 3) > 0, "AllowGuestReset", "b", (int)below(storm, 2));
        break;
    case 3: {
        g_autofree char *keys = group_path("keys");
        g_autofree char *text = g_strdup_printf("%u", ++storm->sent);

        answer = fire(storm, keys, FERRY_INTERFACE_GROUP, "Update", "a{sv}", 1, "Description", "s", text);
        answer->number = storm->sent;
        break;
    }
    default:
        fire(storm, path, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}", rule, 0);
        break;
    }
}

static void step_tenant(Storm *storm)
{
    static const char *const names[] = { "acme", "base" };
    static const char *const groups[] = { "", "in", "more" };
    g_autofree char *tenant = tenant_path(names[below(storm, G_N_ELEMENTS(names))]);
    g_autofree char *device = any_device(storm);
    g_autofree char *machine = any_machine(storm);

    switch (below(storm, 10)) {
    case 0:
        fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateTenant", "sa{sv}",
             strrchr(tenant, '/') + 1, 1, "Members", "as", 1, "user:daemon");
        break;
    case 1:
    case 2:
        fire(storm, tenant, FERRY_INTERFACE_TENANT, "AddMachine", "o", machine);
        break;
    case 3:
        fire(storm, tenant, FERRY_INTERFACE_TENANT, "RemoveMachine", "o", machine);
        break;
    case 4:
        doubt_all(storm, FERRY_PATH_ASSIGNMENT_PREFIX);
        fire(storm, tenant, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 1, device, 0);
        break;
    case 5:
        if (below(storm, 3) > 0)
            return;
        doubt_all(storm, FERRY_PATH_ASSIGNMENT_PREFIX);
        fire(storm, tenant, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 1, "Force", "b", 1);
        break;
    default:
        fire(storm, tenant, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 1, device,
             groups[below(storm, G_N_ELEMENTS(groups))], 0);
        break;
    }
}

static void step_manager(Storm *storm)
{
    switch (below(storm, 6)) {
    case 0:
        if (below(storm, 3) > 0)
            return;
        doubt_all(storm, FERRY_PATH_ASSIGNMENT_PREFIX);
        fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "ReleaseAll", "a{sv}", 0);
        break;
    case 1:
        fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", (int)below(storm, 3) > 0);
        break;
    case 2:
        fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Rescan", "");
        break;
    default:
        fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}",
             below(storm, 2) ? "[Group]\nName=declared\n\n[Rule 1]\nMatch=vendor=0529\n\n[Assignment]\n"
                               "Name=declared\nMachine=desk\nGroup=declared\n"
                             : "[Group]\nName=declared\n\n[Rule 1]\nMatch=vendor=046d\n",
             "host.conf", 0);
        break;
    }
}

static void step_reset(Storm *storm)
{
    g_autofree char *behind = fixture_device_path(BEHIND);
    g_autofree char *device = any_device(storm);

    switch (below(storm, 5)) {
    case 0:
        fire(storm, behind, FERRY_INTERFACE_DEVICE, "ResetHub", "a{sv}", 0);
        break;
    case 1:
        fire(storm, device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 1, "Method", "s", "power-cycle");
        break;
    case 2:
        g_free(script(storm, "%s", below(storm, 2) ? "usb fail it says no" : "usb vanish"));
        break;
    default:
        fire(storm, device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
        break;
    }
}

static void step_machine(Storm *storm)
{
    gsize i = below(storm, STORM_MACHINES);
    const char *uuid = storm_machines[i].uuid;
    g_autofree char *shown = NULL;
    enum { NAME, STATE, LIFE, HOSTDEVS };

    switch (below(storm, 14)) {
    case 0:
    case 1:
        g_free(script(storm, "start %s", uuid));
        break;
    case 2:
        g_free(script(storm, "stop %s", uuid));
        break;
    case 3:
    case 4:
        g_free(script(storm, "restore %s", uuid));
        break;
    case 5:
        g_free(script(storm, "hold %s", uuid));
        break;
    case 6:
        g_free(script(storm, "hang %s", uuid));
        break;
    case 7:
    case 8:
        g_free(script(storm, "resume %s", uuid));
        break;
    case 9:
        g_free(script(storm, "fail %s %u not now", uuid, 1 + below(storm, 2)));
        break;
    case 10:
        g_free(script(storm, "keep %s", uuid));
        break;
    case 11:
        g_free(script(storm, "let-go %s", uuid));
        break;
    case 12: {
        /* another life with what it has, which may be the same life */
        shown = script(storm, "show %s", uuid);
        {
            g_auto(GStrv) words = g_strsplit(shown, " ", 4);

            if (strcmp(words[STATE], "running") != 0)
                return;
            g_free(script(storm, "stop %s", uuid));
            if (below(storm, 2)) {
                (void)sd_bus_process(storm->fixture->bus, NULL);
                (void)sd_bus_wait(storm->fixture->bus, below(storm, PAUSE_US));
            }
            g_free(script(storm, "carry-on %s %s%s%s", uuid, words[LIFE], words[HOSTDEVS] ? " " : "",
                          words[HOSTDEVS] ? words[HOSTDEVS] : ""));
        }
        break;
    }
    default:
        if (below(storm, 3) > 0)
            return;
        g_free(script(storm, "undefine %s", uuid));
        g_free(script(storm, "define %s %s", uuid, storm_machines[i].name));
        break;
    }
}

static void step_libvirt(Storm *storm)
{
    switch (below(storm, 6)) {
    case 0:
        g_free(script(storm, "disconnect restarting"));
        break;
    case 1:
        g_free(script(storm, "list it says no"));
        break;
    case 2:
        g_free(script(storm, "list"));
        break;
    case 3:
        g_free(script(storm, "quiet"));
        g_free(script(storm, "loud"));
        break;
    default:
        g_free(script(storm, "connect"));
        break;
    }
}

/* The machines live on. */
static void step_kill(Storm *storm)
{
    char *shown[STORM_MACHINES];
    enum { NAME, STATE, LIFE, HOSTDEVS };

    for (gsize i = 0; i < STORM_MACHINES; i++)
        shown[i] = script(storm, "show %s", storm_machines[i].uuid);
    fixture_stop_daemon(storm->fixture, SIGKILL);
    while (storm->open > 0) {
        (void)sd_bus_process(storm->fixture->bus, NULL);
        if (storm->open > 0)
            (void)sd_bus_wait(storm->fixture->bus, PAUSE_US);
    }
    fixture_start_daemon(storm->fixture);
    for (gsize i = 0; i < STORM_MACHINES; i++) {
        g_auto(GStrv) words = g_strsplit(shown[i], " ", 4);

        g_free(script(storm, "define %s %s", storm_machines[i].uuid, storm_machines[i].name));
        if (strcmp(words[STATE], "running") == 0)
            g_free(script(storm, "carry-on %s %s%s%s", storm_machines[i].uuid, words[LIFE],
                          words[HOSTDEVS] ? " " : "", words[HOSTDEVS] ? words[HOSTDEVS] : ""));
        g_free(shown[i]);
    }
    g_free(script(storm, "connect"));
}

void storm_step(Storm *storm)
{
    static void (*const steps[])(Storm * storm) = {
        step_plug,  step_plug,    step_plug,    step_assign,  step_assign,  step_assignment, step_assignment,
        step_group, step_group,   step_tenant,  step_tenant,  step_tenant,  step_manager,    step_reset,
        step_reset, step_machine, step_machine, step_machine, step_libvirt,
    };
    gint64 until = g_get_monotonic_time() + below(storm, PAUSE_US);

    if (storm->kills && below(storm, 60) == 0)
        step_kill(storm);
    else
        steps[below(storm, G_N_ELEMENTS(steps))](storm);
    do
        while (sd_bus_process(storm->fixture->bus, NULL) > 0)
            continue;
    while (g_get_monotonic_time() < until && sd_bus_wait(storm->fixture->bus, PAUSE_US / 4) >= 0);
    if (!fixture_daemon_lives(storm->fixture)) {
        fixture_print_log(storm->fixture);
        fail_msg("seed %u: the service has ended", storm->seed);
    }
}

/* ------------------------------------------------------------------ before and after */

void storm_calm(Storm *storm)
{
    g_free(script(storm, "connect"));
    g_free(script(storm, "list"));
    g_free(script(storm, "loud"));
    g_free(script(storm, "usb resume"));
    for (gsize i = 0; i < STORM_MACHINES; i++) {
        g_free(script(storm, "resume %s", storm_machines[i].uuid));
        g_free(script(storm, "fail %s 0 -", storm_machines[i].uuid));
        g_free(script(storm, "let-go %s", storm_machines[i].uuid));
    }
    for (gsize i = 0; i < STORM_DEVICES; i++)
        if (!storm->plugged[i])
            plug(storm, i);
    fire(storm, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 1);
}

/* What is reset comes back as another enumeration. */
void storm_replug(Storm *storm)
{
    for (gsize i = 0; i < STORM_DEVICES; i++) {
        unplug(storm, i);
        plug(storm, i);
    }
}

static void reset_free(Storm *storm, const char *member, const char *path)
{
    fire(storm, path, FERRY_INTERFACE_DEVICE, member, "a{sv}", 0)->reset =
        g_strdup_printf("%s %s", member, path);
}

void storm_reset_all(Storm *storm)
{
    g_autofree char *behind = fixture_device_path(BEHIND);

    reset_free(storm, "ResetHub", behind);
    for (gsize i = 0; i < STORM_DEVICES; i++) {
        g_autofree char *path = fixture_device_path(storm_devices[i].sysname);

        if (!g_str_has_prefix(storm_devices[i].sysname, HUB))
            reset_free(storm, "Reset", path);
    }
}

void storm_reset_held(Storm *storm)
{
    for (guint i = 0; i < storm->held->len; i++) {
        enum { MEMBER, PATH };
        g_auto(GStrv) words = g_strsplit(storm->held->pdata[i], " ", 2);

        reset_free(storm, words[MEMBER], words[PATH]);
    }
    g_ptr_array_set_size(storm->held, 0);
}

Storm *storm_new(Fixture *fixture, guint32 seed, bool kills)
{
    Storm *storm = g_new0(Storm, 1);
    g_autofree char *keys = NULL;

    storm->fixture = fixture;
    storm->kills = kills;
    storm->seed = seed;
    storm->rand = g_rand_new_with_seed(storm->seed);
    storm->held = g_ptr_array_new_with_free_func(g_free);
    storm->there = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    storm->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    storm->doubted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_free(script(storm, "define %s lab", STORM_LAB));
    g_free(script(storm, "start %s", STORM_LAB));
    fixture_plug_hub(fixture, HUB);
    keys = group_create_with(fixture, "keys", "vendor=0529");
    for (gsize i = 0; i < STORM_DEVICES; i++)
        plug(storm, i);
    return storm;
}

void storm_free(Storm *storm)
{
    g_rand_free(storm->rand);
    g_ptr_array_unref(storm->held);
    g_hash_table_unref(storm->there);
    g_hash_table_unref(storm->ended);
    g_hash_table_unref(storm->doubted);
    g_free(storm);
}
