/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text: how wide texts are on a terminal, and how they are made to fit. For the tables and whatever else
 * prints sentences. Pure but for terminal_width() and text_print(). */

#include <glib.h>

/* How many columns there are: as COLUMNS says, else of the terminal that we print to; 0 = as many as it
 * takes, in a pipe for instance. */
int terminal_width(void);

/* Columns on the terminal. */
int text_width(const char *text);

/* No wider than this, with "…" at the end where something is missing. New string. */
char *text_cut(const char *text, int width);

/* Lines that are no wider than this, broken between words, or in a word that is wider itself; one at least.
 * width: 0 = one line. New array of strings. */
GPtrArray *text_wrap(const char *text, int width);

/* Prints it behind the prefix, and what doesn't fit below it, as far to the right as the prefix is long when
 * that leaves room enough. Ends the line. */
void text_print(const char *prefix, const char *text);
