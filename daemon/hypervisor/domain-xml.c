/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain XML in and out, with libxml2. What it reads was written by strangers (a machine's name, its
 * devices), so all of it goes through text_sanitize(). Workers call it; pure. */

#include "daemon/hypervisor/domain-xml.h"

#include <libxml/xmlwriter.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
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

/* From the best to the worst. */
static const struct ControllerModel {
    const char *name;
    unsigned ports;
    bool ports_settable;
} controller_models[] = {
    { "qemu-xhci", 4, true },
    { "nec-xhci", 4, true },
    { "qusb2", 8, true }, /* Xen */
    { "ich9-ehci1", 6, false },
    { "ehci", 6, false },
    { "qusb1", 8, true },
    { "pci-ohci", 3, false },
    { "piix4-uhci", 2, false },
    { "piix3-uhci", 2, false },
    { "vt82c686b-uhci", 2, false },
    /* Companions: libvirt counts the ports of their ehci1 alone. */
    { "ich9-uhci1", 0, false },
    { "ich9-uhci2", 0, false },
    { "ich9-uhci3", 0, false },
};

/* What a <controller> without a model is. */
#define DEFAULT_MODEL "piix3-uhci"

/* A model of a newer libvirt has ports of some number; every real controller has two. */
#define UNKNOWN_MODEL_PORTS 2

typedef struct Ports {
    bool buses[BUS_MAX + 1]; /* there is a controller with this index */
    GHashTable *taken;       /* set of "<bus>/<port>" */
    unsigned total;
    bool known; /* every controller is in the table */
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
    unsigned index = 0;
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
        break;
    }
    ports->known &= rank < G_N_ELEMENTS(controller_models);
    if (settable)
        (void)xml_attribute_number(node, "ports", CONTROLLER_PORTS_MAX, &n_ports);
    if (n_ports > 0 && xml_attribute_number(node, "index", BUS_MAX, &index)) {
        ports->buses[index] = true;
        ports->total += n_ports;
    }
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

static void read_devices(const xmlNode *devices, bool live, bool known, MachineInfo *info)
{
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Ports ports = { .taken = taken, .known = known };
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
    info->ports_known = ports.known;
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
           xmlTextWriterEndElement(writer) >= 0 && write_element(writer, "alias", "name", spec->alias) &&
           xmlTextWriterEndElement(writer) >= 0 && xmlTextWriterFlush(writer) >= 0;
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
