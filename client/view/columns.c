/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table for each kind of object. Most columns are a property as it is; the functions are for the others.
 */

#include "client/view/columns.h"

#include "client/view/words.h"

#include <glib/gi18n.h>

/* ------------------------------------------------------------------ any object */

static GVariant *get_path(const Model *model, const Object *object)
{
    return g_variant_new_string(object->path);
}

static GVariant *get_host(const Model *model, const Object *object)
{
    return g_variant_new_string(object_name(model_manager(model)));
}

static GVariant *get_time(const Object *object, const char *property)
{
    guint64 usec = object_number(object, property);
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(usec / G_USEC_PER_SEC));

    return usec > 0 && time ? g_variant_new_take_string(g_date_time_format_iso8601(time)) : NULL;
}

static GVariant *get_since(const Model *model, const Object *object)
{
    return get_time(object, "Since");
}

/* Of devices and assignments, these as well. */
static GVariant *show_reason(const Model *model, const Object *object)
{
    return g_variant_new_take_string(words_reason(model, object));
}

static GVariant *get_vm_state(const Model *model, const Object *object)
{
    const Object *machine = model_follow(model, object, "Machine", KIND_MACHINE);

    return g_variant_new_string(object_string(machine, "State"));
}

/* ------------------------------------------------------------------ devices */

static GVariant *get_model(const Model *model, const Object *object)
{
    const char *vendor = object_string(object, "Vendor"), *product = object_string(object, "Product");

    /* many say their maker's name in both */
    if (!*vendor || g_str_has_prefix(product, vendor))
        return g_variant_new_string(product);
    return g_variant_new_take_string(g_strstrip(g_strdup_printf("%s %s", vendor, product)));
}

static char *address_text(unsigned bus, unsigned device)
{
    return g_strdup_printf("%03u:%03u", bus, device);
}

static GVariant *get_address(const Model *model, const Object *object)
{
    return g_variant_new_take_string(address_text((unsigned)object_number(object, "BusNumber"),
                                                  (unsigned)object_number(object, "DeviceNumber")));
}

static GVariant *get_usb_id(const Model *model, const Object *object)
{
    return g_variant_new_take_string(g_strdup_printf("%04x:%04x", (unsigned)object_number(object, "VendorId"),
                                                     (unsigned)object_number(object, "ProductId")));
}

/* As a rule has them after "class=". */
static GVariant *get_interfaces(const Model *model, const Object *object)
{
    GVariant *interfaces = object_value(object, "Interfaces");
    GVariantBuilder texts;
    GVariantIter iter;
    guchar class_code, subclass, protocol;

    if (!interfaces || !g_variant_is_of_type(interfaces, G_VARIANT_TYPE("a(yyy)")))
        return NULL;

    g_variant_builder_init(&texts, G_VARIANT_TYPE_STRING_ARRAY);
    g_variant_iter_init(&iter, interfaces);
    while (g_variant_iter_next(&iter, "(yyy)", &class_code, &subclass, &protocol)) {
        g_autofree char *text = g_strdup_printf("%02x:%02x:%02x", class_code, subclass, protocol);
        g_variant_builder_add(&texts, "s", text);
    }
    return g_variant_builder_end(&texts);
}

/* "GROUP#ID RULE", taken apart: a group's name has no "#" and no space. */
static GVariant *get_device_rules(const Model *model, const Object *object)
{
    GVariant *rules = object_value(object, "Rules");
    GVariantBuilder records;
    GVariantIter iter;
    const char *text;

    if (!rules || !g_variant_is_of_type(rules, G_VARIANT_TYPE_STRING_ARRAY))
        return NULL;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    g_variant_iter_init(&iter, rules);
    while (g_variant_iter_next(&iter, "&s", &text)) {
        const char *number = text + strcspn(text, "#"), *rule = strchr(text, ' ');
        g_autofree char *group = g_strndup(text, (gsize)(number - text));
        guint id = *number ? (guint)g_ascii_strtoull(number + 1, NULL, 10) : 0;
        g_variant_builder_add_value(&records,
                                    g_variant_new_parsed("{'group': <%s>, 'rule-id': <%u>, 'rule': <%s>}",
                                                         group, id, rule ? rule + 1 : ""));
    }
    return g_variant_builder_end(&records);
}

static GVariant *show_device_rules(const Model *model, const Object *object)
{
    GVariant *rules = object_value(object, "Rules");

    return rules ? g_variant_ref(rules) : NULL;
}

static const Column device_columns[] = {
    { "device", N_("the port as the kernel names it"), COLUMN_TEXT, LOOK_PLAIN, true, "SysName" },
    { "class", N_("what kind of device it is"), COLUMN_TEXT, LOOK_PLAIN, true, "Class" },
    { "model", N_("maker and product"), COLUMN_TEXT, LOOK_CUT, true, NULL, get_model },
    { "address", N_("bus and device number"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_address },
    { "usb-id", N_("vendor and product id"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_usb_id },
    { "host", N_("the host that it is plugged into"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_host },
    { "vm", N_("the VM that has it or gets it"), COLUMN_TEXT, LOOK_PLAIN, true, "Machine" },
    { "vm-state", N_("what that VM does"), COLUMN_TEXT, LOOK_STATE, true, NULL, get_vm_state },
    { "tenant", N_("whose it is; shown when there is any"), COLUMN_TEXT, LOOK_PLAIN, true, "Tenant" },
    { "groups", N_("the groups that it belongs to"), COLUMN_LIST, LOOK_CUT, true, "Groups" },
    { "rules", N_("and the rules that say so: GROUP#ID RULE"), COLUMN_LIST, LOOK_REST, true, NULL,
      get_device_rules, show_device_rules },
    { "state", N_("where the device is"), COLUMN_TEXT, LOOK_STATE, false, "State" },
    { "reason", N_("why it is there"), COLUMN_TEXT, LOOK_WRAP, false, "Reason", NULL, show_reason },
    { "reason-code", N_("the same in one word"), COLUMN_TEXT, LOOK_PLAIN, false, "ReasonCode" },
    { "since", N_("when it came to that"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_since },
    { "host-use", N_("what the host uses it for, which keeps it from VMs"), COLUMN_LIST, LOOK_WRAP, false,
      "HostUse" },
    { "assignment", N_("the name of its assignment"), COLUMN_TEXT, LOOK_PLAIN, false, "Assignment" },
    { "label", N_("what people call it"), COLUMN_TEXT, LOOK_CUT, false, "Label" },
    { "icon", N_("name of an icon for it"), COLUMN_TEXT, LOOK_PLAIN, false, "Icon" },
    { "vendor", N_("maker"), COLUMN_TEXT, LOOK_CUT, false, "Vendor" },
    { "product", N_("product"), COLUMN_TEXT, LOOK_CUT, false, "Product" },
    { "serial", N_("serial number"), COLUMN_TEXT, LOOK_PLAIN, false, "Serial" },
    { "socket", N_("the physical port, the same after every reboot"), COLUMN_TEXT, LOOK_PLAIN, false,
      "Socket" },
    { "controller", N_("address of the USB controller"), COLUMN_TEXT, LOOK_PLAIN, false, "Controller" },
    { "hub", N_("the hub that it is plugged into"), COLUMN_TEXT, LOOK_PLAIN, false, "Hub" },
    { "is-hub", N_("whether it is a hub, which can't be given"), COLUMN_FLAG, LOOK_PLAIN, false, "IsHub" },
    { "removable", N_("whether people can pull it out"), COLUMN_FLAG, LOOK_PLAIN, false, "Removable" },
    { "interfaces", N_("class, subclass and protocol of each interface"), COLUMN_LIST, LOOK_CUT, false, NULL,
      get_interfaces },
    { "speed", N_("Mbit/s"), COLUMN_NUMBER, LOOK_RIGHT, false, "Speed" },
    { "path", N_("the object on the bus"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ VMs */

static GVariant *read_foreign(const Object *object, bool for_people)
{
    GVariant *foreign = object_value(object, "ForeignDevices");
    GVariantBuilder list;
    GVariantIter iter;
    unsigned bus, device;
    const char *usb_id;

    if (!foreign || !g_variant_is_of_type(foreign, G_VARIANT_TYPE("a(uus)")))
        return NULL;

    g_variant_builder_init(&list, for_people ? G_VARIANT_TYPE_STRING_ARRAY : G_VARIANT_TYPE("aa{sv}"));
    g_variant_iter_init(&iter, foreign);
    while (g_variant_iter_next(&iter, "(uu&s)", &bus, &device, &usb_id)) {
        g_autofree char *address = address_text(bus, device);
        g_variant_builder_add_value(
            &list, for_people ? g_variant_new_take_string(g_strdup_printf("%s %s", address, usb_id))
                              : g_variant_new_parsed("{'address': <%s>, 'usb-id': <%s>}", address, usb_id));
    }
    return g_variant_builder_end(&list);
}

static GVariant *get_foreign_devices(const Model *model, const Object *object)
{
    return read_foreign(object, /* for_people= */ false);
}

static GVariant *show_foreign_devices(const Model *model, const Object *object)
{
    return read_foreign(object, /* for_people= */ true);
}

static const Column machine_columns[] = {
    { "vm", N_("the VM's name"), COLUMN_TEXT, LOOK_PLAIN, true, "Name" },
    { "title", N_("what people call it; shown when there is any"), COLUMN_TEXT, LOOK_CUT, true, "Title" },
    { "state", N_("what it does"), COLUMN_TEXT, LOOK_STATE, true, "State" },
    { "uuid", N_("its UUID"), COLUMN_TEXT, LOOK_PLAIN, true, "UUID" },
    { "tenant", N_("whose it is; shown when there is any"), COLUMN_TEXT, LOOK_PLAIN, true, "Tenant" },
    { "assignments", N_("what was given to it"), COLUMN_LIST, LOOK_WRAP, true, "Assignments" },
    { "devices", N_("the devices that it has"), COLUMN_LIST, LOOK_WRAP, false, "Devices" },
    { "foreign-devices", N_("devices that other programs gave to it"), COLUMN_LIST, LOOK_WRAP, true, NULL,
      get_foreign_devices, show_foreign_devices },
    { "usb-controller", N_("model of its USB controller"), COLUMN_TEXT, LOOK_PLAIN, false, "UsbController" },
    { "pending-usb-controller", N_("the one that it has after its next start, when that is another"),
      COLUMN_TEXT, LOOK_PLAIN, false, "PendingUsbController" },
    { "free-ports", N_("USB ports that are left in it"), COLUMN_NUMBER, LOOK_RIGHT, false, "FreePorts" },
    { "host", N_("the host that it is on"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_host },
    { "path", N_("the object on the bus"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ assignments */

static GVariant *get_assignment_id(const Model *model, const Object *object)
{
    return g_variant_new_take_string(object_id(object));
}

/* One that is gone is known by the name that it had. */
static GVariant *get_vm(const Model *model, const Object *object)
{
    const char *name = object_string(object, "MachineName");

    return *name ? g_variant_new_string(name)
                 : g_variant_new_take_string(model_name_at(model, object_string(object, "Machine")));
}

static GVariant *get_created(const Model *model, const Object *object)
{
    return get_time(object, "Created");
}

static GVariant *get_expires(const Model *model, const Object *object)
{
    return get_time(object, "Expires");
}

static const Column assignment_columns[] = {
    { "assignment-id", N_("its id, which never changes"), COLUMN_TEXT, LOOK_PLAIN, true, NULL,
      get_assignment_id },
    { "assignment", N_("its name"), COLUMN_TEXT, LOOK_CUT, true, "Name" },
    { "type", N_("what it is about"), COLUMN_TEXT, LOOK_PLAIN, false, "Type" },
    { "devices", N_("the devices that it has or is to get now"), COLUMN_LIST, LOOK_PLAIN, true, "Devices" },
    { "group", N_("the group that it draws from"), COLUMN_TEXT, LOOK_PLAIN, true, "Group" },
    { "quantity", N_("how many: 1, N, all, or set, one device for each rule"), COLUMN_TEXT, LOOK_PLAIN, false,
      "Quantity" },
    { "wanted", N_("how many devices it is to have"), COLUMN_NUMBER, LOOK_RIGHT, false, "Wanted" },
    { "has", N_("how many are attached"), COLUMN_NUMBER, LOOK_RIGHT, false, "Has" },
    { "label", N_("what people call what it is for"), COLUMN_TEXT, LOOK_CUT, false, "DeviceLabel" },
    { "icon", N_("name of an icon for that"), COLUMN_TEXT, LOOK_PLAIN, false, "DeviceIcon" },
    { "selector", N_("the device that it is for"), COLUMN_TEXT, LOOK_PLAIN, false, "Selector" },
    { "vm", N_("the VM that it is for"), COLUMN_TEXT, LOOK_PLAIN, true, "MachineName", get_vm },
    { "vm-state", N_("what that VM does"), COLUMN_TEXT, LOOK_STATE, true, NULL, get_vm_state },
    { "state", N_("where it stands"), COLUMN_TEXT, LOOK_STATE, true, "State" },
    { "pending", N_("whether that isn't decided yet"), COLUMN_FLAG, LOOK_PLAIN, false, "Pending" },
    { "reason", N_("why"), COLUMN_TEXT, LOOK_WRAP, true, "Reason", NULL, show_reason },
    { "reason-code", N_("the same in one word"), COLUMN_TEXT, LOOK_PLAIN, false, "ReasonCode" },
    { "error", N_("the error that it ended in"), COLUMN_TEXT, LOOK_PLAIN, false, "Error" },
    { "since", N_("when it came to that"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_since },
    { "created", N_("when it was made"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_created },
    { "trial", N_("whether it comes home unless somebody confirms it"), COLUMN_FLAG, LOOK_PLAIN, false,
      "Trial" },
    { "try-for", N_("for how many seconds it is tried"), COLUMN_NUMBER, LOOK_RIGHT, false, "TryFor" },
    { "lease-for", N_("for how many seconds it is given"), COLUMN_NUMBER, LOOK_RIGHT, false, "LeaseFor" },
    { "expires", N_("when it ends by itself"), COLUMN_TEXT, LOOK_PLAIN, false, "Expires", get_expires },
    { "expires-in", N_("how many seconds are left until then"), COLUMN_NUMBER, LOOK_RIGHT, false,
      "ExpiresIn" },
    { "persistent", N_("whether it outlasts a reboot"), COLUMN_FLAG, LOOK_PLAIN, false, "Persistent" },
    { "follow", N_("whether what the device becomes in its socket goes to the VM"), COLUMN_FLAG, LOOK_PLAIN,
      false, "Follow" },
    { "forced", N_("whether it goes although the host uses the device"), COLUMN_FLAG, LOOK_PLAIN, false,
      "Forced" },
    { "priority", N_("the higher one gets a device that several want"), COLUMN_NUMBER, LOOK_RIGHT, false,
      "Priority" },
    { "allow-guest-reset", N_("whether the VM's user may reset the device"), COLUMN_FLAG, LOOK_PLAIN, false,
      "AllowGuestReset" },
    { "allow-guest-resets-all", N_("whether he may reset its hub"), COLUMN_FLAG, LOOK_PLAIN, false,
      "AllowGuestResetsAll" },
    { "owner", N_("uid of who made it"), COLUMN_NUMBER, LOOK_RIGHT, false, "Owner" },
    { "description", N_("what its owner wrote about it"), COLUMN_TEXT, LOOK_WRAP, false, "Description" },
    { "host", N_("the host that it is on"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_host },
    { "path", N_("the object on the bus"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ groups */

static GVariant *read_rules(const Object *object, bool for_people)
{
    GVariant *rules = object_value(object, "Rules");
    GVariantBuilder list;
    GVariantIter iter;
    guint32 id;
    gboolean enabled;
    const char *rule, *origin;

    if (!rules || !g_variant_is_of_type(rules, G_VARIANT_TYPE("a(ubss)")))
        return NULL;

    g_variant_builder_init(&list, for_people ? G_VARIANT_TYPE_STRING_ARRAY : G_VARIANT_TYPE("aa{sv}"));
    g_variant_iter_init(&iter, rules);
    while (g_variant_iter_next(&iter, "(ub&s&s)", &id, &enabled, &rule, &origin))
        g_variant_builder_add_value(
            &list, for_people ? g_variant_new_take_string(g_strdup_printf("#%u %s (%s%s)", id, rule, origin,
                                                                          enabled ? "" : ", disabled"))
                              : g_variant_new_parsed(
                                    "{'group': <%s>, 'rule-id': <%u>, 'enabled': <%b>, 'rule': <%s>,"
                                    " 'origin': <%s>}",
                                    object_name(object), id, enabled, rule, origin));
    return g_variant_builder_end(&list);
}

static GVariant *get_group_rules(const Model *model, const Object *object)
{
    return read_rules(object, /* for_people= */ false);
}

static GVariant *show_group_rules(const Model *model, const Object *object)
{
    return read_rules(object, /* for_people= */ true);
}

/* The VMs that draw from it, each once. */
static GVariant *get_group_vms(const Model *model, const Object *object)
{
    g_autoptr(GPtrArray) assignments = model_sorted(model, KIND_ASSIGNMENT);
    g_autoptr(GPtrArray) names = g_ptr_array_new(); /* borrowed */

    for (guint i = 0; i < assignments->len; i++) {
        const Object *machine = model_follow(model, assignments->pdata[i], "Machine", KIND_MACHINE);
        const char *name = object_name(machine);
        if (machine && g_str_equal(object_string(assignments->pdata[i], "Group"), object->path) &&
            !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names, (void *)name);
    }
    return g_variant_new_strv((const char *const *)names->pdata, names->len);
}

static const Column group_columns[] = {
    { "group", N_("its name"), COLUMN_TEXT, LOOK_PLAIN, true, "Name" },
    { "type", N_("what is in it"), COLUMN_TEXT, LOOK_PLAIN, false, "Type" },
    { "class", N_("what kind of devices it is for"), COLUMN_TEXT, LOOK_PLAIN, true, "Class" },
    { "enabled", N_("whether its devices are given to VMs"), COLUMN_FLAG, LOOK_PLAIN, true, "Enabled" },
    { "rules", N_("its rules; a table shows how many"), COLUMN_LIST, LOOK_COUNT, true, NULL, get_group_rules,
      show_group_rules },
    { "total", N_("how many of its devices are plugged in"), COLUMN_NUMBER, LOOK_RIGHT, true, "Total" },
    { "free", N_("of those, how many no VM has"), COLUMN_NUMBER, LOOK_RIGHT, true, "Free" },
    { "vms", N_("the VMs that draw from it"), COLUMN_LIST, LOOK_WRAP, true, NULL, get_group_vms },
    { "assignments", N_("the assignments that do"), COLUMN_LIST, LOOK_WRAP, false, "Assignments" },
    { "devices", N_("its devices"), COLUMN_LIST, LOOK_WRAP, false, "Devices" },
    { "tenant", N_("whose it is; shown when there is any"), COLUMN_TEXT, LOOK_PLAIN, true, "Tenant" },
    { "priority", N_("of assignments with one priority the one with the higher group comes first"),
      COLUMN_NUMBER, LOOK_RIGHT, false, "Priority" },
    { "allow-guest-reset", N_("whether a VM's user may reset the device"), COLUMN_FLAG, LOOK_PLAIN, false,
      "AllowGuestReset" },
    { "allow-guest-resets-all", N_("whether he may reset its hub"), COLUMN_FLAG, LOOK_PLAIN, false,
      "AllowGuestResetsAll" },
    { "description", N_("what it is for"), COLUMN_TEXT, LOOK_WRAP, true, "Description" },
    { "icon", N_("name of an icon for its class"), COLUMN_TEXT, LOOK_PLAIN, false, "Icon" },
    { "file", N_("the file that it comes from"), COLUMN_TEXT, LOOK_PLAIN, false, "File" },
    { "host", N_("the host that it is on"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_host },
    { "path", N_("the object on the bus"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ tenants and the service */

static const Column tenant_columns[] = {
    { "tenant", N_("its name"), COLUMN_TEXT, LOOK_PLAIN, true, "Name" },
    { "members", N_("who gives its devices to its VMs"), COLUMN_LIST, LOOK_WRAP, true, "Members" },
    { "vms", N_("its VMs"), COLUMN_LIST, LOOK_WRAP, true, "Machines" },
    { "groups", N_("its groups"), COLUMN_LIST, LOOK_WRAP, true, "Groups" },
    { "devices", N_("its devices that are plugged in"), COLUMN_LIST, LOOK_WRAP, true, "Devices" },
    { "description", N_("what it is for"), COLUMN_TEXT, LOOK_WRAP, true, "Description" },
    { "unknown-members", N_("members that the host doesn't know"), COLUMN_LIST, LOOK_WRAP, false,
      "UnknownMembers" },
    { "host", N_("the host that it is on"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_host },
    { "path", N_("the object on the bus"), COLUMN_TEXT, LOOK_PLAIN, false, NULL, get_path },
    { 0 },
};

static const Column service_columns[] = {
    { "host", N_("the name of this host"), COLUMN_TEXT, LOOK_PLAIN, true, "Node" },
    { "version", N_("of the service"), COLUMN_TEXT, LOOK_PLAIN, true, "Version" },
    { "features", N_("what it can that others can't"), COLUMN_LIST, LOOK_WRAP, false, "Features" },
    { "enabled", N_("whether devices are given to VMs"), COLUMN_FLAG, LOOK_PLAIN, true, "Enabled" },
    { "held-home", N_("whether everything is held home"), COLUMN_FLAG, LOOK_PLAIN, true, "HeldHome" },
    { "settling", N_("whether it has just started and is looking around"), COLUMN_FLAG, LOOK_PLAIN, true,
      "Settling" },
    { "hypervisor", N_("where the VMs are, as libvirt writes it"), COLUMN_TEXT, LOOK_PLAIN, true,
      "HypervisorURI" },
    { "hypervisor-state", N_("whether it is connected"), COLUMN_TEXT, LOOK_STATE, true, "HypervisorState" },
    { "path", N_("the object on the bus"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_path },
    { 0 },
};

/* ------------------------------------------------------------------ all of them */

const Column *columns_for(ObjectKind kind)
{
    static const Column *const tables[_KIND_MAX] = {
        [KIND_DEVICE] = device_columns,         [KIND_MACHINE] = machine_columns,
        [KIND_ASSIGNMENT] = assignment_columns, [KIND_GROUP] = group_columns,
        [KIND_TENANT] = tenant_columns,         [KIND_MANAGER] = service_columns,
    };

    return tables[kind];
}

GVariant *columns_get(const Model *model, const Object *object, const char *name)
{
    const Column *column = column_find(columns_for(object->kind), name);

    return column ? column_shown(column, model, object) : NULL;
}
