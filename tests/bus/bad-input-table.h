/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of tests/bus/test-bad-input.c: what each method has to refuse. Wrong signatures, and options that
 * are unknown, doubled or of another type, are tried for all of them without being listed here. */

#include <glib.h>

/* One bad call: arguments as GVariant writes them, with the objects of the test's make_world() as @name@. */
typedef struct Bad {
    const char *error; /* without the usbferry prefix */
    const char *arguments;
    const char *object; /* NULL = the method's */
} Bad;

typedef struct Method {
    const char *interface;
    const char *member;
    const char *object;    /* a good one */
    const char *arguments; /* good ones but for the options, which go to BAD_INPUT_OPTIONS */
    const char *options;   /* those that it knows, with their types; NULL = it takes none at all */
    const Bad *bad;        /* ends with an empty one */
} Method;

#define BAD_INPUT_OPTIONS "@options@"

/* One row for each method of the contract. */
extern const Method bad_input_methods[];
extern const gsize bad_input_n_methods;
