/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One table for each kind of object, and the functions that work out a cell. */

#include "client/view/columns.h"

#include "client/bus/outcome.h"
#include "client/bus/variant.h"

/* ------------------------------------------------------------------ helpers */

static GVariant *text_or_null(const char *text)
{
    return text && *text ? g_variant_new_string(text) : NULL;
}

static GVariant *property(const Object *object, const char *name)
{
    GVariant *value = object_value(object, name);

    return value ? g_variant_ref(value) : NULL;
}

static GVariant *property_text(const Object *object, const char *name)
{
    return text_or_null(object_string(object, name));
}

/* The last part of a path is never parsed: the object that it names says what it is called. */
static GVariant *names_of(const Model *model, const Object *object, const char *list, const char *type,
                          ObjectKind kind, const char *name)
{
    GVariant *paths = object_value(object, list);
    GVariantBuilder names;

    if (!paths || !g_variant_is_of_type(paths, G_VARIANT_TYPE(type)) || g_variant_n_children(paths) == 0)
        return NULL;

    g_variant_builder_init(&names, G_VARIANT_TYPE_STRING_ARRAY);
    for (gsize i = 0; i < g_variant_n_children(paths); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(paths, i);
        g_autoptr(GVariant) path =
            g_variant_is_container(item) ? g_variant_get_child_value(item, 0) : g_variant_ref(item);
        const Object *named = model_get(model, g_variant_get_string(path, NULL), kind);
        const char *text = object_string(named, name);
        g_variant_builder_add(&names, "s", *text ? text : g_variant_get_string(path, NULL));
    }
    return g_variant_builder_end(&names);
}

#define PROPERTY(function, name)                                        \
    static GVariant *function(const Model *model, const Object *object) \
    {                                                                   \
        return property(object, name);                                  \
    }                                                                   \
    struct _column_semicolon_##function

#define PROPERTY_TEXT(function, name)                                   \
    static GVariant *function(const Model *model, const Object *object) \
    {                                                                   \
        return property_text(object, name);                             \
    }                                                                   \
    struct _column_semicolon_##function

/* ------------------------------------------------------------------ any object */

PROPERTY_TEXT(get_state, "State");
PROPERTY_TEXT(get_name, "Name");

static GVariant *get_path(const Model *model, const Object *object)
{
    return g_variant_new_string(object->path);
}

static GVariant *get_host(const Model *model, const Object *object)
{
    return property_text(model_manager(model), "Node");
}

static GVariant *property_list(const Object *object, const char *name)
{
    GVariant *value = object_value(object, name);

    return value && g_variant_is_container(value) && g_variant_n_children(value) > 0 ? g_variant_ref(value)
                                                                                     : NULL;
}

/* ------------------------------------------------------------------ devices and assignments */

static GVariant *get_vm(const Model *model, const Object *object)
{
    return property_text(model_follow(model, object, "Machine", KIND_MACHINE), "Name");
}

static GVariant *get_vm_state(const Model *model, const Object *object)
{
    return property_text(model_follow(model, object, "Machine", KIND_MACHINE), "State");
}

/* ------------------------------------------------------------------ devices */

PROPERTY_TEXT(get_sysname, "SysName");
PROPERTY_TEXT(get_class, "Class");
PROPERTY_TEXT(get_vendor, "Vendor");
PROPERTY_TEXT(get_product, "Product");
PROPERTY_TEXT(get_serial, "Serial");
PROPERTY_TEXT(get_socket, "Socket");
PROPERTY_TEXT(get_controller, "Controller");
PROPERTY(get_speed, "Speed");

static GVariant *get_model(const Model *model, const Object *object)
{
    const char *vendor = object_string(object, "Vendor"), *product = object_string(object, "Product");

    /* many say their maker's name in both */
    if (!*vendor || g_str_has_prefix(product, vendor))
        return text_or_null(product);
    return g_variant_new_take_string(g_strstrip(g_strdup_printf("%s %s", vendor, product)));
}

static GVariant *get_address(const Model *model, const Object *object)
{
    return g_variant_new_take_string(g_strdup_printf("%03u:%03u",
                                                     (unsigned)object_number(object, "BusNumber"),
                                                     (unsigned)object_number(object, "DeviceNumber")));
}

static GVariant *get_usb_id(const Model *model, const Object *object)
{
    return g_variant_new_take_string(g_strdup_printf("%04x:%04x", (unsigned)object_number(object, "VendorId"),
                                                     (unsigned)object_number(object, "ProductId")));
}

static GVariant *get_hub(const Model *model, const Object *object)
{
    return property_text(model_follow(model, object, "Hub", KIND_DEVICE), "SysName");
}

static GVariant *get_assignment(const Model *model, const Object *object)
{
    return property_text(model_follow(model, object, "Assignment", KIND_ASSIGNMENT), "Name");
}

static GVariant *get_device_reason(const Model *model, const Object *object)
{
    if (g_str_equal(object_string(object, "State"), "foreign"))
        return g_variant_new_string("given by another program");
    return property_text(model_follow(model, object, "Assignment", KIND_ASSIGNMENT), "Reason");
}

static GVariant *get_groups(const Model *model, const Object *object)
{
    return names_of(model, object, "Groups", "ao", KIND_GROUP, "Name");
}

static GVariant *get_device_rules(const Model *model, const Object *object)
{
    return property_list(object, "Rules");
}

static GVariant *get_tenant(const Model *model, const Object *object)
{
    return property_text(model_follow(model, object, "Tenant", KIND_TENANT), "Name");
}

static const Column device_columns[] = {
    { "id", "the port as the kernel names it", LOOK_PLAIN, true, get_sysname },
    { "class", "what kind of device it is", LOOK_PLAIN, true, get_class },
    { "model", "maker and product", LOOK_CUT, true, get_model },
    { "address", "bus and device number", LOOK_PLAIN, true, get_address },
    { "usbid", "vendor and product id", LOOK_PLAIN, true, get_usb_id },
    { "host", "the host that it is plugged into", LOOK_PLAIN, true, get_host },
    { "vm", "the VM that has it", LOOK_PLAIN, true, get_vm },
    { "vmstate", "what that VM does", LOOK_STATE, true, get_vm_state },
    { "tenant", "whose it is; shown when there is any", LOOK_PLAIN, true, get_tenant },
    { "groups", "the groups that it belongs to", LOOK_CUT, true, get_groups },
    { "rules", "and the rules that say so: GROUP#ID RULE", LOOK_REST, true, get_device_rules },
    { "state", "where the device is", LOOK_STATE, false, get_state },
    { "reason", "why it is there", LOOK_WRAP, false, get_device_reason },
    { "assignment", "the name of its assignment", LOOK_PLAIN, false, get_assignment },
    { "vendor", "maker", LOOK_CUT, false, get_vendor },
    { "product", "product", LOOK_CUT, false, get_product },
    { "serial", "serial number", LOOK_PLAIN, false, get_serial },
    { "socket", "the physical port, the same after every reboot", LOOK_PLAIN, false, get_socket },
    { "controller", "address of the USB controller", LOOK_PLAIN, false, get_controller },
    { "hub", "the hub that it is plugged into", LOOK_PLAIN, false, get_hub },
    { "speed", "Mbit/s", LOOK_RIGHT, false, get_speed },
    { "path", "the object on the bus", LOOK_PLAIN, false, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ machines */

PROPERTY_TEXT(get_uuid, "UUID");
PROPERTY_TEXT(get_usb_controller, "UsbController");
PROPERTY(get_free_ports, "FreePorts");

static GVariant *get_machine_assignments(const Model *model, const Object *object)
{
    return names_of(model, object, "Assignments", "ao", KIND_ASSIGNMENT, "Name");
}

static GVariant *get_foreign_devices(const Model *model, const Object *object)
{
    GVariant *foreign = object_value(object, "ForeignDevices");
    GVariantBuilder texts;
    GVariantIter iter;
    unsigned bus, device;
    const char *text;

    if (!foreign || !g_variant_is_of_type(foreign, G_VARIANT_TYPE("a(uus)")) ||
        g_variant_n_children(foreign) == 0)
        return NULL;

    g_variant_builder_init(&texts, G_VARIANT_TYPE_STRING_ARRAY);
    g_variant_iter_init(&iter, foreign);
    while (g_variant_iter_next(&iter, "(uu&s)", &bus, &device, &text))
        g_variant_builder_add_value(
            &texts, g_variant_new_take_string(g_strdup_printf("%03u:%03u %s", bus, device, text)));
    return g_variant_builder_end(&texts);
}

static const Column machine_columns[] = {
    { "name", "the VM's name", LOOK_PLAIN, true, get_name },
    { "state", "what it does", LOOK_STATE, true, get_state },
    { "uuid", "its UUID", LOOK_PLAIN, true, get_uuid },
    { "tenant", "whose it is; shown when there is any", LOOK_PLAIN, true, get_tenant },
    { "assignments", "what was given to it", LOOK_WRAP, true, get_machine_assignments },
    { "foreign", "devices that other programs gave to it", LOOK_WRAP, true, get_foreign_devices },
    { "controller", "model of its USB controller", LOOK_PLAIN, false, get_usb_controller },
    { "freeports", "USB ports that are left in it", LOOK_RIGHT, false, get_free_ports },
    { "path", "the object on the bus", LOOK_PLAIN, false, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ assignments */

PROPERTY_TEXT(get_description, "Description");
PROPERTY_TEXT(get_type, "Type");
PROPERTY_TEXT(get_selector, "Selector");
PROPERTY_TEXT(get_reason, "Reason");
PROPERTY_TEXT(get_error, "Error");
PROPERTY(get_persistent, "Persistent");
PROPERTY(get_priority, "Priority");
PROPERTY(get_guest_reset, "AllowGuestReset");
PROPERTY(get_guest_resets_all, "AllowGuestResetsAll");
PROPERTY(get_owner, "Owner");

static GVariant *get_assignment_id(const Model *model, const Object *object)
{
    return g_variant_new_take_string(object_id(object));
}

static GVariant *get_devices(const Model *model, const Object *object)
{
    return names_of(model, object, "Devices", "a(os)", KIND_DEVICE, "SysName");
}

static GVariant *get_since(const Model *model, const Object *object)
{
    guint64 since = object_number(object, "Since");
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(since / G_USEC_PER_SEC));

    return since > 0 && time ? g_variant_new_take_string(g_date_time_format_iso8601(time)) : NULL;
}

static GVariant *get_group(const Model *model, const Object *object)
{
    return property_text(model_follow(model, object, "Group", KIND_GROUP), "Name");
}

PROPERTY_TEXT(get_quantity, "Quantity");

static const Column assignment_columns[] = {
    { "id", "its id, which never changes", LOOK_PLAIN, true, get_assignment_id },
    { "name", "its name", LOOK_CUT, true, get_name },
    { "type", "what it is about", LOOK_PLAIN, false, get_type },
    { "devices", "the devices that it has or is to get now", LOOK_PLAIN, true, get_devices },
    { "group", "the group that it draws from", LOOK_PLAIN, true, get_group },
    { "quantity", "how many: 1, N, all, or set, one device for each rule", LOOK_PLAIN, false, get_quantity },
    { "selector", "the device that it is for", LOOK_PLAIN, false, get_selector },
    { "vm", "the VM that it is for", LOOK_PLAIN, true, get_vm },
    { "vmstate", "what that VM does", LOOK_STATE, true, get_vm_state },
    { "state", "where it stands", LOOK_STATE, true, get_state },
    { "reason", "why", LOOK_WRAP, true, get_reason },
    { "error", "the error that it ended in", LOOK_PLAIN, false, get_error },
    { "since", "when it came to that", LOOK_PLAIN, false, get_since },
    { "persistent", "whether it outlasts a reboot", LOOK_PLAIN, false, get_persistent },
    { "priority", "the higher one gets a device that several want", LOOK_RIGHT, false, get_priority },
    { "guestreset", "whether the VM's user may reset the device", LOOK_PLAIN, false, get_guest_reset },
    { "guestresetsall", "whether he may reset its hub", LOOK_PLAIN, false, get_guest_resets_all },
    { "owner", "uid of who made it", LOOK_RIGHT, false, get_owner },
    { "description", "what its owner wrote about it", LOOK_WRAP, false, get_description },
    { "path", "the object on the bus", LOOK_PLAIN, false, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ groups */

PROPERTY(get_enabled, "Enabled");
PROPERTY(get_total, "Total");
PROPERTY(get_free, "Free");
PROPERTY_TEXT(get_icon, "Icon");
PROPERTY_TEXT(get_file, "File");

static GVariant *get_group_devices(const Model *model, const Object *object)
{
    return names_of(model, object, "Devices", "ao", KIND_DEVICE, "SysName");
}

static GVariant *get_rule_count(const Model *model, const Object *object)
{
    GVariant *rules = object_value(object, "Rules");

    return rules && g_variant_is_container(rules) ? g_variant_new_uint64(g_variant_n_children(rules)) : NULL;
}

/* The VMs that draw from it, each once. */
static GVariant *get_group_vms(const Model *model, const Object *object)
{
    g_autoptr(GPtrArray) assignments = model_sorted(model, KIND_ASSIGNMENT);
    g_autoptr(GPtrArray) names = g_ptr_array_new(); /* borrowed */

    for (guint i = 0; i < assignments->len; i++) {
        const Object *machine = model_follow(model, assignments->pdata[i], "Machine", KIND_MACHINE);
        const char *name = object_string(machine, "Name");
        if (machine && g_str_equal(object_string(assignments->pdata[i], "Group"), object->path) &&
            !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names, (void *)name);
    }
    return names->len > 0 ? g_variant_new_strv((const char *const *)names->pdata, names->len) : NULL;
}

static const Column group_columns[] = {
    { "name", "its name", LOOK_PLAIN, true, get_name },
    { "type", "what is in it", LOOK_PLAIN, false, get_type },
    { "class", "what kind of devices it is for", LOOK_PLAIN, true, get_class },
    { "enabled", "whether its devices are handed out", LOOK_PLAIN, true, get_enabled },
    { "rules", "how many rules it has", LOOK_RIGHT, true, get_rule_count },
    { "total", "how many of its devices are plugged in", LOOK_RIGHT, true, get_total },
    { "free", "of those, how many no VM has", LOOK_RIGHT, true, get_free },
    { "vms", "the VMs that draw from it", LOOK_WRAP, true, get_group_vms },
    { "devices", "its devices", LOOK_WRAP, false, get_group_devices },
    { "tenant", "whose it is; shown when there is any", LOOK_PLAIN, true, get_tenant },
    { "priority", "a number that is kept with it", LOOK_RIGHT, false, get_priority },
    { "guestreset", "whether a VM's user may reset the device", LOOK_PLAIN, false, get_guest_reset },
    { "guestresetsall", "whether he may reset its hub", LOOK_PLAIN, false, get_guest_resets_all },
    { "description", "what it is for", LOOK_WRAP, true, get_description },
    { "icon", "name of an icon for its class", LOOK_PLAIN, false, get_icon },
    { "file", "the file that it comes from", LOOK_PLAIN, false, get_file },
    { "path", "the object on the bus", LOOK_PLAIN, false, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ tenants */

static GVariant *get_members(const Model *model, const Object *object)
{
    return property_list(object, "Members");
}

static GVariant *get_unknown_members(const Model *model, const Object *object)
{
    return property_list(object, "UnknownMembers");
}

static GVariant *get_tenant_machines(const Model *model, const Object *object)
{
    return names_of(model, object, "Machines", "ao", KIND_MACHINE, "Name");
}

static const Column tenant_columns[] = {
    { "name", "its name", LOOK_PLAIN, true, get_name },
    { "members", "who gives its devices to its VMs", LOOK_WRAP, true, get_members },
    { "vms", "its VMs", LOOK_WRAP, true, get_tenant_machines },
    { "groups", "its groups", LOOK_WRAP, true, get_groups },
    { "devices", "its devices that are plugged in", LOOK_WRAP, true, get_group_devices },
    { "description", "what it is for", LOOK_WRAP, true, get_description },
    { "unknown", "members that the host doesn't know", LOOK_WRAP, false, get_unknown_members },
    { "path", "the object on the bus", LOOK_PLAIN, false, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ the overview */

/* The shortest that a person knows it by: the line has better things to tell. */
static GVariant *get_overview_device(const Model *model, const Object *object)
{
    static const char *const names[] = { "Product", "Vendor", "Class" };

    if (object->kind == KIND_ASSIGNMENT)
        return get_name(model, object);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (*object_string(object, names[i]))
            return property_text(object, names[i]);
    return NULL;
}

static GVariant *get_overview_usb_id(const Model *model, const Object *object)
{
    return object->kind == KIND_DEVICE ? get_usb_id(model, object) : NULL;
}

static GVariant *get_overview_port(const Model *model, const Object *object)
{
    return object->kind == KIND_DEVICE ? get_sysname(model, object) : NULL;
}

static GVariant *get_overview_groups(const Model *model, const Object *object)
{
    return object->kind == KIND_DEVICE ? get_groups(model, object) : get_group(model, object);
}

/* "GROUP#ID RULE" without the rule, for which there is no room. */
static GVariant *get_group_rules(const Model *model, const Object *object)
{
    g_autoptr(GVariant) rules = object->kind == KIND_DEVICE ? property_list(object, "Rules") : NULL;
    GVariantBuilder texts;
    GVariantIter iter;
    const char *rule;

    if (!rules || !g_variant_is_of_type(rules, G_VARIANT_TYPE_STRING_ARRAY))
        return get_overview_groups(model, object);

    g_variant_builder_init(&texts, G_VARIANT_TYPE_STRING_ARRAY);
    g_variant_iter_init(&iter, rules);
    while (g_variant_iter_next(&iter, "&s", &rule))
        g_variant_builder_add_value(&texts, g_variant_new_take_string(g_strndup(rule, strcspn(rule, " "))));
    return g_variant_builder_end(&texts);
}

static bool is_given(const Object *object, const char *property)
{
    return strlen(object_string(object, property)) > 1; /* "/" is none */
}

/* Where it is, not where it is to go: the state and the reason tell that. */
static GVariant *get_overview_where(const Model *model, const Object *object)
{
    const char *state = object_string(object, "State");

    if (object->kind == KIND_ASSIGNMENT)
        return is_given(object, "Group") ? NULL : g_variant_new_string("not plugged in");
    if (g_str_equal(state, "attached") || g_str_equal(state, "detaching") || g_str_equal(state, "foreign")) {
        GVariant *vm = get_vm(model, object);
        return vm ? vm : g_variant_new_string("a VM");
    }
    return g_variant_new_string("host");
}

/* The line says already which device it is, and where: of a reason only the news is left. */
static GVariant *get_overview_reason(const Model *model, const Object *object)
{
    const Object *assignment = model_follow(model, object, "Assignment", KIND_ASSIGNMENT);

    if (object->kind == KIND_DEVICE && assignment && g_str_equal(object_string(object, "State"), "attached"))
        return g_variant_new_take_string(
            g_strdup_printf("assigned as \"%s\"", object_string(assignment, "Name")));

    g_autoptr(GVariant) reason =
        object->kind == KIND_DEVICE ? get_device_reason(model, object) : get_reason(model, object);
    if (!reason)
        return NULL;
    g_autofree char *device = object_describe(object);
    GString *text = g_string_new(g_variant_get_string(reason, NULL));
    if (g_str_has_prefix(text->str, device))
        g_string_replace(text, device, "It", 1);
    g_string_replace(text, device, "it", 0);
    return g_variant_new_take_string(g_string_free(text, FALSE));
}

static const Column overview_columns[] = {
    { "device", "what it is called", LOOK_CUT, true, get_overview_device },
    { "id", "vendor and product id", LOOK_PLAIN, true, get_overview_usb_id },
    { "port", "the port as the kernel names it", LOOK_PLAIN, true, get_overview_port },
    { "where", "the host or the VM that has it", LOOK_PLAIN, true, get_overview_where },
    { "state", "what happens to it", LOOK_STATE, true, get_state },
    { "groups", "the groups that it belongs to", LOOK_CUT, false, get_overview_groups },
    { "rules", "and the rules that say so: GROUP#ID RULE", LOOK_REST, false, get_device_rules },
    { "group#rule", "both, in short", LOOK_LINES, true, get_group_rules },
    { "reason", "why", LOOK_WRAP, true, get_overview_reason },
    { 0 },
};

GPtrArray *overview_rows(const Model *model)
{
    GPtrArray *rows = g_ptr_array_new();

    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);
    for (guint i = 0; i < devices->len; i++)
        if (!object_flag(devices->pdata[i], "IsHub"))
            g_ptr_array_add(rows, devices->pdata[i]);

    g_autoptr(GPtrArray) assignments = model_sorted(model, KIND_ASSIGNMENT);
    for (guint i = 0; i < assignments->len; i++) {
        g_autoptr(GVariant) devices_here = get_devices(model, assignments->pdata[i]);
        if (!devices_here && g_str_equal(object_string(assignments->pdata[i], "State"), "waiting-device"))
            g_ptr_array_add(rows, assignments->pdata[i]);
    }
    return rows;
}

/* ------------------------------------------------------------------ tables */

const Column *columns_for(ObjectKind kind)
{
    static const Column *const tables[_KIND_MAX] = {
        [KIND_DEVICE] = device_columns,         [KIND_MACHINE] = machine_columns,
        [KIND_ASSIGNMENT] = assignment_columns, [KIND_GROUP] = group_columns,
        [KIND_TENANT] = tenant_columns,
    };

    return tables[kind];
}

const Column *columns_for_overview(void)
{
    return overview_columns;
}

static const Column *find_column(const Column *all, const char *name)
{
    for (; all->name; all++)
        if (g_ascii_strcasecmp(all->name, name) == 0)
            return all;
    return NULL;
}

GPtrArray *columns_choose(const Column *all, const char *names, GError **error)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();

    if (!names || !*names) {
        for (; all->name; all++)
            if (all->standard)
                g_ptr_array_add(chosen, (void *)all);
        return g_steal_pointer(&chosen);
    }

    g_auto(GStrv) words = g_strsplit(names, ",", -1);
    for (char **word = words; *word; word++) {
        const Column *column = find_column(all, *word);
        if (!column) {
            g_autoptr(GPtrArray) known = g_ptr_array_new();
            for (; all->name; all++)
                g_ptr_array_add(known, (void *)all->name);
            g_ptr_array_add(known, NULL);
            g_autofree char *list = g_strjoinv(", ", (char **)known->pdata);
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "there is no column \"%s\"; there are %s", *word,
                        list);
            return NULL;
        }
        g_ptr_array_add(chosen, (void *)column);
    }
    return g_steal_pointer(&chosen);
}

void columns_drop_empty(const Model *model, GPtrArray *columns, GPtrArray *objects, const char *name)
{
    for (guint i = columns->len; i > 0; i--) {
        const Column *column = columns->pdata[i - 1];
        bool empty = g_str_equal(column->name, name);

        for (guint j = 0; empty && j < objects->len; j++) {
            GVariant *value = column->value(model, objects->pdata[j]);
            g_autoptr(GVariant) taken = value ? g_variant_take_ref(value) : NULL;
            empty = !taken;
        }
        if (empty)
            g_ptr_array_remove_index(columns, i - 1);
    }
}

char *columns_help(const Column *all)
{
    GString *help = g_string_new(NULL);

    for (; all->name; all++)
        g_string_append_printf(help, "  %-12s %s%s\n", all->name, all->help,
                               all->standard ? "" : " (with -o)");
    return g_string_free(help, FALSE);
}

GVariant *columns_to_variant(const Model *model, GPtrArray *columns, GPtrArray *objects)
{
    GVariantBuilder rows;

    g_variant_builder_init(&rows, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < objects->len; i++) {
        g_variant_builder_open(&rows, G_VARIANT_TYPE_VARDICT);
        for (guint j = 0; j < columns->len; j++) {
            const Column *column = columns->pdata[j];
            GVariant *value = column->value(model, objects->pdata[i]);
            g_autoptr(GVariant) taken = g_variant_take_ref(value ? value : variant_new_null());
            g_variant_builder_add(&rows, "{sv}", column->name, taken);
        }
        g_variant_builder_close(&rows);
    }
    return g_variant_builder_end(&rows);
}
