/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Quotas: how many assignments whoever may make. The checks of assignments and apply ask; usbferryd(8) has
 * the usual numbers, usbferry.conf(5) other ones. Pure: it looks at the registry and changes nothing. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/registry.h"

/* Whether the user may make one more, of this tenant (NULL = nobody's), when he makes so many others before
 * it. LIMIT_EXCEEDED. */
bool quotas_check_assignment(Registry *registry, uint32_t owner, const char *tenant, guint before,
                             GError **error);
