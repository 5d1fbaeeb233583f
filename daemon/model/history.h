/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* History: the last things that happened, as the journal has them, with what the objects were called then.
 * It hears the log's events (daemon/base/log.h has their table), so what is in the journal, in here and told
 * to desktops is one list. In memory: it begins with the service. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/log.h"
#include "daemon/model/registry.h"

/* TUNING_HISTORY are kept, and so many bytes of them. When there is no room the oldest goes: of the device
 * that has the most, or of what else a line is about, while that has more than its share; so one that flaps
 * doesn't push out what happened to the others. */
#define HISTORY_BYTES_MAX (512 * 1024)
#define HISTORY_SHARE     100
/* The longest text of one, in bytes. */
#define HISTORY_TEXT_MAX 1024

/* A uid that nobody has: the service did it by itself. */
#define HISTORY_NOBODY UINT32_MAX

/* One of them. Texts are never NULL; "" is none. */
typedef struct Happening {
    LogEvent event;
    int64_t time;     /* µs, CLOCK_REALTIME */
    char *text;       /* a sentence, valid UTF-8 */
    const char *code; /* static: daemon/allocation/reason-code.h's word for why, where that is one */
    char *device;     /* sysname */
    char *device_label;
    char *machine; /* uuid */
    char *machine_name;
    char *assignment; /* id */
    char *assignment_name;
    uint32_t who;   /* that decided it; HISTORY_NOBODY = the service by itself */
    uint32_t owner; /* of the assignment; HISTORY_NOBODY = none */
} Happening;

Happening *happening_free(Happening *happening);
Happening *happening_copy(const Happening *happening);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Happening, happening_free)

typedef struct History History;

/* Called with each, once it is in the history. */
typedef void (*HistoryListener)(const Happening *happening, void *userdata);

/* Hears the log from now on. */
History *history_new(Registry *registry);
History *history_free(History *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(History, history_free)

/* NULL = nobody hears any more. */
void history_listen(History *history, HistoryListener listener, void *userdata);

/* Whose decisions the next ones are, until it is said anew. */
void history_set_who(History *history, uint32_t who);
uint32_t history_who(const History *history);

/* The newest max of them, the oldest of those first: a list of const Happening *, borrowed; NULL = none. */
const GList *history_last(const History *history, guint max);
