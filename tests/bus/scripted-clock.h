/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The time of the scripted service. By itself it is the host's; a test can move its clocks, and let it skip
 * what it would wait for: while time runs, the main loop waits for nothing but what is on its way, and its
 * timers come at once, in their order. Only the test's commands call this, besides who reads a clock. */

#include <glib.h>

/* Lets this time pass, and tells when it has: when all timers in it have come, and nothing is on its way
 * inside the process. With 0 that alone is waited for. Main thread; one at a time. */
void scripted_clock_run(gint64 time_us, void (*done)(void *userdata), void *userdata);

/* What a thread worked is counted, as for users. Without this it is nothing: then what the service does in a
 * test does not depend on how fast the machine is. Before other threads are there. */
void scripted_clock_count_work(void);

/* Moves CLOCK_REALTIME alone, also backwards. */
void scripted_clock_jump(gint64 time_us);

/* A worker waits until so much time has passed. Holds the lock but for the wait. */
void scripted_clock_wait(gint64 time_us, GMutex *lock);
