/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pin: a rule for one device, made from what tells it from all others. For whoever assigns or grants a
 * device. Pure: the caller says whether the serial is unique, as it knows the other devices. */

#include <stdbool.h>

#include "daemon/rules/rule.h"

/* The rule that pins one device: vendor, product and serial when serial_is_unique and it has one, else
 * vendor, product and port. New rule, never NULL. */
Rule *rule_for_device(const Device *device, bool serial_is_unique);

/* A serial that can be relied on: 4 or more characters, not all the same, not a run like 0123456789, more
 * than one character after leading zeros, nothing that wasn't UTF-8. */
bool rule_serial_is_sane(const char *serial);
