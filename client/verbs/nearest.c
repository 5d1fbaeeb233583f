/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The distance between two words is how many letters were missed, doubled, changed or swapped. */

#include "client/verbs/nearest.h"

#include <glib/gi18n.h>

#include <string.h>

#include "client/bus/escape.h"

/* Longer words are no slips of the hand; they would only take time. */
#define LETTERS_MAX 64

/* As many letters of a word may be wrong. */
static guint slips_of(gsize letters)
{
    return letters < 3 ? 0 : letters < 6 ? 1 : 2;
}

static guint distance(const gunichar *a, gsize n_a, const gunichar *b, gsize n_b)
{
    guint rows[3][LETTERS_MAX + 1]; /* the row before the last, the last one, and this one */

    for (gsize j = 0; j <= n_b; j++)
        rows[1][j] = (guint)j;
    for (gsize i = 1; i <= n_a; i++) {
        rows[2][0] = (guint)i;
        for (gsize j = 1; j <= n_b; j++) {
            guint best = rows[1][j - 1] + (a[i - 1] != b[j - 1]);

            best = MIN(best, MIN(rows[1][j], rows[2][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = MIN(best, rows[0][j - 2] + 1);
            rows[2][j] = best;
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
    }
    return rows[1][n_b];
}

static gunichar *fold(const char *text, glong *ret_letters)
{
    g_autofree char *folded = g_utf8_casefold(text, -1);

    return g_utf8_to_ucs4_fast(folded, -1, ret_letters);
}

const char *nearest_text(const char *word, const char *const *texts, gsize n_texts)
{
    const char *nearest = NULL;
    glong n_word;
    g_autofree gunichar *folded = fold(word, &n_word);
    guint least = slips_of((gsize)n_word) + 1;

    for (gsize i = 0; n_word <= LETTERS_MAX && i < n_texts; i++) {
        glong n_text;
        g_autofree gunichar *other = fold(texts[i], &n_text);

        if (n_text == 0 || n_text > LETTERS_MAX || ABS(n_text - n_word) >= (glong)least)
            continue;
        guint far = distance(folded, (gsize)n_word, other, (gsize)n_text);
        if (far < least) {
            least = far;
            nearest = texts[i];
        }
    }
    return nearest;
}

/* ------------------------------------------------------------------ objects */

static void add_names(GPtrArray *names, const Object *object)
{
    /* a device's name is its port, and the port next to it is no slip of the hand */
    if (object->kind != KIND_DEVICE) {
        g_ptr_array_add(names, (void *)object_name(object));
        return;
    }
    const char *class = object_string(object, "Class");
    g_ptr_array_add(names, (void *)object_string(object, "Product"));
    g_ptr_array_add(names, (void *)object_string(object, "Vendor"));
    g_ptr_array_add(names, (void *)object_string(object, "Serial"));
    g_ptr_array_add(names, (void *)class);
    /* "keyboard" of "hid-keyboard" */
    if (strchr(class, '-'))
        g_ptr_array_add(names, (void *)(strchr(class, '-') + 1));
}

char *nearest_hint(const Model *model, TargetKinds kinds, const char *word)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (ObjectKind kind = 0; kind < _KIND_MAX; kind++) {
        if (!(kinds & 1U << kind) || kind == KIND_MANAGER)
            continue;
        g_autoptr(GPtrArray) objects = model_sorted(model, kind);
        for (guint i = 0; i < objects->len; i++)
            if (!object_flag(objects->pdata[i], "IsHub"))
                add_names(names, objects->pdata[i]);
    }

    const char *name = nearest_text(word, (const char *const *)names->pdata, names->len);
    g_autofree char *escaped = escape_text(name);
    if (name)
        return g_strdup_printf(_("\n  Did you mean \"%s\"?"), escaped);
    return g_strdup(kinds & 1U << KIND_DEVICE ? _("\n  usbferry list shows what there is") : "");
}

char *nearest_machines(const Model *model)
{
    g_autoptr(GPtrArray) machines = model_sorted(model, KIND_MACHINE);
    GString *all = g_string_new(NULL);

    for (guint i = 0; i < machines->len; i++) {
        g_autofree char *name = escape_text(object_name(machines->pdata[i]));
        g_string_append_printf(all, "%s%s", all->len > 0 ? ", " : "", name);
    }
    return g_string_free(all, FALSE);
}
