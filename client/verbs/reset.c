/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reset: of a device whoever has it, which is an administrator's; of an assignment as the user of its VM. */

#include "client/verbs/reset.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/view/json.h"
#include "dbus/names.h"

static bool reset_device(Client *client, const Object *device, bool hub, bool power_cycle, GError **error)
{
    GVariantBuilder dict;

    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    if (power_cycle)
        g_variant_builder_add(&dict, "{sv}", "Method", g_variant_new_string("power-cycle"));
    return call_options(client, device->path, FERRY_INTERFACE_DEVICE, hub ? "ResetHub" : "Reset",
                        g_variant_builder_end(&dict), error);
}

static bool reset_assignment(Client *client, const Object *assignment, bool hub, GError **error)
{
    return call_options(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, hub ? "ResetAll" : "Reset",
                        g_variant_new_parsed("@a{sv} {}"), error);
}

static bool reset(Client *client, const Object *object, bool hub, bool power_cycle, GError **error)
{
    if (object->kind == KIND_DEVICE)
        return reset_device(client, object, hub, power_cycle, error);
    if (object->kind == KIND_ASSIGNMENT && !power_cycle)
        return reset_assignment(client, object, hub, error);
    g_autofree char *text = object_describe(object);
    g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                object->kind == KIND_ASSIGNMENT ? _("%s: --power-cycle is for devices, by administrators")
                                                : "%s is no device and no assignment",
                text);
    return false;
}

static Outcome reset_target(Client *client, char **words, GError **error)
{
    gboolean hub = FALSE, power_cycle = FALSE;
    const GOptionEntry entries[] = {
        { "hub", 0, 0, G_OPTION_ARG_NONE, &hub, N_("The hub that it is plugged into, with all behind it"),
          NULL },
        { "power-cycle", 0, 0, G_OPTION_ARG_NONE, &power_cycle, N_("Switch its port off and on"), NULL },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, 1, error);
    if (!rest)
        return OUTCOME_USAGE;
    g_autoptr(Follow) follow = follow_new(client, NULL, NULL, error);
    if (!follow || !follow_fetch(follow, error))
        return OUTCOME_FAILED;
    const Object *object = target_find(client, follow_model(follow), TARGET_GIVEN, rest[0], error);
    if (!object)
        return OUTCOME_FAILED;
    const char *kind = kind_to_string(object->kind);
    g_autofree char *name = g_strdup(object_name(object));
    g_autofree char *path = g_strdup(object->path);
    g_autofree char *text = object_describe(object);
    if (!reset(client, object, hub, power_cycle, error))
        return OUTCOME_FAILED;

    const char *what = power_cycle ? "power-cycled" : "reset";
    if (client->json)
        json_print(g_variant_new_parsed("{'kind': <%s>, 'name': <%s>, 'path': <%s>, 'whole-hub': <%b>,"
                                        " 'result': <%s>}",
                                        kind, name, path, hub, what));
    else
        printf(hub && power_cycle
                   ? _("The hub of %s was power-cycled, and everything is back where it was.\n")
               : hub         ? _("The hub of %s was reset, and everything is back where it was.\n")
               : power_cycle ? _("%s was power-cycled, and everything is back where it was.\n")
                             : _("%s was reset, and everything is back where it was.\n"),
               text);
    return OUTCOME_DONE;
}

const Verb verb_reset = { "reset", "DEVICE|ASSIGNMENT",
                          N_("Resets a device, or the hub that it is plugged into"), reset_target };
