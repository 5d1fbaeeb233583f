/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Deadline: how long a test waits before it says that it waited in vain. Only a failure takes it, so it is
 * long: with sanitizers, on a machine that has other work, one call may take half a minute. */

#include <glib.h>

#define DEADLINE_US (120 * G_USEC_PER_SEC)
#define DEADLINE_MS (120 * 1000)
