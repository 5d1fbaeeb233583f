/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs tenant add, set, rm and machine. */

#include "client/verbs/verb.h"

extern const Verb verb_tenant_add;
extern const Verb verb_tenant_set;
extern const Verb verb_tenant_rm;
extern const Verb verb_tenant_machine;
