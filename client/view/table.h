/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Table: columns of objects on the terminal. For the lists and the overview. */

#include <glib.h>
#include "client/view/column.h"

typedef enum TableFlags {
    TABLE_NO_HEADINGS = 1 << 0,
    TABLE_DASHES = 1 << 1, /* an empty cell is "-", so that every line has as many words as columns */
} TableFlags;

/* Prints to stdout, coloured where that is wanted, and no wider than the terminal: see terminal_width(). */
void table_print(const Model *model, GPtrArray *columns, GPtrArray *objects, TableFlags flags);

/* Rows of several models in one table, sizes and all. models: of const Model; objects: of GPtrArray of
 * objects, one for each. */
void table_print_many(GPtrArray *models, GPtrArray *columns, GPtrArray *objects, TableFlags flags);

/* The same in parts, as the rows come: each part is as wide as the ones before it, and the first alone has
 * headings. widths: of int, empty before the first. */
void table_print_part(GPtrArray *models, GPtrArray *columns, GPtrArray *objects, TableFlags flags,
                      GArray *widths);

/* The colour for a state of anything, as terminals know it; NULL = none. */
const char *table_state_color(const char *state);
