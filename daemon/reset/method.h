/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ways to reset a device, by the names that people and the bus give them. For the files of this folder, and
 * through reset.h for whoever begins a reset. Plain data. */

#include "daemon/base/enum-table.h"

typedef enum ResetMethod {
    RESET_METHOD_RESET,
    RESET_METHOD_POWER_CYCLE,
    _RESET_METHOD_MAX,
    _RESET_METHOD_INVALID = -1,
} ResetMethod;

/* "reset", "power-cycle" */
ENUM_TABLE_DECLARE(ResetMethod, reset_method);

/* How it went. error: RESET_FAILED, NULL on success. */
typedef void (*ResetDone)(const GError *error, void *userdata);
