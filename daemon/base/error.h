/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Errors: one domain for everything that usbferry itself refuses or fails to do.
 *
 * Every function that can fail takes a GError ** and sets it exactly when it fails. The message is for the
 * caller's eyes: "<what>: <why>, <what to do>"; dbus/ adds the name of the code. */

#include <glib.h>

typedef enum FerryError {
    FERRY_ERROR_NO_SUCH_DEVICE,
    FERRY_ERROR_NO_SUCH_GROUP,
    FERRY_ERROR_NO_SUCH_MACHINE,
    FERRY_ERROR_NO_SUCH_TENANT,
    FERRY_ERROR_NO_SUCH_RULE,
    FERRY_ERROR_NO_SUCH_ASSIGNMENT,
    FERRY_ERROR_AMBIGUOUS,
    FERRY_ERROR_ALREADY_EXISTS,
    FERRY_ERROR_INVALID_NAME,
    FERRY_ERROR_INVALID_RULE,
    FERRY_ERROR_INVALID_OPTION,
    FERRY_ERROR_DEVICE_BUSY,
    FERRY_ERROR_DEVICE_IN_USE,
    FERRY_ERROR_DEVICE_IS_HUB,
    FERRY_ERROR_NOT_OWNED,
    FERRY_ERROR_GROUP_IN_USE,
    FERRY_ERROR_GUEST_RESET_DENIED,
    FERRY_ERROR_RESET_FAILED,
    FERRY_ERROR_MACHINE_NOT_RUNNING,
    FERRY_ERROR_NO_FREE_PORT,
    FERRY_ERROR_NO_CONTROLLER,
    FERRY_ERROR_SPEED_UNSUPPORTED,
    FERRY_ERROR_CONTROLLER_PASSED_THROUGH,
    FERRY_ERROR_DISABLED,
    FERRY_ERROR_LIMIT_EXCEEDED,
    FERRY_ERROR_TIMEOUT,
    FERRY_ERROR_HYPERVISOR,
    FERRY_ERROR_STORAGE,
    _FERRY_ERROR_MAX,
    _FERRY_ERROR_INVALID = -1,
} FerryError;

#define FERRY_ERROR (ferry_error_quark())

GQuark ferry_error_quark(void);

/* The last part of the D-Bus error name, such as "NoSuchDevice"; NULL for a code outside the table. */
const char *ferry_error_to_name(FerryError code);
/* The other way round; _FERRY_ERROR_INVALID when no code has this name. */
FerryError ferry_error_from_name(const char *name);
