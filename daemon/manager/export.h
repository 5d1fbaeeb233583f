/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Export: groups and assignments as one text, of the form that daemon/config/manifest.h describes. dbus/ asks
 * for all of it, apply-plan for single assignments to compare. Main thread only. */

#include <glib.h>

#include "daemon/manager/decision.h"
#include "daemon/model/registry.h"

/* The groups that aren't drop-in files, by name, and the assignments, the oldest first. New string. */
char *manager_export(Manager *manager);

/* What the text calls the machine: by its name, or by its UUID where the name means none or another one. New
 * string. */
char *export_machine(Registry *registry, const Assignment *assignment);
/* The assignment as the text has it. New string. */
char *export_assignment(Registry *registry, const Assignment *assignment);
/* The oldest first: for g_ptr_array_sort(). */
gint export_compare_age(gconstpointer a, gconstpointer b);
