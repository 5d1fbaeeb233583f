/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of every fuzz target: what the core says of bad input goes nowhere, and what GLib or a library
 * complains of is a failure, for then the core has called it wrongly. Begins to work before main(). */

#include <glib.h>
#include <stdio.h>
#include <string.h>

static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields,
                                  gpointer userdata)
{
    const char *domain = "", *message = "";

    for (gsize i = 0; i < n_fields; i++) {
        if (strcmp(fields[i].key, "GLIB_DOMAIN") == 0)
            domain = fields[i].value;
        else if (strcmp(fields[i].key, "MESSAGE") == 0)
            message = fields[i].value;
    }
    if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0 ||
        ((level & G_LOG_LEVEL_WARNING) != 0 && strcmp(domain, G_LOG_DOMAIN) != 0)) {
        fprintf(stderr, "%s: %s\n", domain, message);
        g_abort();
    }
    return G_LOG_WRITER_HANDLED;
}

static void __attribute__((constructor)) make_log_strict(void)
{
    g_log_set_writer_func(write_log, NULL, NULL);
}
