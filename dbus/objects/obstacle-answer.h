/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What CheckAssign and CheckRelease answer with: (s answer, aa{sv} obstacles). */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "polkit/authority.h"

/* obstacles: of Obstacle. */
int obstacle_answer(sd_bus_message *message, AuthorityVerdict verdict, const GPtrArray *obstacles);
