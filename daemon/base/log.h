/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Logs: structured, so that the journal can be asked for one device, machine or assignment, or for one kind
 * of event. GLib's default writer sends them to the journal when stderr is connected to it and prints them
 * otherwise. Texts of strangers are clean already. */

#include <glib.h>
#include <stdbool.h>

#define log_notice(...)  g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE", __VA_ARGS__)
#define log_warning(...) g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", __VA_ARGS__)
#define log_debug(...)   g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE", __VA_ARGS__)

/* The same with the objects as fields of their own (FERRY_DEVICE, FERRY_MACHINE, FERRY_ASSIGNMENT); each may
 * be NULL. */
void log_object(GLogLevelFlags level, const char *device, const char *machine, const char *assignment,
                const char *format, ...) G_GNUC_PRINTF(5, 6);

/* One that flaps doesn't fill the journal: of the lines about one device (or, where a line names none, about
 * one assignment) LOG_LINES_MAX are written a minute, and the next one after that says how many were left
 * out. Debugging lines are not counted. So much is remembered of LOG_SUBJECTS_MAX at most. */
#define LOG_LINES_MAX    120
#define LOG_SUBJECTS_MAX 256

/* What administrators look for in the journal, each with a MESSAGE_ID of its own, which data/usbferry.catalog
 * explains. A new one needs its entry there and its row in log.c, which says who else is told: the history,
 * and people at their desktops. */
typedef enum LogEvent {
    LOG_EVENT_READY,
    LOG_EVENT_NOT_STARTED,
    LOG_EVENT_PLUGGED,
    LOG_EVENT_UNPLUGGED,
    LOG_EVENT_QUARANTINED,
    LOG_EVENT_ASSIGNED,
    LOG_EVENT_CHANGED,
    LOG_EVENT_RELEASED,
    LOG_EVENT_ATTACHED,
    LOG_EVENT_HOME,
    LOG_EVENT_GUARDED,
    LOG_EVENT_ASSIGNMENT_FAILED,
    LOG_EVENT_ATTACH_FAILED,
    LOG_EVENT_DETACH_FAILED,
    LOG_EVENT_HYPERVISOR,
    LOG_EVENT_MACHINE_UNREADABLE,
    LOG_EVENT_NOT_STORED,
    LOG_EVENT_DAMAGED,
    LOG_EVENT_GROUP_FILE_REFUSED,
    LOG_EVENT_RESET_FAILED,
    LOG_EVENT_PORT_OFF,
    LOG_EVENT_SWITCHED,
    _LOG_EVENT_MAX,
} LogEvent;

/* What it is called in the history: "attached". NULL: it is for the journal alone. Static. */
const char *log_event_word(LogEvent event);
bool log_event_is_for_desktops(LogEvent event);

/* A line about an event, as it was written. Valid for the call only. */
typedef struct LogLine {
    LogEvent event;
    const char *device, *machine, *assignment; /* NULL = none */
    const char *message;
} LogLine;

typedef void (*LogListener)(const LogLine *line, void *userdata);
/* Hears the events that have a word, in the thread that called this and after the line is written; what is
 * left out of the journal is left out here. NULL = nobody hears any more. One at a time. */
void log_listen(LogListener listener, void *userdata);

/* A line about one of them; the objects as above. */
void log_event(LogEvent event, const char *device, const char *machine, const char *assignment,
               const char *format, ...) G_GNUC_PRINTF(5, 6);
