/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of a tenant: of CreateTenant and Update. */

#include <systemd/sd-bus.h>

#include "daemon/manager/tenants.h"

typedef struct TenantOptions {
    TenantChoices choices; /* points into this structure and into the message */
    char **members;
} TenantOptions;

void tenant_options_clear(TenantOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TenantOptions, tenant_options_clear)

/* As options_read(). options must be empty. */
int tenant_options_read(sd_bus_message *message, TenantOptions *options, sd_bus_error *ret_error);
