/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Warnings that come no more often than the journal can bear. */

#include "dbus/bus/log-limit.h"

#include "daemon/base/log.h"
#include "dbus/bus/limits.h"

void log_limited(LogLimit *limit, const char *format, ...)
{
    gint64 now = g_get_monotonic_time();
    g_autofree char *text = NULL;
    va_list arguments;

    if (now < limit->next_at) {
        limit->left_out++;
        return;
    }
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (limit->left_out > 0)
        log_warning("%s (%u more like this since the last one)", text, limit->left_out);
    else
        log_warning("%s", text);
    *limit = (LogLimit){ .next_at = now + LIMIT_LOG_INTERVAL_S * G_USEC_PER_SEC };
}
