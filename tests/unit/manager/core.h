/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Core: a whole manager without a bus, for tests of its decisions. Its store is real, in a folder of the
 * test's own; its hypervisor does nothing, and it isn't started, so that the registry holds what the test
 * puts there. */

#include "daemon/base/error.h"
#include "daemon/manager/manager.h"

#define DESK   "11111111-1111-1111-1111-111111111111"
#define STUDIO "22222222-2222-2222-2222-222222222222"

typedef struct Core {
    char *folder; /* with state and run in it */
    WorkerPool *pool;
    Hypervisor hypervisor;
    Manager *manager;
    Registry *registry; /* the manager's */

    /* of core_done() */
    unsigned answers;
    char *id; /* of the last one; NULL with an error */
    FerryError code;
} Core;

/* cmocka's setup and teardown: with two machines, "desk" and "studio". */
int core_setup(void **state);
int core_teardown(void **state);

/* A ManagerDone; userdata is the Core. */
void core_done(const char *id, const GError *error, void *userdata);
/* Runs the main loop until core_done() has been told once more. */
void core_wait(Core *core);
/* Lets the main loop run as long as *busy is true; fails the test when that takes too long. */
void core_run_while(const bool *busy);

/* Of the class storage, on a port of its own. Borrowed. */
Device *core_plug(Core *core, const char *sysname, uint16_t vendor, const char *serial);

/* "state/groups/keys": its text, NULL when it isn't there. New string. */
char *core_file(Core *core, const char *path);
