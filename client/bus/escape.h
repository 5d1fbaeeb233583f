/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Escape: text from the bus on its way to a terminal.
 *
 * The service cleans its texts, but with -H anybody may answer: no text may move the cursor, recolour or
 * reorder what the client prints. */

#include <glib.h>
#include <stdbool.h>

/* True for what acts on a terminal instead of being shown: controls (C0, C1), formatting (bidi and other
 * invisible ones), line and paragraph separators. */
bool escape_is_needed(gunichar character);

/* The same for what may be shown, but not on this terminal: its locale has no such character. */
bool escape_is_strange(gunichar character);

/* For texts of our own: only what is strange is written otherwise, "…" as "...". New string. */
char *escape_strange(const char *text);

/* On one line: such characters, and what is strange, as \xNN or \uNNNN, bytes that are no UTF-8 as \xNN. NULL
 * gives "". New string. */
char *escape_text(const char *raw);

/* The same, as one word for a shell: for commands that are printed to be typed. New string. */
char *escape_word(const char *raw);

/* The same, but lines stay lines, each after the first indented, so that no text can pass for a line of
 * ours. */
char *escape_message(const char *raw);
