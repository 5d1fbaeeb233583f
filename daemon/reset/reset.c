/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of resets that are on their way, and what all of them share. For manager/, which begins them, and
 * for the reconciler, which lets them take their turns. The steps of each are in steps.c. */

#include "daemon/reset/reset.h"

#include <string.h>

#include "daemon/reset/power-cycles.h"
#include "daemon/reset/steps.h"

struct Resets {
    ResetContext context;
    GHashTable *open; /* sysname → Reset, owned */
};

static void look_again(Resets *self)
{
    self->context.changed(self->context.userdata);
}

bool resets_check(Resets *self, const Device *target, ResetMethod method, GError **error)
{
    return reset_may_begin(self->context.registry, target, method, error);
}

void resets_begin(Resets *self, const Device *target, ResetMethod method, ResetDone done, void *userdata,
                  GDestroyNotify free_userdata)
{
    Reset *reset = reset_new(&self->context, target, method, done, userdata, free_userdata);

    g_hash_table_replace(self->open, reset->sysname, reset);
    look_again(self);
}

void resets_turn(Resets *self, const Allocation *allocation, gint64 now, gint64 *wake)
{
    g_autoptr(GPtrArray) open = registry_sorted(self->open);

    for (guint i = 0; i < open->len; i++) {
        Reset *reset = open->pdata[i];

        if (!reset_turn(reset, allocation, now, wake))
            continue;
        reset_answer(reset);
        g_hash_table_remove(self->open, reset->sysname);
        look_again(self);
    }
    power_cycles_turn(self->context.power_cycles, now, wake);
}

void resets_queue_idle(Resets *self, const char *queue)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Reset *reset = value;

        if (strcmp(reset->queue, queue) == 0)
            reset_queue_idle(reset);
    }
    power_cycles_queue_idle(self->context.power_cycles, queue);
    look_again(self);
}

bool resets_restore(Resets *self, GError **error)
{
    return power_cycles_restore(self->context.power_cycles, error);
}

Resets *resets_new(Registry *registry, WorkerPool *pool, Store *store, const UsbOps *ops,
                   void (*changed)(void *userdata), void *userdata)
{
    Resets *self = g_new0(Resets, 1);

    self->context = (ResetContext){
        .registry = registry, .jobs = { .pool = pool, .ops = ops }, .changed = changed, .userdata = userdata
    };
    self->context.power_cycles = power_cycles_new(&self->context.jobs, store, changed, userdata);
    self->open = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)reset_free);
    return self;
}

Resets *resets_free(Resets *self)
{
    GHashTableIter iter;
    gpointer value;

    if (!self)
        return NULL;
    /* This thread waits: nobody else needs it any more. */
    g_hash_table_iter_init(&iter, self->open);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        reset_switch_on_now(value);
    g_hash_table_unref(self->open);
    power_cycles_free(self->context.power_cycles);
    g_free(self);
    return NULL;
}
