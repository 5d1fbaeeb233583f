/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An sd_bus in GLib's main loop. */

#include "dbus/bus/bus-source.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "dbus/bus/limits.h"
#include "dbus/bus/log-limit.h"
#include "dbus/bus/sd-bus-cleanup.h"

/* How many messages one dispatch may process, so that a busy bus starves no other source. */
#define MESSAGES_PER_DISPATCH 64

typedef struct BusSource {
    GSource source;
    sd_bus *bus;
    BusLostFunc lost;
    void *userdata;
    gpointer tag;
    int fd;
    GIOCondition mask;      /* what GLib polls for now */
    sd_bus_message *nobody; /* see write_only() */
    LogLimit failures;
} BusSource;

/* ------------------------------------------------------------------ what isn't sent yet */

static uint64_t unsent(const BusSource *self)
{
    uint64_t n;

    return sd_bus_get_n_queued_write(self->bus, &n) < 0 ? 0 : n;
}

static bool is_congested(const BusSource *self)
{
    return unsent(self) > LIMIT_UNSENT;
}

static bool has_read(const BusSource *self)
{
    uint64_t n;

    return sd_bus_get_n_queued_read(self->bus, &n) >= 0 && n > 0;
}

/* Writes what the socket takes, and reads nothing from it. sd-bus has no function for that: sd_bus_flush()
 * blocks, and sd_bus_process() reads the next call when it could not write a whole message. But first it
 * takes what is in its queue of read messages; so that one of ours is put there, which is for nobody. */
static int write_only(BusSource *self)
{
    int r = sd_bus_enqueue_for_read(self->bus, self->nobody);

    while (r >= 0 && has_read(self))
        r = sd_bus_process(self->bus, NULL);
    return r;
}

static sd_bus_message *message_for_nobody(sd_bus *bus)
{
    sd_bus_message *message = NULL;

    /* Fails only for lack of memory: GLib aborts then, and so does this. */
    if (sd_bus_message_new_signal(bus, &message, "/", "org.usbferry1.Nobody", "Nothing") < 0 ||
        sd_bus_message_seal(message, 1, 0) < 0)
        g_error("no message can be made");
    return message;
}

void bus_source_flush(GSource *source, unsigned timeout_ms)
{
    BusSource *self = (BusSource *)source;
    gint64 until = g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
    gint64 left = timeout_ms;

    while (left > 0 && unsent(self) > 0 && write_only(self) >= 0 && unsent(self) > 0) {
        struct pollfd poll_fd = { .fd = sd_bus_get_fd(self->bus), .events = POLLOUT };

        left = (until - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;
        (void)poll(&poll_fd, 1, (int)MAX(left, 0));
    }
}

/* ------------------------------------------------------------------ the source */

static gboolean bus_source_prepare(GSource *source, int *ret_timeout)
{
    BusSource *self = (BusSource *)source;
    int fd = sd_bus_get_fd(self->bus);
    bool congested = is_congested(self);
    int events = congested ? POLLOUT : sd_bus_get_events(self->bus);
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

    if (congested) {
        g_source_set_ready_time(source, -1);
        return FALSE;
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

/* After anything else the next message is read as if nothing had been. After these there is no next one: the
 * place where it begins is lost. */
static bool is_lost(const BusSource *self, int r)
{
    return sd_bus_is_open(self->bus) <= 0 || r == -EBADMSG || r == -EXFULL || r == -EIO;
}

static gboolean bus_source_dispatch(GSource *source, GSourceFunc callback, gpointer userdata)
{
    BusSource *self = (BusSource *)source;
    unsigned n = 0;
    int r;

    do
        r = is_congested(self) ? write_only(self) : sd_bus_process(self->bus, NULL);
    while (r > 0 && ++n < MESSAGES_PER_DISPATCH && !is_congested(self) && !g_source_is_destroyed(source));
    if (r >= 0 || g_source_is_destroyed(source))
        return G_SOURCE_CONTINUE;
    if (is_lost(self, r)) {
        self->lost(-r, self->userdata);
        return G_SOURCE_REMOVE;
    }
    log_limited(&self->failures, "a message could not be handled: %s", g_strerror(-r));
    return G_SOURCE_CONTINUE;
}

static void bus_source_finalize(GSource *source)
{
    BusSource *self = (BusSource *)source;

    sd_bus_message_unref(self->nobody);
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
    self->nobody = message_for_nobody(bus);
    self->lost = lost;
    self->userdata = userdata;
    self->fd = -1;
    g_source_set_name(source, "sd-bus");
    g_source_attach(source, NULL);
    return source;
}
