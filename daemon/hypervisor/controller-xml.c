/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes the tree of a domain's XML, so that all the rest comes out as it went in. Called by
 * libvirt-config.c, in workers; pure. */

#include "daemon/hypervisor/controller-xml.h"

#include "daemon/base/error.h"
#include "daemon/hypervisor/xml-node.h"

#define XHCI "qemu-xhci"

static const struct Part {
    const char *asked; /* for */
    const char *model;
    const char *attribute; /* with this one; NULL = none */
    const char *value;
    const char *start_port; /* of a companion, on its master; NULL = it is none */
} parts[] = {
    { XHCI, XHCI, "ports", "15", NULL },           { "usb-ehci", "ich9-ehci1", NULL, NULL, NULL },
    { "usb-ehci", "ich9-uhci1", NULL, NULL, "0" }, { "usb-ehci", "ich9-uhci2", NULL, NULL, "2" },
    { "usb-ehci", "ich9-uhci3", NULL, NULL, "4" }, { "piix3-uhci", "piix3-uhci", NULL, NULL, NULL },
};

bool controller_xml_is_known(const char *model)
{
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        if (g_str_equal(parts[i].asked, model))
            return true;
    return false;
}

static void drop(xmlNode *node)
{
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

/* Its place on the guest's USB: libvirt finds it another one. */
static void forget_place(xmlNode *device)
{
    for (xmlNode *child = device->children, *next; child; child = next) {
        next = child->next;
        if (xml_is_element(child, "address") && xml_attribute_is(child, "type", "usb"))
            drop(child);
    }
}

static void clear_away(xmlNode *devices)
{
    for (xmlNode *node = devices->children, *next; node; node = next) {
        next = node->next;
        if (xml_is_element(node, "controller") && xml_attribute_is(node, "type", "usb"))
            drop(node);
        else if (node->type == XML_ELEMENT_NODE)
            forget_place(node);
    }
}

static void add(xmlNode *devices, const struct Part *part)
{
    xmlNode *node = xmlNewChild(devices, devices->ns, BAD_CAST "controller", NULL);

    xmlNewProp(node, BAD_CAST "type", BAD_CAST "usb");
    xmlNewProp(node, BAD_CAST "index", BAD_CAST "0");
    xmlNewProp(node, BAD_CAST "model", BAD_CAST part->model);
    if (part->attribute)
        xmlNewProp(node, BAD_CAST part->attribute, BAD_CAST part->value);
    if (part->start_port)
        xmlNewProp(xmlNewChild(node, devices->ns, BAD_CAST "master", NULL), BAD_CAST "startport",
                   BAD_CAST part->start_port);
}

char *controller_xml_set(const char *xml, const char *model, GError **error)
{
    g_autoptr(xmlDoc) document = xml_parse(xml);
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
    xmlNode *devices = root ? (xmlNode *)xml_find_child(root, "devices") : NULL;
    xmlChar *text = NULL;
    int length = 0;
    char *copy;

    if (!devices || document->intSubset || !xml_is_element(root, "domain")) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                    "what libvirt gave for the VM is not its XML");
        return NULL;
    }
    clear_away(devices);
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        if (g_str_equal(parts[i].asked, model))
            add(devices, &parts[i]);
    xmlDocDumpMemoryEnc(document, &text, &length, "UTF-8");
    /* That fails without memory only, and there GLib doesn't go on either. */
    if (!text)
        g_error("out of memory for the XML of a VM");
    copy = g_strndup((const char *)text, (gsize)length);
    xmlFree(text);
    return copy;
}
