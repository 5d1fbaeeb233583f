/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs attach and detach. */

#include "client/verbs/verb.h"

extern const Verb verb_detach;
extern const Verb verb_attach;
