/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A call that is answered later, so that a test can do something while polkit asks about it. Tests of rights
 * make one, wait for the question with an Agent, answer it, and finish the call. Main thread only. */

#include "tests/bus/fixture.h"

#define OPEN_CALL_OK "ok"

typedef struct OpenCall {
    sd_bus *bus;
    char *name; /* of the error, or OPEN_CALL_OK; NULL = no answer yet */
    char *text;
} OpenCall;

/* As this user, over a connection of its own. */
void open_call(Fixture *fixture, OpenCall *call, uid_t uid, const char *path, const char *interface,
               const char *member, bool interactive, const char *types, ...);
void open_call_va(Fixture *fixture, OpenCall *call, uid_t uid, const char *path, const char *interface,
                  const char *member, bool interactive, const char *types, va_list arguments);
/* Waits for the answer, and fails the test unless it is this one: OPEN_CALL_OK or an error's name. The
 * error's text. New string. */
char *open_call_finish(Fixture *fixture, OpenCall *call, const char *expected);
