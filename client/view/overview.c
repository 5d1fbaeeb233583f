/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A row is a device or an assignment; most of what it says is a column of the kind's own, shortened for
 * people. */

#include "client/view/overview.h"

#include <glib/gi18n.h>

#include "client/view/columns.h"

/* ------------------------------------------------------------------ for both */

static GVariant *get_kind(const Model *model, const Object *object)
{
    return g_variant_new_string(kind_to_string(object->kind));
}

/* The shortest that a person knows it by: the line has better things to tell. */
static GVariant *get_name(const Model *model, const Object *object)
{
    static const char *const properties[] = { "Product", "Vendor", "Class" };

    if (object->kind == KIND_ASSIGNMENT)
        return g_variant_new_string(object_name(object));
    for (gsize i = 0; i < G_N_ELEMENTS(properties); i++)
        if (*object_string(object, properties[i]))
            return g_variant_new_string(object_string(object, properties[i]));
    return NULL;
}

static GVariant *get_groups(const Model *model, const Object *object)
{
    if (object->kind == KIND_DEVICE)
        return columns_get(model, object, "groups");

    g_autoptr(GVariant) group = columns_get(model, object, "group");
    const char *name = group ? g_variant_get_string(group, NULL) : NULL;
    return g_variant_new_strv(&name, name ? 1 : 0);
}

#define GET(function, column)                                           \
    static GVariant *function(const Model *model, const Object *object) \
    {                                                                   \
        return columns_get(model, object, column);                      \
    }                                                                   \
    struct _column_semicolon_##function

GET(get_host, "host");
GET(get_device, "device");
GET(get_usb_id, "usb-id");
GET(get_serial, "serial");
GET(get_vm, "vm");
GET(get_assignment, "assignment");
GET(get_tenant, "tenant");
GET(get_reason, "reason");
GET(get_host_use, "host-use");

static GVariant *get_device_host_use(const Model *model, const Object *object)
{
    return object->kind == KIND_DEVICE ? get_host_use(model, object) : NULL;
}

/* ------------------------------------------------------------------ for people */

/* "GROUP#ID RULE" without the rule, for which there is no room. */
static GVariant *show_group_rules(const Model *model, const Object *object)
{
    g_autoptr(GVariant) rules = object->kind == KIND_DEVICE ? columns_get(model, object, "rules") : NULL;
    GVariantBuilder texts;
    GVariantIter iter;
    const char *rule;

    if (!rules || !g_variant_is_of_type(rules, G_VARIANT_TYPE_STRING_ARRAY))
        return get_groups(model, object);

    g_variant_builder_init(&texts, G_VARIANT_TYPE_STRING_ARRAY);
    g_variant_iter_init(&iter, rules);
    while (g_variant_iter_next(&iter, "&s", &rule))
        g_variant_builder_add_value(&texts, g_variant_new_take_string(g_strndup(rule, strcspn(rule, " "))));
    return g_variant_builder_end(&texts);
}

/* Where it is, not where it is to go: the state and the reason tell that. */
static GVariant *show_where(const Model *model, const Object *object)
{
    const char *state = object_string(object, "State");

    if (object->kind == KIND_ASSIGNMENT) {
        g_autoptr(GVariant) group = columns_get(model, object, "group");
        bool off = g_str_equal(state, "waiting-machine");
        return group ? (off ? g_variant_new_string(_("VM off")) : NULL)
                     : g_variant_new_string(off ? _("not plugged in, VM off") : _("not plugged in"));
    }
    if (g_str_equal(state, "attached") || g_str_equal(state, "detaching") || g_str_equal(state, "foreign")) {
        GVariant *vm = get_vm(model, object);
        return vm ? vm : g_variant_new_string(_("a VM"));
    }
    return g_variant_new_string(_("host"));
}

/* What keeps it from VMs is told before anybody asks for it. */
static GVariant *show_host_use(GVariant *uses)
{
    g_autofree const char **texts = g_variant_get_strv(uses, NULL);
    g_autofree char *list = g_strjoinv(", ", (char **)texts);

    return *list ? g_variant_new_take_string(g_strdup_printf(_("the host uses it: %s"), list)) : NULL;
}

/* The line says already which device it is, and where: the reason doesn't repeat that. */
static GVariant *show_reason(const Model *model, const Object *object)
{
    const Object *assignment = model_follow(model, object, "Assignment", KIND_ASSIGNMENT);

    if (object->kind == KIND_DEVICE && assignment && g_str_equal(object_string(object, "State"), "attached"))
        return g_variant_new_take_string(g_strdup_printf(_("assigned as \"%s\""), object_name(assignment)));

    g_autoptr(GVariant) reason = get_reason(model, object);
    g_autoptr(GVariant) uses = object->kind == KIND_DEVICE ? get_host_use(model, object) : NULL;
    /* nobody wants it: there is nothing to be explained but what the host does with it */
    if (!reason || g_str_equal(object_string(object, "ReasonCode"), "host"))
        return uses ? show_host_use(uses) : NULL;
    g_autofree char *device = object_describe(object);
    GString *text = g_string_new(g_variant_get_string(reason, NULL));
    if (g_str_has_prefix(text->str, device))
        g_string_replace(text, device, "It", 1);
    g_string_replace(text, device, "it", 0);
    return g_variant_new_take_string(g_string_free(text, FALSE));
}

/* ------------------------------------------------------------------ rows and columns */

const Column *overview_columns(void)
{
    static const Column columns[] = {
        { "name", N_("what it is called"), COLUMN_TEXT, LOOK_CUT, true, NULL, get_name },
        { "usb-id", N_("vendor and product id"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_usb_id },
        { "device", N_("the port as the kernel names it"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_device },
        { "where", N_("the host or the VM that has it"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, show_where },
        { "state", N_("what happens to it"), COLUMN_TEXT, LOOK_STATE, true, "State" },
        { "group#rule", N_("the groups that it belongs to, and why"), COLUMN_LIST, LOOK_LINES, true, NULL,
          show_group_rules },
        { "reason", N_("why"), COLUMN_TEXT, LOOK_WRAP, true, NULL, show_reason },
        { 0 },
    };

    return columns;
}

const Column *overview_columns_for_programs(void)
{
    static const Column columns[] = {
        { "host", N_("the host that it is on"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_host },
        { "kind", N_("device or assignment"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_kind },
        { "name", N_("what it is called"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_name },
        { "device", N_("the port as the kernel names it"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_device },
        { "usb-id", N_("vendor and product id"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_usb_id },
        { "serial", N_("serial number"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_serial },
        { "vm", N_("the VM that has it or gets it"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_vm },
        { "assignment", N_("the name of its assignment"), COLUMN_TEXT, LOOK_PLAIN, true, NULL,
          get_assignment },
        { "tenant", N_("whose it is"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_tenant },
        { "groups", N_("the groups that it belongs to"), COLUMN_LIST, LOOK_PLAIN, true, NULL, get_groups },
        { "host-use", N_("what the host uses it for"), COLUMN_LIST, LOOK_PLAIN, true, NULL,
          get_device_host_use },
        { "state", N_("what happens to it"), COLUMN_TEXT, LOOK_PLAIN, true, "State" },
        { "reason", N_("why"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_reason },
        { 0 },
    };

    return columns;
}

/* What it is to have isn't there, or its VM is off. */
static bool waits(const Object *assignment)
{
    const char *state = object_string(assignment, "State");

    return g_str_equal(state, "waiting-device") || g_str_equal(state, "waiting-machine");
}

GPtrArray *overview_rows(const Model *model)
{
    GPtrArray *rows = g_ptr_array_new();

    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);
    for (guint i = 0; i < devices->len; i++)
        if (!object_flag(devices->pdata[i], "IsHub"))
            g_ptr_array_add(rows, devices->pdata[i]);

    g_autoptr(GPtrArray) assignments = model_sorted(model, KIND_ASSIGNMENT);
    for (guint i = 0; i < assignments->len; i++) {
        g_autoptr(GVariant) here = columns_get(model, assignments->pdata[i], "devices");
        if (!here && waits(assignments->pdata[i]))
            g_ptr_array_add(rows, assignments->pdata[i]);
    }
    return rows;
}

/* ------------------------------------------------------------------ the tree */

/* How many hubs it is behind; a service whose devices go in a circle isn't followed for ever. */
static guint depth_of(const Model *model, const Object *device)
{
    enum { DEEPEST = 8 }; /* USB allows five hubs in a row, and a root hub */
    guint depth = 0;

    while (depth < DEEPEST && (device = model_follow(model, device, "Hub", KIND_DEVICE)))
        depth++;
    return depth;
}

static GVariant *show_indented(const Model *model, const Object *object)
{
    g_autoptr(GVariant) name = get_name(model, object);
    guint depth = depth_of(model, object);

    return g_variant_new_take_string(
        g_strdup_printf("%*s%s", (int)(2 * depth), "", name ? g_variant_get_string(name, NULL) : "?"));
}

const Column *overview_tree_columns(void)
{
    static const Column columns[] = {
        { "name", N_("what it is called, behind its hub"), COLUMN_TEXT, LOOK_CUT, true, NULL, show_indented },
        { "device", N_("the port as the kernel names it"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, get_device },
        { "where", N_("the host or the VM that has it"), COLUMN_TEXT, LOOK_PLAIN, true, NULL, show_where },
        { "state", N_("what happens to it"), COLUMN_TEXT, LOOK_STATE, true, "State" },
        { "reason", N_("why"), COLUMN_TEXT, LOOK_WRAP, true, NULL, show_reason },
        { 0 },
    };

    return columns;
}

/* Those behind this hub, NULL = behind none, each before what is behind it. */
static void add_behind(const Model *model, GPtrArray *devices, const Object *hub, GPtrArray *rows)
{
    for (guint i = 0; i < devices->len; i++) {
        const Object *device = devices->pdata[i];

        if (model_follow(model, device, "Hub", KIND_DEVICE) != hub || g_ptr_array_find(rows, device, NULL))
            continue;
        g_ptr_array_add(rows, (void *)device);
        add_behind(model, devices, device, rows);
    }
}

GPtrArray *overview_tree_rows(const Model *model)
{
    GPtrArray *rows = g_ptr_array_new();
    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);

    add_behind(model, devices, NULL, rows);
    return rows;
}
