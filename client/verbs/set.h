/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verb set: what is said of an assignment. */

#include "client/verbs/verb.h"

extern const Verb verb_set;
