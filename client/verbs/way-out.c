/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands behind a refusal. Called by give.c; reads the client's copy of the objects only. */

#include "client/verbs/way-out.h"

#include <glib/gi18n.h>

#include "client/bus/escape.h"
#include "client/bus/outcome.h"

/* Whoever gives it away may have nothing to take it back with. */
static bool is_last_input(const Object *device)
{
    GVariant *uses = object_value(device, "HostUse");
    bool is_last = false;

    if (!uses || !g_variant_is_of_type(uses, G_VARIANT_TYPE_STRING_ARRAY))
        return false;
    for (gsize i = 0; i < g_variant_n_children(uses); i++) {
        g_autoptr(GVariant) use = g_variant_get_child_value(uses, i);

        is_last |= g_str_has_prefix(g_variant_get_string(use, NULL), "last-");
    }
    return is_last;
}

GError *way_out_add(const Model *model, const char *source, const char *machine, const GError *error)
{
    const Object *device = model_get(model, source, KIND_DEVICE);
    g_autofree char *name = device ? escape_word(object_string(device, "SysName")) : NULL;
    g_autofree char *vm = escape_word(object_name(model_get(model, machine, KIND_MACHINE)));
    g_autofree char *hint = NULL;

    if (device && error_is_named(error, "DeviceInUse") && is_last_input(device))
        hint = g_strdup_printf(
            _("\n  An administrator gives it all the same, best for a try: usbferry give %s %s --force --try 20"
              "\n  It is home after 20 s unless it is confirmed, and whenever it is plugged in anew three times."),
            name, vm);
    else if (device && error_is_named(error, "DeviceInUse"))
        hint = g_strdup_printf(_("\n  An administrator gives it all the same: usbferry give %s %s --force"),
                               name, vm);
    else if (device && error_is_named(error, "DeviceBusy"))
        hint = g_strdup_printf(_("\n  usbferry take %s takes it home"), name);
    return error_with_text(error, g_strconcat(error->message, hint, NULL));
}
