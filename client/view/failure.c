/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of D-Bus errors are for programs: people get the sentence alone. */

#include "client/view/failure.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/view/json.h"

void failure_print(const Client *client, const GError *error)
{
    /* what was printed so far stays above it, whatever stdout is */
    fflush(stdout);
    if (!client->json) {
        fprintf(stderr, _("usbferry: %s\n"), error->message);
        return;
    }

    g_autoptr(GVariant) record =
        g_variant_ref_sink(g_variant_new_parsed("{'error': <%s>, 'text': <%s>, 'exit-status': <%i>}",
                                                error_name(error), error->message, (gint32)error->code));
    g_autofree char *line = json_from_variant(record, /* pretty= */ false);
    fprintf(stderr, "%s\n", line);
}
