/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Show: all that is known of an object, property by property. */

#include <glib.h>

#include "client/bus/client.h"
#include "client/bus/model.h"

/* Of const Object; as text or JSON on stdout. */
void show_print(Client *client, const Model *model, GPtrArray *objects);
