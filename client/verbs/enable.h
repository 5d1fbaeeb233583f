/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs enable and disable. */

#include "client/verbs/verb.h"

extern const Verb verb_enable;
extern const Verb verb_disable;
