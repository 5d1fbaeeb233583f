/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs tenant grant and tenant revoke. */

#include "client/verbs/verb.h"

extern const Verb verb_tenant_grant;
extern const Verb verb_tenant_revoke;
