/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of places where something went wrong. Called by hotplug/, reconciler/ and manager/, which strike
 * and end, and by allocation/, which asks. Touches nothing else. */

#include "daemon/model/quarantine.h"

#include "daemon/base/log.h"
#include "daemon/base/tuning.h"

/* So many strikes in a row hold a device back. */
#define STRIKES 3

/* Strikes are in a row when less than this is between them. */
#define CALM_US (60 * G_USEC_PER_SEC)

typedef struct Place {
    Quarantine quarantine;
    gint64 left_at; /* µs, CLOCK_MONOTONIC; 0 = never */
    gint64 wait;    /* of the last time that it was held back; 0 = it wasn't */
    gint64 calm_at; /* its strikes are forgotten then */
} Place;

struct Quarantines {
    GHashTable *places; /* key → Place, owned */
    gint64 until;       /* nothing is held back any longer: µs, CLOCK_MONOTONIC */
};

/* A device is known by up to two keys. */
typedef struct Keys {
    char *socket;
    char *identity; /* NULL without a serial: it could be any of its kind */
} Keys;

static void keys_clear(Keys *keys)
{
    g_free(keys->socket);
    g_free(keys->identity);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Keys, keys_clear)

static Keys keys_of(const Device *device)
{
    /* No socket begins with a space. */
    return (Keys){ .socket = g_strdup(device->socket),
                   .identity = *device->serial ? g_strdup_printf(" %04x:%04x %s", device->vendor_id,
                                                                 device->product_id, device->serial)
                                               : NULL };
}

Quarantines *quarantines_new(void)
{
    Quarantines *self = g_new0(Quarantines, 1);

    self->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return self;
}

Quarantines *quarantines_free(Quarantines *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->places);
    g_free(self);
    return NULL;
}

/* ------------------------------------------------------------------ places */

/* When there is nothing to remember of it any more. */
static gint64 over_at(const Place *place)
{
    return MAX(place->left_at ? place->left_at + QUARANTINE_RETURN_US + 1 : 0, place->calm_at);
}

static gboolean is_over(gpointer key, gpointer place, gpointer now)
{
    return over_at(place) <= *(const gint64 *)now;
}

static void drop_the_next_one(Quarantines *self)
{
    GHashTableIter iter;
    gpointer key, place, next = NULL;
    gint64 at = G_MAXINT64;

    g_hash_table_iter_init(&iter, self->places);
    while (g_hash_table_iter_next(&iter, &key, &place)) {
        if (over_at(place) >= at)
            continue;
        at = over_at(place);
        next = key;
    }
    if (next)
        g_hash_table_remove(self->places, next);
}

static Place *find_or_add(Quarantines *self, const char *key, gint64 now)
{
    Place *place = g_hash_table_lookup(self->places, key);

    if (place)
        return place;
    g_hash_table_foreach_remove(self->places, is_over, &now);
    if (g_hash_table_size(self->places) >= QUARANTINES_MAX)
        drop_the_next_one(self);
    place = g_new0(Place, 1);
    g_hash_table_insert(self->places, g_strdup(key), place);
    return place;
}

/* ------------------------------------------------------------------ leaving */

void quarantines_note_left(Quarantines *self, const Device *device, gint64 now)
{
    g_auto(Keys) keys = keys_of(device);

    find_or_add(self, keys.socket, now)->left_at = now;
    if (keys.identity)
        find_or_add(self, keys.identity, now)->left_at = now;
}

static bool was_left_just_now(const Quarantines *self, const char *key, gint64 now)
{
    const Place *place = key ? g_hash_table_lookup(self->places, key) : NULL;

    return place && place->left_at && now - place->left_at <= QUARANTINE_RETURN_US;
}

bool quarantines_left_just_now(const Quarantines *self, const Device *device, gint64 now)
{
    g_auto(Keys) keys = keys_of(device);

    return was_left_just_now(self, keys.socket, now) || was_left_just_now(self, keys.identity, now);
}

/* ------------------------------------------------------------------ strikes */

static bool is_held(const Place *place, gint64 now)
{
    return place->quarantine.until > now;
}

/* True when it is held back from now on, and was not before. */
static bool strike(Place *place, QuarantineCause cause, const char *because, gint64 now)
{
    Quarantine *quarantine = &place->quarantine;
    bool was_held = is_held(place, now);

    if (place->calm_at <= now) {
        *quarantine = (Quarantine){ 0 };
        place->wait = 0;
    }
    quarantine->cause = cause;
    quarantine->because = because;
    quarantine->strikes++;
    place->calm_at = now + CALM_US;
    if (quarantine->strikes < STRIKES)
        return false;
    if (!was_held)
        place->wait = place->wait ? MIN(2 * place->wait, tuning_get(TUNING_QUARANTINE_LAST))
                                  : tuning_get(TUNING_QUARANTINE_FIRST);
    quarantine->until = now + place->wait;
    quarantine->until_clock = g_get_real_time() + place->wait;
    place->calm_at = quarantine->until + MAX(CALM_US, place->wait);
    return !was_held;
}

/* The socket, as long as it happens there: the next device of a series may have the same serial. */
static const char *key_to_strike(const Quarantines *self, const Keys *keys, gint64 now)
{
    bool hops = was_left_just_now(self, keys->identity, now) && !was_left_just_now(self, keys->socket, now);

    return hops ? keys->identity : keys->socket;
}

bool quarantines_strike(Quarantines *self, const Device *device, QuarantineCause cause, const char *because,
                        gint64 now)
{
    g_auto(Keys) keys = keys_of(device);
    Place *place = find_or_add(self, key_to_strike(self, &keys, now), now);

    if (strike(place, cause, because, now)) {
        g_autofree char *what = device_describe(device);
        g_autofree char *why = quarantine_text(&place->quarantine);

        log_event(LOG_EVENT_QUARANTINED, device->sysname, NULL, NULL, "%s is quarantined: %s", what, why);
    }
    self->until = MAX(self->until, place->quarantine.until);
    return is_held(place, now);
}

static const Quarantine *held_by(const Quarantines *self, const char *key, gint64 now)
{
    const Place *place = key ? g_hash_table_lookup(self->places, key) : NULL;

    return place && is_held(place, now) ? &place->quarantine : NULL;
}

const Quarantine *quarantines_find(const Quarantines *self, const Device *device, gint64 now)
{
    const Quarantine *there, *itself;
    g_auto(Keys) keys = { 0 };

    /* As nearly always. */
    if (now >= self->until)
        return NULL;
    keys = keys_of(device);
    there = held_by(self, keys.socket, now);
    itself = held_by(self, keys.identity, now);
    return there && itself ? (there->until > itself->until ? there : itself) : (there ? there : itself);
}

char *quarantine_text(const Quarantine *quarantine)
{
    g_autoptr(GDateTime) until = g_date_time_new_from_unix_local(quarantine->until_clock / G_USEC_PER_SEC);
    g_autofree char *clock = until ? g_date_time_format(until, "%H:%M:%S") : g_strdup("later");
    g_autofree char *what = NULL;

    switch (quarantine->cause) {
    case QUARANTINE_FLAPS:
        what = g_strdup_printf("it left and came back %u times in a row", quarantine->strikes);
        break;
    case QUARANTINE_LOST:
        what = g_strdup_printf("its VM lost it %u times in a row", quarantine->strikes);
        break;
    }
    return g_strdup_printf("%s%s%s; it is held back until %s", what,
                           quarantine->because ? ", the last time because " : "",
                           quarantine->because ? quarantine->because : "", clock);
}

bool quarantines_end(Quarantines *self, const Device *device, gint64 now)
{
    g_auto(Keys) keys = keys_of(device);
    bool was_held = quarantines_find(self, device, now) != NULL;

    g_hash_table_remove(self->places, keys.socket);
    if (keys.identity)
        g_hash_table_remove(self->places, keys.identity);
    return was_held;
}

unsigned quarantines_count(const Quarantines *self)
{
    return g_hash_table_size(self->places);
}
