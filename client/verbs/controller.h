/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vm controller: the USB controller of a VM. */

#include "client/verbs/verb.h"

extern const Verb verb_vm_controller;
