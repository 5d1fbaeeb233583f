/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from strangers, made harmless: valid UTF-8 without control characters, in one line, and quoted for
 * messages. Pure; any thread. */

#include "daemon/base/text.h"

#include <string.h>

#include "daemon/base/error.h"

#define REPLACEMENT 0xFFFD
#define ELLIPSIS    0x2026

/* The next character, REPLACEMENT for a byte that isn't UTF-8. Noncharacters such as U+FFFE count as invalid:
 * GLib lets them pass, but sd-bus refuses every message that has one. */
static gunichar next_char(const char **text)
{
    gunichar c = g_utf8_get_char_validated(*text, -1);
    bool invalid = c == (gunichar)-1 || c == (gunichar)-2;

    *text = invalid ? *text + 1 : g_utf8_next_char(*text);
    if (invalid || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF))
        return REPLACEMENT;
    return c;
}

/* Controls that separate words when they stand between them. */
static bool is_control(gunichar c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

/* Invisible ones that change how the text around them looks: the bidi controls and the byte order mark. */
static bool is_invisible(gunichar c)
{
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

char *text_sanitize(const char *raw, gsize max_bytes)
{
    g_autoptr(GString) clean = g_string_new(NULL);
    bool space = false;

    while (raw && *raw) {
        gunichar c = next_char(&raw);

        if (is_control(c) || g_unichar_isspace(c)) {
            space = clean->len > 0;
            continue;
        }
        if (is_invisible(c))
            continue;
        if (clean->len + (space ? 1 : 0) + (gsize)g_unichar_to_utf8(c, NULL) > max_bytes)
            break;
        if (space)
            g_string_append_c(clean, ' ');
        g_string_append_unichar(clean, c);
        space = false;
    }
    return g_string_free(g_steal_pointer(&clean), FALSE);
}

/* How much of it is printable ASCII, as all of most texts is: nothing has to be done to that. */
static gsize plain_length(const char *text)
{
    gsize length = 0;

    while (text[length] >= ' ' && text[length] <= '~')
        length++;
    return length;
}

bool text_is_clean(const char *text)
{
    if (text && !text[plain_length(text)])
        return true;
    if (!text || !g_utf8_validate(text, -1, NULL))
        return false;
    while (*text) {
        const char *here = text;
        gunichar c = next_char(&text);

        if (is_control(c) || is_invisible(c) || c != g_utf8_get_char(here))
            return false;
    }
    return true;
}

bool text_check(const char *what, const char *text, gsize max_bytes, GError **error)
{
    if (!text || (strlen(text) <= max_bytes && text_is_clean(text)))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME,
                "%s: at most %" G_GSIZE_FORMAT " bytes of valid UTF-8 without control characters", what,
                max_bytes);
    return false;
}

void text_replace(char **text, const char *value)
{
    char *copy = g_strdup(value ? value : "");

    g_free(*text);
    *text = copy;
}

char *text_quote(const char *text)
{
    g_autoptr(GString) quoted = NULL;
    gsize length = text ? plain_length(text) : 0;

    if (text && !text[length] && length <= TEXT_MAX && !strpbrk(text, "\"\\"))
        return g_strconcat("\"", text, "\"", NULL);
    quoted = g_string_new("\"");
    while (text && *text) {
        gunichar c = next_char(&text);

        if (quoted->len > TEXT_MAX) {
            g_string_append_unichar(quoted, ELLIPSIS);
            break;
        }
        if (c == '"' || c == '\\')
            g_string_append_c(quoted, '\\');
        g_string_append_unichar(quoted, is_control(c) || is_invisible(c) ? REPLACEMENT : c);
    }
    g_string_append_c(quoted, '"');
    return g_string_free(g_steal_pointer(&quoted), FALSE);
}

char *text_shorten(const char *text, gsize max_bytes)
{
    g_autoptr(GString) message = NULL;
    gsize room = max_bytes - (gsize)g_unichar_to_utf8(ELLIPSIS, NULL);
    gsize cut = 0; /* where the ellipsis begins if it is too long */
    gsize length = strlen(text);

    if (length <= max_bytes && g_str_is_ascii(text))
        return g_strndup(text, length);
    message = g_string_new(NULL);
    while (*text && message->len <= max_bytes) {
        g_string_append_unichar(message, next_char(&text));
        if (message->len <= room)
            cut = message->len;
    }
    if (message->len > max_bytes) {
        g_string_truncate(message, cut);
        g_string_append_unichar(message, ELLIPSIS);
    }
    return g_string_free(g_steal_pointer(&message), FALSE);
}

char *text_fold(const char *text)
{
    g_autoptr(GString) folded = NULL;

    if (text && g_str_is_ascii(text))
        return g_ascii_strdown(text, -1);
    folded = g_string_new(NULL);
    while (text && *text)
        g_string_append_unichar(folded, g_unichar_tolower(next_char(&text)));
    return g_string_free(g_steal_pointer(&folded), FALSE);
}

void text_prepare_numbers(void)
{
    (void)g_ascii_strtoll("0", NULL, 0);
}

char *text_put_hex(char *to, uint16_t number)
{
    enum { DIGITS = 4, DIGIT_BITS = 4, DIGIT_MASK = 0xF };

    for (int i = DIGITS - 1; i >= 0; i--)
        *to++ = "0123456789abcdef"[number >> (i * DIGIT_BITS) & DIGIT_MASK];
    return to;
}
