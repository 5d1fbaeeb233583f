/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All kinds of objects, for dbus/run.c to pass to the service, which knows none of them by name. */

#include "dbus/service/object.h"

/* By type, for bus_service_new(). */
extern const ObjectKind *const object_kinds[_OBJECT_TYPE_MAX];
