/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs show, group show and tenant show. */

#include "client/verbs/verb.h"

extern const Verb verb_show;
extern const Verb verb_group_show;
extern const Verb verb_tenant_show;
