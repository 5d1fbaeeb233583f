/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vm controller: has the service change what libvirt stores of a VM, and says what is left to be done. */

#include "client/verbs/controller.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/view/json.h"
#include "dbus/names.h"

static void report(const Client *client, const Object *machine)
{
    const char *now = object_string(machine, "UsbController");
    const char *then = object_string(machine, "PendingUsbController");
    g_autofree char *what = object_describe(machine);
    g_autofree char *model = escape_text(*then ? then : now);

    if (client->json)
        json_print(g_variant_new_parsed("{'vm': <%s>, 'path': <%s>, 'usb-controller': <%s>,"
                                        " 'pending-usb-controller': <%s>}",
                                        object_name(machine), machine->path, now, then));
    else if (*then)
        printf(_("%s gets the USB controller %s when it is shut down and started: it needs a restart.\n"),
               what, model);
    else
        printf(_("%s has the USB controller %s.\n"), what, model);
}

static Outcome controller(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(
        client, words, NULL,
        _("MODEL is qemu-xhci (USB 3), usb-ehci (USB 2, for old guests) or piix3-uhci (USB 1). A VM that\n"
          "runs gets it when it is shut down and started.\n"),
        2, 2, error);
    if (!rest)
        return OUTCOME_USAGE;

    g_autofree char *path = client_find_machine(client, rest[0], error);
    if (!path)
        return OUTCOME_FAILED;
    g_autoptr(GVariant) reply =
        call_change(client, path, FERRY_INTERFACE_MACHINE, "SetUsbController",
                    g_variant_new("(s@a{sv})", rest[1], g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0)),
                    "()", error);
    g_autoptr(Model) model = reply ? model_fetch(client, error) : NULL;
    if (!model)
        return OUTCOME_FAILED;

    const Object *machine = model_get(model, path, KIND_MACHINE);
    if (machine)
        report(client, machine);
    return OUTCOME_DONE;
}

const Verb verb_vm_controller = { "vm controller", "VM MODEL", N_("Gives a VM another USB controller"),
                                  controller };
