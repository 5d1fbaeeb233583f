/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What goes wrong with the calls of the scripted hypervisor: errors of every class, calls that take their
 * time, a service that dies in the middle of one. And what was called, for the test to read afterwards, also
 * when the service is dead. For scripted-hypervisor.c, which holds its lock. */

#include <glib.h>
#include <stdbool.h>

typedef enum ScriptCall {
    SCRIPT_CALL_ATTACH,
    SCRIPT_CALL_DETACH,
    SCRIPT_CALL_INSPECT,
    SCRIPT_CALL_START,
    SCRIPT_CALL_DEFINE,
    _SCRIPT_CALL_MAX,
    _SCRIPT_CALL_INVALID = -1,
} ScriptCall;

typedef struct Faults {
    struct {
        unsigned errors; /* so many of the next calls fail */
        int code;        /* FerryError */
        char *text;
        unsigned delays; /* so many of the next calls take time */
        gint64 delay_us;
    } of[_SCRIPT_CALL_MAX];
} Faults;

void faults_clear(Faults *faults);

/* error UUID CALL N CODE TEXT, delay UUID CALL N MS, calm UUID; false when it is none of them. */
bool faults_command(Faults *faults, char **words);
/* die CALL N WHEN, die hold, die go, jump S */
bool faults_service_command(char **words);

/* At the begin of a call (INVALID: of one without faults): waits, without the lock, and may not come back. */
void faults_delay(Faults *faults, ScriptCall call, GMutex *lock);
/* True when it fails. */
bool faults_fail(Faults *faults, ScriptCall call, GError **error);
/* At the end of a call that was carried out: may not come back, either. */
void faults_done(ScriptCall call, GMutex *lock);

/* A line for the file named by $FERRY_SCRIPT_LOG. */
void script_log(const char *format, ...) G_GNUC_PRINTF(1, 2);
