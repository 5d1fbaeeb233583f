/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is done without a verb. */

#include "client/verbs/verb.h"

extern const Verb verb_overview;
