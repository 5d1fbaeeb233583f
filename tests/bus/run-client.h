/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* usbferry itself, run by a test of the bus tier: one line, what it said and how it ended. */

#include <gio/gio.h>

#include "tests/bus/fixture.h"

/* The client's exit statuses, as its man page has them. */
enum { DONE = 0, FAILED = 1, USAGE = 2, DENIED = 3, NOT_FOUND = 4, BUSY = 5 };

typedef struct Said {
    int status;
    char *out;
    char *err;
} Said;

void said_clear(Said *said);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Said, said_clear)

/* The words of `usbferry LINE`, with the program; and the environment that it gets. New arrays. */
char **client_words(const char *line);
char **client_environment(void);

/* Runs `usbferry LINE` and waits for its end. The daemon lives beside it, so nothing of it hangs on this
 * thread. */
Said client_run(Fixture *fixture, const char *line);
/* The same as another user. */
Said client_run_as(uid_t uid, const char *line);
/* The same in two steps, with something in between. */
GSubprocess *client_begin(const char *line);
Said client_end(Fixture *fixture, GSubprocess *client);

/* It ended so. out, err: what is in there; NULL = it is empty. */
void client_expect_said(Fixture *fixture, const Said *said, const char *line, int status, const char *out,
                        const char *err);
void client_expect(Fixture *fixture, const char *line, int status, const char *out, const char *err);
/* It works, and doesn't say this. */
void client_expect_not(Fixture *fixture, const char *line, const char *out);

/* A device that the client's tests give and take. */
void client_plug_keyboard(Fixture *fixture, const char *sysname, const char *serial, const char *name);
