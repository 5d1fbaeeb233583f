/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* print-rights POLICY CONTRACT…: the matrix of rights for the man page, in reStructuredText: which action
 * each method of the contract needs, by the table of dbus/rights/authorize-table.c, and what polkit says to
 * each action unless a rule decides otherwise. Fails when the three don't fit together. */

#include <glib.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dbus/rights/authorize-table.h"
#include "dbus/names.h"

#define COLUMNS_MAX 4
#define NOTHING     "-"

typedef struct Row {
    char *cells[COLUMNS_MAX];
} Row;

typedef struct Actions {
    GPtrArray *rows;   /* of Row */
    GHashTable *known; /* set of ids, the rows' */
} Actions;

static void row_free(gpointer data)
{
    Row *row = data;

    for (gsize i = 0; i < COLUMNS_MAX; i++)
        g_free(row->cells[i]);
    g_free(row);
}

static char *attribute(xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
    char *copy = g_strdup((const char *)value);

    xmlFree(value);
    return copy;
}

static bool is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static char *child_text(xmlNode *parent, const char *name)
{
    for (xmlNode *child = parent->children; child; child = child->next)
        if (is_element(child, name)) {
            xmlChar *text = xmlNodeGetContent(child);
            char *copy = g_strstrip(g_strdup((const char *)text));

            xmlFree(text);
            return copy;
        }
    return g_strdup(NOTHING);
}

/* Without the part that all have in common. */
static const char *short_name(const char *name)
{
    g_assert(g_str_has_prefix(name, FERRY_ACTION_PREFIX));
    return name + strlen(FERRY_ACTION_PREFIX);
}

/* For each element of that name below the root; each(element, userdata). */
static bool read_elements(const char *path, const char *name, bool (*each)(xmlNode *node, gpointer userdata),
                          gpointer userdata)
{
    xmlDoc *document = xmlReadFile(path, NULL, XML_PARSE_NONET);
    bool good = document;

    for (xmlNode *node = good ? xmlDocGetRootElement(document)->children : NULL; node; node = node->next)
        if (is_element(node, name))
            good = each(node, userdata) && good;
    xmlFreeDoc(document);
    return good;
}

static bool add_action(xmlNode *action, gpointer userdata)
{
    Actions *actions = userdata;
    g_autofree char *id = attribute(action, "id");
    Row *row = g_new0(Row, 1);

    row->cells[0] = g_strdup(short_name(id));
    for (xmlNode *node = action->children; node; node = node->next)
        if (is_element(node, "defaults")) {
            row->cells[1] = child_text(node, "allow_any");
            row->cells[2] = child_text(node, "allow_inactive");
            row->cells[3] = child_text(node, "allow_active");
        }
    g_ptr_array_add(actions->rows, row);
    g_hash_table_add(actions->known, row->cells[0]);
    return true;
}

typedef struct Methods {
    GPtrArray *rows; /* of Row */
    const Actions *actions;
} Methods;

/* New string. */
static char *action_cell(const Methods *methods, const char *action, bool *good)
{
    if (!action)
        return g_strdup(NOTHING);
    if (!g_hash_table_contains(methods->actions->known, short_name(action))) {
        fprintf(stderr, "%s is not in the policy\n", action);
        *good = false;
    }
    return g_strdup(short_name(action));
}

static bool add_method(const Methods *methods, const AuthorizeEntry *entry)
{
    Row *row = g_new0(Row, 1);
    bool good = true;

    row->cells[0] = g_strconcat(short_name(entry->interface), ".", entry->member, NULL);
    row->cells[1] = action_cell(methods, entry->action, &good);
    row->cells[2] = action_cell(methods, entry->own_action, &good);
    g_ptr_array_add(methods->rows, row);
    return good;
}

static bool add_interface(xmlNode *interface, gpointer userdata)
{
    Methods *methods = userdata;
    g_autofree char *interface_name = attribute(interface, "name");
    bool good = true;

    for (xmlNode *node = interface->children; node; node = node->next) {
        g_autofree char *member = is_element(node, "method") ? attribute(node, "name") : NULL;
        g_autofree char *forced_member = member ? g_strconcat(member, "(Force)", NULL) : NULL;
        const AuthorizeEntry *entry = member ? authorize_find(interface_name, member) : NULL;
        const AuthorizeEntry *forced = member ? authorize_find(interface_name, forced_member) : NULL;

        if (!member)
            continue;
        if (!entry) {
            fprintf(stderr, "%s.%s has no entry in the table of rights\n", interface_name, member);
            good = false;
            continue;
        }
        good = add_method(methods, entry) && good;
        if (forced)
            good = add_method(methods, forced) && good;
    }
    return good;
}

/* As a literal block: man pages draw boxes around real tables. */
static void print_table(const GPtrArray *rows, gsize n)
{
    gsize widths[COLUMNS_MAX] = { 0 };

    for (guint i = 0; i < rows->len; i++)
        for (gsize k = 0; k < n; k++)
            widths[k] = MAX(widths[k], strlen(((const Row *)rows->pdata[i])->cells[k]));
    printf("::\n\n");
    for (guint i = 0; i < rows->len; i++) {
        const Row *row = rows->pdata[i];

        printf("    ");
        for (gsize k = 0; k + 1 < n; k++)
            printf("%-*s  ", (int)widths[k], row->cells[k]);
        printf("%s\n", row->cells[n - 1]);
    }
    printf("\n");
}

static Row *heading(const char *first, const char *second, const char *third, const char *fourth)
{
    Row *row = g_new0(Row, 1);

    *row = (Row){ { g_strdup(first), g_strdup(second), g_strdup(third), g_strdup(fourth) } };
    return row;
}

int main(int argc, char **argv)
{
    enum { METHOD_COLUMNS = 3, ACTION_COLUMNS = 4 };
    g_autoptr(GPtrArray) action_rows = g_ptr_array_new_with_free_func(row_free);
    g_autoptr(GPtrArray) method_rows = g_ptr_array_new_with_free_func(row_free);
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    Actions actions = { .rows = action_rows, .known = known };
    Methods methods = { .rows = method_rows, .actions = &actions };
    bool good;

    if (argc < 3) {
        fprintf(stderr, "usage: print-rights POLICY CONTRACT...\n");
        return 2;
    }
    g_ptr_array_add(action_rows, heading("ACTION", "ANY", "INACTIVE", "ACTIVE"));
    g_ptr_array_add(method_rows, heading("METHOD", "ACTION", "ONE'S OWN", ""));
    good = read_elements(argv[1], "action", add_action, &actions);
    for (int i = 2; i < argc; i++)
        good = read_elements(argv[i], "interface", add_interface, &methods) && good;
    if (!good)
        return 1;
    print_table(method_rows, METHOD_COLUMNS);
    print_table(action_rows, ACTION_COLUMNS);
    return 0;
}
