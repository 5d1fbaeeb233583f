/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must agree when a storm is over. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/storm.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bus/group-calls.h"

static gint compare_texts(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* The paths of the objects that live, sorted. */
GPtrArray *storm_objects(Storm *storm, const char *prefix)
{
    sd_bus_message *reply = fixture_call_ok(storm->fixture, FERRY_PATH_ROOT,
                                            "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    const char *path;

    assert_true(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}") >= 0);
    while (sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}") > 0) {
        assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
        if (g_str_has_prefix(path, prefix))
            g_ptr_array_add(paths, g_strdup(path));
        assert_true(sd_bus_message_skip(reply, "a{sa{sv}}") >= 0);
        assert_true(sd_bus_message_exit_container(reply) >= 0);
    }
    sd_bus_message_unref(reply);
    g_ptr_array_sort(paths, compare_texts);
    return paths;
}

static char *get(Storm *storm, const char *path, const char *interface, const char *property)
{
    char *text = fixture_get(storm->fixture, path, interface, property);

    return text ? text : g_strdup("(gone)");
}

#define GET(storm, path, kind, property) get(storm, path, FERRY_INTERFACE_##kind, property)

/* "ALIAS=BUS:DEV:…" of the machine that has this device; and which machine. New string; NULL = none has. */
static char *find_hostdev(Storm *storm, const char *number, char **ret_machine, unsigned *ret_n)
{
    g_autofree char *part = g_strdup_printf("=1:%s:", number);
    char *found = NULL;

    *ret_n = 0;
    *ret_machine = NULL;
    for (gsize i = 0; i < STORM_MACHINES; i++) {
        g_autofree char *shown = fixture_script(storm->fixture, "show %s", storm_machines[i].uuid);
        g_auto(GStrv) words = g_strsplit(shown, " ", -1);

        for (char **word = words; *word; word++)
            if (strstr(*word, part)) {
                ++*ret_n;
                g_free(found);
                g_free(*ret_machine);
                found = g_strdup(*word);
                *ret_machine = fixture_machine_path(storm_machines[i].uuid);
            }
    }
    return found;
}

/* New string. */
static char *assignment_id(const char *path)
{
    char *decoded = NULL;
    char *id;

    if (sd_bus_path_decode(path, FERRY_PATH_ASSIGNMENT_PREFIX, &decoded) <= 0)
        return g_strdup("-");
    id = g_strdup(decoded);
    free(decoded);
    return id;
}

static char *check_device(Storm *storm, const char *path)
{
    g_autofree char *state = GET(storm, path, DEVICE, "State");
    g_autofree char *number = GET(storm, path, DEVICE, "DeviceNumber");
    g_autofree char *its_machine = GET(storm, path, DEVICE, "Machine");
    g_autofree char *assignment = GET(storm, path, DEVICE, "Assignment");
    g_autofree char *machine = NULL;
    unsigned n;
    g_autofree char *hostdev = find_hostdev(storm, number, &machine, &n);
    g_autofree char *id = assignment_id(assignment);
    g_autofree char *alias = g_strdup_printf("ua-usbferry-%s-", id);
    g_autofree char *guest_reset = NULL, *resets_all = NULL;
    const char *setting;

    if (n > 1)
        return g_strdup_printf("%s is in %u machines", path, n);
    if ((strcmp(state, "attached") == 0) != (hostdev != NULL))
        return g_strdup_printf("%s is %s, and the VMs say %s", path, state, hostdev);
    if (strcmp(state, "attached") != 0)
        return strcmp(state, "host") == 0 || strcmp(state, "waiting") == 0
                   ? NULL
                   : g_strdup_printf("%s is %s", path, state);
    if (strcmp(its_machine, machine) != 0 || !g_str_has_prefix(hostdev, alias))
        return g_strdup_printf("%s is attached to %s by %s, and the VMs say %s %s", path, its_machine,
                               assignment, machine, hostdev);
    guest_reset = GET(storm, assignment, ASSIGNMENT, "AllowGuestReset");
    resets_all = GET(storm, assignment, ASSIGNMENT, "AllowGuestResetsAll");
    setting = strcmp(resets_all, "true") == 0    ? ":on"
              : strcmp(guest_reset, "true") == 0 ? ":uninitialized"
                                                 : ":off";
    if (!g_str_has_suffix(hostdev, setting))
        return g_strdup_printf("%s: %s, and %s has %s", path, hostdev, assignment, setting);
    return NULL;
}

static char *check_machine(Storm *storm, const char *uuid)
{
    g_autofree char *path = fixture_machine_path(uuid);
    g_autofree char *state = GET(storm, path, MACHINE, "State");
    g_autofree char *shown = fixture_script(storm->fixture, "show %s", uuid);
    g_auto(GStrv) words = g_strsplit(shown, " ", -1);
    enum { NAME, STATE, LIFE, HOSTDEVS };

    if (strcmp(state, words[STATE]) != 0)
        return g_strdup_printf("%s is %s, and it says %s", path, state, shown);
    for (char **word = words + HOSTDEVS; g_strv_length(words) > HOSTDEVS && *word; word++) {
        g_auto(GStrv) parts = g_strsplit_set(*word, "=:", -1);
        g_autofree char *domain_id = g_strdup_printf("-%s", words[LIFE]);
        g_autoptr(GPtrArray) paths = storm_objects(storm, FERRY_PATH_DEVICE_PREFIX "/");
        bool known = false;

        if (!g_str_has_suffix(parts[0], domain_id))
            return g_strdup_printf("%s: %s is of another life: %s", path, *word, shown);
        for (guint i = 0; i < paths->len; i++) {
            g_autofree char *number = GET(storm, paths->pdata[i], DEVICE, "DeviceNumber");

            known |= strcmp(number, parts[2]) == 0;
        }
        if (!known)
            return g_strdup_printf("%s: %s is of no device that is there", path, *word);
    }
    return NULL;
}

/* Whose the assignment is, as it was stored; "" = nobody's. New string. */
static char *stored_tenant(Storm *storm, const char *assignment)
{
    g_autofree char *state = fixture_state_path(storm->fixture, "");
    g_autofree char *id = assignment_id(assignment);
    g_autofree char *path = g_build_filename(state, "assignments", id, NULL);
    g_autofree char *runtime = g_build_filename(storm->fixture->dir, "run", "assignments", id, NULL);
    g_autofree char *text = NULL;
    const char *found;

    if (!g_file_get_contents(path, &text, NULL, NULL) && !g_file_get_contents(runtime, &text, NULL, NULL))
        return g_strdup("(no file)");
    found = strstr(text, "\nTenant=");
    return found ? g_strndup(found + 8, strcspn(found + 8, "\n")) : g_strdup("");
}

static const char *last_part(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* The one device that matches; NULL = none, or several. New string. */
static char *test_rule(Storm *storm, const char *rule)
{
    sd_bus_message *reply =
        fixture_call_ok(storm->fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "TestRule", "s", rule);
    const char *path = NULL, *second = NULL;
    char *copy = NULL;

    assert_true(sd_bus_message_enter_container(reply, 'a', "o") >= 0);
    if (sd_bus_message_read(reply, "o", &path) > 0 && sd_bus_message_read(reply, "o", &second) <= 0)
        copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

/* On a running machine, and nothing stands against it: then it is attached. */
static char *check_pinned(Storm *storm, const char *path, const char *machine, const char *state)
{
    g_autofree char *selector = GET(storm, path, ASSIGNMENT, "Selector");
    g_autofree char *reason = GET(storm, path, ASSIGNMENT, "Reason");
    g_autofree char *tenant = stored_tenant(storm, path);
    g_autofree char *its_machine_tenant = GET(storm, machine, MACHINE, "Tenant");
    g_autofree char *device = test_rule(storm, selector);
    g_autofree char *device_state = device ? GET(storm, device, DEVICE, "State") : NULL;
    g_autofree char *device_tenant = device ? GET(storm, device, DEVICE, "Tenant") : NULL;
    g_autofree char *owner = device ? GET(storm, device, DEVICE, "Assignment") : NULL;

    if (!device || strcmp(last_part(device_tenant), tenant) != 0 ||
        (*tenant && strcmp(device_tenant, its_machine_tenant) != 0))
        return strcmp(state, "attached") != 0 ? NULL
                                              : g_strdup_printf("%s (%s) is attached: device %s of tenant %s",
                                                                path, tenant, device, device_tenant);
    if (strcmp(device_state, "attached") == 0)
        return NULL; /* check_device() says whether rightly */
    return g_strdup_printf("%s is %s (%s), and %s is %s (%s, tenant \"%s\" %s)", path, state, reason, device,
                           device_state, owner, tenant, selector);
}

static char *check_pool(Storm *storm, const char *path, const char *machine, const char *group,
                        const char *state)
{
    g_autofree char *quantity = GET(storm, path, ASSIGNMENT, "Quantity");
    g_autofree char *reason = GET(storm, path, ASSIGNMENT, "Reason");
    g_autofree char *enabled = GET(storm, group, GROUP, "Enabled");
    g_autofree char *n = GET(storm, group, GROUP, "Free");
    g_autofree char *tenant = GET(storm, group, GROUP, "Tenant");
    g_autofree char *its_tenant = GET(storm, machine, MACHINE, "Tenant");

    if (strcmp(state, "attached") == 0 || strcmp(quantity, "set") == 0 || strcmp(enabled, "true") != 0 ||
        strcmp(n, "0") == 0 || (strcmp(tenant, "/") != 0 && strcmp(tenant, its_tenant) != 0))
        return NULL;
    return g_strdup_printf("%s is %s (%s), and %s are free in %s", path, state, reason, n, group);
}

static char *check_assignment(Storm *storm, const char *path)
{
    static const char *const states[] = { "disabled", "waiting-machine", "waiting-device", "attached",
                                          "partial" };
    g_autofree char *state = GET(storm, path, ASSIGNMENT, "State");
    g_autofree char *reason = GET(storm, path, ASSIGNMENT, "Reason");
    g_autofree char *machine = GET(storm, path, ASSIGNMENT, "Machine");
    g_autofree char *group = GET(storm, path, ASSIGNMENT, "Group");
    g_autofree char *machine_state = GET(storm, machine, MACHINE, "State");
    bool known = false;

    for (gsize i = 0; i < G_N_ELEMENTS(states); i++)
        known |= strcmp(state, states[i]) == 0;
    if (!known || strstr(reason, "reset"))
        return g_strdup_printf("%s is %s: %s", path, state, reason);
    if (strcmp(state, "disabled") == 0)
        return NULL;
    if (strcmp(machine_state, "running") != 0)
        return strcmp(state, "waiting-machine") == 0 || strcmp(state, "waiting-device") == 0
                   ? NULL
                   : g_strdup_printf("%s is %s (%s) of a VM that is %s", path, state, reason, machine_state);
    return strcmp(group, "/") == 0 ? check_pinned(storm, path, machine, state)
                                   : check_pool(storm, path, machine, group, state);
}

static char *check_manager(Storm *storm)
{
    g_autofree char *settling = GET(storm, FERRY_PATH_ROOT, MANAGER, "Settling");
    g_autofree char *enabled = GET(storm, FERRY_PATH_ROOT, MANAGER, "Enabled");
    g_autofree char *hypervisor = GET(storm, FERRY_PATH_ROOT, MANAGER, "HypervisorState");

    if (strcmp(settling, "false") == 0 && strcmp(enabled, "true") == 0 &&
        strcmp(hypervisor, "connected") == 0)
        return NULL;
    return g_strdup_printf("Settling %s, Enabled %s, HypervisorState %s", settling, enabled, hypervisor);
}

static char *check_acknowledged(Storm *storm)
{
    g_autoptr(GPtrArray) paths = storm_objects(storm, FERRY_PATH_ROOT);
    g_autoptr(GHashTable) now = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *keys = group_path("keys");
    g_autofree char *description = GET(storm, keys, GROUP, "Description");
    guint64 number = g_ascii_strtoull(description, NULL, 10);
    GHashTableIter iter;
    gpointer path;

    for (guint i = 0; i < paths->len; i++)
        g_hash_table_add(now, paths->pdata[i]);
    g_hash_table_iter_init(&iter, storm->there);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        if (!g_hash_table_contains(now, path))
            return g_strdup_printf("%s was acknowledged and is not there", (char *)path);
    g_hash_table_iter_init(&iter, storm->ended);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        if (g_hash_table_contains(now, path))
            return g_strdup_printf("%s has ended and is there", (char *)path);
    return number >= storm->told && number <= storm->sent
               ? NULL
               : g_strdup_printf("description %s, acknowledged %u, asked for %u", description, storm->told,
                                 storm->sent);
}

/* What does not agree. New string; NULL = all does. */
char *storm_check(Storm *storm)
{
    g_autoptr(GPtrArray) all_devices = storm_objects(storm, FERRY_PATH_DEVICE_PREFIX "/");
    g_autoptr(GPtrArray) assignments = storm_objects(storm, FERRY_PATH_ASSIGNMENT_PREFIX "/");
    char *wrong =
        storm->open ? g_strdup_printf("%u calls are not answered", storm->open) : check_manager(storm);

    for (guint i = 0; !wrong && i < all_devices->len; i++)
        wrong = check_device(storm, all_devices->pdata[i]);
    for (gsize i = 0; !wrong && i < STORM_MACHINES; i++)
        wrong = check_machine(storm, storm_machines[i].uuid);
    for (guint i = 0; !wrong && i < assignments->len; i++)
        wrong = check_assignment(storm, assignments->pdata[i]);
    return wrong ? wrong : check_acknowledged(storm);
}
