/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bare N: the least that offers N devices as the service does, to be measured beside it: sd-bus with its own
 * event loop, one vtable with the same properties out of plain fields, paths made beforehand. */

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define DEVICES_PER_BUS 120
#define FULL_SPEED      12
#define ROOT            "/org/usbferry1"
#define DEVICES         ROOT "/device"

typedef struct Bare {
    char *path, *sysname, *vendor, *product, *serial, *socket, *hub;
    const char *class_name, *icon, *controller, *state, *reason, *reason_code, *none;
    uint32_t bus_number, device_number, speed;
    uint16_t vendor_id, product_id;
    uint64_t since;
    int is_hub, removable;
} Bare;

static GHashTable *devices;

static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *ret_error)
{
    *ret_found = g_hash_table_lookup(devices, path);
    return *ret_found != NULL;
}

/* sd-bus frees them with free(). */
static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
                     sd_bus_error *ret_error)
{
    char **nodes = calloc(g_hash_table_size(devices) + 1, sizeof(char *));
    GHashTableIter iter;
    gpointer path;
    size_t n = 0;

    g_hash_table_iter_init(&iter, devices);
    while (nodes && g_hash_table_iter_next(&iter, &path, NULL))
        nodes[n++] = strdup(path);
    *ret_nodes = nodes;
    return nodes ? 1 : -ENOMEM;
}

static int get_interfaces(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, "a(yyy)", 1, 0x0b, 0, 0);
}

static int get_none(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, strcmp(property, "Groups") == 0 ? "ao" : "as", 0);
}

#define FIELD(name, type, field) \
    SD_BUS_PROPERTY(name, type, NULL, offsetof(Bare, field), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
#define LIST(name, type, get) SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    FIELD("SysName", "s", sysname),
    FIELD("BusNumber", "u", bus_number),
    FIELD("DeviceNumber", "u", device_number),
    FIELD("VendorId", "q", vendor_id),
    FIELD("ProductId", "q", product_id),
    FIELD("Vendor", "s", vendor),
    FIELD("Product", "s", product),
    FIELD("Serial", "s", serial),
    FIELD("Class", "s", class_name),
    FIELD("Label", "s", product),
    FIELD("Icon", "s", icon),
    FIELD("Removable", "b", removable),
    LIST("Interfaces", "a(yyy)", get_interfaces),
    FIELD("Speed", "u", speed),
    FIELD("Socket", "s", socket),
    FIELD("Controller", "s", controller),
    FIELD("Hub", "o", hub),
    FIELD("IsHub", "b", is_hub),
    FIELD("State", "s", state),
    FIELD("Reason", "s", reason),
    FIELD("ReasonCode", "s", reason_code),
    FIELD("Since", "t", since),
    LIST("Groups", "ao", get_none),
    LIST("Rules", "as", get_none),
    FIELD("Assignment", "o", none),
    FIELD("Machine", "o", none),
    FIELD("Tenant", "o", none),
    LIST("HostUse", "as", get_none),
    SD_BUS_VTABLE_END,
};

static Bare *make(unsigned number)
{
    unsigned bus = number / DEVICES_PER_BUS, port = number % DEVICES_PER_BUS + 1;
    g_autofree char *hub = g_strdup_printf("usb%u", bus + 1);
    Bare *bare = g_new(Bare, 1);

    *bare = (Bare){
        .sysname = g_strdup_printf("%u-%u", bus + 1, port),
        .vendor = g_strdup_printf("Maker %u", number),
        .product = g_strdup_printf("Reader %u", number),
        .serial = g_strdup_printf("SN%06u", number),
        .socket = g_strdup_printf("pci-0000:00:%02x.0/%u", bus, port),
        .class_name = "smartcard",
        .icon = "auth-smartcard",
        .controller = "0000:00:14.0",
        .state = "host",
        .reason = "it is the host's own",
        .reason_code = "host",
        .none = "/",
        .bus_number = bus + 1,
        .device_number = port + 1,
        .speed = FULL_SPEED,
        .vendor_id = (uint16_t)number,
        .product_id = (uint16_t)number,
        .since = (uint64_t)g_get_real_time(),
        .removable = true,
    };
    if (sd_bus_path_encode(DEVICES, bare->sysname, &bare->path) < 0 ||
        sd_bus_path_encode(DEVICES, hub, &bare->hub) < 0)
        abort();
    return bare;
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    sd_bus *bus = NULL;
    sd_event *event = NULL;

    devices = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < n; i++) {
        Bare *bare = make(i);

        g_hash_table_insert(devices, bare->path, bare);
    }
    if (sd_event_default(&event) < 0 || sd_bus_open_system(&bus) < 0 ||
        sd_bus_attach_event(bus, event, 0) < 0 ||
        sd_bus_add_fallback_vtable(bus, NULL, DEVICES, "org.usbferry1.Device", vtable, find, NULL) < 0 ||
        sd_bus_add_node_enumerator(bus, NULL, DEVICES, enumerate, NULL) < 0 ||
        sd_bus_add_object_manager(bus, NULL, ROOT) < 0 ||
        sd_bus_request_name(bus, "org.usbferry1.Bare", 0) < 0)
        return EXIT_FAILURE;
    return sd_event_loop(event) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
