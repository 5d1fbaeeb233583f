/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An sd_bus in GLib's main loop. */

#include "dbus/bus/bus-source.h"

#include <errno.h>

/* How many messages one dispatch may process, so that a busy bus starves no other source. */
#define MESSAGES_PER_DISPATCH 64

typedef struct BusSource {
    GSource source;
    sd_bus *bus;
    BusLostFunc lost;
    void *userdata;
    gpointer tag;
    int fd;
    GIOCondition mask; /* what GLib polls for now */
} BusSource;

static gboolean bus_source_prepare(GSource *source, int *ret_timeout)
{
    BusSource *self = (BusSource *)source;
    int fd = sd_bus_get_fd(self->bus);
    int events = sd_bus_get_events(self->bus);
    uint64_t until;

    *ret_timeout = -1;

    /* A closed bus has neither; sd_bus_process() says why. */
    if (fd < 0 || events < 0 || sd_bus_get_timeout(self->bus, &until) < 0)
        return TRUE;

    /* While it connects, sd-bus goes on to another socket when an address of a list doesn't answer. */
    if (fd != self->fd) {
        if (self->tag)
            g_source_remove_unix_fd(source, self->tag);
        self->mask = (GIOCondition)events;
        self->tag = g_source_add_unix_fd(source, fd, self->mask);
        self->fd = fd;
    }

    /* Changing the mask wakes the context, which would make each turn run twice: only when it differs. */
    if ((GIOCondition)events != self->mask) {
        self->mask = (GIOCondition)events;
        g_source_modify_unix_fd(source, self->tag, self->mask);
    }

    if (until == 0) /* messages wait in the queue */
        return TRUE;
    /* absolute, µs, CLOCK_MONOTONIC: what GLib wants as well */
    g_source_set_ready_time(source, until == UINT64_MAX ? -1 : (gint64)until);
    return FALSE;
}

static gboolean bus_source_check(GSource *source)
{
    BusSource *self = (BusSource *)source;

    return (self->tag && g_source_query_unix_fd(source, self->tag) != 0) ||
           (g_source_get_ready_time(source) >= 0 &&
            g_source_get_ready_time(source) <= g_get_monotonic_time());
}

static gboolean bus_source_dispatch(GSource *source, GSourceFunc callback, gpointer userdata)
{
    BusSource *self = (BusSource *)source;

    for (unsigned n = 0; n < MESSAGES_PER_DISPATCH; n++) {
        int r = sd_bus_process(self->bus, NULL);

        if (r < 0) {
            self->lost(-r, self->userdata);
            return G_SOURCE_REMOVE;
        }
        if (r == 0 || g_source_is_destroyed(source))
            break;
    }
    return G_SOURCE_CONTINUE;
}

static void bus_source_finalize(GSource *source)
{
    BusSource *self = (BusSource *)source;

    sd_bus_unref(self->bus);
}

static GSourceFuncs bus_source_funcs = {
    .prepare = bus_source_prepare,
    .check = bus_source_check,
    .dispatch = bus_source_dispatch,
    .finalize = bus_source_finalize,
};

GSource *bus_source_new(sd_bus *bus, BusLostFunc lost, void *userdata)
{
    GSource *source = g_source_new(&bus_source_funcs, sizeof(BusSource));
    BusSource *self = (BusSource *)source;

    self->bus = sd_bus_ref(bus);
    self->lost = lost;
    self->userdata = userdata;
    self->fd = -1;
    g_source_set_name(source, "sd-bus");
    g_source_attach(source, NULL);
    return source;
}
