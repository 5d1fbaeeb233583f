/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Wait-report: tells how it ended for each assignment that was waited for. For the verbs that wait. */

#include <glib.h>

#include "client/bus/client.h"
#include "client/bus/model.h"
#include "client/verbs/wait.h"

/* One of them as programs see it: a{sv}. Floating. */
GVariant *wait_report_record(const Model *model, const WaitItem *item, unsigned seconds);

/* Says how each ended, as text or JSON, and returns the outcome of it all. */
Outcome wait_report(Client *client, const Model *model, WaitGoal goal, GPtrArray *items, unsigned seconds);
