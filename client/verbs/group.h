/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs group add, set and rm. */

#include "client/verbs/verb.h"

extern const Verb verb_group_add;
extern const Verb verb_group_set;
extern const Verb verb_group_rm;
