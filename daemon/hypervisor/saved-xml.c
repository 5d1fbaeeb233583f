/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads and changes hostdevs of ours in saved XML, with libxml2's tree, so that all the rest comes out as it
 * went in. Called by libvirt-saved.c, in workers; pure. */

#include "daemon/hypervisor/saved-xml.h"

#include "daemon/base/error.h"
#include "daemon/hypervisor/hostdev-xml.h"

#define OPTIONAL "optional"

/* What is done with each hostdev of ours. */
typedef void (*Visit)(xmlNode *node, Hostdev *hostdev, gpointer userdata);

static void visit_domain(const xmlNode *domain, Visit visit, gpointer userdata)
{
    const xmlNode *devices = xml_find_child(domain, "devices");

    for (xmlNode *node = devices ? devices->children : NULL; node; node = node->next) {
        Hostdev *hostdev;

        if (!hostdev_xml_is_usb(node))
            continue;
        hostdev = hostdev_xml_read(node);
        if (hostdev->assignment_id && xml_find_child(node, "source"))
            visit(node, hostdev, userdata);
        else
            hostdev_free(hostdev);
    }
}

/* visit() takes the hostdev. */
static bool visit_all(const xmlDoc *document, Visit visit, gpointer userdata, GError **error)
{
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;

    if (root && !document->intSubset && xml_is_element(root, "domain")) {
        visit_domain(root, visit, userdata);
    } else if (root && !document->intSubset && xml_is_element(root, "domainsnapshot")) {
        visit_domain(xml_find_child(root, "domain"), visit, userdata);
        visit_domain(xml_find_child(root, "inactiveDomain"), visit, userdata);
    } else {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                    "what libvirt gave for the saved VM is not its XML");
        return false;
    }
    return true;
}

static void add(xmlNode *node, Hostdev *hostdev, gpointer hostdevs)
{
    g_ptr_array_add(hostdevs, hostdev);
}

bool saved_xml_read(const char *xml, GPtrArray *hostdevs, GError **error)
{
    g_autoptr(xmlDoc) document = xml_parse(xml);

    return visit_all(document, add, hostdevs, error);
}

typedef struct Repair {
    const GPtrArray *places;
    bool changed;
} Repair;

static void set_number(xmlNode *node, const char *name, unsigned number)
{
    g_autofree char *text = g_strdup_printf("%u", number);

    xmlSetProp(node, BAD_CAST name, BAD_CAST text);
}

static void repair_one(xmlNode *node, Hostdev *taken, gpointer userdata)
{
    g_autoptr(Hostdev) hostdev = taken;
    Repair *repair = userdata;
    const HostdevPlace *place = hostdev_places_find(repair->places, hostdev->alias);
    xmlNode *source = (xmlNode *)xml_find_child(node, "source");
    xmlNode *address = (xmlNode *)xml_find_child(source, "address");

    if (hostdev_places_fit(repair->places, hostdev))
        return;
    repair->changed = true;
    xmlSetProp(source, BAD_CAST "startupPolicy", BAD_CAST OPTIONAL);
    if (!address)
        address = xmlNewChild(source, NULL, BAD_CAST "address", NULL);
    set_number(address, "bus", place ? place->bus_number : HOSTDEV_NOWHERE);
    set_number(address, "device", place ? place->device_number : HOSTDEV_NOWHERE);
}

bool saved_xml_repair(const char *xml, const GPtrArray *places, char **ret_xml, GError **error)
{
    g_autoptr(xmlDoc) document = xml_parse(xml);
    Repair repair = { .places = places };
    xmlChar *text = NULL;
    int length = 0;

    if (!visit_all(document, repair_one, &repair, error))
        return false;
    if (repair.changed) {
        xmlDocDumpMemoryEnc(document, &text, &length, "UTF-8");
        /* That fails without memory only, and there GLib doesn't go on either. */
        if (!text)
            g_error("out of memory for the XML of a saved VM");
    }
    *ret_xml = text ? g_strndup((const char *)text, (gsize)length) : NULL;
    xmlFree(text);
    return true;
}
