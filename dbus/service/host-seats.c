/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* logind's ListSessions, asked at the begin and whenever its manager says anything. Called by service.c.
 *
 * Somebody sits at a seat when logind has a session there: a desktop, a console login, or the screen where
 * one logs in, which is a session of its own. ssh, serial lines, user services and lingering users have
 * sessions without a seat; a text console where nobody has logged in has none. A host that runs by itself has
 * no keyboard that anybody would miss, so none of its keyboards is the last one. */

#include "dbus/service/host-seats.h"

#include "daemon/base/log.h"
#include "dbus/bus/sd-bus-cleanup.h"

#define LOGIND           "org.freedesktop.login1"
#define LOGIND_PATH      "/org/freedesktop/login1"
#define LOGIND_INTERFACE LOGIND ".Manager"

#define LOGIND_COMES_OR_GOES                                                    \
    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus'," \
    "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" LOGIND "'"

struct HostSeats {
    sd_bus *bus; /* borrowed: the service's */
    Manager *manager;
    sd_bus_slot *signal;
    sd_bus_slot *owner;    /* of logind's name */
    sd_bus_slot *question; /* NULL = none is on its way */
    bool again;            /* there was another signal since the question */
};

/* False when the answer makes no sense. */
static bool read_seats(sd_bus_message *reply, GPtrArray *seats)
{
    const char *seat;
    int r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "(susso)");

    if (r < 0)
        return false;
    while ((r = sd_bus_message_read(reply, "(susso)", NULL, NULL, NULL, &seat, NULL)) > 0)
        if (*seat && !g_ptr_array_find_with_equal_func(seats, seat, g_str_equal, NULL))
            g_ptr_array_add(seats, (gpointer)seat);
    return r >= 0;
}

static void ask(HostSeats *self);

static bool is_away(const sd_bus_message *reply)
{
    const sd_bus_error *error = sd_bus_message_get_error((sd_bus_message *)reply);

    return error && (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                     sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER));
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    HostSeats *self = userdata;
    g_autoptr(GPtrArray) seats = g_ptr_array_new();

    self->question = sd_bus_slot_unref(self->question);
    /* A logind that hangs doesn't say that everybody has left. */
    if (is_away(reply) || (!sd_bus_message_is_method_error(reply, NULL) && read_seats(reply, seats))) {
        g_ptr_array_add(seats, NULL);
        manager_seats_changed(self->manager, (const char *const *)seats->pdata);
    } else {
        log_warning("logind doesn't say where somebody sits; it is taken to be as before");
    }
    if (self->again)
        ask(self);
    return 0;
}

static void ask(HostSeats *self)
{
    g_autoptr(sd_bus_message) message = NULL;
    int r;

    self->again = self->question != NULL;
    if (self->question)
        return;
    r = sd_bus_message_new_method_call(self->bus, &message, LOGIND, LOGIND_PATH, LOGIND_INTERFACE,
                                       "ListSessions");
    if (r >= 0)
        r = sd_bus_message_set_auto_start(message, 0);
    if (r >= 0)
        r = sd_bus_call_async(self->bus, &self->question, message, on_answer, self, 0);
    if (r < 0)
        log_warning("logind can't be asked for its sessions: %s", g_strerror(-r));
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    ask(userdata);
    return 0;
}

HostSeats *host_seats_new(sd_bus *bus, Manager *manager)
{
    HostSeats *self = g_new0(HostSeats, 1);
    int r;

    self->bus = bus;
    self->manager = manager;
    r = sd_bus_match_signal_async(bus, &self->signal, LOGIND, LOGIND_PATH, LOGIND_INTERFACE, NULL, on_signal,
                                  NULL, self);
    if (r >= 0)
        r = sd_bus_add_match_async(bus, &self->owner, LOGIND_COMES_OR_GOES, on_signal, NULL, self);
    if (r < 0) {
        log_warning("where somebody sits isn't seen: %s", g_strerror(-r));
        return host_seats_free(self);
    }
    ask(self);
    return self;
}

HostSeats *host_seats_free(HostSeats *self)
{
    if (!self)
        return NULL;
    sd_bus_slot_unref(self->question);
    sd_bus_slot_unref(self->owner);
    sd_bus_slot_unref(self->signal);
    g_free(self);
    return NULL;
}
