/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs export and apply. */

#include "client/verbs/verb.h"

extern const Verb verb_export;
extern const Verb verb_apply;
