/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Settings: /etc/usbferry/usbferry.conf, which administrators write; see usbferry.conf(5). Read by dbus/run.c
 * at the start and at each reload, and by --check. Any thread. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/base/tuning.h"

typedef struct Settings {
    char *hypervisor_uri; /* NULL = the usual one */
    unsigned guards_off;  /* bits of daemon/guards/host-use.h */
    bool hands_off_off;   /* see daemon/hands-off/hands-off.h */
    bool hands_off_input_off;
    TuningSet tuning; /* [Limits] and [Times] */
} Settings;

/* From a text; all of it or nothing. */
bool settings_from_text(const char *text, const char *path, Settings *ret_settings, GError **error);
/* From the file; the usual ones without one. */
bool settings_read(Settings *ret_settings, GError **error);
void settings_clear(Settings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Settings, settings_clear)
