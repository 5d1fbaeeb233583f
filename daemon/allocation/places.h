/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Places: how many wait for a device of the same group and come before. For status.c, while status-update.c
 * writes down one state after the other: each counts as it is by then. Borrows from the registry, and changes
 * nothing in it. Main thread only. */

#include <glib.h>

#include "daemon/model/registry.h"

typedef struct Places Places;

/* Looks at nothing before the first question. From then on nothing of an assignment may change but its state.
 */
Places *places_new(Registry *registry);
Places *places_free(Places *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Places, places_free)

/* 1 = nobody comes before. */
guint places_of(Places *places, const Assignment *assignment);
/* It has another state. */
void places_note(Places *places, const Assignment *assignment);
