/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the service says of itself, read at once: GetManagedObjects, and whose an assignment is from its file,
 * which is said nowhere else. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/history.h"

#include <stdlib.h>
#include <string.h>

/* Property → its value as text, of the interface that is read. */
typedef GHashTable Properties;

static char *basic_text(sd_bus_message *message, char type)
{
    union {
        const char *string;
        int boolean;
        int32_t i32;
        uint32_t u32;
        uint64_t u64;
    } value = { .u64 = 0 };

    if (sd_bus_message_read_basic(message, type, &value) < 0)
        return g_strdup("");
    switch (type) {
    case 's':
    case 'o':
        return g_strdup(value.string);
    case 'b':
        return g_strdup(value.boolean ? "true" : "false");
    case 'i':
        return g_strdup_printf("%d", value.i32);
    default:
        return g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)value.u64);
    }
}

/* Of each rule a line: number, true or false, text. */
static char *rules_text(sd_bus_message *message)
{
    g_autoptr(GString) text = g_string_new(NULL);
    uint32_t id;
    int enabled;
    const char *rule, *origin;

    (void)sd_bus_message_enter_container(message, 'a', "(ubss)");
    while (sd_bus_message_read(message, "(ubss)", &id, &enabled, &rule, &origin) > 0)
        g_string_append_printf(text, "%u %s %s\n", id, enabled ? "true" : "false", rule);
    (void)sd_bus_message_exit_container(message);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *paths_text(sd_bus_message *message)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *path;

    (void)sd_bus_message_enter_container(message, 'a', "o");
    while (sd_bus_message_read(message, "o", &path) > 0)
        g_string_append_printf(text, "%s\n", path);
    (void)sd_bus_message_exit_container(message);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static Properties *read_properties(sd_bus_message *message)
{
    Properties *properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const char *name, *contents;

    (void)sd_bus_message_enter_container(message, 'a', "{sv}");
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        (void)sd_bus_message_read(message, "s", &name);
        (void)sd_bus_message_peek_type(message, NULL, &contents);
        if (strlen(contents) == 1 && strchr("sobiuqt", contents[0])) {
            (void)sd_bus_message_enter_container(message, 'v', contents);
            g_hash_table_insert(properties, g_strdup(name), basic_text(message, contents[0]));
            (void)sd_bus_message_exit_container(message);
        } else if (strcmp(contents, "a(ubss)") == 0 || strcmp(contents, "ao") == 0) {
            (void)sd_bus_message_enter_container(message, 'v', contents);
            g_hash_table_insert(properties, g_strdup(name),
                                contents[1] == 'o' ? paths_text(message) : rules_text(message));
            (void)sd_bus_message_exit_container(message);
        } else {
            (void)sd_bus_message_skip(message, "v");
        }
        (void)sd_bus_message_exit_container(message);
    }
    (void)sd_bus_message_exit_container(message);
    return properties;
}

static const char *get(Properties *properties, const char *name)
{
    const char *text = g_hash_table_lookup(properties, name);

    return text ? text : "";
}

static bool is_true(Properties *properties, const char *name)
{
    return strcmp(get(properties, name), "true") == 0;
}

static char *path_or_null(const char *path)
{
    return strcmp(path, "/") == 0 ? NULL : g_strdup(path);
}

/* ------------------------------------------------------------------ objects */

static char *read_file_of(World *world, const char *folder, const char *id)
{
    g_autofree char *path = g_build_filename(world->fixture->dir, folder, "assignments", id, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

char *assignment_path(const char *id)
{
    char *encoded = NULL, *copy;

    if (sd_bus_path_encode(FERRY_PATH_ASSIGNMENT_PREFIX, id, &encoded) < 0)
        return g_strdup("");
    copy = g_strdup(encoded);
    free(encoded);
    return copy;
}

char *assignment_id(const char *path)
{
    char *decoded = NULL, *copy;

    if (sd_bus_path_decode(path, FERRY_PATH_ASSIGNMENT_PREFIX, &decoded) <= 0)
        return g_strdup("-");
    copy = g_strdup(decoded);
    free(decoded);
    return copy;
}

static char *stored_tenant(World *world, const char *path)
{
    static const char key[] = "\nTenant=";
    g_autofree char *id = assignment_id(path);
    g_autofree char *stored = read_file_of(world, "state", id);
    g_autofree char *until_boot = stored ? NULL : read_file_of(world, "run", id);
    const char *text = stored ? stored : until_boot;
    const char *found = text ? strstr(text, key) : NULL;
    g_autofree char *name = NULL;
    char *encoded = NULL, *copy;

    if (!found)
        return NULL;
    found += strlen(key);
    name = g_strndup(found, strcspn(found, "\n"));
    if (sd_bus_path_encode(FERRY_PATH_TENANT_PREFIX, name, &encoded) < 0)
        return NULL;
    copy = g_strdup(encoded);
    free(encoded);
    return copy;
}

static Standing *standing_new(const char *path, Properties *properties)
{
    Standing *standing = g_new0(Standing, 1);

    standing->path = g_strdup(path);
    standing->state = g_strdup(get(properties, "State"));
    standing->machine = g_strdup(get(properties, "Machine"));
    standing->assignment = g_strdup(get(properties, "Assignment"));
    standing->tenant = g_strdup(get(properties, "Tenant"));
    standing->reason = g_strdup(get(properties, "Reason"));
    standing->number = (unsigned)g_ascii_strtoull(get(properties, "DeviceNumber"), NULL, 10);
    standing->pending = is_true(properties, "Pending");
    standing->guest_reset = g_strdup(is_true(properties, "AllowGuestResetsAll") ? "on"
                                     : is_true(properties, "AllowGuestReset")   ? "uninitialized"
                                                                                : "off");
    return standing;
}

static void standing_free(gpointer data)
{
    Standing *standing = data;

    g_free(standing->path);
    g_free(standing->state);
    g_free(standing->machine);
    g_free(standing->assignment);
    g_free(standing->tenant);
    g_free(standing->reason);
    g_free(standing->guest_reset);
    g_free(standing);
}

const Standing *standing_find(const GPtrArray *standings, const char *path)
{
    for (guint i = 0; i < standings->len; i++) {
        const Standing *standing = standings->pdata[i];

        if (strcmp(standing->path, path) == 0)
            return standing;
    }
    return NULL;
}

static void take_assignment(World *world, View *view, const char *path, Properties *properties)
{
    Decision *decision = g_new0(Decision, 1);

    decision->path = g_strdup(path);
    decision->vm = g_strdup(get(properties, "Machine"));
    decision->group = path_or_null(get(properties, "Group"));
    decision->selector = g_strdup(get(properties, "Selector"));
    decision->quantity = g_strdup(get(properties, "Quantity"));
    decision->tenant = stored_tenant(world, path);
    decision->meant = -1;
    decision->priority = atoi(get(properties, "Priority"));
    decision->wanted = strcmp(get(properties, "State"), "disabled") != 0;
    g_ptr_array_add(view->model->decisions, decision);
    g_ptr_array_add(view->assignments, standing_new(path, properties));
}

static void take_group(View *view, const char *path, Properties *properties)
{
    Pool *pool = g_new0(Pool, 1);
    g_auto(GStrv) lines = g_strsplit(get(properties, "Rules"), "\n", -1);
    enum { ID, ENABLED, TEXT, N_PARTS };

    pool->path = g_strdup(path);
    pool->enabled = is_true(properties, "Enabled");
    pool->priority = atoi(get(properties, "Priority"));
    pool->tenant = path_or_null(get(properties, "Tenant"));
    pool->rules = g_ptr_array_new();
    for (char **line = lines; *line && **line; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, " ", N_PARTS);
        PoolRule *rule = g_new0(PoolRule, 1);

        rule->id = (guint)g_ascii_strtoull(parts[ID], NULL, 10);
        rule->enabled = strcmp(parts[ENABLED], "true") == 0;
        rule->text = g_strdup(parts[TEXT]);
        g_ptr_array_add(pool->rules, rule);
    }
    g_ptr_array_add(view->model->pools, pool);
}

static void take_tenant(View *view, const char *path, Properties *properties)
{
    Owner *owner = g_new0(Owner, 1);
    g_auto(GStrv) lines = g_strsplit(get(properties, "Machines"), "\n", -1);

    owner->path = g_strdup(path);
    owner->vms = g_ptr_array_new_with_free_func(g_free);
    for (char **line = lines; *line && **line; line++)
        g_ptr_array_add(owner->vms, g_strdup(*line));
    g_ptr_array_add(view->model->owners, owner);
}

static void take_object(World *world, View *view, const char *path, const char *interface,
                        Properties *properties)
{
    if (strcmp(interface, FERRY_INTERFACE_ASSIGNMENT) == 0) {
        take_assignment(world, view, path, properties);
    } else if (strcmp(interface, FERRY_INTERFACE_GROUP) == 0) {
        take_group(view, path, properties);
    } else if (strcmp(interface, FERRY_INTERFACE_TENANT) == 0) {
        take_tenant(view, path, properties);
    } else if (strcmp(interface, FERRY_INTERFACE_DEVICE) == 0) {
        if (!is_true(properties, "IsHub"))
            g_ptr_array_add(view->devices, standing_new(path, properties));
    } else if (strcmp(interface, FERRY_INTERFACE_MACHINE) == 0) {
        g_ptr_array_add(view->machines, standing_new(path, properties));
    }
}

/* The service's own object isn't among the managed ones. */
static bool take_manager(World *world, View *view)
{
    sd_bus_message *reply = NULL;
    g_autoptr(GHashTable) properties = NULL;

    if (sd_bus_call_method(world->fixture->bus, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                           "org.freedesktop.DBus.Properties", "GetAll", NULL, &reply, "s",
                           FERRY_INTERFACE_MANAGER) < 0)
        return false;
    properties = read_properties(reply);
    sd_bus_message_unref(reply);
    view->model->enabled = is_true(properties, "Enabled");
    view->settling = is_true(properties, "Settling");
    view->hypervisor = g_strdup(get(properties, "HypervisorState"));
    return true;
}

static View *read_view(World *world)
{
    sd_bus_message *reply = NULL;
    const char *path, *interface;
    View *view;

    if (world->failure)
        return NULL;
    if (sd_bus_call_method(world->fixture->bus, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                           "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &reply, "") < 0)
        return NULL;
    view = g_new0(View, 1);
    view->model = history_model_new();
    view->assignments = g_ptr_array_new_with_free_func(standing_free);
    view->devices = g_ptr_array_new_with_free_func(standing_free);
    view->machines = g_ptr_array_new_with_free_func(standing_free);
    (void)sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}");
    while (sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}") > 0) {
        (void)sd_bus_message_read(reply, "o", &path);
        (void)sd_bus_message_enter_container(reply, 'a', "{sa{sv}}");
        while (sd_bus_message_enter_container(reply, 'e', "sa{sv}") > 0) {
            g_autoptr(GHashTable) properties = NULL;

            (void)sd_bus_message_read(reply, "s", &interface);
            properties = read_properties(reply);
            take_object(world, view, path, interface, properties);
            (void)sd_bus_message_exit_container(reply);
        }
        (void)sd_bus_message_exit_container(reply);
        (void)sd_bus_message_exit_container(reply);
    }
    sd_bus_message_unref(reply);
    if (take_manager(world, view))
        return view;
    view_free(view);
    return NULL;
}

View *view_new(World *world)
{
    View *view = read_view(world);

    if (view || world->failure)
        return view;
    world->broken = true;
    world_look_after_service(world); /* it was killed, and has come back now */
    view = read_view(world);
    if (!view)
        world_fail(world, "the service doesn't say how it is");
    return view;
}

void view_free(View *view)
{
    if (!view)
        return;
    history_model_free(view->model);
    g_free(view->hypervisor);
    g_ptr_array_unref(view->assignments);
    g_ptr_array_unref(view->devices);
    g_ptr_array_unref(view->machines);
    g_free(view);
}
