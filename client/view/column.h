/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Column: what one thing that can be said of an object is called, and how it is worked out. The tables of
 * columns are in columns.c and overview.c; list, overview, show and watch print them. Pure. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/model.h"

typedef enum ColumnType {
    COLUMN_TEXT,
    COLUMN_NUMBER,
    COLUMN_FLAG,
    COLUMN_LIST, /* of texts, or of records */
} ColumnType;

typedef enum ColumnLook {
    LOOK_PLAIN,
    LOOK_RIGHT, /* numbers */
    LOOK_COUNT, /* a list, of which a table shows how long it is only */
    LOOK_CUT,   /* cut off where the line is too long */
    LOOK_REST,  /* cut off before the others are */
    LOOK_WRAP,  /* goes on below */
    LOOK_LINES, /* a list, each on a line of its own */
    LOOK_STATE, /* coloured by its value */
} ColumnLook;

typedef struct Column {
    const char *name; /* for -o and JSON; the heading is the same in capitals */
    const char *help;
    ColumnType type;
    ColumnLook look;
    bool standard; /* shown in a table without -o */
    const char
        *property; /* of the object, on the bus: when that changes this does; NULL = nothing of the object */
    /* New, floating or not; NULL = there is nothing to be said. Without a function: the property as it is,
     * but for paths, which become the names of what they stand for. */
    GVariant *(*value)(const Model *model, const Object *object);
    /* What people see instead of the value, which is for programs. */
    GVariant *(*shown)(const Model *model, const Object *object);
} Column;

/* For programs: of the column's type, whatever the service said; nothing is "", [], 0 or false. New. */
GVariant *column_value(const Column *column, const Model *model, const Object *object);
/* For people. New; NULL = there is nothing to be said. */
GVariant *column_shown(const Column *column, const Model *model, const Object *object);

/* All of these end with a column without a name. */

/* NULL = there is none. Case doesn't matter. */
const Column *column_find(const Column *all, const char *name);

/* Those named in "device,model", in that order; NULL or "" = the standard ones. Of const Column, borrowed.
 * USAGE. */
GPtrArray *columns_choose(const Column *all, const char *names, GError **error);

/* Of const Column, borrowed. */
GPtrArray *columns_all(const Column *all);

/* Takes out the columns of this name when they are empty for all objects. */
void columns_drop_empty(const Model *model, GPtrArray *columns, GPtrArray *objects, const char *name);

/* For the help: a column and its meaning on each line. New string. */
char *columns_help(const Column *all);

/* The object as programs see it: a{sv}. Floating. */
GVariant *columns_to_record(const Model *model, GPtrArray *columns, const Object *object);
/* One for each object: aa{sv}. Floating. */
GVariant *columns_to_records(const Model *model, GPtrArray *columns, GPtrArray *objects);
