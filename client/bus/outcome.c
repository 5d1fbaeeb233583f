/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of error names and exit statuses, which usbferry(1) describes, and how an error of the bus
 * becomes text. */

#include "client/bus/outcome.h"

#include <glib/gi18n.h>

#include <errno.h>

#include "client/bus/escape.h"
#include "dbus/names.h"

#define DBUS_ERROR_PREFIX "org.freedesktop.DBus.Error."

typedef struct ClientErrorPrivate {
    char *name; /* full, of the D-Bus error that it is or stands for; NULL = of none */
} ClientErrorPrivate;

static void client_error_private_init(ClientErrorPrivate *private)
{
    private->name = NULL;
}

static void client_error_private_copy(const ClientErrorPrivate *from, ClientErrorPrivate *to)
{
    to->name = g_strdup(from->name);
}

static void client_error_private_clear(ClientErrorPrivate *private)
{
    g_free(private->name);
}

G_DEFINE_EXTENDED_ERROR(ClientError, client_error)

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

/* name: full */
static void set_name(GError *error, const char *name)
{
    ClientErrorPrivate *private = client_error_get_private(error);

    g_free(private->name);
    private->name = g_strdup(name);
}

void error_set(GError **error, const char *name, const char *format, ...)
{
    g_autofree char *full = g_strconcat(FERRY_ERROR_PREFIX, name, NULL);
    va_list arguments;

    va_start(arguments, format);
    GError *made = g_error_new_valist(CLIENT_ERROR, outcome_from_error_name(full), format, arguments);
    va_end(arguments);
    set_name(made, full);
    g_propagate_error(error, made);
}

const char *error_name(const GError *error)
{
    ClientErrorPrivate *private = error->domain == CLIENT_ERROR ? client_error_get_private(error) : NULL;

    return private && private->name ? private->name : "";
}

bool error_is_named(const GError *error, const char *name)
{
    return error && g_str_equal(error_short_name(error_name(error)), name);
}

GError *error_with_text(const GError *error, char *text)
{
    GError *copy = g_error_copy(error);

    g_free(copy->message);
    copy->message = text;
    return copy;
}

/* The service's sentences are English. Whoever reads another language is told before them what kind of
 * failure it is. */
static const struct {
    const char *name; /* short */
    const char *text;
} kinds[] = {
    { "NoSuchDevice", N_("no such device") },
    { "NoSuchGroup", N_("no such group") },
    { "NoSuchMachine", N_("no such VM") },
    { "NoSuchTenant", N_("no such tenant") },
    { "NoSuchRule", N_("no such rule") },
    { "NoSuchAssignment", N_("no such assignment") },
    { "Ambiguous", N_("not unique") },
    { "AlreadyExists", N_("there is one already") },
    { "InvalidName", N_("not a good name") },
    { "InvalidRule", N_("not a good rule") },
    { "InvalidOption", N_("not possible") },
    { "InvalidArgs", N_("not possible") },
    { "DeviceBusy", N_("the device is busy") },
    { "DeviceInUse", N_("the device is in use") },
    { "DeviceIsHub", N_("it is a hub") },
    { "NotOwned", N_("it is a tenant's") },
    { "GroupInUse", N_("the group is in use") },
    { "GuestResetDenied", N_("not allowed") },
    { "ResetFailed", N_("the reset failed") },
    { "MachineNotRunning", N_("the VM is not running") },
    { "NoFreePort", N_("the VM has no free port") },
    { "NoController", N_("the VM has no USB controller") },
    { "SpeedUnsupported", N_("the VM's USB controller is too slow for it") },
    { "ControllerPassedThrough", N_("a VM has the whole controller") },
    { "Disabled", N_("switched off") },
    { "LimitExceeded", N_("too many") },
    { "Timeout", N_("not in time") },
    { "Hypervisor", N_("the hypervisor refused") },
    { "Storage", N_("it could not be stored") },
    { "AccessDenied", N_("not allowed") },
    { "AuthFailed", N_("not allowed") },
    { "InteractiveAuthorizationRequired", N_("not allowed") },
};

/* NULL = the text says it in the language of who reads it, or there are no words for it. */
static const char *kind_of(const char *name)
{
    const char *short_name = error_short_name(name);

    for (gsize i = 0; short_name != name && i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].name, short_name))
            return _(kinds[i].text) == kinds[i].text ? NULL : _(kinds[i].text);
    return NULL;
}

static GError *away_error(const char *name)
{
    GError *error = g_error_new(CLIENT_ERROR, OUTCOME_FAILED,
                                _("the service usbferryd is not running, and the bus cannot start it; "
                                  "systemctl status usbferryd tells why"));

    set_name(error, name);
    return error;
}

GError *error_from_bus(const sd_bus_error *bus_error, int r)
{
    if (!sd_bus_error_is_set(bus_error))
        return g_error_new(CLIENT_ERROR, r == -EACCES || r == -EPERM ? OUTCOME_DENIED : OUTCOME_FAILED, "%s",
                           g_strerror(-r));

    if (sd_bus_error_has_name(bus_error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
        sd_bus_error_has_name(bus_error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return away_error(bus_error->name);

    g_autofree char *name = escape_text(error_short_name(bus_error->name));
    g_autofree char *text = escape_message(bus_error->message);
    const char *kind = kind_of(bus_error->name);
    GError *error = g_error_new(CLIENT_ERROR, outcome_from_error_name(bus_error->name), "%s%s%s", kind ?: "",
                                kind ? ": " : "", *text ? text : name);
    set_name(error, bus_error->name);
    return error;
}
