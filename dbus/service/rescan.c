/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One rescan for all who ask for one. */

#include "dbus/service/rescan.h"

#include "daemon/base/log.h"
#include "dbus/bus/errors.h"
#include "dbus/bus/limits.h"
#include "dbus/bus/sd-bus-cleanup.h"

struct Rescans {
    Manager *manager;
    Changes *changes;
    GPtrArray *waiting; /* of sd_bus_message */
    gint64 next_at;     /* not before this: µs, CLOCK_MONOTONIC */
    guint timer;        /* source; 0 = nobody waits */
};

static void message_free(gpointer message)
{
    sd_bus_message_unref(message);
}

Rescans *rescans_new(Manager *manager, Changes *changes)
{
    Rescans *self = g_new0(Rescans, 1);

    self->manager = manager;
    self->changes = changes;
    self->waiting = g_ptr_array_new_with_free_func(message_free);
    return self;
}

Rescans *rescans_free(Rescans *self)
{
    if (!self)
        return NULL;
    g_clear_handle_id(&self->timer, g_source_remove);
    g_ptr_array_unref(self->waiting);
    g_free(self);
    return NULL;
}

static void answer_all(Rescans *self, unsigned added, unsigned removed, const GError *error)
{
    for (guint i = 0; i < self->waiting->len; i++) {
        sd_bus_message *message = self->waiting->pdata[i];
        g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
        int r;

        if (error) {
            bus_error_from_gerror(&bus_error, error);
            r = sd_bus_reply_method_error(message, &bus_error);
        } else {
            r = sd_bus_reply_method_return(message, "uu", added, removed);
        }
        if (r < 0)
            log_debug("Rescan could not be answered: %s", g_strerror(-r));
    }
    g_ptr_array_set_size(self->waiting, 0);
}

static void rescan(Rescans *self)
{
    g_autoptr(GError) error = NULL;
    unsigned added = 0, removed = 0;

    (void)manager_rescan(self->manager, &added, &removed, &error);
    /* from its end: what it takes is at most as much as what it leaves to others */
    self->next_at = g_get_monotonic_time() + LIMIT_RESCAN_INTERVAL_MS * G_TIME_SPAN_MILLISECOND;
    changes_flush(self->changes);
    answer_all(self, added, removed, error);
}

static gboolean on_due(gpointer userdata)
{
    Rescans *self = userdata;

    self->timer = 0;
    rescan(self);
    return G_SOURCE_REMOVE;
}

int rescans_ask(Rescans *self, sd_bus_message *message, sd_bus_error *ret_error)
{
    gint64 now = g_get_monotonic_time();

    if (self->waiting->len >= LIMIT_RESCANS_WAITING)
        return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED, "%u calls wait for a rescan already",
                              self->waiting->len);
    g_ptr_array_add(self->waiting, sd_bus_message_ref(message));
    if (now >= self->next_at && self->timer == 0)
        rescan(self);
    else if (self->timer == 0)
        self->timer =
            g_timeout_add((guint)((self->next_at - now) / G_TIME_SPAN_MILLISECOND) + 1, on_due, self);
    return 1;
}
