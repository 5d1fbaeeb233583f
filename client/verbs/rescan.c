/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rescan: has the service compare its devices with the kernel's, and prints how many were found or gone. */

#include "client/verbs/rescan.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/verbs/options.h"
#include "client/view/json.h"
#include "dbus/names.h"

static Outcome rescan(Client *client, char **words, GError **error)
{
    g_auto(GStrv) none = options_parse(client, words, NULL, NULL, 0, 0, error);
    if (!none)
        return OUTCOME_USAGE;

    g_autoptr(sd_bus_message) call =
        client_new_call(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Rescan", error);
    g_autoptr(sd_bus_message) reply = call ? client_change(client, call, error) : NULL;
    if (!reply)
        return OUTCOME_FAILED;

    unsigned added, removed;
    int r = sd_bus_message_read(reply, "uu", &added, &removed);
    if (r < 0) {
        g_propagate_error(error, error_from_bus(NULL, r));
        return OUTCOME_FAILED;
    }

    if (client->json)
        json_print(g_variant_new_parsed("{'added': <%u>, 'removed': <%u>}", added, removed));
    else
        printf(_("%u found, %u gone.\n"), added, removed);
    return OUTCOME_DONE;
}

const Verb verb_rescan = { "rescan", NULL, N_("Has the service look at the host's devices again"), rescan };
