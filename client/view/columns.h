/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Columns: what the lists can show of an object, each with its name, and how it is worked out. Pure. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/model.h"

typedef enum ColumnLook {
    LOOK_PLAIN,
    LOOK_RIGHT, /* numbers */
    LOOK_CUT,   /* cut off where the line is too long */
    LOOK_REST,  /* cut off before the others are */
    LOOK_WRAP,  /* goes on below */
    LOOK_LINES, /* a list, each on a line of its own */
    LOOK_STATE, /* coloured by its value */
} ColumnLook;

typedef struct Column {
    const char *name; /* for -o and JSON; the heading is the same in capitals */
    const char *help;
    ColumnLook look;
    bool standard; /* shown without -o */
    /* New, floating or not; NULL = there is nothing to be said. */
    GVariant *(*value)(const Model *model, const Object *object);
} Column;

/* Ends with a column without a name. One table per kind. */
const Column *columns_for(ObjectKind kind);

/* The overview's: rows are devices, and assignments whose device is away. */
const Column *columns_for_overview(void);

/* Those named in "id,model", in that order; NULL or "" = the standard ones. Of const Column, borrowed. USAGE.
 */
GPtrArray *columns_choose(const Column *all, const char *names, GError **error);

/* Takes out the columns of this name when they are empty for all objects. */
void columns_drop_empty(const Model *model, GPtrArray *columns, GPtrArray *objects, const char *name);

/* For the help: a column and its meaning on each line. New string. */
char *columns_help(const Column *all);

/* The rows of the overview: the devices without the hubs, then the assignments that have no device here. Of
 * const Object, borrowed. */
GPtrArray *overview_rows(const Model *model);

/* As an array of dictionaries, one per object. Floating. */
GVariant *columns_to_variant(const Model *model, GPtrArray *columns, GPtrArray *objects);
