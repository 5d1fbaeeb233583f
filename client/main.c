/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usbferry: the client. It talks to the service over the bus only. */

#include <errno.h>
#include <glib.h>
#include <locale.h>
#include <stdio.h>

#include "client/client.h"
#include "client/escape.h"
#include "client/options.h"
#include "client/verbs.h"

static Outcome run(Client *client, char **words, GError **error)
{
    bool version;
    g_auto(GStrv) rest = options_parse_common(client, words, &version, error);
    if (!rest)
        return OUTCOME_USAGE;
    if (version) {
        puts("usbferry " FERRY_VERSION);
        return OUTCOME_DONE;
    }

    client->verb = verb_find(rest[0]);
    if (!client->verb) {
        g_autofree char *name = escape_text(rest[0]);
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "there is no verb \"%s\"; see usbferry --help", name);
        return OUTCOME_USAGE;
    }
    return client->verb->run(client, rest[0] ? rest + 1 : rest, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Client client = { 0 };

    setlocale(LC_ALL, "");
    g_set_prgname("usbferry");

    /* argc may be 0 */
    Outcome outcome = run(&client, argc > 0 ? argv + 1 : argv, &error);
    if (error) {
        error_print(error);
        outcome = (Outcome)error->code;
    }
    client_done(&client);

    /* a full disk must not pass for an empty list */
    if ((fflush(stdout) != 0 || ferror(stdout)) && outcome == OUTCOME_DONE) {
        fprintf(stderr, "usbferry: cannot write the output: %s\n", g_strerror(errno));
        outcome = OUTCOME_FAILED;
    }
    return (int)outcome;
}
