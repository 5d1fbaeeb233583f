/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Membership: which groups a device is in, by which rules, and whose it is. Worked out when the device or the
 * rules change, not at every turn. Main thread only.
 *
 * A device that a tenant's group matches is the tenant's and in no other's groups. Between the groups of two
 * tenants (which nobody can make by granting, but devices move) the more specific rule decides, then the
 * group's name. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

typedef struct Membership {
    Group *group;     /* also one that is disabled: its devices are its own, it only gives none */
    GArray *rule_ids; /* of uint32_t, sorted: the enabled rules that match */
    int specificity;  /* of the best of them */
} Membership;

/* Of a device not more rules than that are shown, the first ones: each of many wide rules would be told of
 * each of many devices. */
#define MEMBERSHIP_RULES_SHOWN_MAX 64

typedef struct Memberships Memberships;

Memberships *memberships_new(Registry *registry);
Memberships *memberships_free(Memberships *memberships);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Memberships, memberships_free)

/* The rules changed: everything anew. A group that goes has lost its
 * rules first (or is out of the table and not freed yet). */
void memberships_rebuild(Memberships *memberships);

/* Between these two many groups may change: each memberships_rebuild() only forgets what goes, and the rest
 * is done once, at the end. */
void memberships_begin_many(Memberships *memberships);
void memberships_end_many(Memberships *memberships);
/* This device is new or changed. */
void memberships_update_device(Memberships *memberships, Device *device);

/* The memberships that the device would have if the group of its name were next. New array, as in
 * Device.memberships. */
GPtrArray *memberships_what_if(const Device *device, Group *next, const char *node);

/* Whether the tenants leave this device to this assignment. Matching is another matter. */
bool membership_may_have(Registry *registry, const Assignment *assignment, const Device *device);
/* NULL = not in the group. */
const Membership *membership_find(const Device *device, const char *group);
/* A rule of the group matches, and the device isn't in it all the same: it is another one's. */
bool membership_is_withheld(Registry *registry, const Device *device, const Group *group);
