/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* D-Bus by hand, for callers that no library lets be: with descriptors that no signature speaks of, with
 * texts of any length, or such as never read. tests/bus/test-hostile*.c use it, mostly in a process of its
 * own. */

#include <glib.h>
#include <stdbool.h>

typedef struct RawBus {
    int fd;
    guint32 serial;  /* of the last call */
    bool no_answers; /* the next calls want none */
    GByteArray *got; /* read, and not taken yet */
} RawBus;

typedef struct RawAnswer {
    guint32 serial; /* of the call */
    char *error;    /* its name; NULL = success */
    char *text;     /* the first text, of an error or an answer; "" = none */
} RawAnswer;

/* As who the process is now. path: of the socket. NULL when the bus doesn't take it. */
RawBus *raw_bus_new(const char *path);
RawBus *raw_bus_free(RawBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RawBus, raw_bus_free)

void raw_answer_clear(RawAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RawAnswer, raw_answer_clear)

/* Arguments, one after the other. */
void raw_align(GByteArray *body, guint n);
void raw_number(GByteArray *body, guint32 number);
void raw_text(GByteArray *body, const char *text);
/* A text of that many c. */
void raw_long_text(GByteArray *body, char c, gsize n);

void raw_signature(GByteArray *body, const char *signature);

/* An array that what is added until it is closed belongs to; its elements are aligned so. */
typedef struct RawArray {
    guint length_at, begin;
} RawArray;

RawArray raw_open_array(GByteArray *body, guint alignment);
void raw_close_array(GByteArray *body, RawArray array);

/* Calls the service. body may be NULL. False when the bus has cut the connection. */
bool raw_bus_call(RawBus *bus, const char *path, const char *interface, const char *member, const char *types,
                  const GByteArray *body);
bool raw_bus_call_with_fds(RawBus *bus, const char *path, const char *interface, const char *member,
                           const char *types, const GByteArray *body, const int *fds, guint n_fds);

/* The next answer. False when there is none any more: the bus has cut the connection, or the deadline of 20 s
 * is over. */
bool raw_bus_read(RawBus *bus, RawAnswer *answer);
/* The one to the last call; others are thrown away. */
bool raw_bus_answer(RawBus *bus, RawAnswer *answer);
