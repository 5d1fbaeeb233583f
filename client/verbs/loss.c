/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service works out itself what a changed rule would do (PreviewRule); for a whole group its objects tell
 * what VMs have of it. */

#include "client/verbs/loss.h"

#include <glib/gi18n.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/bus/path.h"
#include "dbus/names.h"

/* The sentences about what would be lost, a line each; "" = nothing. */
static char *lost_lines(GVariant *changes)
{
    GString *lines = g_string_new(NULL);

    for (gsize i = 0; i < g_variant_n_children(changes); i++) {
        g_autoptr(GVariant) change = g_variant_get_child_value(changes, i);
        const char *kind = "", *text = "";
        g_variant_lookup(change, "Change", "&s", &kind);
        g_variant_lookup(change, "Text", "&s", &text);
        if (!g_str_equal(kind, "loses"))
            continue;
        g_autofree char *escaped = escape_text(text);
        g_string_append_printf(lines, "\n  %s", escaped);
    }
    return g_string_free(lines, FALSE);
}

bool loss_check_rule(Client *client, const char *group, guint32 id, const char *rule, const bool *enabled,
                     bool remove, GError **error)
{
    g_autofree char *name = path_to_name(group);
    GVariantBuilder options;

    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&options, "{sv}", "Group", g_variant_new_string(name));
    g_variant_builder_add(&options, "{sv}", "Rule", g_variant_new_uint32(id));
    if (enabled)
        g_variant_builder_add(&options, "{sv}", "Enabled", g_variant_new_boolean(*enabled));
    if (remove)
        g_variant_builder_add(&options, "{sv}", "Remove", g_variant_new_boolean(TRUE));
    g_autoptr(GVariant) reply = call_read(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule",
                                          g_variant_new("(sa{sv})", rule, &options), "(aa{sv})", error);
    if (!reply)
        return false;

    g_autoptr(GVariant) changes = g_variant_get_child_value(reply, 0);
    g_autofree char *lines = lost_lines(changes);
    if (*lines)
        error_set(error, "DeviceInUse",
                  _("this takes devices from VMs; with --force it is done all the same:%s"), lines);
    return !*lines;
}

char *loss_of_group(Client *client, const char *path)
{
    static const char *const there[] = { "attaching", "attached", NULL };
    g_autoptr(Model) model = model_fetch(client, NULL);
    g_autoptr(GPtrArray) devices = model ? model_sorted(model, KIND_DEVICE) : g_ptr_array_new();
    GString *lines = g_string_new(NULL);

    for (guint i = 0; i < devices->len; i++) {
        const Object *device = devices->pdata[i];
        const Object *assignment = model_follow(model, device, "Assignment", KIND_ASSIGNMENT);
        const Object *machine = model_follow(model, device, "Machine", KIND_MACHINE);

        if (!assignment || !machine || !g_str_equal(object_string(assignment, "Group"), path) ||
            !g_strv_contains(there, object_string(device, "State")))
            continue;
        g_autofree char *what = object_describe(device);
        g_autofree char *where = object_describe(machine);
        g_string_append_printf(lines, _("\n  %s has %s"), where, what);
    }
    return g_string_free(lines, FALSE);
}
