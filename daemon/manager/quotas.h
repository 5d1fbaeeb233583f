/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Quotas: how many assignments whoever may make. The checks of assignments and apply ask; usbferryd(8) has
 * the numbers. Pure: it looks at the registry and changes nothing. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/registry.h"

/* More than any host has ports for. */
#define ASSIGNMENTS_MAX 1024
/* Of one tenant, by its members: those of one tenant leave the others theirs. */
#define ASSIGNMENTS_PER_TENANT_MAX 128
/* By one user. */
#define ASSIGNMENTS_PER_OWNER_MAX 256
/* The last ones are root's, so that others can't use them all up. */
#define ASSIGNMENTS_FOR_ROOT 256

/* Whether the user may make one more, of this tenant (NULL = nobody's), when he makes so many others before
 * it. LIMIT_EXCEEDED. */
bool quotas_check_assignment(Registry *registry, uint32_t owner, const char *tenant, guint before,
                             GError **error);
