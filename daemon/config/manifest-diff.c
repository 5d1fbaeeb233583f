/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two texts of the same thing, compared key by key. Pure. */

#include "daemon/config/manifest-diff.h"

static void line_free(gpointer data)
{
    ManifestDiffLine *line = data;

    g_free(line->section);
    g_free(line->key);
    g_free(line->before);
    g_free(line->after);
    g_free(line);
}

void manifest_diff_free(gpointer data)
{
    ManifestDiff *difference = data;

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

static void add_line(ManifestDiff *difference, GKeyFile *old, GKeyFile *new, const char *section,
                     const char *key)
{
    g_autofree char *before = g_key_file_get_value(old, section, key, NULL);
    g_autofree char *after = g_key_file_get_value(new, section, key, NULL);
    ManifestDiffLine *line;

    if (g_strcmp0(before, after) == 0)
        return;
    line = g_new(ManifestDiffLine, 1);
    *line = (ManifestDiffLine){
        .section = g_strdup(section),
        .key = g_strdup(key),
        .before = g_steal_pointer(&before),
        .after = g_steal_pointer(&after),
    };
    g_ptr_array_add(difference->lines, line);
}

/* The keys of the new one, then those that only the old one has. */
static void compare_section(ManifestDiff *difference, GKeyFile *old, GKeyFile *new, const char *section)
{
    g_auto(GStrv) new_keys = g_key_file_get_keys(new, section, NULL, NULL);
    g_auto(GStrv) old_keys = g_key_file_get_keys(old, section, NULL, NULL);

    for (char **key = new_keys; key && *key; key++)
        add_line(difference, old, new, section, *key);
    for (char **key = old_keys; key && *key; key++)
        if (!g_key_file_has_key(new, section, *key, NULL))
            add_line(difference, old, new, section, *key);
}

static void compare(ManifestDiff *difference, GKeyFile *old, GKeyFile *new)
{
    g_auto(GStrv) new_sections = g_key_file_get_groups(new, NULL);
    g_auto(GStrv) old_sections = g_key_file_get_groups(old, NULL);

    for (char **section = new_sections; *section; section++)
        compare_section(difference, old, new, *section);
    for (char **section = old_sections; *section; section++)
        if (!g_key_file_has_group(new, *section))
            compare_section(difference, old, new, *section);
}

ManifestDiff *manifest_diff_new(const char *kind, const char *name, const char *machine, const char *before,
                                const char *after)
{
    g_autoptr(GKeyFile) old = load(before), new = load(after);
    ManifestDiff *difference = g_new(ManifestDiff, 1);

    *difference = (ManifestDiff){
        .kind = kind,
        .name = g_strdup(name),
        .machine = g_strdup(machine ? machine : ""),
        .change = !before  ? "added"
                  : !after ? "removed"
                           : "changed",
        .lines = g_ptr_array_new_with_free_func(line_free),
    };
    compare(difference, old, new);
    if (difference->lines->len > 0)
        return difference;
    manifest_diff_free(difference);
    return NULL;
}
