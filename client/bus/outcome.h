/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Outcome: how a run of the client ends, and the errors that say so.
 *
 * The code of a CLIENT_ERROR is the exit status, its message what is printed after "usbferry: ". Everything
 * in it that came from elsewhere has been escaped. */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef enum Outcome {
    OUTCOME_DONE = 0,
    OUTCOME_FAILED = 1,
    OUTCOME_USAGE = 2,
    OUTCOME_DENIED = 3,
    OUTCOME_NOT_FOUND = 4,
    OUTCOME_BUSY = 5,
} Outcome;

#define CLIENT_ERROR (client_error_quark())

GQuark client_error_quark(void);

/* By the name of a D-Bus error. Names that mean nothing to the client are FAILED. */
Outcome outcome_from_error_name(const char *name);

/* The last part of a name of ours or of D-Bus itself: "DeviceBusy", "AccessDenied"; other names as they are.
 * Borrowed from the name. */
const char *error_short_name(const char *name);

/* "DeviceBusy: <text>" from the error of a call; r is the call's result, for errors that have no name. */
GError *error_from_bus(const sd_bus_error *bus_error, int r);

/* Prints "usbferry: <message>" to stderr. */
void error_print(const GError *error);
