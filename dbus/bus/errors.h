/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Errors at the edge: FERRY_ERROR becomes org.usbferry1.Error.<Name>, every other domain
 * org.freedesktop.DBus.Error.Failed; the text goes along unchanged. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/base/error.h"

/* Negative, for `return` in an sd-bus handler. */
int bus_error_from_gerror(sd_bus_error *ret_error, const GError *error);
int bus_error_setf(sd_bus_error *ret_error, FerryError code, const char *format, ...) G_GNUC_PRINTF(3, 4);
