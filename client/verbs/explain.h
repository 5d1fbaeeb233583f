/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verb explain. */

#include "client/verbs/verb.h"

extern const Verb verb_explain;
