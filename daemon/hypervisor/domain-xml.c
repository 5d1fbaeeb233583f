/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain XML in and out, with libxml2. What it reads was written by strangers (a machine's name, its
 * devices), so all of it goes through text_sanitize(). Workers call it; pure. */

#include "daemon/hypervisor/domain-xml.h"

#include <libxml/xmlwriter.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/usb-speed.h"
#include "daemon/hypervisor/hostdev-xml.h"
#include "daemon/hypervisor/xml-node.h"

/* libvirt's hub is always this one. */
#define HUB_PORTS 8

/* libvirt refuses controllers with more. */
#define CONTROLLER_PORTS_MAX 15

/* More than libvirt takes; keeps a hostile index out of the sums. */
#define BUS_MAX 255

#define PCI_SLOT_MAX     31
#define PCI_FUNCTION_MAX 7

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlBuffer, xmlBufferFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlTextWriter, xmlFreeTextWriter)

#define UP_TO_FULL (USB_SPEED_LOW | USB_SPEED_FULL)

/* From the best to the worst. */
static const struct ControllerModel {
    const char *name;
    unsigned ports;
    bool ports_settable;
    unsigned speeds;
} controller_models[] = {
    { "qemu-xhci", 4, true, USB_SPEEDS_ALL },
    { "nec-xhci", 4, true, USB_SPEEDS_ALL },
    { "qusb2", 8, true, USB_SPEEDS_ALL }, /* Xen */
    { "ich9-ehci1", 6, false, USB_SPEED_HIGH },
    { "ehci", 6, false, USB_SPEED_HIGH },
    { "qusb1", 8, true, USB_SPEEDS_ALL },
    { "pci-ohci", 3, false, UP_TO_FULL },
    { "piix4-uhci", 2, false, UP_TO_FULL },
    { "piix3-uhci", 2, false, UP_TO_FULL },
    { "vt82c686b-uhci", 2, false, UP_TO_FULL },
    /* Companions: libvirt counts the ports of their ehci1 alone. */
    { "ich9-uhci1", 0, false, UP_TO_FULL },
    { "ich9-uhci2", 0, false, UP_TO_FULL },
    { "ich9-uhci3", 0, false, UP_TO_FULL },
};

/* What a <controller> without a model is. */
#define DEFAULT_MODEL "piix3-uhci"

/* A model of a newer libvirt has ports of some number; every real controller has two. */
#define UNKNOWN_MODEL_PORTS 2

typedef struct Ports {
    unsigned buses[BUS_MAX + 1]; /* how many ports the controllers with this index have */
    unsigned speeds_of[BUS_MAX + 1];
    GHashTable *taken; /* set of "<bus>/<port>" */
    unsigned total;
    unsigned speeds;
    GPtrArray *keys; /* of char *: what makes each controller another one */
    bool known;      /* every controller is in the table */
} Ports;

/* "0000:00:14.0" of a <hostdev> of type pci; NULL when it names none. */
static char *read_pci(const xmlNode *node)
{
    const xmlNode *address = xml_find_child(xml_find_child(node, "source"), "address");
    unsigned domain = 0, bus, slot, function;

    if ((!xml_attribute_is(address, "domain", "") &&
         !xml_attribute_number(address, "domain", G_MAXUINT16, &domain)) ||
        !xml_attribute_number(address, "bus", G_MAXUINT8, &bus) ||
        !xml_attribute_number(address, "slot", PCI_SLOT_MAX, &slot) ||
        !xml_attribute_number(address, "function", PCI_FUNCTION_MAX, &function))
        return NULL;
    return g_strdup_printf("%04x:%02x:%02x.%x", domain, bus, slot, function);
}

/* The rank of a controller: lower is better. */
static gsize read_controller(const xmlNode *node, Ports *ports, char **ret_model)
{
    g_autofree char *model = xml_attribute(node, "model");
    unsigned n_ports = UNKNOWN_MODEL_PORTS;
    unsigned index = 0, speeds = USB_SPEEDS_ALL;
    bool settable = true;
    gsize rank;

    if (!*model) {
        g_free(model);
        model = g_strdup(DEFAULT_MODEL);
    }
    for (rank = 0; rank < G_N_ELEMENTS(controller_models); rank++) {
        if (strcmp(controller_models[rank].name, model) != 0)
            continue;
        n_ports = controller_models[rank].ports;
        settable = controller_models[rank].ports_settable;
        speeds = controller_models[rank].speeds;
        break;
    }
    ports->speeds |= speeds;
    ports->known &= rank < G_N_ELEMENTS(controller_models);
    if (settable)
        (void)xml_attribute_number(node, "ports", CONTROLLER_PORTS_MAX, &n_ports);
    if (xml_attribute_number(node, "index", BUS_MAX, &index)) {
        ports->buses[index] += n_ports;
        ports->speeds_of[index] |= speeds;
        ports->total += n_ports;
    }
    g_ptr_array_add(ports->keys, g_strdup_printf("%03u:%s:%u", index, model, n_ports));
    *ret_model = g_steal_pointer(&model);
    return rank;
}

/* The place of a device on the guest's USB: a set, since a combined device may be told of twice. */
static void read_address(const xmlNode *device, Ports *ports)
{
    for (const xmlNode *child = device->children; child; child = child->next) {
        g_autofree char *port = NULL;
        unsigned bus;

        if (!xml_is_element(child, "address") || !xml_attribute_is(child, "type", "usb"))
            continue;
        port = xml_attribute(child, "port");
        if (*port && xml_attribute_number(child, "bus", BUS_MAX, &bus))
            g_hash_table_add(ports->taken, g_strdup_printf("%u/%s", bus, port));
    }
}

static unsigned count_free(const Ports *ports)
{
    GHashTableIter iterator;
    gpointer place;
    unsigned taken = 0;

    g_hash_table_iter_init(&iterator, ports->taken);
    while (g_hash_table_iter_next(&iterator, &place, NULL))
        if (ports->buses[g_ascii_strtoull(place, NULL, 10)])
            taken++;
    return ports->total > taken ? ports->total - taken : 0;
}

/* Of its own: what is plugged into a hub ("1.2") takes none. */
static unsigned count_taken_of(const Ports *ports, unsigned bus)
{
    GHashTableIter iterator;
    gpointer place;
    unsigned taken = 0;

    g_hash_table_iter_init(&iterator, ports->taken);
    while (g_hash_table_iter_next(&iterator, &place, NULL))
        taken += g_ascii_strtoull(place, NULL, 10) == bus && !strchr(place, '.');
    return taken;
}

/* With hubs it isn't simple any more, and QEMU's are slow whatever they are in. */
static void read_buses(const Ports *ports, bool has_hub, MachineInfo *info)
{
    g_array_set_size(info->buses, 0);
    for (unsigned index = 0; index <= BUS_MAX && !has_hub; index++) {
        unsigned taken = ports->buses[index] > 0 ? count_taken_of(ports, index) : 0;
        UsbBus bus = { .index = index, .speeds = ports->speeds_of[index] };

        bus.free = ports->buses[index] > taken ? ports->buses[index] - taken : 0;
        if (ports->buses[index] > 0)
            g_array_append_val(info->buses, bus);
    }
    if (info->buses->len < 2)
        g_array_set_size(info->buses, 0);
}

static int compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Takes the keys. */
static char *join_keys(GPtrArray *keys)
{
    g_auto(GStrv) texts = NULL;

    g_ptr_array_sort(keys, compare_texts);
    g_ptr_array_add(keys, NULL);
    texts = (char **)g_ptr_array_free(keys, FALSE);
    return g_strjoinv(" ", texts);
}

static void read_devices(const xmlNode *devices, bool live, bool known, MachineInfo *info)
{
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Ports ports = { .taken = taken, .keys = g_ptr_array_new(), .known = known };
    bool has_hub = false;
    gsize best = G_MAXSIZE;

    for (const xmlNode *node = devices ? devices->children : NULL; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (xml_is_element(node, "controller") && xml_attribute_is(node, "type", "usb") &&
            !xml_attribute_is(node, "model", "none")) {
            g_autofree char *model = NULL;
            gsize rank = read_controller(node, &ports, &model);

            if (rank < best) {
                best = rank;
                g_free(info->usb_controller);
                info->usb_controller = g_steal_pointer(&model);
            }
        } else if (xml_is_element(node, "hub") && xml_attribute_is(node, "type", "usb")) {
            ports.total += HUB_PORTS;
            has_hub = true;
        } else if (live && hostdev_xml_is_usb(node)) {
            g_ptr_array_add(info->hostdevs, hostdev_xml_read(node));
        } else if (xml_is_element(node, "hostdev") && xml_attribute_is(node, "mode", "subsystem") &&
                   xml_attribute_is(node, "type", "pci")) {
            char *pci = read_pci(node);

            if (pci)
                g_ptr_array_add(info->pci, pci);
        }
        read_address(node, &ports);
    }
    info->free_ports = count_free(&ports);
    read_buses(&ports, has_hub, info);
    g_free(info->controllers);
    info->controllers = join_keys(ports.keys);
    info->usb_speeds = ports.speeds;
    info->ports_known = ports.known;
}

/* "" when it has none. New string. */
static char *read_title(const xmlNode *root)
{
    const xmlNode *node = xml_find_child(root, "title");
    xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
    char *title = text_sanitize(content ? (const char *)content : "", TEXT_MAX);

    xmlFree(content);
    return title;
}

bool domain_xml_read(const char *xml, MachineInfo *info, bool *ret_live, GError **error)
{
    g_autoptr(xmlDoc) document = xml_parse(xml);
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;

    /* libvirt writes no DTD: with one, this is something else. */
    if (!root || !xml_is_element(root, "domain") || document->intSubset) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                    "what libvirt gave for the VM is not its XML");
        return false;
    }
    *ret_live = xmlHasProp((xmlNode *)root, BAD_CAST "id") != NULL;
    info->domain_id = 0;
    (void)xml_attribute_number(root, "id", G_MAXINT, &info->domain_id);
    g_ptr_array_set_size(info->hostdevs, 0);
    g_ptr_array_set_size(info->pci, 0);
    g_free(info->usb_controller);
    info->usb_controller = g_strdup("");
    g_free(info->title);
    info->title = read_title(root);
    /* libvirt's driver for Xen makes controllers as it needs them. */
    read_devices(xml_find_child(root, "devices"), *ret_live, !xml_attribute_is(root, "type", "xen"), info);
    return true;
}

static bool write_element(xmlTextWriter *writer, const char *element, const char *name, const char *value)
{
    return xmlTextWriterStartElement(writer, BAD_CAST element) >= 0 &&
           xmlTextWriterWriteAttribute(writer, BAD_CAST name, BAD_CAST value) >= 0 &&
           xmlTextWriterEndElement(writer) >= 0;
}

static bool write_address(xmlTextWriter *writer, unsigned bus, unsigned device)
{
    return xmlTextWriterStartElement(writer, BAD_CAST "address") >= 0 &&
           xmlTextWriterWriteFormatAttribute(writer, BAD_CAST "bus", "%u", bus) >= 0 &&
           xmlTextWriterWriteFormatAttribute(writer, BAD_CAST "device", "%u", device) >= 0 &&
           xmlTextWriterEndElement(writer) >= 0;
}

/* libvirt takes a free port of it. */
static bool write_place(xmlTextWriter *writer, unsigned bus)
{
    return xmlTextWriterStartElement(writer, BAD_CAST "address") >= 0 &&
           xmlTextWriterWriteAttribute(writer, BAD_CAST "type", BAD_CAST "usb") >= 0 &&
           xmlTextWriterWriteFormatAttribute(writer, BAD_CAST "bus", "%u", bus) >= 0 &&
           xmlTextWriterEndElement(writer) >= 0;
}

/* Both ids and the address: libvirt then takes the device only if all of them still fit. */
static bool write_hostdev(xmlTextWriter *writer, const HostdevSpec *spec)
{
    g_autofree char *vendor = g_strdup_printf("0x%04x", spec->vendor_id);
    g_autofree char *product = g_strdup_printf("0x%04x", spec->product_id);

    return xmlTextWriterStartElement(writer, BAD_CAST "hostdev") >= 0 &&
           xmlTextWriterWriteAttribute(writer, BAD_CAST "mode", BAD_CAST "subsystem") >= 0 &&
           xmlTextWriterWriteAttribute(writer, BAD_CAST "type", BAD_CAST "usb") >= 0 &&
           xmlTextWriterWriteAttribute(writer, BAD_CAST "managed", BAD_CAST "no") >= 0 &&
           xmlTextWriterStartElement(writer, BAD_CAST "source") >= 0 &&
           (spec->guest_reset == GUEST_RESET_DEFAULT ||
            xmlTextWriterWriteAttribute(writer, BAD_CAST "guestReset",
                                        BAD_CAST guest_reset_to_string(spec->guest_reset)) >= 0) &&
           write_element(writer, "vendor", "id", vendor) && write_element(writer, "product", "id", product) &&
           write_address(writer, spec->bus_number, spec->device_number) &&
           xmlTextWriterEndElement(writer) >= 0 && (!spec->on_bus || write_place(writer, spec->bus)) &&
           write_element(writer, "alias", "name", spec->alias) && xmlTextWriterEndElement(writer) >= 0 &&
           xmlTextWriterFlush(writer) >= 0;
}

char *domain_xml_hostdev(const HostdevSpec *spec)
{
    g_autoptr(xmlBuffer) buffer = xmlBufferCreate();
    g_autoptr(xmlTextWriter) writer = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;

    /* The writer fails without memory only, and there GLib doesn't go on either. */
    if (!writer || !write_hostdev(writer, spec))
        g_error("out of memory for the XML of a hostdev");
    return g_strdup((const char *)xmlBufferContent(buffer));
}
