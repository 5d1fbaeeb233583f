/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the live service shows of itself: the methods and properties of every kind of object, found by
 * introspection from "/" on, whatever it says elsewhere that it has; and what the XML in dbus/ promises. For
 * tests/bus/test-fuzz.c. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct ShownArgument {
    char *name;
    char *type;
} ShownArgument;

/* A method or a property. */
typedef struct Shown {
    char *kind; /* the interface of ours that such objects have; "" = they have none, as folders */
    char *path; /* of one of them, when it was looked at */
    char *interface;
    char *member;
    char *name;           /* of all of it, to be printed */
    GPtrArray *arguments; /* of ShownArgument: what goes in; a property's own type */
    bool is_property;
    bool is_writable;
} Shown;

/* Of Shown: each once for each kind. As who the bus is. New array. */
GPtrArray *shown_by_service(sd_bus *bus);
/* The same of the interfaces in this folder; no paths. New array. */
GPtrArray *shown_by_xml(const char *folder);
/* The types of all arguments. New string. */
char *shown_types(const Shown *shown);
