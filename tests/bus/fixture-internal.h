/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the fixture share, and tests don't call: processes, polkitd's folders, the controller. */

#include "tests/bus/fixture.h"

/* A folder or file that a process of ours sees in the place of another. */
typedef struct {
    const char *source, *place;
} Bind;

/* environment: NULL = this one, without umockdev. binds: NULL or what it sees, up to a place that is NULL.
 * log: a file in the fixture's folder, or a path. */
GPid fixture_spawn(Fixture *fixture, const char *const *argv, char **environment, const Bind *binds,
                   const char *log);
/* Waits for its end; how it ended. *pid is 0 afterwards. */
int fixture_end_process(GPid *pid, int signal_number);
void fixture_write_text(const char *dir, const char *name, const char *text);

/* fixture-users.c. polkitd takes the place of one that is there. */
void fixture_make_polkit_folders(Fixture *fixture);
void fixture_make_groups(Fixture *fixture);
void fixture_spawn_polkit(Fixture *fixture);
bool fixture_polkit_is_there(Fixture *fixture, void *userdata);

/* fixture-devices.c */
void fixture_add_controller(Fixture *fixture);
void fixture_announce_devpath(Fixture *fixture, const char *devpath, const char *action);
