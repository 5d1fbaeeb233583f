/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Chance: arguments for methods, of the right types, hostile or fitting. What is drawn depends on the seed of
 * rand and on the paths only. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct Chance {
    GRand *rand;
    bool kind;        /* what is drawn now is to have a chance of success */
    GPtrArray *paths; /* of char *: objects that live, sorted */
} Chance;

/* 0…n-1 */
guint chance_below(Chance *chance, guint n);
/* An object that lives: of the kind that the name of an argument says ("devices", "machine"), if there is
 * one. NULL = any. */
const char *chance_path(Chance *chance, const char *name);
/* A path without an object. */
const char *chance_dead_path(Chance *chance);
/* An argument of this name and these types. */
void chance_append(Chance *chance, sd_bus_message *message, const char *types, const char *name);
/* Whether a value of this type can be, and one that is: about so many bytes in one piece or in very many. */
bool chance_can_be_huge(const char *type);
void chance_append_huge(Chance *chance, sd_bus_message *message, const char *type, gsize size);
