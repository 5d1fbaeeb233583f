/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Resets, as the tests of the bus tier call them. */

#include "tests/bus/fixture.h"

/* A keyboard 046d:c31c, and its object. */
void reset_plug(Fixture *fixture, const char *sysname, const char *serial);
/* Assigns and waits until it is attached. The assignment's path. New string. */
char *reset_give(Fixture *fixture, const char *sysname, const char *uuid);
/* Update with one boolean. */
void reset_allow(Fixture *fixture, const char *assignment, const char *setting, bool value);

void reset_wait_state(Fixture *fixture, const char *assignment, const char *state);
/* Until what the script shows of the machine has this text, or hasn't. */
void reset_wait_machine(Fixture *fixture, const char *uuid, const char *text, bool there);
/* Until "usb show" has this text: tests/bus/scripted-usb.h. */
void reset_wait_usb(Fixture *fixture, const char *text);
/* Until the service has logged this. */
void reset_wait_log(Fixture *fixture, const char *text);

/* A call that is answered later. */
typedef struct Pending {
    bool done;
    char *error; /* "name: text"; NULL = none */
} Pending;

/* method: of the options; NULL = none. */
void reset_begin(Fixture *fixture, Pending *pending, const char *path, const char *interface,
                 const char *member, const char *method);
/* Waits for the answer: success (NULL), or an error whose name and text have this part. */
void reset_end(Fixture *fixture, Pending *pending, const char *error);
