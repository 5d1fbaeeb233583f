/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reservations: devices that are kept for an assignment, or from everybody, for a moment, be they plugged in
 * or not. reset/ makes those of resets, reconciler/ those of devices that are attached anew, each ends its
 * own; allocation/ asks who may have what. In memory only. Main thread only. */

#include <glib.h>
#include <stdbool.h>

typedef enum ReservationKind {
    /* Being reset: nobody gets it now, nor what is behind it, and a machine that has it loses it. */
    RESERVATION_RESET,
    /* The reset is over: its assignment gets it, and nobody else. */
    RESERVATION_RETURN,
    /* Taken out of its machine only to be put in again: its assignment gets it, and nobody else. */
    RESERVATION_REATTACH,
} ReservationKind;

typedef struct Reservation {
    char *sysname;
    char *assignment_id; /* NULL: nobody's */
    ReservationKind kind;
    bool out;     /* REATTACH: the device was seen out of its machine */
    gint64 until; /* REATTACH: µs, CLOCK_MONOTONIC; 0 = as long as what it waits for lasts */
} Reservation;

typedef struct Reservations Reservations;

Reservations *reservations_new(void);
Reservations *reservations_free(Reservations *reservations);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reservations, reservations_free)

/* Replaces the one that there is. assignment_id may be NULL. */
void reservations_set(Reservations *reservations, const char *sysname, const char *assignment_id,
                      ReservationKind kind);
/* Does nothing when there is none. */
void reservations_end(Reservations *reservations, const char *sysname);

/* NULL = none. out and until are the caller's to set. */
Reservation *reservations_find(const Reservations *reservations, const char *sysname);
/* All, sorted by sysname. New array, borrowed reservations. */
GPtrArray *reservations_sorted(const Reservations *reservations);

bool reservations_is_for(const Reservations *reservations, const char *sysname, const char *assignment_id);
/* Nobody gets it now: it, or a hub before it, is being reset. */
bool reservations_is_in_reset(const Reservations *reservations, const char *sysname);
