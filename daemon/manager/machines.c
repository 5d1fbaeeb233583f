/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks what is asked for, and has the reconciler carry it out. Called by dbus/objects, and by
 * stored-assignments.c for what is to start once it is stored. */

#include "daemon/manager/machines.h"

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/hypervisor/controller-xml.h"
#include "daemon/manager/internal.h"
#include "daemon/model/find.h"

static Machine *find_reachable(Manager *self, const char *uuid, GError **error)
{
    Machine *machine = find_machine_by_uuid(self->registry, uuid, error);
    const char *why = self->registry->hypervisor_text;
    g_autofree char *quoted = machine ? text_quote(machine->info->name) : NULL;

    if (!machine || self->registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED)
        return machine;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                "nothing can be done with VM %s now, as the hypervisor is away: %s; try again later", quoted,
                why ? why : "connecting");
    return NULL;
}

bool manager_check_start_machine(Manager *self, const char *uuid, GError **error)
{
    return find_reachable(self, uuid, error) != NULL;
}

void manager_start_machine(Manager *self, const char *uuid, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Machine *machine = find_reachable(self, uuid, &error);

    if (machine)
        reconciler_start_machine(self->reconciler, machine, done, userdata);
    else
        done(NULL, error, userdata);
}

void machines_start_too(Manager *self, const char *uuid)
{
    Machine *machine = registry_machine(self->registry, uuid);

    if (machine)
        reconciler_start_machine(self->reconciler, machine, NULL, NULL);
}

static Machine *check_controller(Manager *self, const char *uuid, const char *model, GError **error)
{
    g_autofree char *quoted = controller_xml_is_known(model) ? NULL : text_quote(model);

    if (!quoted)
        return find_reachable(self, uuid, error);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                "the model is qemu-xhci, usb-ehci or piix3-uhci, not %s", quoted);
    return NULL;
}

bool manager_check_set_controller(Manager *self, const char *uuid, const char *model, GError **error)
{
    return check_controller(self, uuid, model, error) != NULL;
}

void manager_set_controller(Manager *self, const char *uuid, const char *model, ManagerDone done,
                            void *userdata)
{
    g_autoptr(GError) error = NULL;
    Machine *machine = check_controller(self, uuid, model, &error);

    if (machine)
        reconciler_set_controller(self->reconciler, machine, model, done, userdata);
    else
        done(NULL, error, userdata);
}
