/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines of the log that a caller can cause: one of a kind in LIMIT_LOG_INTERVAL_S, so that nobody without a
 * right fills the journal. The next line says how many were left out. */

#include <glib.h>

/* One of each kind of line; {} at first. */
typedef struct LogLimit {
    gint64 next_at; /* µs, CLOCK_MONOTONIC */
    guint left_out;
} LogLimit;

/* A warning, unless there was one of this kind just now. */
void log_limited(LogLimit *limit, const char *format, ...) G_GNUC_PRINTF(2, 3);
