/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/check-error.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"

void check_error(const GError *error, const char *source, const char *text)
{
    g_autofree char *begin = g_strconcat(source, ":", NULL);
    unsigned lines = 1;
    char *end;
    guint64 line;

    for (const char *c = text; *c; c++)
        lines += *c == '\n' ? 1 : 0;
    g_assert_true(error->domain == FERRY_ERROR);
    g_assert_true(text_is_clean(error->message));
    g_assert_true(g_str_has_prefix(error->message, begin));
    line = g_ascii_strtoull(error->message + strlen(begin), &end, 10);
    g_assert_true(g_str_has_prefix(end, ": "));
    g_assert_cmpuint(line, >=, 1);
    g_assert_cmpuint(line, <=, lines);
}
