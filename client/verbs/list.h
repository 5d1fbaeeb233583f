/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verb list, and the lists that group and tenant are without a second word. */

#include "client/verbs/verb.h"

extern const Verb verb_list;
extern const Verb verb_group;
extern const Verb verb_tenant;
