/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When everything is home, and who is told. Called by reconciler.c; reads the registry. */

#include "daemon/reconciler/homecoming.h"

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/wake.h"

/* A healthy VM lets go in less than a second; the end of a host isn't held up for one that doesn't. */
#define DEADLINE_US (20 * G_USEC_PER_SEC)

typedef struct Waiter {
    HomeDone done;
    void *userdata;
    gint64 deadline;
} Waiter;

struct Homecoming {
    Registry *registry;
    GPtrArray *waiters; /* of Waiter */
};

Homecoming *homecoming_new(Registry *registry)
{
    Homecoming *self = g_new0(Homecoming, 1);

    self->registry = registry;
    self->waiters = g_ptr_array_new_with_free_func(g_free);
    return self;
}

Homecoming *homecoming_free(Homecoming *self)
{
    if (!self)
        return NULL;
    g_ptr_array_unref(self->waiters);
    g_free(self);
    return NULL;
}

void homecoming_wait(Homecoming *self, HomeDone done, void *userdata)
{
    Waiter *waiter = g_new0(Waiter, 1);

    waiter->done = done;
    waiter->userdata = userdata;
    waiter->deadline = g_get_monotonic_time() + DEADLINE_US;
    g_ptr_array_add(self->waiters, waiter);
}

static bool has_ours(const Machine *machine)
{
    for (guint i = 0; i < machine->info->hostdevs->len; i++)
        if (((const Hostdev *)machine->info->hostdevs->pdata[i])->assignment_id)
            return true;
    return machine->in_flight != NULL;
}

/* One that doesn't answer and is not known to have anything isn't waited for. */
static bool is_on_its_way(const Machine *machine)
{
    bool looking = machine->stale || machine->busy || !machine->inspected;

    return has_ours(machine) || (looking && !machine->stuck && !machine->read_error);
}

/* "VM \"desk\", VM \"studio\""; NULL = everything is home. New string. */
static char *who_keeps_something(const Homecoming *self)
{
    g_autoptr(GPtrArray) machines = registry_list(self->registry, self->registry->machines);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < machines->len; i++) {
        const Machine *machine = machines->pdata[i];
        g_autofree char *quoted = NULL;

        if (!is_on_its_way(machine))
            continue;
        quoted = text_quote(machine->info->name);
        g_string_append_printf(text, "%sVM %s", text->len ? ", " : "", quoted);
    }
    return text->len ? g_strdup(text->str) : NULL;
}

/* NULL: the wait goes on, or everything is home. */
static GError *find_trouble(const Homecoming *self, const Waiter *waiter, const char *who, gint64 now)
{
    const Registry *registry = self->registry;

    if (!registry->held_home)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_DISABLED, "devices are given to VMs again");
    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "the hypervisor is away: %s",
                           registry->hypervisor_text ? registry->hypervisor_text : "connecting");
    if (now >= waiter->deadline)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_TIMEOUT, "not everything is home: %s",
                           who ? who : "the VMs are still being read");
    return NULL;
}

void homecoming_turn(Homecoming *self, gint64 now, gint64 *wake)
{
    g_autofree char *who = NULL;
    bool home;

    if (self->waiters->len == 0)
        return;
    who = who_keeps_something(self);
    home = self->registry->machines_known && !who;
    for (guint i = self->waiters->len; i > 0; i--) {
        const Waiter *waiter = self->waiters->pdata[i - 1];
        g_autoptr(GError) error = find_trouble(self, waiter, who, now);

        if (error || home) {
            /* It may make others wait. */
            g_autofree Waiter *over = g_ptr_array_steal_index(self->waiters, i - 1);

            over->done(error ? NULL : "", error, over->userdata);
        } else {
            wake_at(wake, waiter->deadline);
        }
    }
}
