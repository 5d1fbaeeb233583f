/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of the ways to reset a device, as the bus and messages have them. Pure. */

#include "daemon/reset/method.h"

static const char *const method_names[_RESET_METHOD_MAX] = {
    [RESET_METHOD_RESET] = "reset",
    [RESET_METHOD_POWER_CYCLE] = "power-cycle",
};

ENUM_TABLE_DEFINE(ResetMethod, reset_method, method_names, _RESET_METHOD_INVALID);
