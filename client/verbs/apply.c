/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* export and apply: groups and assignments as one text. Reads the file and sends it; the service works out
 * what differs and does it. Touches the file system for the one file only. */

#include "client/verbs/apply.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/verbs/options.h"
#include "client/view/json.h"
#include "client/view/words.h"
#include "dbus/names.h"

/* What the service takes at most. */
#define TEXT_BYTES_MAX (1024 * 1024)
#define STDIN_NAME     "-"
#define DIFFERENCES    "aa{sv}"

static Outcome export_all(Client *client, char **words, GError **error)
{
    const char *text;

    g_auto(GStrv) none = options_parse(client, words, NULL, NULL, 0, 0, error);
    if (!none)
        return OUTCOME_USAGE;
    g_autoptr(GVariant) reply = call_read(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Export",
                                          g_variant_new_parsed("(@a{sv} {},)"), "(s)", error);
    if (!reply)
        return OUTCOME_FAILED;

    g_variant_get(reply, "(&s)", &text);
    if (client->json) {
        json_print(g_variant_new_parsed("{'text': <%s>}", text));
        return OUTCOME_DONE;
    }
    /* It is for a file; what the service says is clean, but on a terminal it might be another service's. */
    if (!isatty(STDOUT_FILENO)) {
        fputs(text, stdout);
        return OUTCOME_DONE;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && (line[1] || **line); line++) {
        g_autofree char *escaped = escape_text(*line);
        puts(escaped);
    }
    return OUTCOME_DONE;
}

/* ------------------------------------------------------------------ the file */

/* What the bus takes in a string. */
static bool is_bus_text(const char *line, gsize length)
{
    const char *end = line + length;

    if (!g_utf8_validate_len(line, length, NULL))
        return false;
    for (; line < end; line = g_utf8_next_char(line)) {
        gunichar c = g_utf8_get_char(line);

        if ((c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF))
            return false;
    }
    return true;
}

/* The service names the line of every other fault; these wouldn't get there. */
static bool check_text(const char *source, const GString *text, GError **error)
{
    const char *at = text->str, *end = text->str + text->len;
    unsigned number = 1;

    for (; at < end; number++) {
        const char *newline = memchr(at, '\n', (gsize)(end - at));
        gsize length = (gsize)((newline ? newline : end) - at);

        if (!is_bus_text(at, length)) {
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("%s:%u: expected text in UTF-8"), source,
                        number);
            return false;
        }
        at += length + 1;
    }
    return true;
}

static bool read_all(int fd, GString *text, const char *source, GError **error)
{
    char part[16 * 1024];
    ssize_t length;

    do {
        length = read(fd, part, sizeof part);
        if (length < 0 && errno != EINTR) {
            g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("%s: cannot be read: %s"), source,
                        g_strerror(errno));
            return false;
        }
        if (length > 0)
            g_string_append_len(text, part, length);
        if (text->len > TEXT_BYTES_MAX) {
            g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED,
                        _("%s: longer than %d bytes, split it into several"), source, TEXT_BYTES_MAX);
            return false;
        }
    } while (length != 0);
    return check_text(source, text, error);
}

static GString *read_file(const char *path, const char *source, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool is_stdin = g_str_equal(path, STDIN_NAME);
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        g_set_error(error, CLIENT_ERROR, errno == ENOENT ? OUTCOME_NOT_FOUND : OUTCOME_FAILED,
                    _("%s: cannot be opened: %s"), source, g_strerror(errno));
        return NULL;
    }
    bool ok = read_all(fd, text, source, error);
    if (!is_stdin)
        close(fd);
    return ok ? g_steal_pointer(&text) : NULL;
}

/* ------------------------------------------------------------------ what differs */

static const char *look_up(GVariant *difference, const char *key)
{
    const char *text = "";

    g_variant_lookup(difference, key, "&s", &text);
    return text;
}

static char sign_of(const char *change)
{
    return g_str_equal(change, "added") ? '+' : g_str_equal(change, "removed") ? '-' : '~';
}

/* "~ group keys", and below it what is otherwise, line by line as in the text. */
static void print_difference(GVariant *difference)
{
    const char *machine = look_up(difference, "Machine"), *change = look_up(difference, "Change");
    g_autofree char *kind = escape_text(words_word(look_up(difference, "Kind")));
    g_autofree char *name = escape_text(look_up(difference, "Name"));
    g_autofree char *machine_text = escape_text(machine);
    bool is_change = sign_of(change) == '~';
    g_autofree char *last_section = NULL;
    const char *section, *key, *before, *after;
    GVariantIter *lines;

    if (*machine)
        printf(_("%c %s %s of %s\n"), sign_of(change), kind, name, machine_text);
    else
        printf("%c %s %s\n", sign_of(change), kind, name);
    if (!g_variant_lookup(difference, "Lines", "a(ssss)", &lines))
        return;
    while (g_variant_iter_next(lines, "(&s&s&s&s)", &section, &key, &before, &after)) {
        g_autofree char *section_text = escape_text(section);
        g_autofree char *key_text = escape_text(key);
        g_autofree char *before_text = escape_text(before);
        g_autofree char *after_text = escape_text(after);

        if (g_strcmp0(last_section, section) != 0)
            printf("    [%s]\n", section_text);
        g_free(last_section);
        last_section = g_strdup(section);
        if (is_change && *before)
            printf("  - %s=%s\n", key_text, before_text);
        if (is_change && *after)
            printf("  + %s=%s\n", key_text, after_text);
        if (!is_change)
            printf("    %s=%s\n", key_text, *after ? after_text : before_text);
    }
    g_variant_iter_free(lines);
}

/* As programs are to read them: aa{sv}. */
static GVariant *name_lines(GVariant *difference)
{
    GVariantBuilder records;
    const char *section, *key, *before, *after;
    g_autoptr(GVariant) lines = g_variant_lookup_value(difference, "Lines", G_VARIANT_TYPE("a(ssss)"));
    GVariantIter iter;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    if (lines) {
        g_variant_iter_init(&iter, lines);
        while (g_variant_iter_next(&iter, "(&s&s&s&s)", &section, &key, &before, &after))
            g_variant_builder_add_value(
                &records,
                g_variant_new_parsed("{'section': <%s>, 'key': <%s>, 'before': <%s>, 'after': <%s>}", section,
                                     key, before, after));
    }
    return g_variant_ref_sink(g_variant_builder_end(&records));
}

static GVariant *name_differences(GVariant *differences)
{
    GVariantBuilder records;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; i < g_variant_n_children(differences); i++) {
        g_autoptr(GVariant) difference = g_variant_get_child_value(differences, i);
        g_autoptr(GVariant) lines = name_lines(difference);
        g_variant_builder_add_value(
            &records, g_variant_new_parsed(
                          "{'change': <%s>, 'kind': <%s>, 'name': <%s>, 'vm': <%s>, 'lines': <%@aa{sv}>}",
                          look_up(difference, "Change"), look_up(difference, "Kind"),
                          look_up(difference, "Name"), look_up(difference, "Machine"), lines));
    }
    return g_variant_ref_sink(g_variant_builder_end(&records));
}

static void print_differences(GVariant *differences)
{
    for (gsize i = 0; i < g_variant_n_children(differences); i++) {
        g_autoptr(GVariant) difference = g_variant_get_child_value(differences, i);
        print_difference(difference);
    }
}

/* The array of differences. */
static GVariant *apply(Client *client, const char *text, const char *source, bool dry_run, bool prune,
                       GError **error)
{
    GVariantBuilder options;

    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&options, "{sv}", "DryRun", g_variant_new_boolean(dry_run));
    g_variant_builder_add(&options, "{sv}", "Prune", g_variant_new_boolean(prune));
    g_autoptr(GVariant) reply =
        call_change(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply",
                    g_variant_new("(ssa{sv})", text, source, &options), "(" DIFFERENCES ")", error);
    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

static Outcome run(Client *client, const char *text, const char *source, bool dry_run, bool prune,
                   GError **error)
{
    g_autoptr(GVariant) planned = apply(client, text, source, true, prune, error);
    if (!planned)
        return OUTCOME_FAILED;
    bool nothing = g_variant_n_children(planned) == 0;

    if (!client->json) {
        print_differences(planned);
        if (nothing)
            puts(_("Nothing to do."));
        fflush(stdout); /* seen before it happens */
    }
    g_autoptr(GVariant) done =
        dry_run || nothing ? g_variant_ref(planned) : apply(client, text, source, false, prune, error);
    if (!done)
        return OUTCOME_FAILED;

    if (client->json) {
        g_autoptr(GVariant) named = name_differences(done);
        json_print(g_variant_new_parsed("{'applied': <%b>, 'differences': <%@aa{sv}>}", !dry_run, named));
    } else if (dry_run) {
        if (!nothing)
            puts(_("Nothing was changed: it was a dry run."));
    } else if (!g_variant_equal(planned, done)) {
        puts(_("Something else was changed meanwhile. What was applied:"));
        print_differences(done);
    } else if (!nothing) {
        puts(_("Applied."));
    }
    return OUTCOME_DONE;
}

static Outcome apply_file(Client *client, char **words, GError **error)
{
    gboolean dry_run = FALSE, prune = FALSE;
    const GOptionEntry entries[] = {
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run,
          N_("Shows what would be changed, and changes nothing"), NULL },
        { "prune", 0, 0, G_OPTION_ARG_NONE, &prune,
          N_("Deletes groups and releases assignments that are not in the file"), NULL },
        { 0 },
    };

    g_auto(GStrv) rest =
        options_parse(client, words, entries, _("FILE - is the standard input."), 1, 1, error);
    if (!rest)
        return OUTCOME_USAGE;

    g_autofree char *source = g_str_equal(rest[0], STDIN_NAME) ? g_strdup("stdin") : escape_text(rest[0]);
    g_autoptr(GString) text = read_file(rest[0], source, error);
    return text ? run(client, text->str, source, dry_run, prune, error) : OUTCOME_FAILED;
}

const Verb verb_export = { "export", NULL, N_("Prints all groups and assignments, for apply"), export_all };

const Verb verb_apply = { "apply", "FILE", N_("Has groups and assignments be as a file says"), apply_file };
