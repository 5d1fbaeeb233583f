/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Show: all that can be said of an object, column by column, for the verbs that show one. */

#include <glib.h>

#include "client/bus/client.h"
#include "client/bus/model.h"

/* Of const Object; as text or JSON on stdout. */
void show_print(Client *client, const Model *model, GPtrArray *objects);
