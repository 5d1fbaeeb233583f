/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PowerCycles: the notes about ports that are switched off, one file each in the store's runtime area, so
 * that no crash leaves a port off. steps.c writes a note before it switches a port off and deletes it once
 * the port is on. What no reset looks after any more is tried again here until the port is on or gone. Main
 * thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/reset/usb-jobs.h"
#include "daemon/store/store.h"

typedef struct PowerCycles PowerCycles;

/* jobs: the caller's. changed(): look again. */
PowerCycles *power_cycles_new(const UsbJobs *jobs, Store *store, void (*changed)(void *userdata),
                              void *userdata);
PowerCycles *power_cycles_free(PowerCycles *cycles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PowerCycles, power_cycles_free)

/* Writes a note for these ports, folders in /sys, one a line. done() is told when it is durable, or can't be.
 * The note's id, a new string. */
char *power_cycles_note(PowerCycles *cycles, const char *ports, StoreDone done, void *userdata);
/* The ports of the note are on. */
void power_cycles_delete(PowerCycles *cycles, const char *note);
/* Nobody waits for these ports any more: they are tried until they are on, and then the note is deleted. */
void power_cycles_take_over(PowerCycles *cycles, const char *note, const char *ports);

/* For the start: takes over every note that there is. */
bool power_cycles_restore(PowerCycles *cycles, GError **error);
void power_cycles_turn(PowerCycles *cycles, gint64 now, gint64 *wake);
/* A queue whose job had timed out is free again. */
void power_cycles_queue_idle(PowerCycles *cycles, const char *queue);
