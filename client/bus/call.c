/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts GVariants into calls and takes them out of answers, whose type is checked. client.c sends them. */

#include "client/bus/call.h"

#include <glib/gi18n.h>

static sd_bus_message *new_call(Client *client, const char *path, const char *interface, const char *member,
                                GVariant *parameters, GError **error)
{
    g_autoptr(GVariant) sunk = parameters ? g_variant_ref_sink(parameters) : NULL;
    g_autoptr(sd_bus_message) call = client_new_call(client, path, interface, member, error);

    int r = call && sunk ? variant_append(call, sunk) : 0;
    if (r < 0) {
        g_propagate_error(error, error_from_bus(NULL, r));
        return NULL;
    }
    return g_steal_pointer(&call);
}

static GVariant *take_reply(sd_bus_message *reply, const char *type, GError **error)
{
    g_autoptr(GVariant) values = reply ? variant_read_all(reply, error) : NULL;

    if (values && !g_variant_is_of_type(values, G_VARIANT_TYPE(type))) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("the service's answer has an unknown form"));
        return NULL;
    }
    return g_steal_pointer(&values);
}

GVariant *call_read(Client *client, const char *path, const char *interface, const char *member,
                    GVariant *parameters, const char *type, GError **error)
{
    g_autoptr(sd_bus_message) call = new_call(client, path, interface, member, parameters, error);
    g_autoptr(sd_bus_message) reply = call ? client_read(client, call, error) : NULL;

    return take_reply(reply, type, error);
}

GVariant *call_change(Client *client, const char *path, const char *interface, const char *member,
                      GVariant *parameters, const char *type, GError **error)
{
    g_autoptr(sd_bus_message) call = new_call(client, path, interface, member, parameters, error);
    g_autoptr(sd_bus_message) reply = call ? client_change(client, call, error) : NULL;

    return take_reply(reply, type, error);
}

bool call_options(Client *client, const char *path, const char *interface, const char *member,
                  GVariant *options, GError **error)
{
    g_autoptr(GVariant) reply =
        call_change(client, path, interface, member, g_variant_new("(@a{sv})", options), "()", error);

    return reply;
}

bool call_delete(Client *client, const char *path, const char *interface, bool force, GError **error)
{
    return call_options(client, path, interface, "Delete",
                        force ? g_variant_new_parsed("{'Force': <true>}") : g_variant_new_parsed("@a{sv} {}"),
                        error);
}
