/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GOption does the parsing; what it has no form for, such as options whose value may be left out, is done
 * here. */

#include "client/verbs/options.h"

#include <glib/gi18n.h>

#include "client/bus/escape.h"
#include "client/bus/fleet.h"
#include "client/verbs/examples.h"
#include "client/verbs/verb.h"

/* Nobody waits longer; and poll() could not. */
#define MAX_HOST_SECONDS 3600

/* Those before the verb and those behind it are all meant, each once. */
static bool take_hosts(Client *client, char **hosts, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    for (char **host = client->hosts; host && *host; host++)
        g_ptr_array_add(all, g_strdup(*host));
    for (char **host = hosts; host && *host; host++) {
        /* ssh would take it for an option of its own */
        if (!**host || **host == '-') {
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("-H needs the name of a host"));
            return false;
        }
        if (!g_ptr_array_find_with_equal_func(all, *host, g_str_equal, NULL))
            g_ptr_array_add(all, g_strdup(*host));
    }
    if (all->len == 0)
        return true;
    g_free(client->host);
    client->host = g_strdup(all->pdata[0]);
    g_ptr_array_add(all, NULL);
    g_strfreev(client->hosts);
    client->hosts = (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
    return true;
}

/* words: without the program's name; parsed options are taken out. What is left is collected as an option,
 * or "--" would be left with it when a word behind it looks like one: a VM may be called "-v". */
static char **parse(Client *client, GOptionContext *context, char **words, GError **error)
{
    g_auto(GStrv) hosts = NULL, listed = NULL, rest = NULL;
    gboolean json = FALSE, no_ask_password = FALSE, all_hosts = FALSE;
    int host_seconds = client->host_seconds ?: FLEET_HOST_SECONDS;
    /* elsewhere they are understood, and refused if need be */
    int of_several = client->verb && !client->verb->takes_hosts ? G_OPTION_FLAG_HIDDEN : 0;
    const GOptionEntry entries[] = {
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL },
        { "host", 'H', 0, G_OPTION_ARG_STRING_ARRAY, &hosts,
          N_("Work on another host, over ssh; lists and watch take several"), "[USER@]HOST" },
        { "all-hosts", 0, of_several, G_OPTION_ARG_NONE, &all_hosts,
          N_("The hosts of ~/.config/usbferry/hosts"), NULL },
        { "host-timeout", 0, of_several, G_OPTION_ARG_INT, &host_seconds,
          N_("Wait so long at most for each of several hosts (default: 10)"), "SECONDS" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL },
        { "no-ask-password", 0, 0, G_OPTION_ARG_NONE, &no_ask_password, N_("Ask nobody for a password"),
          NULL },
        { 0 },
    };
    g_autoptr(GError) parse_error = NULL;

    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);

    GPtrArray *vector = g_ptr_array_new();
    g_ptr_array_add(vector, g_strdup(g_get_prgname()));
    for (; *words; words++)
        g_ptr_array_add(vector, g_strdup(*words));
    g_ptr_array_add(vector, NULL);
    g_auto(GStrv) argv = (char **)g_ptr_array_free(vector, FALSE);

    if (!g_option_context_parse_strv(context, &argv, &parse_error)) {
        g_autofree char *text = escape_text(parse_error->message);
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("%s; see %s --help"), text, g_get_prgname());
        return NULL;
    }
    if (all_hosts) {
        listed = fleet_read_hosts(error);
        if (!listed)
            return NULL;
    }
    if (!take_hosts(client, listed, error) || !take_hosts(client, hosts, error))
        return NULL;
    if (host_seconds < 1 || host_seconds > MAX_HOST_SECONDS) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--host-timeout needs a number from 1 to %d"),
                    MAX_HOST_SECONDS);
        return NULL;
    }
    client->host_seconds = host_seconds;
    client->json |= json;
    client->no_ask_password |= no_ask_password;

    return rest ? g_steal_pointer(&rest) : g_new0(char *, 1);
}

char **options_parse_common(Client *client, char **words, const char *summary, bool *ret_version,
                            GError **error)
{
    g_autoptr(GOptionContext) context = g_option_context_new("[VERB …]");
    gboolean version = FALSE;
    const GOptionEntry entries[] = {
        { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_("Print the version"), NULL },
        { 0 },
    };

    g_option_context_set_summary(context, summary);
    g_option_context_set_description(
        context,
        _("A DEVICE is anything that is unique: keyboard, logitech, 046d:c31c, 3-1.2, 003:007, a serial\n"
          "number. Exit status: 0 done, 1 failed, 2 usage, 3 not allowed, 4 not found, 5 busy.\n"));
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
    g_option_context_set_strict_posix(context, TRUE);

    char **rest = parse(client, context, words, error);
    *ret_version = version;
    return rest;
}

/* What stands under the options in the help. */
static char *describe(const char *verb, const char *notes)
{
    GString *text = g_string_new(notes);
    g_auto(GStrv) lines = g_strsplit(examples_of(verb) ?: "", "\n", -1);

    if (*lines)
        g_string_append_printf(text, "%s%s\n", text->len > 0 ? "\n" : "", _("Examples:"));
    for (char **line = lines; *line; line++)
        g_string_append_printf(text, "  %s\n", *line);
    return g_string_free(text, FALSE);
}

char **options_parse(Client *client, char **words, const GOptionEntry *entries, const char *notes, int min,
                     int max, GError **error)
{
    const Verb *verb = client->verb;

    if (client->on_options) {
        client->on_options(client, entries);
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("nothing is done"));
        return NULL;
    }
    g_autoptr(GOptionContext) context = g_option_context_new(verb->arguments);

    /* the usage line of the help */
    g_autofree char *program = g_strdup_printf("usbferry%s%s", verb->name ? " " : "", verb->name ?: "");
    g_set_prgname(program);

    g_option_context_set_summary(context, _(verb->summary));
    g_autofree char *description = describe(verb->name, notes);
    g_option_context_set_description(context, description);
    if (entries)
        g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);

    g_auto(GStrv) rest = parse(client, context, words, error);
    if (!rest)
        return NULL;

    for (char **word = rest; *word; word++)
        if (!**word || !g_utf8_validate(*word, -1, NULL)) {
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "%s",
                        **word ? _("an argument is not UTF-8") : _("an argument is empty"));
            return NULL;
        }

    int n = (int)g_strv_length(rest);
    if (n < min || (max >= 0 && n > max)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    n < min ? _("not enough arguments; see %s --help")
                            : _("too many arguments; see %s --help"),
                    program);
        return NULL;
    }
    return g_steal_pointer(&rest);
}

static bool is_bare(const char *word, const char *const *names)
{
    return g_str_has_prefix(word, "--") && g_strv_contains(names, word + 2);
}

char **options_imply_yes(char **words, const char *const *names)
{
    g_autoptr(GPtrArray) implied = g_ptr_array_new();
    bool over = false;

    for (; *words; words++) {
        over = over || g_str_equal(*words, "--");
        g_ptr_array_add(implied, !over && is_bare(*words, names) ? g_strconcat(*words, "=yes", NULL)
                                                                 : g_strdup(*words));
    }
    g_ptr_array_add(implied, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&implied), FALSE);
}

bool options_parse_boolean(const char *name, const char *text, bool *ret_value, GError **error)
{
    bool yes = g_ascii_strcasecmp(text, "yes") == 0 || g_ascii_strcasecmp(text, "true") == 0;

    if (!yes && g_ascii_strcasecmp(text, "no") != 0 && g_ascii_strcasecmp(text, "false") != 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--%s is either yes or no"), name);
        return false;
    }
    *ret_value = yes;
    return true;
}

bool options_parse_priority(const char *text, int *ret_value, GError **error)
{
    gint64 value;

    if (!g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, &value, NULL)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--priority needs a whole number"));
        return false;
    }
    *ret_value = (int)value;
    return true;
}

bool options_parse_seconds(const char *name, const char *text, bool allow_none, unsigned most,
                           unsigned *ret_seconds, GError **error)
{
    static const struct {
        char unit;
        unsigned seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    gsize length = strlen(text);
    g_autofree char *number = g_strdup(text);
    unsigned factor = 1;
    guint64 value;

    if (allow_none && g_str_equal(text, "none")) {
        *ret_seconds = 0;
        return true;
    }
    for (gsize i = 0; length > 1 && i < G_N_ELEMENTS(units); i++)
        if (text[length - 1] == units[i].unit) {
            number[length - 1] = '\0';
            factor = units[i].seconds;
            break;
        }
    if (!g_ascii_string_to_unsigned(number, 10, 1, most / factor, &value, NULL)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    allow_none ? _("--%s is how long: 20, 20s, 15m, 2h or 3d, at most %u seconds, or none")
                               : _("--%s is how long: 20, 20s, 15m, 2h or 3d, at most %u seconds"),
                    name, most);
        return false;
    }
    *ret_seconds = (unsigned)value * factor;
    return true;
}

bool options_add_boolean(GVariantBuilder *dict, const char *key, const char *option, const char *text,
                         GError **error)
{
    bool value;

    if (!text)
        return true;
    if (!options_parse_boolean(option, text, &value, error))
        return false;
    g_variant_builder_add(dict, "{sv}", key, g_variant_new_boolean(value));
    return true;
}
