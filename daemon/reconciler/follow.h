/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Follow: ends what is over of daemon/model/following.h, and finds again what a machine has from before this
 * service began. reconciler.c calls it at the begin of each turn. Main thread only. */

#include <glib.h>

#include "daemon/model/registry.h"

void follow_turn(Registry *registry, gint64 now, gint64 *wake);
