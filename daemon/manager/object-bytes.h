/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Object bytes: how much all objects are together on the bus. Every client begins with GetManagedObjects,
 * which answers with all of them in one message; dbus-daemon cuts off who sends one of more than 32 MiB, and
 * dbus-broker, who is sent more than 8. So what is decided has to fit: the checks of groups, grants, tenants
 * and apply ask here before they let anything grow. Assignments always fit: their places are reserved at
 * their largest, so that no member is refused because of somebody's groups. Devices and machines count as
 * they are. Pure: it looks at the registry and changes nothing; all numbers are rather too large. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

#define OBJECTS_BYTES_MAX (8 * 1024 * 1024)
/* One with the longest name, description, Selector and Reason. */
#define ASSIGNMENT_BYTES_MAX 5632

/* What is there. */
gsize object_bytes_of_all(Registry *registry);
/* All but the assignments, and which device is in which group counted as it was worked out last. */
gsize object_bytes_of_others(Registry *registry);
/* With all its rules, and what they add to the devices that match them. */
gsize object_bytes_of_group(Registry *registry, const Group *group);
/* A new group without rules, whatever it is called. */
gsize object_bytes_of_new_group(void);
/* One rule more in the group of this name. */
gsize object_bytes_of_rule(Registry *registry, const char *group, const Rule *rule);
/* What was decided of it. */
gsize object_bytes_of_tenant(const Tenant *tenant);
/* One machine more in a tenant. */
gsize object_bytes_of_tenants_machine(void);

/* Whether a change fits by which so much becomes so much. What doesn't grow always does. LIMIT_EXCEEDED. */
bool object_bytes_check(Registry *registry, gsize before, gsize after, GError **error);
/* The same for who makes many changes in a row: there is what object_bytes_of_others() would be. */
bool object_bytes_check_beside(gsize there, gsize before, gsize after, GError **error);
