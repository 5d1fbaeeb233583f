/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs rule, and rule add, set, rm and test. */

#include "client/verbs/verb.h"

extern const Verb verb_rule;
extern const Verb verb_rule_add;
extern const Verb verb_rule_set;
extern const Verb verb_rule_rm;
extern const Verb verb_rule_test;
