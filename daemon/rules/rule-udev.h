/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* RuleUdev: what a rule says, in the words of udev's own rules, for devices that aren't plugged in yet. For
 * hands-off/. Reads the links of sysfs that say which two ports are one connector; any thread. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/rules/rule.h"

typedef enum RuleUdev {
    RULE_UDEV_SAID,
    RULE_UDEV_NEVER,  /* nothing on this host can match */
    RULE_UDEV_UNSAID, /* udev has no words for it: what it would match is more, or something else */
} RuleUdev;

/* What udev looks at is the device itself. ret_matches, with SAID: 'ATTR{idVendor}=="046d", …', new string.
 * It never matches more than the rule does, but for hubs. root_hubs: of Device. */
RuleUdev rule_udev_matches(const Rule *rule, const char *node, const GPtrArray *root_hubs,
                           char **ret_matches);

/* Likewise, for the device that is plugged in at a socket. */
RuleUdev rule_udev_socket(const char *socket, const GPtrArray *root_hubs, char **ret_matches);

/* Whether udev takes the text for itself and nothing else. */
bool rule_udev_is_plain(const char *text);
