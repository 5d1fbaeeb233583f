/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verb log. */

#include "client/verbs/verb.h"

extern const Verb verb_log;
