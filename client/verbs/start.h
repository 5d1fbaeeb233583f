/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* start: VMs that are off. */

#include "client/verbs/verb.h"

extern const Verb verb_start;
