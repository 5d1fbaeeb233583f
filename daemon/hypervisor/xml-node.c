/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's XML, parsed, and questions to one element of it. Texts come out clean. Called by the readers of
 * this folder, in workers; pure. */

#include "daemon/hypervisor/xml-node.h"

#include <libxml/parser.h>
#include <string.h>

#include "daemon/base/text.h"

bool xml_is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST name);
}

const xmlNode *xml_find_child(const xmlNode *parent, const char *name)
{
    for (const xmlNode *child = parent ? parent->children : NULL; child; child = child->next)
        if (xml_is_element(child, name))
            return child;
    return NULL;
}

char *xml_attribute(const xmlNode *node, const char *name)
{
    xmlChar *value = node ? xmlGetNoNsProp((xmlNode *)node, BAD_CAST name) : NULL;
    char *clean = text_sanitize((const char *)value, TEXT_MAX);

    xmlFree(value);
    return clean;
}

bool xml_attribute_is(const xmlNode *node, const char *name, const char *wanted)
{
    g_autofree char *value = xml_attribute(node, name);

    return strcmp(value, wanted) == 0;
}

bool xml_attribute_number(const xmlNode *node, const char *name, unsigned max, unsigned *ret)
{
    g_autofree char *value = xml_attribute(node, name);
    char *end = NULL;
    guint64 number;

    if (!g_ascii_isdigit(*value))
        return false;
    number = g_ascii_strtoull(value, &end, 0);
    if (*end || number > max)
        return false;
    *ret = (unsigned)number;
    return true;
}

xmlDoc *xml_parse(const char *xml)
{
    static gsize initialized;
    /* Nothing is fetched, no entity is replaced, and without XML_PARSE_HUGE the parser's own limits hold. */
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
    gsize length = strlen(xml);

#if LIBXML_VERSION >= 21300
    options |= XML_PARSE_NO_XXE;
#endif
    /* Several threads may be the first. */
    if (g_once_init_enter(&initialized)) {
        xmlInitParser();
        g_once_init_leave(&initialized, 1);
    }
    return length > G_MAXINT ? NULL : xmlReadMemory(xml, (int)length, "libvirt", NULL, options);
}
