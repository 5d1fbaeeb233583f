/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at each character by its Unicode category; no list of dangerous ones that could be too short. */

#include "client/bus/escape.h"

bool escape_is_needed(gunichar character)
{
    GUnicodeType type = g_unichar_type(character);

    return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_SURROGATE ||
           type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR;
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
        else if (!escape_is_needed(character))
            g_string_append_len(text, raw, next - raw);
        else if (character < 0x100)
            g_string_append_printf(text, "\\x%02x", character);
        else
            g_string_append_printf(text, "\\u%04x", character);
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
