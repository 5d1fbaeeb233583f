/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fixture: a registry with machines, groups, devices and assignments in it, for tests of who is to have what.
 */

#include "daemon/allocation/allocation.h"
#include "daemon/model/membership.h"

#define DESK   "11111111-1111-1111-1111-111111111111"
#define STUDIO "22222222-2222-2222-2222-222222222222"
#define LOFT   "33333333-3333-3333-3333-333333333333"

typedef struct Fixture {
    Registry *registry;
    Memberships *memberships;
    Allocation *allocation;
    GHashTable *reported; /* see fixture_record() */
    unsigned next_number;
    int64_t next_sequence;
} Fixture;

/* cmocka's setup and teardown: three machines that run, "desk", "studio" and "loft", and nothing else. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* The same in a fixture that has a registry no more: it isn't freed. */
void fixture_begin(Fixture *fixture);

Device *fixture_make_device(Fixture *fixture, const char *sysname, uint16_t vendor, uint16_t product,
                            const char *serial);
/* Takes the device. */
void fixture_plug(Fixture *fixture, Device *device);
void fixture_add_machine(Fixture *fixture, const char *uuid, const char *name);
/* rules: NULL-terminated. */
void fixture_add_group(Fixture *fixture, const char *name, const char *const *rules);
/* rule may be NULL. */
Assignment *fixture_make_assignment(Fixture *fixture, const char *id, const char *uuid, const char *group,
                                    const char *rule, const char *quantity);
void fixture_assign(Fixture *fixture, const char *id, const char *uuid, const char *group, const char *rule,
                    const char *quantity);
/* As the live XML would show it: for the assignment in its machine, or by another program; or as long as the
 * attach is with a worker. Borrowed. */
Hostdev *fixture_put_into(Fixture *fixture, const char *sysname, const char *id);
Hostdev *fixture_put_in_flight(Fixture *fixture, const char *sysname, const char *id);
Hostdev *fixture_put_foreign(Fixture *fixture, const char *sysname, const char *uuid);

/* From here on what the registry reports is recorded. */
void fixture_record(Fixture *fixture);
/* What was reported of the object since then: its fields, and these. */
#define FIXTURE_ADDED   (1U << 30)
#define FIXTURE_REMOVED (1U << 31)
unsigned fixture_reported(Fixture *fixture, ObjectType type, const char *id);

/* Works out fixture->allocation anew. */
void fixture_look(Fixture *fixture);
void fixture_assert_verdict(Fixture *fixture, const char *id, const char *sysname, Verdict verdict);
/* "1-1 1-2": the devices that the assignment comes first for. */
void fixture_assert_gets(Fixture *fixture, const char *id, const char *expected);
