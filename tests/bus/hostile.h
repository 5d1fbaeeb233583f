/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hostile callers: a process of a user without any right that attacks the service, while another user calls
 * it, and what that costs him. For tests/bus/test-hostile*.c. */

#include "tests/bus/fixture.h"
#include "tests/bus/raw-bus.h"

/* How much longer another user may wait during an attack than the median of his calls when nobody else calls:
 * the longest wait of each round, and the median of these. The message bus carries the attack, too, and what
 * keeps it busy for some milliseconds is a hundred pings; what is to be seen here are seconds. */
#define HOSTILE_RATIO 5000
/* What a machine that does something else for a while makes of any ping: that much is never too long. In µs.
 */
#define HOSTILE_LEAST (5 * G_USEC_PER_SEC)

/* How much the service's memory may grow, in MiB. The bus's longest message has 32, which AddressSanitizer
 * has twice while it is read. */
#define HOSTILE_MEMORY 128

/* Shared by both processes. */
typedef struct HostileReport {
    volatile bool enough; /* to the attacker: end */
    volatile unsigned rounds;
    volatile unsigned answers;
    volatile unsigned limited; /* LimitExceeded, of the answers */
    volatile unsigned successes;
    volatile unsigned longest; /* text of an error, in bytes */
    char other[256];           /* the last answer that was neither */
} HostileReport;

/* One round, in the attacker's process; again and again until it is enough. False = it could not be done. */
typedef bool (*HostileRound)(const char *socket_path, HostileReport *report);

typedef struct Hostile {
    Fixture *fixture;
    char *socket_path;
    GPid pid; /* of the attacker */
    HostileReport *report;

    sd_bus *other;  /* another user's connection */
    gsize idle_mib; /* of memory, when it began to be watched */
} Hostile;

/* For main(): the service gets the limits that it has on a host, and few secrets of AddressSanitizer's. */
void hostile_init(void);

/* cmocka's setup and teardown; the state is a Hostile. */
int hostile_setup(void **state);
int hostile_teardown(void **state);

/* once: for one round; else until hostile_end(). */
void hostile_begin(Hostile *hostile, HostileRound round, bool once);
/* Whether the attacker still runs. */
bool hostile_attacks(Hostile *hostile);
/* Ends the attacker; by force or when it has ended its round. */
void hostile_end(Hostile *hostile, bool by_force);

/* Another user's call, which must be answered. In µs. */
gint64 hostile_ping(Hostile *hostile);
/* From here on, and that it has not grown by more than this at any time since. */
void hostile_watch_memory(Hostile *hostile);
void hostile_check_memory(Hostile *hostile, gsize more_mib);
guint hostile_count_fds(Hostile *hostile);

/* One round, after which the service lives. */
void hostile_once(Hostile *hostile, HostileRound round);
/* The whole of it: several rounds, during which another user is answered in time, the memory stays within its
 * bound and the service lives. */
void hostile_attack(Hostile *hostile, HostileRound round);

/* Reads an answer and counts it. */
bool hostile_read(RawBus *bus, HostileReport *report);
