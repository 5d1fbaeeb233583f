/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at each character by its Unicode category; no list of dangerous ones that could be too short. */

#include "client/bus/escape.h"

#include <string.h>

#include <wchar.h>

#define ELLIPSIS 0x2026

bool escape_is_needed(gunichar character)
{
    GUnicodeType type = g_unichar_type(character);

    return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_SURROGATE ||
           type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

/* wcwidth() knows what the locale can print: of the C locale nothing but ASCII. */
bool escape_is_strange(gunichar character)
{
    return character >= 0x80 && wcwidth((wchar_t)character) < 0;
}

static void append_escaped(GString *text, gunichar character)
{
    if (character == ELLIPSIS)
        g_string_append(text, "...");
    else
        g_string_append_printf(text, character < 0x100 ? "\\x%02x" : "\\u%04x", character);
}

char *escape_strange(const char *raw)
{
    GString *text = g_string_new(NULL);

    for (; *raw; raw = g_utf8_next_char(raw)) {
        gunichar character = g_utf8_get_char(raw);
        if (escape_is_strange(character))
            append_escaped(text, character);
        else
            g_string_append_unichar(text, character);
    }
    return g_string_free(text, FALSE);
}

static char *escape(const char *raw, const char *newline)
{
    GString *text = g_string_new(NULL);

    while (raw && *raw) {
        gunichar character = g_utf8_get_char_validated(raw, -1);

        if (character == (gunichar)-1 || character == (gunichar)-2) {
            g_string_append_printf(text, "\\x%02x", (unsigned)(guchar)*raw++);
            continue;
        }

        const char *next = g_utf8_next_char(raw);
        if (character == '\n' && newline)
            g_string_append(text, newline);
        else if (escape_is_needed(character) || escape_is_strange(character))
            append_escaped(text, character);
        else
            g_string_append_len(text, raw, next - raw);
        raw = next;
    }

    return g_string_free(text, FALSE);
}

char *escape_text(const char *raw)
{
    return escape(raw, NULL);
}

char *escape_message(const char *raw)
{
    return escape(raw, "\n  ");
}

char *escape_word(const char *raw)
{
    g_autofree char *text = escape_text(raw);

    if (!*text)
        return g_strdup("''");
    return text[strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._:/@%+,-")] ? g_shell_quote(text)
                                                                                   : g_steal_pointer(&text);
}
