/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Way out: the command that gets a device out of what refused it, for who is told the refusal. For give.c. */

#include <glib.h>

#include "client/bus/model.h"

/* The error with that behind its text, if there is one. source, machine: paths. New. */
GError *way_out_add(const Model *model, const char *source, const char *machine, const GError *error);
