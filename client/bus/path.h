/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Path: the paths of the service's objects. Mostly they are taken as they are; where the object isn't there
 * any more, or not yet, the path is all that tells its name. Pure. */

#include <glib.h>
#include <stdbool.h>

/* True when the text is the path of an object of the service. */
bool path_is_valid(const char *text);

/* A device's sysfs name, a VM's UUID, an assignment's id, a group's or tenant's name; a path of another form
 * as it is,
 * "" for "/". Not escaped. New string. */
char *path_to_name(const char *path);

/* The path of the assignment with this id, whether it is there or not. New string. */
char *path_of_assignment(const char *id);
