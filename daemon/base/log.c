/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines with the objects that they are about as fields, for the journal's searches. Touches nothing but
 * GLib's log writer; any thread. */

#include "daemon/base/log.h"

static const char *priority(GLogLevelFlags level)
{
    /* syslog's numbers */
    if (level & G_LOG_LEVEL_WARNING)
        return "4";
    return level & G_LOG_LEVEL_MESSAGE ? "5" : "7";
}

void log_object(GLogLevelFlags level, const char *device, const char *machine, const char *assignment,
                const char *format, ...)
{
    g_autofree char *message = NULL;
    GLogField fields[6];
    gsize n = 0;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fields[n++] = (GLogField){ "MESSAGE", message, -1 };
    fields[n++] = (GLogField){ "PRIORITY", priority(level), -1 };
    fields[n++] = (GLogField){ "GLIB_DOMAIN", G_LOG_DOMAIN, -1 };
    if (device)
        fields[n++] = (GLogField){ "FERRY_DEVICE", device, -1 };
    if (machine)
        fields[n++] = (GLogField){ "FERRY_MACHINE", machine, -1 };
    if (assignment)
        fields[n++] = (GLogField){ "FERRY_ASSIGNMENT", assignment, -1 };
    g_log_structured_array(level, fields, n);
}
