/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of devices that went a moment ago, by what they are and where. Called by hotplug/ and manager/;
 * touches nothing else. */

#include "daemon/model/replugs.h"

#include "daemon/base/tuning.h"
#include "daemon/base/wake.h"

/* One device, from the first time that it went. */
typedef struct Replug {
    char *assignment_id;
    char *sysname;   /* where it came; NULL = it didn't yet */
    unsigned times;  /* that it came back */
    gint64 began_at; /* when it went for the first time. All µs, CLOCK_MONOTONIC */
    gint64 left_at;  /* 0 = it is there */
    gint64 came_at;
} Replug;

struct Replugs {
    GHashTable *by_key; /* socket, ids and serial → Replug, owned */
};

static void free_replug(gpointer data)
{
    Replug *replug = data;

    g_free(replug->assignment_id);
    g_free(replug->sysname);
    g_free(replug);
}

Replugs *replugs_new(void)
{
    Replugs *self = g_new0(Replugs, 1);

    self->by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_replug);
    return self;
}

Replugs *replugs_free(Replugs *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->by_key);
    g_free(self);
    return NULL;
}

static char *key_of(const Device *device)
{
    return g_strdup_printf("%s %04x:%04x %s", device->socket, device->vendor_id, device->product_id,
                           device->serial);
}

static gboolean is_old(gpointer key, gpointer value, gpointer now)
{
    const Replug *replug = value;

    return replug->began_at + tuning_get(TUNING_REPLUG) + REPLUG_REST_US < *(const gint64 *)now;
}

/* True when the device that goes now was there as a person would have it, and there may be one more time. */
static bool goes_on(const Replug *replug, gint64 now)
{
    return replug->left_at == 0 && replug->times < REPLUG_TIMES && now - replug->came_at >= REPLUG_IN_US &&
           now - replug->began_at <= tuning_get(TUNING_REPLUG);
}

void replugs_note_left(Replugs *self, const Device *device, const char *assignment_id, gint64 now)
{
    g_autofree char *key = key_of(device);
    Replug *replug = g_hash_table_lookup(self->by_key, key);

    if (replug && goes_on(replug, now)) {
        replug->left_at = now;
        return;
    }
    g_hash_table_remove(self->by_key, key);
    g_hash_table_foreach_remove(self->by_key, is_old, &now);
    if (!assignment_id || g_hash_table_size(self->by_key) >= REPLUGS_MAX)
        return;
    replug = g_new0(Replug, 1);
    replug->assignment_id = g_strdup(assignment_id);
    replug->began_at = replug->left_at = now;
    g_hash_table_insert(self->by_key, g_steal_pointer(&key), replug);
}

void replugs_note_came(Replugs *self, const Device *device, gint64 now)
{
    g_autofree char *key = key_of(device);
    Replug *replug = g_hash_table_lookup(self->by_key, key);

    if (!replug)
        return;
    if (replug->left_at == 0 || now - replug->left_at < REPLUG_OUT_US ||
        now - replug->began_at > tuning_get(TUNING_REPLUG)) {
        g_hash_table_remove(self->by_key, key);
        return;
    }
    replug->times++;
    replug->left_at = 0;
    replug->came_at = now;
    g_free(replug->sysname);
    replug->sysname = g_strdup(device->sysname);
}

void replugs_take_due(Replugs *self, gint64 now, gint64 *wake, ReplugsTake take, void *userdata)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->by_key);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Replug *replug = value;

        if (!replug->left_at && replug->times == REPLUG_TIMES &&
            wake_is_due(wake, replug->came_at + REPLUG_REST_US, now) &&
            take(replug->assignment_id, replug->sysname, userdata))
            g_hash_table_iter_remove(&iter);
    }
}
