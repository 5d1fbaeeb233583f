/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of error codes and their names on the bus: the daemon writes the names, the client reads them.
 * Pure. */

#include "daemon/base/error.h"

static const char *const error_names[_FERRY_ERROR_MAX] = {
    [FERRY_ERROR_NO_SUCH_DEVICE] = "NoSuchDevice",
    [FERRY_ERROR_NO_SUCH_GROUP] = "NoSuchGroup",
    [FERRY_ERROR_NO_SUCH_MACHINE] = "NoSuchMachine",
    [FERRY_ERROR_NO_SUCH_TENANT] = "NoSuchTenant",
    [FERRY_ERROR_NO_SUCH_RULE] = "NoSuchRule",
    [FERRY_ERROR_NO_SUCH_ASSIGNMENT] = "NoSuchAssignment",
    [FERRY_ERROR_AMBIGUOUS] = "Ambiguous",
    [FERRY_ERROR_ALREADY_EXISTS] = "AlreadyExists",
    [FERRY_ERROR_INVALID_NAME] = "InvalidName",
    [FERRY_ERROR_INVALID_RULE] = "InvalidRule",
    [FERRY_ERROR_INVALID_OPTION] = "InvalidOption",
    [FERRY_ERROR_DEVICE_BUSY] = "DeviceBusy",
    [FERRY_ERROR_DEVICE_IN_USE] = "DeviceInUse",
    [FERRY_ERROR_DEVICE_IS_HUB] = "DeviceIsHub",
    [FERRY_ERROR_NOT_OWNED] = "NotOwned",
    [FERRY_ERROR_GROUP_IN_USE] = "GroupInUse",
    [FERRY_ERROR_GUEST_RESET_DENIED] = "GuestResetDenied",
    [FERRY_ERROR_RESET_FAILED] = "ResetFailed",
    [FERRY_ERROR_MACHINE_NOT_RUNNING] = "MachineNotRunning",
    [FERRY_ERROR_NO_FREE_PORT] = "NoFreePort",
    [FERRY_ERROR_NO_CONTROLLER] = "NoController",
    [FERRY_ERROR_SPEED_UNSUPPORTED] = "SpeedUnsupported",
    [FERRY_ERROR_CONTROLLER_PASSED_THROUGH] = "ControllerPassedThrough",
    [FERRY_ERROR_DISABLED] = "Disabled",
    [FERRY_ERROR_LIMIT_EXCEEDED] = "LimitExceeded",
    [FERRY_ERROR_TIMEOUT] = "Timeout",
    [FERRY_ERROR_HYPERVISOR] = "Hypervisor",
    [FERRY_ERROR_STORAGE] = "Storage",
};

/* clang-format off */
G_DEFINE_QUARK(ferry-error-quark, ferry_error)
/* clang-format on */

const char *ferry_error_to_name(FerryError code)
{
    if (code < 0 || code >= _FERRY_ERROR_MAX)
        return NULL;
    return error_names[code];
}

FerryError ferry_error_from_name(const char *name)
{
    for (int i = 0; i < _FERRY_ERROR_MAX; i++)
        if (g_strcmp0(error_names[i], name) == 0)
            return (FerryError)i;
    return _FERRY_ERROR_INVALID;
}
