/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where each kind of object lives on the bus: paths made from ids, and ids from paths.
 *
 * Ids are escaped in paths, and only the canonical escape is a path. Handlers and signals use this; it looks
 * at no object. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/base/error.h"
#include "daemon/model/change.h"

typedef struct ObjectPlace {
    const char *path; /* prefix of its objects; of a kind with one object: the object */
    FerryError no_such;
    const char *noun; /* NULL: a kind with one object */
} ObjectPlace;

const ObjectPlace *object_place(ObjectType type);

/* New string; "/" when id is NULL. */
char *object_path(ObjectType type, const char *id);
/* New string. NO_SUCH_…: a path of something else, or not canonical. Does not look whether it exists. */
char *object_id(ObjectType type, const char *path, GError **error);

/* A path, o; "/" when id is NULL. */
int append_path(sd_bus_message *message, ObjectType type, const char *id);
/* An array of paths, ao. ids: of char *. */
int append_paths(sd_bus_message *message, ObjectType type, const GPtrArray *ids);
/* In the order of their ids; sorts them. */
int append_paths_sorted(sd_bus_message *message, ObjectType type, GPtrArray *ids);

/* Sysnames from an array of paths of devices, ao: adds char * to a list that owns them, and NULL. */
int read_devices(sd_bus_message *message, GPtrArray *sysnames, sd_bus_error *ret_error);
