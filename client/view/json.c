/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes values as JSON. What would act on a terminal is escaped as JSON has it, so the text means the same.
 */

#include "client/view/json.h"

#include <math.h>
#include <stdio.h>

#include "client/bus/escape.h"

static void append_value(GString *json, GVariant *value, int depth);

static void append_string(GString *json, const char *text)
{
    g_string_append_c(json, '"');
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar character = g_utf8_get_char(text);

        if (character == '"' || character == '\\')
            g_string_append_printf(json, "\\%c", (char)character);
        else if (!escape_is_needed(character))
            g_string_append_unichar(json, character);
        else if (character < 0x10000)
            g_string_append_printf(json, "\\u%04x", character);
        else
            g_string_append_printf(json, "\\u%04x\\u%04x", 0xd7c0 + (character >> 10),
                                   0xdc00 + (character & 0x3ff));
    }
    g_string_append_c(json, '"');
}

/* depth < 0: all on one line */
static void append_break(GString *json, int depth)
{
    if (depth < 0)
        return;
    g_string_append_c(json, '\n');
    for (int i = 0; i < depth; i++)
        g_string_append(json, "  ");
}

static void append_members(GString *json, GVariant *value, int depth)
{
    bool object = g_variant_is_of_type(value, G_VARIANT_TYPE_DICTIONARY);
    gsize n = g_variant_n_children(value);
    int inner = depth < 0 ? depth : depth + 1;

    g_string_append_c(json, object ? '{' : '[');
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);

        if (i > 0)
            g_string_append_c(json, ',');
        append_break(json, inner);
        if (object) {
            g_autoptr(GVariant) key = g_variant_get_child_value(child, 0);
            g_autoptr(GVariant) member = g_variant_get_child_value(child, 1);
            g_autofree char *name = g_variant_is_of_type(key, G_VARIANT_TYPE_STRING)
                                        ? g_variant_dup_string(key, NULL)
                                        : g_variant_print(key, /* type_annotate= */ FALSE);
            append_string(json, name);
            g_string_append(json, depth < 0 ? ":" : ": ");
            append_value(json, member, inner);
        } else
            append_value(json, child, inner);
    }
    if (n > 0)
        append_break(json, depth);
    g_string_append_c(json, object ? '}' : ']');
}

static void append_value(GString *json, GVariant *value, int depth)
{
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BOOLEAN:
        g_string_append(json, g_variant_get_boolean(value) ? "true" : "false");
        return;
    case G_VARIANT_CLASS_BYTE: /* GVariant prints it in hex */
        g_string_append_printf(json, "%u", g_variant_get_byte(value));
        return;
    case G_VARIANT_CLASS_DOUBLE: {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        double d = g_variant_get_double(value);
        g_string_append(json, isfinite(d) ? g_ascii_dtostr(number, sizeof number, d) : "null");
        return;
    }
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
    case G_VARIANT_CLASS_HANDLE: {
        g_autofree char *number = g_variant_print(value, /* type_annotate= */ FALSE);
        g_string_append(json, number);
        return;
    }
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
        append_string(json, g_variant_get_string(value, NULL));
        return;
    case G_VARIANT_CLASS_VARIANT:
    case G_VARIANT_CLASS_MAYBE: {
        g_autoptr(GVariant) child =
            g_variant_n_children(value) > 0 ? g_variant_get_child_value(value, 0) : NULL;
        if (child)
            append_value(json, child, depth);
        else
            g_string_append(json, "null");
        return;
    }
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
        append_members(json, value, depth);
        return;
    }
}

char *json_from_variant(GVariant *value, bool pretty)
{
    GString *json = g_string_new(NULL);

    append_value(json, value, pretty ? 0 : -1);
    return g_string_free(json, FALSE);
}

void json_print(GVariant *value)
{
    g_autoptr(GVariant) sunk = g_variant_ref_sink(value);
    g_autofree char *json = json_from_variant(sunk, /* pretty= */ true);

    puts(json);
}
