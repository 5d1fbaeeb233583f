/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Quarantines: devices that are held back for a while, because something went wrong with them several times
 * in a row: they left and came back, or the host took them out of their machine. The one mechanism for both:
 * who sees it happen calls quarantines_strike(), allocation/ asks quarantines_find() and gives the verdict,
 * and that verdict holds the device back, with the reason. Owned by the registry. Main thread only.
 *
 * Three strikes in a row hold a device back for 5 s; the first one after that for 10 s, then 20 s, up to five
 * minutes, or what usbferry.conf has for them. A strike while it is held back only begins the same wait anew:
 * it has to be well for so long. Two strikes with a minute in between, or after a wait as long as that wait,
 * aren't in a row: everything before is forgotten then.
 *
 * A device is known by its socket, so that it is found again after each enumeration. One that has a serial
 * and hops from socket to socket is known by that. In memory only: a service that starts anew begins anew.
 * There are at most QUARANTINES_MAX places, and each is dropped when there is nothing to remember of it. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/usb/device.h"

#define QUARANTINES_MAX 1024

/* What went wrong; each has its sentence in quarantine.c. */
typedef enum QuarantineCause {
    QUARANTINE_FLAPS, /* it left and came back within QUARANTINE_RETURN_US */
    QUARANTINE_LOST,  /* its machine had it, and has it no more: it is taken out and put in again */
} QuarantineCause;

/* Who is back so soon has not been plugged in anew by somebody. */
#define QUARANTINE_RETURN_US (2 * G_USEC_PER_SEC)

typedef struct Quarantine {
    QuarantineCause cause; /* of the last strike */
    const char *because;   /* and of what, as a clause, static; NULL = nothing to add */
    unsigned strikes;      /* in a row */
    gint64 until;          /* held back: µs, CLOCK_MONOTONIC */
    gint64 until_clock;    /* the same for people: µs, CLOCK_REALTIME as it was at the last strike */
} Quarantine;

typedef struct Quarantines Quarantines;

Quarantines *quarantines_new(void);
Quarantines *quarantines_free(Quarantines *quarantines);

/* The device went. */
void quarantines_note_left(Quarantines *quarantines, const Device *device, gint64 now);
/* The same place was left, or the same device left any place, QUARANTINE_RETURN_US ago or less. */
bool quarantines_left_just_now(const Quarantines *quarantines, const Device *device, gint64 now);

/* Something went wrong with it; because: static, may be NULL. True when it is held back now. Logs when that
 * begins. */
bool quarantines_strike(Quarantines *quarantines, const Device *device, QuarantineCause cause,
                        const char *because, gint64 now);

/* What holds it back, valid until the next strike; NULL = nothing does. */
const Quarantine *quarantines_find(const Quarantines *quarantines, const Device *device, gint64 now);
/* "it left and came back 3 times in a row; it is held back until 14:03:05". New string. */
char *quarantine_text(const Quarantine *quarantine);

/* Forgets every strike of the device: it may go at once. False when it was not held back. */
bool quarantines_end(Quarantines *quarantines, const Device *device, gint64 now);

/* How many places are remembered. */
unsigned quarantines_count(const Quarantines *quarantines);
