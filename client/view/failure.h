/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Failure: how an error is told: a sentence on the standard error, or with --json an object there. For main()
 * and for the verbs that go on after one. */

#include <glib.h>

#include "client/bus/client.h"

void failure_print(const Client *client, const GError *error);
