/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Homecoming: who waits until no machine has anything of ours any more, before the machines are saved or shut
 * down. The reconciler keeps one and asks it in each turn. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

/* As ManagerDone: id is "", or NULL with error. */
typedef void (*HomeDone)(const char *id, const GError *error, void *userdata);

typedef struct Homecoming Homecoming;

Homecoming *homecoming_new(Registry *registry);
/* Who still waits is told nothing. */
Homecoming *homecoming_free(Homecoming *homecoming);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Homecoming, homecoming_free)

/* done() when everything is home; TIMEOUT when that takes too long, with the machines that keep something;
 * HYPERVISOR when nobody can say; DISABLED when they are to have it again. */
void homecoming_wait(Homecoming *homecoming, HomeDone done, void *userdata);
/* Tells those whose wait is over. *wake is moved forward to the next deadline. */
void homecoming_turn(Homecoming *homecoming, gint64 now, gint64 *wake);
