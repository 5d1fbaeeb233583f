/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tenant text: a tenant as its file in the store has it. For the manager. Pure.
 *
 *   [Tenant]   Name, Description, Members=user:anna;group:cad, Machines=<uuid>;…
 *
 * Name must be there. */

#include <glib.h>

#include "daemon/model/tenant.h"

GKeyFile *tenant_to_key_file(const Tenant *tenant);
/* Strict, as group_from_text() is: "<path>:<line>: …", with INVALID_NAME or INVALID_OPTION. */
Tenant *tenant_from_text(const char *text, const char *path, GError **error);
