/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Take: moves one field of a decided object into the one that the registry has. For the *-update modules of
 * this folder. Each function says whether the field has changed. */

#include <glib.h>
#include <stdbool.h>

/* next is NULL afterwards. */
static inline bool take_text(char **text, char **next)
{
    bool differs = g_strcmp0(*text, *next) != 0;

    g_free(*text);
    *text = g_steal_pointer(next);
    return differs;
}

#define TAKE_VALUE(value, next)               \
    ({                                        \
        bool its_differs = (value) != (next); \
        (value) = (next);                     \
        its_differs;                          \
    })
