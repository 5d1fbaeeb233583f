/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a machine started that runs has nothing started. Called by assign.c and assignment.c; reads only.
 */

#include "dbus/objects/start-right.h"

#include "dbus/names.h"

const AuthorizeEntry *start_right(Registry *registry, const char *uuid)
{
    const Machine *machine = registry_machine(registry, uuid);

    return machine && machine->inspected && machine_is_active(machine)
               ? NULL
               : authorize_find(FERRY_INTERFACE_MACHINE, "Start");
}
