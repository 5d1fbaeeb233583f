/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options come from the verb itself, which is run as far as its options; what its arguments are, from what
 * its help says of them; names from one fetch. Only what begins like the word is printed. */

#include "client/verbs/complete.h"

#include <glib/gi18n.h>

#include <stdio.h>
#include <string.h>

#include "client/bus/escape.h"
#include "client/bus/fleet.h"
#include "client/bus/follow.h"
#include "client/verbs/verbs.h"
#include "client/view/columns.h"

typedef struct Completion {
    char **words;     /* behind the verb, the last is what is typed */
    const char *word; /* that one */
    char *before;     /* a part of it that stays: "--class=", "vm," */
} Completion;

/* ------------------------------------------------------------------ printing */

/* help: escaped or ours; NULL = none. */
static void print_offer(const Completion *completion, const char *word, const char *help)
{
    g_autofree char *whole = g_strconcat(completion->before, word, NULL);

    if (g_str_has_prefix(whole, completion->word))
        printf("%s\t%s\n", whole, help ? help : "");
}

/* Names that would be taken for an option, or that can't be typed in one line, are left out. */
static void offer(const Completion *completion, const char *word, const char *help)
{
    g_autofree char *escaped = escape_text(word);

    if (*word && g_str_equal(escaped, word) && (*word != '-' || *completion->before))
        print_offer(completion, word, help);
}

static void offer_list(const Completion *completion, const char *list, const char *help)
{
    g_auto(GStrv) words = g_strsplit(list, "|", -1);

    for (char **word = words; *word; word++)
        offer(completion, *word, help);
}

/* ------------------------------------------------------------------ names */

static bool is_only_one(GPtrArray *devices, const char *property, const char *text)
{
    guint n = 0;

    for (guint i = 0; i < devices->len; i++)
        n += !object_flag(devices->pdata[i], "IsHub") &&
             g_str_equal(object_string(devices->pdata[i], property), text);
    return n == 1;
}

/* By its port, and by its class and its name where that means it and no other one. */
static void offer_devices(const Completion *completion, const Model *model)
{
    static const char *const properties[] = { "Class", "Product" };
    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);

    for (guint i = 0; i < devices->len; i++) {
        const Object *device = devices->pdata[i];
        g_autofree char *text = object_describe(device);

        if (object_flag(device, "IsHub"))
            continue;
        offer(completion, object_name(device), text);
        for (gsize j = 0; j < G_N_ELEMENTS(properties); j++) {
            const char *word = object_string(device, properties[j]);

            if (is_only_one(devices, properties[j], word))
                offer(completion, g_str_has_prefix(word, "hid-") ? word + strlen("hid-") : word, text);
        }
    }
}

static void offer_objects(const Completion *completion, const Model *model, ObjectKind kind)
{
    g_autoptr(GPtrArray) objects = model_sorted(model, kind);

    for (guint i = 0; i < objects->len; i++)
        offer(completion, object_name(objects->pdata[i]), kind_to_string(kind));
}

/* Of the group that was named before it. */
static void offer_rule_ids(const Completion *completion, const Model *model)
{
    g_autoptr(GPtrArray) groups = model_sorted(model, KIND_GROUP);
    guint32 id;
    const char *rule;

    for (guint i = 0; i < groups->len; i++) {
        GVariant *rules = object_value(groups->pdata[i], "Rules");
        GVariantIter iter;

        if (!rules ||
            !g_strv_contains((const char *const *)completion->words, object_name(groups->pdata[i])) ||
            !g_variant_is_of_type(rules, G_VARIANT_TYPE("a(ubss)")))
            continue;
        g_variant_iter_init(&iter, rules);
        while (g_variant_iter_next(&iter, "(ub&s&s)", &id, NULL, &rule, NULL)) {
            g_autofree char *word = g_strdup_printf("%u", id);
            g_autofree char *text = escape_text(rule);
            offer(completion, word, text);
        }
    }
}

static void offer_columns(Completion *completion)
{
    const char *comma = strrchr(completion->word + strlen(completion->before), ',');

    if (comma) {
        g_free(completion->before);
        completion->before = g_strndup(completion->word, (gsize)(comma + 1 - completion->word));
    }
    for (ObjectKind kind = 0; kind < _KIND_MAX; kind++)
        for (const Column *column = columns_for(kind); column->name; column++) {
            bool known = false;
            for (ObjectKind earlier = 0; earlier < kind && !known; earlier++)
                known = column_find(columns_for(earlier), column->name);
            if (!known)
                offer(completion, column->name, _(column->help));
        }
}

/* Those that --all-hosts means; others can be typed. */
static void offer_hosts(const Completion *completion)
{
    g_auto(GStrv) hosts = fleet_read_hosts(NULL);

    for (char **host = hosts; host && *host; host++)
        offer(completion, *host, NULL);
}

/* what: a word of the arguments or of an option's value, as the help has it. */
static void offer_kind(Client *client, Completion *completion, const char *what, Model **model)
{
    static const struct {
        const char *what;
        ObjectKind kind;
    } kinds[] = {
        { "DEVICE", KIND_DEVICE }, { "ASSIGNMENT", KIND_ASSIGNMENT }, { "VM", KIND_MACHINE },
        { "GROUP", KIND_GROUP },   { "TENANT", KIND_TENANT },         { "ID", KIND_GROUP },
    };
    static const struct {
        const char *what, *words;
    } lists[] = {
        { "QUANTITY", "1|2|all|set" },
        { "CLASS", "generic|hid|storage|media|audio|network|smartcard|printer|serial|bluetooth" },
        { "STATE", "attached|partial|attaching|detaching|waiting-device|waiting-machine|disabled|failed|"
                   "quarantined|gone" },
        { "RULE",
          "vendor=|product=|serial=|name=|manufacturer=|class=|port=|hub=|controller=|node=|removable=|"
          "speed=" },
        { "MEMBER", "user:|group:" },
    };

    if (g_str_equal(what, "HOST"))
        offer_hosts(completion);
    if (g_str_equal(what, "FILE"))
        puts("\tFILE");
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
        if (g_str_equal(lists[i].what, what))
            offer_list(completion, lists[i].words, NULL);
    if (g_ascii_islower(*what))
        offer_list(completion, what, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (!g_str_equal(kinds[i].what, what))
            continue;
        *model = *model ? *model : model_fetch(client, NULL);
        if (!*model)
            return;
        if (g_str_equal(what, "ID"))
            offer_rule_ids(completion, *model);
        else if (kinds[i].kind == KIND_DEVICE)
            offer_devices(completion, *model);
        else
            offer_objects(completion, *model, kinds[i].kind);
    }
}

/* what: "DEVICE|GROUP…", "[VM]" */
static void offer_argument(Client *client, Completion *completion, const char *what, Model **model)
{
    g_autofree char *plain = g_strdup(what);
    char *end;

    if (g_str_has_suffix(what, "[,…]")) {
        offer_columns(completion);
        return;
    }

    g_strdelimit(plain, "[]", ' ');
    for (end = strstr(plain, "…"); end; end = strstr(plain, "…"))
        memset(end, ' ', strlen("…"));
    g_auto(GStrv) kinds = g_strsplit(g_strstrip(plain), "|", -1);
    for (char **kind = kinds; *kind; kind++)
        offer_kind(client, completion, *kind, model);
}

/* ------------------------------------------------------------------ options and arguments */

static bool takes_value(const GOptionEntry *entry)
{
    return entry->arg != G_OPTION_ARG_NONE;
}

static const GOptionEntry *find_option(const GOptionEntry *entries, const char *word, gsize length)
{
    for (; entries && entries->long_name; entries++) {
        bool is_short =
            entries->short_name && length == 2 && word[0] == '-' && word[1] == entries->short_name;
        if (is_short ||
            (length > 2 && strlen(entries->long_name) == length - 2 && strncmp(word, "--", 2) == 0 &&
             strncmp(entries->long_name, word + 2, length - 2) == 0))
            return entries;
    }
    return NULL;
}

static const GOptionEntry common[] = {
    { "host", 'H', 0, G_OPTION_ARG_STRING, NULL, N_("Work on another host, over ssh"), "HOST" },
    { "all-hosts", 0, 0, G_OPTION_ARG_NONE, NULL, N_("The hosts of ~/.config/usbferry/hosts"), NULL },
    { "host-timeout", 0, 0, G_OPTION_ARG_INT, NULL,
      N_("Wait so long at most for each of several hosts (default: 10)"), "SECONDS" },
    { "json", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Print JSON"), NULL },
    { "no-ask-password", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Ask nobody for a password"), NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, NULL, N_("Help for this verb"), NULL },
    { 0 },
};

/* verb: NULL = any. */
static bool is_of_others(const GOptionEntry *entry, const Verb *verb)
{
    return verb && !verb->takes_hosts &&
           (g_str_equal(entry->long_name, "all-hosts") || g_str_equal(entry->long_name, "host-timeout"));
}

static void offer_options(const Completion *completion, const GOptionEntry *entries, const Verb *verb)
{
    for (; entries && entries->long_name; entries++) {
        if (is_of_others(entries, verb))
            continue;
        g_autofree char *word = g_strconcat("--", entries->long_name, NULL);
        print_offer(completion, word, entries->description ? _(entries->description) : NULL);
    }
}

/* The arguments before the one that is typed. */
static guint count_arguments(const Completion *completion, const GOptionEntry *entries)
{
    guint n = 0;

    for (char **word = completion->words; word[0] && word[1]; word++) {
        const GOptionEntry *option = find_option(entries, *word, strlen(*word));

        option = option ? option : find_option(common, *word, strlen(*word));
        if (**word != '-')
            n++;
        else if (option && takes_value(option) && word[2])
            word++;
    }
    return n;
}

/* The n-th of what the help says of the arguments; from "…" on all that follow as well. */
static void offer_arguments(Client *client, Completion *completion, guint n, Model **model)
{
    g_auto(GStrv) all = g_strsplit(client->verb->arguments ? client->verb->arguments : "", " ", -1);
    guint n_all = g_strv_length(all), first = n, last = n;

    for (guint i = 0; i < n_all; i++)
        if (strstr(all[i], "…") && i <= n) {
            first = i;
            last = n_all - 1;
            break;
        }
    /* "[DEVICE …]" and "DEVICE… | VM…" */
    if (first > 0 && first < n_all && (g_str_equal(all[first], "…]") || g_str_equal(all[first], "…")))
        first--;
    for (guint i = first; i <= last && i < n_all; i++)
        if (!g_str_equal(all[i], "|"))
            offer_argument(client, completion, all[i], model);
}

/* The option before the word, or in it, whose value is typed; the value begins behind completion->before. */
static const GOptionEntry *find_typed_option(Completion *completion, const GOptionEntry *entries)
{
    guint n = g_strv_length(completion->words);
    const char *previous = n > 1 ? completion->words[n - 2] : "";
    const char *equals = g_str_has_prefix(completion->word, "--") ? strchr(completion->word, '=') : NULL;
    const GOptionEntry *option;

    if (equals) {
        gsize length = (gsize)(equals - completion->word);
        g_free(completion->before);
        completion->before = g_strndup(completion->word, length + 1);
        option = find_option(entries, completion->word, length);
        return option ? option : find_option(common, completion->word, length);
    }
    option = find_option(entries, previous, strlen(previous));
    option = option ? option : find_option(common, previous, strlen(previous));
    /* --allow-guest-reset may stand alone */
    return option && takes_value(option) && g_strcmp0(option->arg_description, "yes|no") != 0 ? option : NULL;
}

/* Instead of parsing, once the verb has said which options it has. */
static void on_options(Client *client, const GOptionEntry *entries)
{
    Completion *completion = client->completion;
    const GOptionEntry *option = find_typed_option(completion, entries);
    g_autoptr(Model) model = NULL;

    if (option) {
        if (option->arg_description)
            offer_argument(client, completion, option->arg_description, &model);
        return;
    }
    if (*completion->word == '-') {
        offer_options(completion, entries, client->verb);
        offer_options(completion, common, client->verb);
        return;
    }
    if (g_str_equal(client->verb->name, "group add") || g_str_equal(client->verb->name, "tenant add"))
        return; /* a new name */
    offer_arguments(client, completion, count_arguments(completion, entries), &model);
}

/* ------------------------------------------------------------------ verbs */

/* Their first words when family is NULL, else the second ones of its verbs. */
static void offer_verbs(const Completion *completion, const char *family)
{
    g_autofree char *prefix = family ? g_strconcat(family, " ", NULL) : g_strdup("");
    gsize n;
    const Verb *const *verbs = verbs_all(&n);

    for (gsize i = 0; i < n; i++) {
        const char *name = verbs[i]->name;

        if (name && g_str_has_prefix(name, prefix) && !strchr(name + strlen(prefix), ' '))
            offer(completion, name + strlen(prefix), _(verbs[i]->summary));
    }
    if (!family)
        offer(completion, "help", _("Prints the help, of a verb with examples"));
}

/* Options before the verb. */
static char **skip_common(Client *client, const Completion *completion, char **words)
{
    for (; words[0] && words[1] && *words[0] == '-'; words++) {
        const GOptionEntry *option = find_option(common, words[0], strlen(words[0]));

        if (!option || !takes_value(option))
            continue;
        bool is_host = option->short_name == 'H';
        if (!words[2]) { /* its value is typed */
            if (is_host)
                offer_hosts(completion);
            return NULL;
        }
        words++;
        if (!is_host)
            continue;
        g_free(client->host);
        client->host = g_strdup(words[0]);
    }
    return words;
}

void complete_words(Client *client, char **words)
{
    guint n = g_strv_length(words);
    Completion completion = { .words = words, .word = n > 0 ? words[n - 1] : "", .before = g_strdup("") };
    unsigned used = 0;

    words = n > 0 ? skip_common(client, &completion, words) : NULL;
    if (words && g_strcmp0(words[0], "help") == 0 && words[1])
        words++;
    if (words && !words[1]) {
        if (*completion.word == '-')
            offer_options(&completion, common, NULL);
        offer_verbs(&completion, NULL);
    } else if (words) {
        if (!words[2])
            offer_verbs(&completion, words[0]);
        /* while its second word is typed, "group s" is a verb by its first one only */
        char *first[] = { words[0], NULL };
        client->verb = verb_find_words(words[2] ? words : first, &used, NULL);
    }
    if (client->verb) {
        completion.words = words + used;
        client->completion = &completion;
        client->on_options = on_options;
        client->verb->run(client, completion.words, NULL);
    }
    g_free(completion.before);
}
