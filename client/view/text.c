/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Goes by wcwidth(), which knows what the locale can print. */

#include "client/view/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "client/bus/variant.h"

/* A narrower column of text isn't readable any more: it begins further to the left then. */
#define READABLE 24

int terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    guint64 said;

    if (columns && g_ascii_string_to_unsigned(columns, 10, 1, 10000, &said, NULL))
        return (int)said;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int character_width(const char *at)
{
    return MAX(wcwidth((wchar_t)g_utf8_get_char(at)), 0);
}

int text_width(const char *text)
{
    int width = 0;

    for (; *text; text = g_utf8_next_char(text))
        width += character_width(text);
    return width;
}

/* Behind the last character that is within the width. */
static const char *skip_columns(const char *text, int width)
{
    for (; *text; text = g_utf8_next_char(text)) {
        width -= character_width(text);
        if (width < 0)
            break;
    }
    return text;
}

static const char *ellipsis(void)
{
    return wcwidth(L'…') > 0 ? "…" : "...";
}

char *text_cut(const char *text, int width)
{
    int dots = text_width(ellipsis());

    if (text_width(text) <= width)
        return g_strdup(text);
    if (width <= dots)
        return g_strndup(text, (gsize)(skip_columns(text, width) - text));
    g_autofree char *kept = g_strndup(text, (gsize)(skip_columns(text, width - dots) - text));
    return g_strconcat(g_strchomp(kept), ellipsis(), NULL);
}

/* The end of the line that begins here. */
static const char *find_break(const char *text, int width)
{
    const char *end = skip_columns(text, width);
    const char *space = end;

    if (!*end || *end == ' ')
        return end;
    while (space > text && *space != ' ')
        space--;
    if (space > text)
        return space;
    return end > text ? end : g_utf8_next_char(text);
}

GPtrArray *text_wrap(const char *text, int width)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

    do {
        const char *end = width > 0 ? find_break(text, width) : text + strlen(text);
        g_ptr_array_add(lines, g_strchomp(g_strndup(text, (gsize)(end - text))));
        for (text = end; *text == ' ';)
            text++;
    } while (*text);
    return lines;
}

static int widest_word(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    int width = 0;

    for (char **word = words; *word; word++)
        width = MAX(width, text_width(*word));
    return width;
}

void text_print(const char *prefix, const char *text)
{
    int width = terminal_width(), indent = text_width(prefix);
    bool narrow = width - indent < READABLE || widest_word(text) > width - indent;

    if (width > 0 && narrow && indent + text_width(text) > width) {
        g_autofree char *alone = g_strchomp(g_strdup(prefix));

        puts(alone);
        prefix = "    ";
        indent = text_width(prefix);
    }
    g_autoptr(GPtrArray) lines = text_wrap(text, width > 0 ? MAX(width - indent, 1) : 0);
    for (guint i = 0; i < lines->len; i++) {
        g_autofree char *pad = g_strnfill((gsize)indent, ' ');

        printf("%s%s\n", i == 0 ? prefix : pad, (const char *)lines->pdata[i]);
    }
}
