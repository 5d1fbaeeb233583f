/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A disk that does what a test says: the n-th system call of the store fails with an errno, or kills the
 * process. Linked into a test or the scripted service with the linker's --wrap (tests/disk/meson.build), so
 * it sees the calls of the code linked there and not those of libraries. The script is memory that the test
 * and the service share. Counts calls on files below a folder, from any thread. */

#include <stdatomic.h>
#include <stdbool.h>

/* In the place of an errno: kill -9 at any call, or only at those that change what is on the disk (what lies
 * between two of them finds the same), or an errno that the call may have, another one each time. */
#define DISK_KILL            (-1)
#define DISK_KILL_AT_CHANGES (-2)
#define DISK_ANY_ERROR       (-3)

typedef struct DiskScript {
    char folder[256]; /* only what is below it; "" = nothing */
    int error;        /* an errno, or one of the above */
    unsigned seed;    /* where DISK_ANY_ERROR begins */
    int at;           /* the call that fails, counted from 1; 0 = none */
    bool lasts;       /* and so does everything after it */
    atomic_int calls; /* that could fail like this, so far */
    atomic_int hits;  /* that did */
    atomic_int held;  /* a futex: 1 = whoever makes a file waits */
} DiskScript;

/* The environment variable of the scripted service: a file that holds the script. */
#define DISK_SCRIPT_VARIABLE "FERRY_DISK_SCRIPT"

/* Of a program with the wrapped calls. NULL = no script. Without a call it is the environment variable's. */
void disk_script_use(DiskScript *script);
/* A new file that holds a script, and its memory; and with other flags of open() one that is there. */
DiskScript *disk_script_new(const char *path);
DiskScript *disk_script_map(const char *path, int flags);
void disk_script_free(DiskScript *script);

/* From now on. */
void disk_script_arm(DiskScript *script, int error, int at, bool lasts);
/* Nothing fails any more. True when something did. */
bool disk_script_disarm(DiskScript *script);

/* A disk that takes its time: who makes a file waits until it is let go. */
void disk_script_hold(DiskScript *script, bool hold);
/* Of the wrapped calls. */
void disk_script_wait(DiskScript *script);
