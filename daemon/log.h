/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Logs that can be searched for a device, a machine or an assignment:
 *
 *     log_notice(LOG_ABOUT(.device = sysname, .assignment = id), "%s is home again", text);
 *     log_warning(NULL, "polkit: %s", error->message);
 *
 * In the journal the subjects are the fields FERRY_DEVICE, FERRY_MACHINE (a uuid) and FERRY_ASSIGNMENT. What
 * is no journal gets the text alone, so the text names its subject as well. log_info() and log_debug() are
 * shown with --verbose only. */

#include <glib.h>
#include <stdarg.h>

typedef struct LogSubject {
    const char *device;     /* sysname */
    const char *machine;    /* uuid */
    const char *assignment; /* id */
} LogSubject;

#define LOG_ABOUT(...) (&(const LogSubject){ __VA_ARGS__ })

#define log_critical(about, ...) log_subject(G_LOG_LEVEL_CRITICAL, about, __VA_ARGS__)
#define log_warning(about, ...)  log_subject(G_LOG_LEVEL_WARNING, about, __VA_ARGS__)
#define log_notice(about, ...)   log_subject(G_LOG_LEVEL_MESSAGE, about, __VA_ARGS__)
#define log_info(about, ...)     log_subject(G_LOG_LEVEL_INFO, about, __VA_ARGS__)
#define log_debug(about, ...)    log_subject(G_LOG_LEVEL_DEBUG, about, __VA_ARGS__)

static inline void G_GNUC_PRINTF(3, 4)
    log_subject(GLogLevelFlags level, const LogSubject *about, const char *format, ...)
{
    /* what GLib's own macros would have filled in: journald's PRIORITY */
    const char *priority = level == G_LOG_LEVEL_CRITICAL  ? "3"
                           : level == G_LOG_LEVEL_WARNING ? "4"
                           : level == G_LOG_LEVEL_MESSAGE ? "5"
                           : level == G_LOG_LEVEL_INFO    ? "6"
                                                          : "7";
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);

    GLogField fields[6] = {
        { "PRIORITY", priority, -1 },
        { "GLIB_DOMAIN", G_LOG_DOMAIN, -1 },
        { "MESSAGE", message, -1 },
    };
    gsize n = 3;
    if (about && about->device)
        fields[n++] = (GLogField){ "FERRY_DEVICE", about->device, -1 };
    if (about && about->machine)
        fields[n++] = (GLogField){ "FERRY_MACHINE", about->machine, -1 };
    if (about && about->assignment)
        fields[n++] = (GLogField){ "FERRY_ASSIGNMENT", about->assignment, -1 };
    g_log_structured_array(level, fields, n);
}
