/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Outcome: how a run of the client ends, and the errors that say so.
 *
 * The code of a CLIENT_ERROR is the exit status, its message what is printed after "usbferry: ". Everything
 * in it that came from elsewhere has been escaped. */

#include <glib.h>
#include <stdbool.h>
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

/* An error of ours by its short name, such as "NoSuchDevice"; the code follows from that. */
void error_set(GError **error, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The full name of the D-Bus error; "" = it has none. Borrowed. */
const char *error_name(const GError *error);
/* The name is short. */
bool error_is_named(const GError *error, const char *name);
/* The same error with another text, which is taken. */
GError *error_with_text(const GError *error, char *text);

/* By the name of a D-Bus error. Names that mean nothing to the client are FAILED. */
Outcome outcome_from_error_name(const char *name);

/* The last part of a name of ours or of D-Bus itself: "DeviceBusy", "AccessDenied"; other names as they are.
 * Borrowed from the name. */
const char *error_short_name(const char *name);

/* The text of the error of a call, which keeps its name; r is the call's result, for errors that have no
 * name. */
GError *error_from_bus(const sd_bus_error *bus_error, int r);
