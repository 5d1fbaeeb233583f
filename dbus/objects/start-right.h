/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Start right: what a call needs besides its own right when it has a machine started, as Assign and Release
 * do with StartMachine. For those methods. Reads the registry and the table of rights. */

#include "daemon/model/registry.h"
#include "dbus/rights/authorize-table.h"

/* NULL = nothing, as the machine runs. */
const AuthorizeEntry *start_right(Registry *registry, const char *uuid);
