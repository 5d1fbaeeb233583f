/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Passthrough: what the client works out itself when devices are put into a group. Pure. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/model.h"

/* True when the rule has a condition on the key. */
bool passthrough_rule_names(const char *rule, const char *key);

/* True when a device gets into the rule by what it says of itself: it asks for a name, a manufacturer or a
 * serial number, and neither for both ids nor for a place. */
bool passthrough_rule_is_forgeable(const char *rule);

/* Why the service made this rule for this device. New, escaped text. */
char *passthrough_reason(const char *rule, const Object *device);
