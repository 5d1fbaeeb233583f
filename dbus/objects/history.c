/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells what happened lately, to everybody what everybody could see when it did: who decided it stands in no
 * property but Owner, so it is told to those whom it concerns. Called by manager.c; changes nothing. */

#include "dbus/objects/history.h"

#include "dbus/bus/options.h"
#include "dbus/service/happening.h"
#include "dbus/service/service-state.h"

static bool may_see_who(const Happening *happening, uint32_t caller)
{
    return happening->who != HISTORY_NOBODY && (happening->who == happening->owner || caller == 0 ||
                                                caller == happening->who || caller == happening->owner);
}

static int append_happening(sd_bus_message *reply, const Happening *happening, uint32_t caller)
{
    int r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");

    if (r >= 0)
        r = happening_append_text(reply, "Kind", log_event_word(happening->event));
    if (r >= 0)
        r = happening_append_text(reply, "Text", happening->text);
    if (r >= 0)
        r = happening_append_details(reply, happening);
    if (r >= 0 && may_see_who(happening, caller))
        r = happening_append_number(reply, "Who", happening->who);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

int method_get_history(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(sd_bus_message) reply = NULL;
    uint32_t max, caller;
    int r;

    r = sd_bus_message_read(message, "u", &max);
    if (r >= 0)
        r = options_read(message, NULL, 0, ret_error);
    if (r >= 0)
        r = authorize_who(service->authorizer, message, &caller, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "a{sv}");
    for (const GList *l = history_last(manager_history(service->manager), max); r >= 0 && l; l = l->next)
        r = append_happening(reply, l->data, caller);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
