/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What polkit is told about a question: rules find it with action.lookup(), dialogs with $(key). Every key is
 * always there, "" when it doesn't apply: polkit shows a key that is missing as it stands. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

typedef struct Details {
    const char *device; /* what it is called; of devices of a group: the rule that they match */
    const char *vendor_product;
    const char *serial;
    const char *group;
    const char *machine;
    const char *tenant;
    const char *owner;
} Details;

/* key, value, …, NULL: the members of details. NULL becomes "". */
char **details_new(const Details *details);
/* device may be NULL, machine too */
char **details_for_device(const Device *device, const Machine *machine);
/* Devices that are to be put into a group. */
char **details_for_passthrough(Registry *registry, const char *const *devices, const char *group);
/* Devices that are granted to a tenant or revoked; those that aren't plugged in are left out. Of several,
 * what all of them have is told. */
char **details_for_grant(Registry *registry, const char *const *devices, const char *group,
                         const char *tenant);
/* A group, or what of it matches a rule (valid; NULL or "" = all of it), for a machine (may be NULL). */
char **details_for_group(const Group *group, const char *rule, const Machine *machine);
char **details_for_assignment(Registry *registry, const Assignment *assignment);
/* One of the devices that the assignment has. */
char **details_for_device_of(Registry *registry, const Device *device, const Assignment *assignment);

/* The text that a dialog says: of the entry's questions (authorize-table.h) the first one whose details are
 * all there; else the first of those that miss the fewest. */
const char *details_pick_question(const char *const *questions, const char *const *details);
