/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The overview, which is printed without a verb: every device and where it is, and what keeps the service
 * from its work. view/overview.c has the rows and columns. */

#include "client/verbs/overview.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/escape.h"
#include "client/bus/fleet.h"
#include "client/bus/follow.h"
#include "client/verbs/hosts.h"
#include "client/verbs/options.h"
#include "client/view/json.h"
#include "client/view/overview.h"
#include "client/view/table.h"

/* What keeps the whole service from its work: a line under the table, nothing when all is well. */
static void print_condition(const Model *model)
{
    const Object *manager = model_manager(model);
    g_autofree char *state = escape_text(object_string(manager, "HypervisorState"));
    g_autofree char *uri = escape_text(object_string(manager, "HypervisorURI"));

    if (object_value(manager, "Enabled") && !object_flag(manager, "Enabled"))
        puts(_(
            "\nThe service is disabled: it gives nothing until \"usbferry enable\". What VMs have they keep."));
    if (object_flag(manager, "HeldHome"))
        puts(_(
            "\nEverything is held home: usbferry-guests.service was stopped, as it is when the host shuts down. "
            "Start it, and devices are given again."));
    if (object_flag(manager, "Settling"))
        puts(_("\nThe service has just started and is still looking around."));
    if (manager && !g_str_equal(state, "connected"))
        printf(_("\nThe hypervisor %s is not connected (%s): VMs get and lose no devices until it is.\n"),
               uri, state);
}

void overview_print(const Model *model, GPtrArray *rows)
{
    g_autoptr(GPtrArray) columns = columns_all(overview_columns());

    /* who has no groups needs no column for them */
    columns_drop_empty(model, columns, rows, "group#rule");
    if (rows->len == 0)
        puts(_("No USB devices but hubs."));
    else
        table_print(model, columns, rows, 0);
    print_condition(model);
}

static GPtrArray *list_rows(const Model *model, const void *userdata)
{
    return overview_rows(model);
}

static Outcome show_overview(Client *client, char **words, GError **error)
{
    g_auto(GStrv) none = options_parse(client, words, NULL, NULL, 0, 0, error);
    if (none && fleet_is_asked(client)) {
        g_autoptr(GPtrArray) chosen =
            columns_all(client->json ? overview_columns_for_programs() : overview_columns());
        return hosts_list(client, list_rows, NULL, overview_columns_for_programs(), chosen, 0);
    }
    g_autoptr(Model) model = none ? model_fetch(client, error) : NULL;
    if (!model)
        return OUTCOME_FAILED;

    g_autoptr(GPtrArray) rows = overview_rows(model);
    g_autoptr(GPtrArray) columns = columns_all(overview_columns_for_programs());
    if (client->json)
        json_print(columns_to_records(model, columns, rows));
    else
        overview_print(model, rows);
    return OUTCOME_DONE;
}

const Verb verb_overview = { NULL, NULL, N_("Shows every device, where it is and why"), show_overview,
                             .takes_hosts = true };
