/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs attach, detach and retry. */

#include "client/verbs/verb.h"

extern const Verb verb_detach;
extern const Verb verb_attach;
extern const Verb verb_retry;
