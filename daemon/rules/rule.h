/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rule: which devices are meant, as one line of text.
 *
 *     vendor=046d product=c31c serial=AB* port!=pci-0000:00:14.0/1
 *
 * Space-separated key=value or key!=value, at least one, all must hold; a key may stand more than once. The
 * text is UTF-8 without control characters (daemon/base/text.h). Values with spaces, quotes, backslashes or
 * that are empty stand in double quotes, with \" and \\ inside. The grammar is the same on the bus, in files
 * and in the client.
 *
 *   vendor, product      1 to 4 hex digits, or * for any
 *   serial               text, case matters
 *   name, manufacturer   text, case folded: the device's Product and Vendor
 *   class                a name of device_class_names(), keyboard for hid-keyboard
 *   class                cc:ss:pp in hex, * for any part: some interface of the device has it
 *   port                 a Socket (pci-0000:00:14.0/1.2), or BUS-PORT / BUS:PORT (3-1.2, 3:1.2)
 *   hub                  the same forms: everything on that port and behind it
 *   hub                  pci-0000:00:14.0/ is everything on that controller
 *   controller           0000:00:14.0, or a platform name: text, case folded
 *   node                 host name: text, case folded; a rule for another host never matches here
 *   removable            yes or no
 *   speed                Mbit/s, decimal
 *
 * In texts ? is one character and * any number; in quotes \* and \? are the characters themselves. The empty
 * text is no rule: a forgotten value must not mean every device. vendor=* is every device. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/usb/device.h"

/* The longest rule text that is taken, in bytes. */
#define RULE_TEXT_MAX 1024

typedef struct Rule Rule;

/* INVALID_RULE: "rule, column 8: expected 1 to 4 hex digits or *". Columns count characters, from 1. */
Rule *rule_parse(const char *text, GError **error);
/* A rule never changes, so who copies what has it shares it. Main thread only. */
Rule *rule_ref(Rule *rule);
Rule *rule_unref(Rule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rule, rule_unref)

/* The canonical text: keys in the order of the list above, of one key the positive ones first and the values
 * sorted, no doubles, values folded, ids with four digits, BUS-PORT, one space between. Two rules are equal
 * when these are. New string; rule_parse() of it gives an equal rule. */
char *rule_print(const Rule *rule);

/* Pure. node is this host's name. */
bool rule_matches(const Rule *rule, const Device *device, const char *node);

/* Whether it can match on this host at all. */
bool rule_is_of_node(const Rule *rule, const char *node);

/* False when no device can match both, as far as their exact vendor, product, serial and port tell; true is a
 * maybe. */
bool rule_may_meet(const Rule *a, const Rule *b);

/* How exactly the rule names a device; a larger number wins over a smaller one, all values are distinct
 * steps: port and serial, serial, port, vendor and product, hub, vendor, class, controller, name or
 * manufacturer, the rest (0). A key with wildcards in its value or with != counts as "the rest", and so does
 * serial="". */
int rule_specificity(const Rule *rule);

/* The first value of a positive key that has no wildcard, NULL when there is none. For indexes. Folded as in
 * rule_print(), without quotes and escapes; a port may be a socket or a sysname. */
const char *rule_exact(const Rule *rule, const char *key);

/* True for what can stand behind port= and hub=. */
bool rule_port_is_valid(const char *port);
