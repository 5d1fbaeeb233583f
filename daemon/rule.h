/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rule: which devices are meant, as one line of text.
 *
 *     vendor=046d product=c31c serial=AB* port!=pci-0000:00:14.0/1
 *
 * Space-separated key=value or key!=value, all must hold. Values with spaces, quotes, backslashes or that are
 * empty stand in double quotes, with \" and \\ inside. The grammar is the same on the bus, in files and in
 * the client.
 *
 *   vendor, product         four hex digits (case folded, 1–4 accepted), or * for any
 *   serial, name, manufacturer   text with * and ?, case-sensitive for serial, folded for the others
 *   class                   a name of device_class_names(), or cc:ss:pp in hex with * for a part: any
 * interface port                    a Socket (pci-0000:00:14.0/1.2), or BUS-PORT / BUS:PORT (3-1.2, 3:1.2)
 *   hub                     the same forms: everything behind that port
 *   controller              0000:00:14.0 (or a platform name), with * and ?
 *   node                    host name, with * and ?; a rule for another host never matches here
 *   removable               yes or no
 *   speed                   Mbit/s, decimal
 *
 * A key may stand more than once (all must hold). */

#include <glib.h>
#include <stdbool.h>

#include "daemon/device.h"

/* The longest rule text that is taken, in bytes. */
#define RULE_TEXT_MAX 1024

typedef struct Rule Rule;

/* INVALID_RULE, with the column (from 1) and what was expected there. */
Rule *rule_parse(const char *text, GError **error);
Rule *rule_free(Rule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rule, rule_free)

/* The canonical text: keys in the order of the list above, values folded, one space between. New string;
 * rule_parse() of it gives an equal rule. */
char *rule_print(const Rule *rule);

/* Pure. node is this host's name. */
bool rule_matches(const Rule *rule, const Device *device, const char *node);

/* How exactly the rule names a device; a larger number wins over a smaller one, all values are distinct
 * steps: port and serial, serial, port, vendor and product, hub, vendor, class, controller, name or
 * manufacturer, the rest, nothing. A key with wildcards in its value or with != counts as "the rest". */
int rule_specificity(const Rule *rule);

/* The first value of a positive key that has no wildcard, NULL when there is none. For indexes. */
const char *rule_exact(const Rule *rule, const char *key);

/* The rule that pins one device: vendor, product and serial when serial_is_unique, else vendor, product and
 * port. New rule, never NULL. */
Rule *rule_for_device(const Device *device, bool serial_is_unique);

/* A serial that is worth to be relied on: 4 or more characters, not all the same, not a run like 0123456789.
 */
bool rule_serial_is_sane(const char *serial);
