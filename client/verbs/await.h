/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verb wait, which is for scripts: until an assignment is where they need it. */

#include "client/verbs/verb.h"

extern const Verb verb_wait;
