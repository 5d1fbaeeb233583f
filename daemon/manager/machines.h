/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines: what people have done with a machine itself. done()'s id is its UUID. See
 * daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/manager/decision.h"

/* NO_SUCH_MACHINE, HYPERVISOR (it is away). */
bool manager_check_start_machine(Manager *manager, const char *uuid, GError **error);
/* done() when it runs, or with libvirt's reason why it doesn't. One that runs already is no error. */
void manager_start_machine(Manager *manager, const char *uuid, ManagerDone done, void *userdata);
/* Nobody waits for it: what waits for the machine says how it went. One that isn't there is left alone. */
void machines_start_too(Manager *manager, const char *uuid);

/* model: qemu-xhci, usb-ehci (with companions) or piix3-uhci. NO_SUCH_MACHINE, INVALID_OPTION, HYPERVISOR. */
bool manager_check_set_controller(Manager *manager, const char *uuid, const char *model, GError **error);
/* done() when libvirt has stored it; a machine that runs has it after its next start. */
void manager_set_controller(Manager *manager, const char *uuid, const char *model, ManagerDone done,
                            void *userdata);
