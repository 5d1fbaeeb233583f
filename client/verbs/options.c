/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GOption does the parsing; what it has no form for, such as options whose value may be left out, is done
 * here. */

#include "client/verbs/options.h"

#include "client/bus/escape.h"
#include "client/verbs/examples.h"
#include "client/verbs/verb.h"

static bool take_host(Client *client, const char *host, GError **error)
{
    if (!host)
        return true;
    /* ssh would take it for an option of its own */
    if (!*host || *host == '-') {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "-H needs the name of a host");
        return false;
    }

    g_free(client->host);
    client->host = g_strdup(host);
    return true;
}

/* words: without the program's name; parsed options are taken out. What is left is collected as an option,
 * or "--" would be left with it when a word behind it looks like one: a VM may be called "-v". */
static char **parse(Client *client, GOptionContext *context, char **words, GError **error)
{
    g_autofree char *host = NULL;
    g_auto(GStrv) rest = NULL;
    gboolean json = FALSE, no_ask_password = FALSE;
    const GOptionEntry entries[] = {
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL },
        { "host", 'H', 0, G_OPTION_ARG_STRING, &host, "Work on another host, over ssh", "[USER@]HOST" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
        { "no-ask-password", 0, 0, G_OPTION_ARG_NONE, &no_ask_password, "Ask nobody for a password", NULL },
        { 0 },
    };
    g_autoptr(GError) parse_error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);

    GPtrArray *vector = g_ptr_array_new();
    g_ptr_array_add(vector, g_strdup(g_get_prgname()));
    for (; *words; words++)
        g_ptr_array_add(vector, g_strdup(*words));
    g_ptr_array_add(vector, NULL);
    g_auto(GStrv) argv = (char **)g_ptr_array_free(vector, FALSE);

    if (!g_option_context_parse_strv(context, &argv, &parse_error)) {
        g_autofree char *text = escape_text(parse_error->message);
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "%s; see %s --help", text, g_get_prgname());
        return NULL;
    }
    if (!take_host(client, host, error))
        return NULL;
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
        { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
        { 0 },
    };

    g_option_context_set_summary(context, summary);
    g_option_context_set_description(
        context,
        "A DEVICE is anything that is unique: keyboard, logitech, 046d:c31c, 3-1.2, 003:007, a serial\n"
        "number. Exit status: 0 done, 1 failed, 2 usage, 3 not allowed, 4 not found, 5 busy.\n");
    g_option_context_add_main_entries(context, entries, NULL);
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
        g_string_append_printf(text, "%sExamples:\n", text->len > 0 ? "\n" : "");
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
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "nothing is done");
        return NULL;
    }
    g_autoptr(GOptionContext) context = g_option_context_new(verb->arguments);

    /* the usage line of the help */
    g_autofree char *program = g_strdup_printf("usbferry%s%s", verb->name ? " " : "", verb->name ?: "");
    g_set_prgname(program);

    g_option_context_set_summary(context, verb->summary);
    g_autofree char *description = describe(verb->name, notes);
    g_option_context_set_description(context, description);
    if (entries)
        g_option_context_add_main_entries(context, entries, NULL);

    g_auto(GStrv) rest = parse(client, context, words, error);
    if (!rest)
        return NULL;

    for (char **word = rest; *word; word++)
        if (!**word || !g_utf8_validate(*word, -1, NULL)) {
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "an argument is %s",
                        **word ? "not UTF-8" : "empty");
            return NULL;
        }

    int n = (int)g_strv_length(rest);
    if (n < min || (max >= 0 && n > max)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "%s arguments; see %s --help",
                    n < min ? "not enough" : "too many", program);
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
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "--%s is either yes or no", name);
        return false;
    }
    *ret_value = yes;
    return true;
}

bool options_parse_priority(const char *text, int *ret_value, GError **error)
{
    gint64 value;

    if (!g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, &value, NULL)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "--priority needs a whole number");
        return false;
    }
    *ret_value = (int)value;
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
