/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usbferry: the client. It talks to the service over the bus only. */

#include <errno.h>
#include <glib.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <stdio.h>

#include "client/bus/client.h"
#include "client/bus/escape.h"
#include "client/verbs/complete.h"
#include "client/verbs/options.h"
#include "client/verbs/verbs.h"
#include "client/view/failure.h"

/* "help give" is "give --help". New array. */
static char **help_words(char **words)
{
    GPtrArray *all = g_ptr_array_new();

    for (; *words; words++)
        g_ptr_array_add(all, g_strdup(*words));
    g_ptr_array_add(all, g_strdup("--help"));
    g_ptr_array_add(all, NULL);
    return (char **)g_ptr_array_free(all, FALSE);
}

static Outcome run(Client *client, char **words, GError **error)
{
    /* also of what is wrong before that is parsed */
    client->json = g_strv_contains((const char *const *)words, "--json");

    bool version;
    g_autofree char *help = verbs_help();
    g_auto(GStrv) rest = options_parse_common(client, words, help, &version, error);
    if (!rest)
        return OUTCOME_USAGE;
    if (version) {
        puts("usbferry " FERRY_VERSION);
        return OUTCOME_DONE;
    }

    if (rest[0] && g_str_equal(rest[0], "help")) {
        words = rest[1] ? help_words(rest + 1) : NULL;
        if (!words) {
            char *whole[] = { (char *)"--help", NULL };
            g_auto(GStrv) none = options_parse_common(client, whole, help, &version, error);
            return OUTCOME_USAGE;
        }
        g_strfreev(rest);
        rest = words;
    }

    unsigned used;
    client->verb = verb_find_words(rest, &used, error);
    return client->verb ? client->verb->run(client, rest + used, error) : OUTCOME_USAGE;
}

/* What GLib prints, the help: in the C locale it is to be ASCII, too. */
static void print_help(const char *text)
{
    g_autofree char *shown = escape_strange(text);

    fputs(shown, stdout);
}

/* Whoever has no UTF-8 gets English, which is ASCII: the texts of the catalogues are not. */
static void choose_language(void)
{
    setlocale(LC_ALL, "");
    if (!g_get_charset(NULL))
        setlocale(LC_MESSAGES, "C");
    bindtextdomain(GETTEXT_PACKAGE, FERRY_LOCALEDIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
    g_set_print_handler(print_help);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Client client = { 0 };

    /* Before there are threads, as text_prepare_numbers() of the service: the width of a terminal is the
     * first. */
    (void)g_ascii_strtoll("0", NULL, 0);
    choose_language();
    g_set_prgname("usbferry");

    if (argc > 1 && g_str_equal(argv[1], "--complete")) {
        complete_words(&client, argv + 2);
        client_done(&client);
        return OUTCOME_DONE;
    }

    /* argc may be 0 */
    Outcome outcome = run(&client, argc > 0 ? argv + 1 : argv, &error);
    if (error) {
        failure_print(&client, error);
        outcome = (Outcome)error->code;
    }
    client_done(&client);

    /* a full disk must not pass for an empty list */
    if ((fflush(stdout) != 0 || ferror(stdout)) && outcome == OUTCOME_DONE) {
        fprintf(stderr, _("usbferry: cannot write the output: %s\n"), g_strerror(errno));
        outcome = OUTCOME_FAILED;
    }
    return (int)outcome;
}
