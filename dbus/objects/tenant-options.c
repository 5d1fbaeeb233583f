/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of a tenant, read into the choices of the core. */

#include "dbus/objects/tenant-options.h"

#include "dbus/bus/options.h"

void tenant_options_clear(TenantOptions *options)
{
    g_clear_pointer(&options->members, g_strfreev);
}

int tenant_options_read(sd_bus_message *message, TenantOptions *options, sd_bus_error *ret_error)
{
    Option all[] = {
        { "Description", 's', &options->choices.description },
        { "Members", 'a', &options->members },
    };
    int r;

    r = options_read(message, all, G_N_ELEMENTS(all), ret_error);
    options->choices.members = (const char *const *)options->members;
    return r;
}
