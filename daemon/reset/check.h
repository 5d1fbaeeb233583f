/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a reset affects, and whether it may begin. For the files of this folder, and through reset.h for
 * whoever begins a reset. Asks the registry, and changes nothing. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"
#include "daemon/reset/method.h"

/* In a reset, its own or a hub's, that isn't over. */
bool resets_is_open(Registry *registry, const char *sysname);

/* What is behind a hub: new array of Device, borrowed, hubs as well. */
GPtrArray *resets_behind(Registry *registry, const Device *hub);

/* What is reset along with the target: all behind it; and when a USB 3 hub loses its power, its other half
 * with all that is behind that. New array, borrowed devices. */
GPtrArray *reset_find_affected(Registry *registry, const Device *target, ResetMethod method);

/* Why nobody can say which devices machines have; NULL when that is known. up_to_date: a machine that may
 * have changed since it was read counts as unseen. New string. */
char *reset_unseen_text(Registry *registry, bool up_to_date);

/* The errors are those of resets_check(). */
bool reset_may_begin(Registry *registry, const Device *target, ResetMethod method, GError **error);
