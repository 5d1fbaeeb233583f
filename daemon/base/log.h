/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Logs: structured, so that the journal can be asked for one device, machine or assignment. GLib's default
 * writer sends them to the journal when stderr is connected to it and prints them otherwise. Texts of
 * strangers are clean already. */

#include <glib.h>

#define log_notice(...)  g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE", __VA_ARGS__)
#define log_warning(...) g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", __VA_ARGS__)
#define log_debug(...)   g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE", __VA_ARGS__)

/* The same with the objects as fields of their own (FERRY_DEVICE, FERRY_MACHINE, FERRY_ASSIGNMENT); each may
 * be NULL. */
void log_object(GLogLevelFlags level, const char *device, const char *machine, const char *assignment,
                const char *format, ...) G_GNUC_PRINTF(5, 6);
