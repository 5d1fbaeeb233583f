/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Goes down the tree of the service's nodes, and takes the first object of each kind. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/shown.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#include "dbus/names.h"

static void argument_free(gpointer data)
{
    ShownArgument *argument = data;

    g_free(argument->name);
    g_free(argument->type);
    g_free(argument);
}

static void shown_free(gpointer data)
{
    Shown *shown = data;

    g_free(shown->kind);
    g_free(shown->path);
    g_free(shown->interface);
    g_free(shown->member);
    g_free(shown->name);
    g_ptr_array_unref(shown->arguments);
    g_free(shown);
}

static char *attribute(xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
    char *copy = g_strdup(value ? (const char *)value : "");

    xmlFree(value);
    return copy;
}

static bool is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static void add_argument(Shown *shown, xmlNode *node)
{
    ShownArgument *argument = g_new(ShownArgument, 1);

    *argument = (ShownArgument){ .name = attribute(node, "name"), .type = attribute(node, "type") };
    g_ptr_array_add(shown->arguments, argument);
}

static void add_member(GPtrArray *all, const char *kind, const char *path, xmlNode *interface, xmlNode *node)
{
    g_autofree char *access = attribute(node, "access");
    Shown *shown = g_new(Shown, 1);

    *shown = (Shown){ .kind = g_strdup(kind),
                      .path = g_strdup(path),
                      .interface = attribute(interface, "name"),
                      .member = attribute(node, "name"),
                      .arguments = g_ptr_array_new_with_free_func(argument_free),
                      .is_property = is_element(node, "property"),
                      .is_writable = strstr(access, "write") != NULL };
    shown->name = g_strdup_printf("%s.%s of %s", shown->interface, shown->member, *kind ? kind : "a folder");
    if (shown->is_property)
        add_argument(shown, node);
    for (xmlNode *child = node->children; child; child = child->next) {
        g_autofree char *direction = is_element(child, "arg") ? attribute(child, "direction") : NULL;

        if (g_strcmp0(direction, "in") == 0)
            add_argument(shown, child);
    }
    g_ptr_array_add(all, shown);
}

/* All interfaces of a node. */
static void add_members(GPtrArray *all, const char *kind, const char *path, xmlNode *root)
{
    for (xmlNode *interface = root->children; interface; interface = interface->next)
        for (xmlNode *node = is_element(interface, "interface") ? interface->children : NULL; node;
             node = node->next)
            if (is_element(node, "method") || is_element(node, "property"))
                add_member(all, kind, path, interface, node);
}

/* New string. */
static char *kind_of(xmlNode *root)
{
    for (xmlNode *node = root->children; node; node = node->next) {
        g_autofree char *name = is_element(node, "interface") ? attribute(node, "name") : NULL;

        if (name && g_str_has_prefix(name, FERRY_BUS_NAME "."))
            return g_steal_pointer(&name);
    }
    return g_strdup("");
}

/* NULL when the object has gone meanwhile. */
static xmlDoc *introspect(sd_bus *bus, const char *path)
{
    sd_bus_message *reply = NULL;
    const char *text = NULL;
    xmlDoc *document;

    if (sd_bus_call_method(bus, FERRY_BUS_NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect",
                           NULL, &reply, "") < 0)
        return NULL;
    assert_true(sd_bus_message_read(reply, "s", &text) >= 0);
    document = xmlReadMemory(text, (int)strlen(text), path, NULL, XML_PARSE_NONET);
    sd_bus_message_unref(reply);
    assert_non_null(document);
    return document;
}

static void walk(sd_bus *bus, const char *path, GHashTable *kinds, GPtrArray *all)
{
    xmlDoc *document = introspect(bus, path);
    g_autofree char *kind = NULL;
    xmlNode *root;

    if (!document)
        return;
    root = xmlDocGetRootElement(document);
    kind = kind_of(root);
    if (!g_hash_table_contains(kinds, kind)) {
        add_members(all, kind, path, root);
        g_hash_table_add(kinds, g_steal_pointer(&kind));
    }
    for (xmlNode *node = root->children; node; node = node->next) {
        g_autofree char *name = is_element(node, "node") ? attribute(node, "name") : NULL;
        g_autofree char *below = name ? g_build_path("/", path, name, NULL) : NULL;

        if (below)
            walk(bus, below, kinds, all);
    }
    xmlFreeDoc(document);
}

GPtrArray *shown_by_service(sd_bus *bus)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(shown_free);
    g_autoptr(GHashTable) kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    walk(bus, "/", kinds, all);
    return all;
}

GPtrArray *shown_by_xml(const char *folder)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(shown_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    assert_non_null(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        g_autofree char *kind = NULL;
        xmlDoc *document;

        if (!g_str_has_suffix(name, ".xml"))
            continue;
        document = xmlReadFile(file, NULL, XML_PARSE_NONET);
        assert_non_null(document);
        kind = kind_of(xmlDocGetRootElement(document));
        add_members(all, kind, "", xmlDocGetRootElement(document));
        xmlFreeDoc(document);
    }
    return all;
}

char *shown_types(const Shown *shown)
{
    GString *types = g_string_new("");

    for (guint i = 0; i < shown->arguments->len; i++)
        g_string_append(types, ((const ShownArgument *)shown->arguments->pdata[i])->type);
    return g_string_free(types, FALSE);
}
