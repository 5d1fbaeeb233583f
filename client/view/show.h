/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Show: all that can be said of an object, column by column, for the verbs that show one. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/client.h"
#include "client/bus/model.h"

/* objects: of const Object; as text or JSON on stdout. names: columns as "vm,state", NULL = all. values_only:
 * each on a line of its own, of a list each item, and nothing else. False and USAGE when one has no such
 * column; nothing is printed then. */
bool show_print(Client *client, const Model *model, GPtrArray *objects, const char *names, bool values_only,
                GError **error);
