/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The chapters: every kind of object that the service has on the bus, each the constant of one file here.
 * Only objects.c puts them together; no chapter uses another. */

#include "dbus/service/object.h"

extern const ObjectKind manager_object;
extern const ObjectKind device_object;
extern const ObjectKind machine_object;
extern const ObjectKind group_object;
extern const ObjectKind assignment_object;
extern const ObjectKind tenant_object;
