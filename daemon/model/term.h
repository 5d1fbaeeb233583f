/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Term: for how long something is given: a try that ends unless it is confirmed, or a lease. It begins when
 * the machine has got the device, and from then on only the end counts. For assignment.h and who reads,
 * stores or ends one. Reads clocks and the boot's id, and nothing else. Any thread.
 *
 * The end is a moment of CLOCK_BOOTTIME: the time that the host sleeps counts, and a wall clock that is set
 * changes nothing. It is stored with the boot's id; after a reboot the wall clock says how much is left,
 * never more than the whole. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The longest ones, in seconds: an hour, and a year. */
#define TRY_SECONDS_MAX   3600
#define LEASE_SECONDS_MAX 31536000

typedef struct Term {
    uint32_t seconds;   /* the whole; 0 = there is none */
    int64_t ends_at;    /* µs, CLOCK_BOOTTIME; 0 = it hasn't begun */
    int64_t ends_clock; /* the same for people: µs, CLOCK_REALTIME as that was when it began */
} Term;

/* µs, CLOCK_BOOTTIME. */
int64_t term_now(void);

/* It begins anew, or for the first time. Nothing without seconds. */
void term_begin(Term *term);
/* There is one that hasn't begun. */
bool term_is_to_begin(const Term *term);
bool term_is_over(const Term *term, int64_t now);
/* Rounded up; 0 = it is over, or has not begun. */
unsigned term_seconds_left(const Term *term, int64_t now);

/* Of two, the one that ends first among those that have begun; NULL = none. */
const Term *term_next(const Term *one, const Term *other);

/* "REALTIME BOOTTIME BOOT", for the store. New string; NULL when it hasn't begun. */
char *term_print_end(const Term *term);
/* Of a term whose seconds may not be known yet. False when the text makes no sense. */
bool term_read_end(Term *term, const char *text);
/* What was read cannot be more than the whole. */
void term_bound(Term *term);

/* "14:03:05", or with the day when that is another one. New string. */
char *term_clock_text(const Term *term);
/* "20 s", "15 min", "2 h", "3 d 4 h". New string. */
char *term_length_text(uint32_t seconds);
