/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two snapshots compared, line by line, without an order. */

#include "tests/bus/snapshot-lines.h"

static GHashTable *lines_of(const char *snapshot)
{
    GHashTable *lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) parts = g_strsplit(snapshot, "\n", -1);

    for (char **part = parts; *part; part++)
        g_hash_table_add(lines, g_strdup(*part));
    return lines;
}

GHashTable *snapshot_minus(const char *left, const char *right)
{
    GHashTable *lines = lines_of(left);
    g_autoptr(GHashTable) others = lines_of(right);
    GHashTableIter iter;
    gpointer line;

    g_hash_table_iter_init(&iter, others);
    while (g_hash_table_iter_next(&iter, &line, NULL))
        g_hash_table_remove(lines, line);
    return lines;
}

bool snapshot_is_within(GHashTable *some, GHashTable *all)
{
    GHashTableIter iter;
    gpointer line;

    g_hash_table_iter_init(&iter, some);
    while (g_hash_table_iter_next(&iter, &line, NULL))
        if (!g_hash_table_contains(all, line))
            return false;
    return true;
}
