/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON out of GVariants: nothing in it acts on a terminal. For whatever prints with --json. */

#include <glib.h>
#include <stdbool.h>

/* Dictionaries become objects in the order of their entries, structs and arrays become arrays, variants what
 * is in them, "nothing" null. ASCII but for printable text. pretty: with lines and indents; the text never
 * ends with a newline. New string. */
char *json_from_variant(GVariant *value, bool pretty);

/* The same, pretty and on stdout. Takes a floating value. */
void json_print(GVariant *value);
