/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loss: which devices a change of a group would take out of VMs, asked of the service before the change is
 * made. For the verbs of rules and groups, which go on only when told to. It changes nothing. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/client.h"

/* Of another rule (rule; "" = as it is), another switch (NULL = as it is) or the end of the rule of this
 * number. False with BUSY and the sentences when a VM would lose a device. */
bool loss_check_rule(Client *client, const char *group, guint32 id, const char *rule, const bool *enabled,
                     bool remove, GError **error);

/* What VMs have of the group at the path, as lines of a message: new, "" = nothing. */
char *loss_of_group(Client *client, const char *path);
