/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/difference.h"

#include <stdbool.h>

static void line_free(gpointer data)
{
    DifferenceLine *line = data;

    g_free(line->section);
    g_free(line->key);
    g_free(line->before);
    g_free(line->after);
    g_free(line);
}

void difference_free(gpointer data)
{
    Difference *difference = data;

    g_free(difference->name);
    g_free(difference->machine);
    g_ptr_array_unref(difference->lines);
    g_free(difference);
}

static GKeyFile *load(const char *text)
{
    GKeyFile *file = g_key_file_new();

    if (text)
        g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_NONE, NULL);
    return file;
}

/* Everything that one has and the other hasn't, or has otherwise; of what one alone has only that when alone
 * is set. */
static void compare(Difference *difference, GKeyFile *one, GKeyFile *other, bool alone)
{
    g_auto(GStrv) sections = g_key_file_get_groups(one, NULL);

    for (char **section = sections; *section; section++) {
        g_auto(GStrv) keys = g_key_file_get_keys(one, *section, NULL, NULL);

        for (char **key = keys; *key; key++) {
            g_autofree char *before = g_key_file_get_value(one, *section, *key, NULL);
            g_autofree char *after = g_key_file_get_value(other, *section, *key, NULL);
            DifferenceLine *line;

            if (alone ? after != NULL : g_strcmp0(before, after) == 0)
                continue;
            line = g_new(DifferenceLine, 1);
            *line = (DifferenceLine){
                .section = g_strdup(*section),
                .key = g_strdup(*key),
                .before = alone ? NULL : g_steal_pointer(&before),
                .after = alone ? g_steal_pointer(&before) : g_steal_pointer(&after),
            };
            g_ptr_array_add(difference->lines, line);
        }
    }
}

Difference *difference_new(const char *kind, const char *name, const char *machine, const char *before,
                           const char *after)
{
    g_autoptr(GKeyFile) old = load(before), new = load(after);
    Difference *difference = g_new(Difference, 1);

    *difference = (Difference){
        .kind = kind,
        .name = g_strdup(name),
        .machine = g_strdup(machine ? machine : ""),
        .change = !before  ? "added"
                  : !after ? "removed"
                           : "changed",
        .lines = g_ptr_array_new_with_free_func(line_free),
    };
    compare(difference, old, new, false);
    compare(difference, new, old, true);
    if (difference->lines->len > 0)
        return difference;
    difference_free(difference);
    return NULL;
}
