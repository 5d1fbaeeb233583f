/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of reservations, by sysname. Knows no registry: a reservation outlives its device and its
 * assignment. Called by reset/, reconciler/ and allocation/. */

#include "daemon/model/reservation.h"

#include "daemon/usb/device.h"

struct Reservations {
    GHashTable *by_sysname; /* sysname → Reservation, owned */
};

static void free_reservation(gpointer data)
{
    Reservation *reservation = data;

    g_free(reservation->sysname);
    g_free(reservation->assignment_id);
    g_free(reservation);
}

Reservations *reservations_new(void)
{
    Reservations *self = g_new0(Reservations, 1);

    self->by_sysname = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_reservation);
    return self;
}

Reservations *reservations_free(Reservations *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->by_sysname);
    g_free(self);
    return NULL;
}

void reservations_set(Reservations *self, const char *sysname, const char *assignment_id,
                      ReservationKind kind)
{
    Reservation *reservation = g_new0(Reservation, 1);

    reservation->sysname = g_strdup(sysname);
    reservation->assignment_id = g_strdup(assignment_id);
    reservation->kind = kind;
    g_hash_table_replace(self->by_sysname, reservation->sysname, reservation);
}

void reservations_end(Reservations *self, const char *sysname)
{
    g_hash_table_remove(self->by_sysname, sysname);
}

Reservation *reservations_find(const Reservations *self, const char *sysname)
{
    /* Mostly there is none, and many devices. */
    return g_hash_table_size(self->by_sysname) > 0 ? g_hash_table_lookup(self->by_sysname, sysname) : NULL;
}

static int compare(gconstpointer a, gconstpointer b)
{
    return g_strcmp0((*(const Reservation *const *)a)->sysname, (*(const Reservation *const *)b)->sysname);
}

GPtrArray *reservations_sorted(const Reservations *self)
{
    GPtrArray *sorted = g_ptr_array_sized_new(g_hash_table_size(self->by_sysname));
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->by_sysname);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(sorted, value);
    g_ptr_array_sort(sorted, compare);
    return sorted;
}

bool reservations_is_for(const Reservations *self, const char *sysname, const char *assignment_id)
{
    const Reservation *reservation = reservations_find(self, sysname);

    return reservation && g_strcmp0(reservation->assignment_id, assignment_id) == 0;
}

bool reservations_is_in_reset(const Reservations *self, const char *sysname)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->by_sysname);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Reservation *reservation = value;

        if (reservation->kind == RESERVATION_RESET &&
            (g_str_equal(reservation->sysname, sysname) || device_is_behind(sysname, reservation->sysname)))
            return true;
    }
    return false;
}
