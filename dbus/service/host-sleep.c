/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* logind's PrepareForSleep and PreparingForSleep. Called by service.c. */

#include "dbus/service/host-sleep.h"

#include "daemon/base/log.h"
#include "dbus/bus/sd-bus-cleanup.h"

#define LOGIND           "org.freedesktop.login1"
#define LOGIND_PATH      "/org/freedesktop/login1"
#define LOGIND_INTERFACE LOGIND ".Manager"

struct HostSleep {
    sd_bus *bus; /* borrowed: the service's */
    Manager *manager;
    sd_bus_slot *signal;
    sd_bus_slot *question; /* NULL = none is on its way */
    bool again;            /* there was another signal since the question */
};

static void ask(HostSleep *self);

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    HostSleep *self = userdata;
    int sleeps = 0;

    self->question = sd_bus_slot_unref(self->question);
    if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "v", "b", &sleeps) < 0)
        sleeps = 0;
    manager_host_sleeps(self->manager, sleeps != 0);
    if (self->again)
        ask(self);
    return 0;
}

static void ask(HostSleep *self)
{
    g_autoptr(sd_bus_message) message = NULL;
    int r;

    self->again = self->question != NULL;
    if (self->question)
        return;
    r = sd_bus_message_new_method_call(self->bus, &message, LOGIND, LOGIND_PATH,
                                       "org.freedesktop.DBus.Properties", "Get");
    if (r >= 0)
        r = sd_bus_message_append(message, "ss", LOGIND_INTERFACE, "PreparingForSleep");
    if (r >= 0)
        r = sd_bus_message_set_auto_start(message, 0);
    if (r >= 0)
        r = sd_bus_call_async(self->bus, &self->question, message, on_answer, self, 0);
    if (r < 0)
        log_warning("logind can't be asked: %s", g_strerror(-r));
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    ask(userdata);
    return 0;
}

HostSleep *host_sleep_new(sd_bus *bus, Manager *manager)
{
    HostSleep *self = g_new0(HostSleep, 1);
    int r;

    self->bus = bus;
    self->manager = manager;
    r = sd_bus_match_signal_async(bus, &self->signal, LOGIND, LOGIND_PATH, LOGIND_INTERFACE,
                                  "PrepareForSleep", on_signal, NULL, self);
    if (r >= 0)
        return self;
    log_warning("sleep of the host isn't seen: %s", g_strerror(-r));
    return host_sleep_free(self);
}

HostSleep *host_sleep_free(HostSleep *self)
{
    if (!self)
        return NULL;
    sd_bus_slot_unref(self->question);
    sd_bus_slot_unref(self->signal);
    g_free(self);
    return NULL;
}
