/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* enable and disable: the switch for the whole service, one call of the manager. */

#include "client/verbs/enable.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/verbs/options.h"
#include "client/view/json.h"
#include "dbus/names.h"

static Outcome run(Client *client, char **words, bool enabled, const char *text, GError **error)
{
    g_auto(GStrv) none = options_parse(client, words, NULL, NULL, 0, 0, error);
    if (!none)
        return OUTCOME_USAGE;

    g_autoptr(GVariant) reply = call_change(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled",
                                            g_variant_new("(b)", (gboolean)enabled), "()", error);
    if (!reply)
        return OUTCOME_FAILED;

    if (client->json)
        json_print(g_variant_new_parsed("{'enabled': <%b>}", (gboolean)enabled));
    else
        puts(text);
    return OUTCOME_DONE;
}

static Outcome enable(Client *client, char **words, GError **error)
{
    return run(client, words, true, _("Devices are given to VMs."), error);
}

static Outcome disable(Client *client, char **words, GError **error)
{
    return run(client, words, false, _("Nothing more is given. What VMs have they keep until it is taken."),
               error);
}

const Verb verb_enable = { "enable", NULL, N_("Has the service give devices to VMs"), enable };

const Verb verb_disable = { "disable", NULL, N_("Has it give nothing more"), disable };
