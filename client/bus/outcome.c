/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of error names and exit statuses, which usbferry(1) describes, and how an error of the bus
 * becomes text. */

#include "client/bus/outcome.h"

#include <errno.h>
#include <stdio.h>

#include "client/bus/escape.h"
#include "dbus/names.h"

#define DBUS_ERROR_PREFIX "org.freedesktop.DBus.Error."

G_DEFINE_QUARK(usbferry - client - error - quark, client_error)

static const struct {
    const char *name; /* short */
    Outcome outcome;
} outcomes[] = {
    { "NoSuchDevice", OUTCOME_NOT_FOUND },
    { "NoSuchGroup", OUTCOME_NOT_FOUND },
    { "NoSuchMachine", OUTCOME_NOT_FOUND },
    { "NoSuchTenant", OUTCOME_NOT_FOUND },
    { "NoSuchRule", OUTCOME_NOT_FOUND },
    { "NoSuchAssignment", OUTCOME_NOT_FOUND },
    { "UnknownObject", OUTCOME_NOT_FOUND },

    { "DeviceBusy", OUTCOME_BUSY },
    { "DeviceInUse", OUTCOME_BUSY },
    { "GroupInUse", OUTCOME_BUSY },
    { "ControllerPassedThrough", OUTCOME_BUSY },

    { "AccessDenied", OUTCOME_DENIED },
    { "AuthFailed", OUTCOME_DENIED },
    { "InteractiveAuthorizationRequired", OUTCOME_DENIED },
    { "NotOwned", OUTCOME_DENIED },
    { "GuestResetDenied", OUTCOME_DENIED },

    /* the request itself is at fault: say it differently */
    { "Ambiguous", OUTCOME_USAGE },
    { "InvalidArgs", OUTCOME_USAGE },
    { "InvalidName", OUTCOME_USAGE },
    { "InvalidOption", OUTCOME_USAGE },
    { "InvalidRule", OUTCOME_USAGE },
};

const char *error_short_name(const char *name)
{
    if (g_str_has_prefix(name, FERRY_ERROR_PREFIX))
        return name + strlen(FERRY_ERROR_PREFIX);
    if (g_str_has_prefix(name, DBUS_ERROR_PREFIX))
        return name + strlen(DBUS_ERROR_PREFIX);
    return name;
}

Outcome outcome_from_error_name(const char *name)
{
    const char *short_name = error_short_name(name);

    /* "AccessDenied" of some other service says nothing about us */
    if (short_name != name)
        for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++)
            if (g_str_equal(outcomes[i].name, short_name))
                return outcomes[i].outcome;

    return OUTCOME_FAILED;
}

GError *error_from_bus(const sd_bus_error *bus_error, int r)
{
    if (!sd_bus_error_is_set(bus_error))
        return g_error_new(CLIENT_ERROR, r == -EACCES || r == -EPERM ? OUTCOME_DENIED : OUTCOME_FAILED, "%s",
                           g_strerror(-r));

    if (sd_bus_error_has_name(bus_error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
        sd_bus_error_has_name(bus_error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return g_error_new(CLIENT_ERROR, OUTCOME_FAILED,
                           "%s: the service is not running, and the bus cannot start it",
                           error_short_name(bus_error->name));

    g_autofree char *name = escape_text(error_short_name(bus_error->name));
    g_autofree char *text = escape_message(bus_error->message);
    return g_error_new(CLIENT_ERROR, outcome_from_error_name(bus_error->name), "%s: %s", name,
                       *text ? text : "no details");
}

void error_print(const GError *error)
{
    /* what was printed so far stays above it, whatever stdout is */
    fflush(stdout);
    fprintf(stderr, "usbferry: %s\n", error->message);
}
