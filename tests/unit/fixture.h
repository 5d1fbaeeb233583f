/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* World: a registry with machines, groups, devices and assignments in it, for tests of who is to have what.
 */

#include "daemon/allocation/allocation.h"
#include "daemon/model/membership.h"

#define DESK   "11111111-1111-1111-1111-111111111111"
#define STUDIO "22222222-2222-2222-2222-222222222222"
#define LOFT   "33333333-3333-3333-3333-333333333333"

typedef struct World {
    Registry *registry;
    Memberships *memberships;
    Allocation *allocation;
    unsigned next_number;
    int64_t next_created;
} World;

/* cmocka's setup and teardown: three machines that run, and nothing else. */
int world_setup(void **state);
int world_teardown(void **state);
/* The same in a world that has a registry no more: it isn't freed. */
void world_begin(World *world);

Device *world_make_device(World *world, const char *sysname, uint16_t vendor, uint16_t product,
                          const char *serial);
/* Takes the device. */
void world_plug(World *world, Device *device);
void world_add_machine(World *world, const char *uuid, MachineState state);
/* rules: NULL-terminated. */
void world_add_group(World *world, const char *name, const char *const *rules);
/* rule may be NULL. */
Assignment *world_make_assignment(World *world, const char *id, const char *uuid, const char *group,
                                  const char *rule, const char *quantity);
void world_assign(World *world, const char *id, const char *uuid, const char *group, const char *rule,
                  const char *quantity);
/* As the live XML would show it. */
void world_put_into(World *world, const char *sysname, const char *id);

/* Works out world->desired anew. */
void world_look(World *world);
/* "1-1 1-2": the devices that the assignment comes first for. */
void world_assert_gets(World *world, const char *id, const char *expected);
