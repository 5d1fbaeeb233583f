/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* XML nodes: what the readers of libvirt's XML have in common (domain-xml.c, saved-xml.c). Pure; any thread.
 */

#include <glib.h>
#include <libxml/tree.h>
#include <stdbool.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/* NULL when it is no XML, or too much of it. */
xmlDoc *xml_parse(const char *xml);

bool xml_is_element(const xmlNode *node, const char *name);
/* The first one of that name; the parent may be NULL. */
const xmlNode *xml_find_child(const xmlNode *parent, const char *name);
/* Clean text; "" when there is no such attribute, or no node. New string. */
char *xml_attribute(const xmlNode *node, const char *name);
bool xml_attribute_is(const xmlNode *node, const char *name, const char *wanted);
/* Decimal, hexadecimal or octal, as libvirt reads them. False when it isn't there or out of range. */
bool xml_attribute_number(const xmlNode *node, const char *name, unsigned max, unsigned *ret);
