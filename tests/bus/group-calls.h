/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Groups, as the tests of the bus tier call them. */

#include "tests/bus/fixture.h"

/* cmocka's setup and teardown: fixture_setup() with two empty drop-in folders. */
int groups_setup(void **state);
int groups_teardown(void **state);

/* Writes or, with NULL, removes a file in a drop-in folder: "lib" or "etc". The path. New string. */
char *groups_drop_in(const char *folder, const char *name, const char *text);

/* Plugs a device in and waits for its object. */
void groups_plug(Fixture *fixture, const char *sysname, const char *ids, const char *serial);

/* New strings: the paths. */
char *group_path(const char *name);
char *group_create(Fixture *fixture, const char *name);
/* A new group with one rule. */
char *group_create_with(Fixture *fixture, const char *name, const char *rule);
uint32_t group_add_rule(Fixture *fixture, const char *group, const char *rule);
/* Quantity and Selector may be NULL. */
char *group_assign(Fixture *fixture, const char *group, const char *uuid, const char *quantity,
                   const char *selector);
void group_call(Fixture *fixture, const char *group, const char *member, const char *types, ...);

/* An array property as text: members separated by "; ", the parts of a struct by spaces, and our paths by
 * their ids. New string, NULL when it is not there. */
char *get_list(Fixture *fixture, const char *path, const char *interface, const char *property);
/* The same of the next array in a message. */
char *read_list(sd_bus_message *message);
void wait_list(Fixture *fixture, const char *path, const char *interface, const char *property,
               const char *value);

void assert_says(const char *text, const char *part);
