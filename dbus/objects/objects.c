/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of chapters. */

#include "dbus/objects/objects.h"

#include "dbus/objects/chapters.h"

const ObjectKind *const object_kinds[_OBJECT_TYPE_MAX] = {
    [OBJECT_MANAGER] = &manager_object,       [OBJECT_DEVICE] = &device_object,
    [OBJECT_MACHINE] = &machine_object,       [OBJECT_GROUP] = &group_object,
    [OBJECT_ASSIGNMENT] = &assignment_object, [OBJECT_TENANT] = &tenant_object,
};
