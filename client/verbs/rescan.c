/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "client/view/json.h"
#include "client/verbs/options.h"
#include "client/verbs/verbs.h"
#include "dbus/names.h"

Outcome verb_rescan(Client *client, char **words, GError **error)
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
        printf("%u found, %u gone.\n", added, removed);
    return OUTCOME_DONE;
}
