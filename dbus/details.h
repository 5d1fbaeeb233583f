/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What polkit is told about a question: rules find it with action.lookup(), dialogs with $(key). Every key is
 * always there, "" when it doesn't apply: polkit shows a key that is missing as it stands. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/registry.h"

/* key, value, …, NULL: device, vendor_product, serial, machine, owner. NULL arguments become "". */
char **details_new(const char *device, const char *vendor_product, const char *serial, const char *machine,
                   const char *owner);
/* device may be NULL */
char **details_for_device(const Device *device, const Machine *machine);
char **details_for_assignment(Registry *registry, const Assignment *assignment);
