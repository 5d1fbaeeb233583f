/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What distinguishes two snapshots (storing_snapshot()) as sets of lines: for tests that say what a change
 * may change. */

#include <glib.h>
#include <stdbool.h>

/* The lines of one that the other doesn't have: new set of char *. */
GHashTable *snapshot_minus(const char *left, const char *right);
bool snapshot_is_within(GHashTable *some, GHashTable *all);
