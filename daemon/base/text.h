/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text from strangers: USB descriptors, guests, files, callers. It is made valid once, where it comes in, by
 * whoever reads it; everybody after that may print it. Pure; any thread. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The longest text of a device or machine that is kept, in bytes. A USB string descriptor has at most 126
 * UTF-16 units, which is less than this in UTF-8. */
#define TEXT_MAX 512

/* A new string: valid UTF-8, no control characters (C0, C1, line and paragraph separators, bidi controls,
 * U+FEFF), white space folded to single spaces and trimmed, at most max_bytes (cut between characters). What
 * is invalid becomes U+FFFD, noncharacters too; a control character separates words like a space, bidi
 * controls and U+FEFF go without a trace. NULL gives "". */
char *text_sanitize(const char *raw, gsize max_bytes);

/* True when text_sanitize() would give the text back unchanged, apart from folding of spaces. Tabs and
 * newlines are control characters here. */
bool text_is_clean(const char *text);

/* INVALID_NAME, which names what it is, when the text isn't clean or longer. NULL is fine. */
bool text_check(const char *what, const char *text, gsize max_bytes, GError **error);

/* A copy of value in place of *text; NULL gives "". */
void text_replace(char **text, const char *value);

/* The text in double quotes, with quotes and backslashes escaped, for messages and logs; what isn't clean is
 * shown as U+FFFD, and what is longer than TEXT_MAX is cut and ends with an ellipsis. NULL gives "\"\"". */
char *text_quote(const char *text);

/* A message as the bus takes it: valid UTF-8 in at most max_bytes, which ends with an ellipsis when it was
 * longer. What is invalid becomes U+FFFD, noncharacters too; everything else stays as it is. New string. */
char *text_shorten(const char *text, gsize max_bytes);

/* For comparing without regard to case: each character in lower case, so that folding twice changes nothing
 * (g_utf8_casefold() doesn't promise that) and their number stays the same. */
char *text_fold(const char *text);

/* Before a process begins a thread. While GLib reads its first number, it also makes a locale under a lock:
 * when another thread has that one, what the kernel says of the wait passes for an error, and "30" for no
 * number. */
void text_prepare_numbers(void);

/* The number in four hex digits, without an end. Returns where they end. */
char *text_put_hex(char *to, uint16_t number);
