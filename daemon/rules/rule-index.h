/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rule index: which rules match a device, at a cost that doesn't grow with the number of rules that don't.
 *
 * Each rule is filed once, under the most telling exact value it has: serial, port, vendor and product, hub,
 * name, vendor, product, manufacturer, class, controller; and apart from the others if it names a node. A
 * device looks into the few places that it can be in. Rules with nothing exact are tried one by one. Rules
 * are borrowed: they must outlive the index. */

#include <glib.h>

#include "daemon/usb/device.h"
#include "daemon/rules/rule.h"

typedef struct RuleIndex RuleIndex;

RuleIndex *rule_index_new(void);
RuleIndex *rule_index_free(RuleIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuleIndex, rule_index_free)

/* owner is returned with each match. */
void rule_index_add(RuleIndex *index, const Rule *rule, void *owner);

/* Calls found() once for each rule that matches, in no particular order. node is this host's name. found()
 * must leave the index alone. */
void rule_index_match(const RuleIndex *index, const Device *device, const char *node,
                      void (*found)(const Rule *rule, void *owner, void *userdata), void *userdata);
