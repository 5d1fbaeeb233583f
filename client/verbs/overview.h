/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is done without a verb. */

#include "client/bus/model.h"
#include "client/verbs/verb.h"

extern const Verb verb_overview;

/* The table for people, with what keeps the service from its work. rows: as of overview_rows(). */
void overview_print(const Model *model, GPtrArray *rows);
