/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Target: a word of the command line that may mean a device, an assignment, a VM, a group or a tenant. */

#include <glib.h>

#include "client/bus/client.h"
#include "client/bus/model.h"
#include "client/verbs/target-kinds.h"

/* What exactly has this name: assignments by id or name, VMs by UUID or name, groups by name, devices by
 * their port, all by path. NULL without an error: nothing has. USAGE when several have, or when a device is
 * called so as well, see target_check_devices(). Pure. */
const Object *target_match(const Model *model, TargetKinds kinds, const char *word, GError **error);

/* The same, and when nothing has exactly this name the service is asked which device or VM it means. NULL and
 * an error when none. */
const Object *target_find(Client *client, const Model *model, TargetKinds kinds, const char *word,
                          GError **error);

/* named is what has the word for its name. False with USAGE when the word is also all that another device
 * says of itself: its serial, its own or its maker's name. What is in the named group or assignment is meant
 * with it. Pure. */
bool target_check_devices(const Model *model, const Object *named, const char *word, GError **error);

/* A group, or a tenant, by its name or path. NULL and an error when there is none. Pure. */
const Object *target_find_group(const Model *model, const char *word, GError **error);
const Object *target_find_tenant(const Model *model, const char *word, GError **error);

/* The assignment that the word means: its own, or the one of the device. NULL and an error when there is
 * none, NOT_FOUND for a device that is nobody's. */
const Object *target_find_assignment(Client *client, const Model *model, const char *word, GError **error);
