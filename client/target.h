/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Target: a word of the command line that may mean a device, an assignment or a VM. */

#include <glib.h>

#include "client/client.h"
#include "client/model.h"

/* What exactly has this name: assignments by id or name, VMs by UUID or name, devices by their port, all by
 * path. NULL without an error: nothing has. USAGE when several have. Pure. */
const Object *target_match(const Model *model, const char *word, GError **error);

/* The same, and when nothing has exactly this name the service is asked which device or VM it means. NULL and
 * an error when none. */
const Object *target_find(Client *client, const Model *model, const char *word, GError **error);

/* The assignment that the word means: its own, or the one of the device. NULL and an error when there is
 * none, NOT_FOUND for a device that is nobody's. */
const Object *target_find_assignment(Client *client, const Model *model, const char *word, GError **error);
