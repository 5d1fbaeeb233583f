/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tuning: the figures that usbferry.conf(5) may set, with their usual value and their range, and what they
 * are now. daemon/config/settings.c reads them, dbus/run.c sets them; whoever goes by one asks tuning_get()
 * each time, so that a reload acts. Main thread only. */

#include <glib.h>
#include <stdbool.h>

/* More assignments than any host has ports for. */
#define ASSIGNMENTS_MAX 1024

/* The usual ones: of one tenant, by its members, those of one tenant leave the others theirs; by one user;
 * and the last ones are root's, so that others can't use them all up. */
#define ASSIGNMENTS_PER_TENANT_MAX 128
#define ASSIGNMENTS_PER_OWNER_MAX  256
#define ASSIGNMENTS_FOR_ROOT       256

/* More than anybody looks after by hand, and than anybody shares one host among. */
#define GROUPS_MAX  1024
#define TENANTS_MAX 256

/* The usual one. */
#define HISTORY_MAX 1000

/* Questions that may be open, and the usual ones of one user: the bus gives our connection to polkitd 128
 * answers to wait for, and one user, with however many connections, must not use up everybody's. Root is
 * never asked about: polkit always says yes. */
#define LIMIT_QUESTIONS          64
#define LIMIT_QUESTIONS_PER_USER 8

/* The usual times; each is explained where it is used. */
#define STEADY_US           (1 * G_USEC_PER_SEC)
#define QUARANTINE_FIRST_US (5 * G_USEC_PER_SEC)
#define QUARANTINE_LAST_US  (300 * G_USEC_PER_SEC)
#define REPLUG_SPAN_US      (10 * G_USEC_PER_SEC)
#define FOLLOW_US           (30 * G_USEC_PER_SEC)
#define PING_US             (5 * G_USEC_PER_SEC)
#define MACHINE_HANGS_US    (30 * G_USEC_PER_SEC)
#define COME_BACK_US        (20 * G_USEC_PER_SEC)
#define POWER_OFF_US        (2 * G_USEC_PER_SEC)

typedef enum Tuning {
    /* [Limits]: numbers */
    TUNING_ASSIGNMENTS,
    TUNING_ASSIGNMENTS_PER_USER,
    TUNING_ASSIGNMENTS_PER_TENANT,
    TUNING_ASSIGNMENTS_FOR_ROOT,
    TUNING_GROUPS,
    TUNING_TENANTS,
    TUNING_QUESTIONS_PER_USER,
    TUNING_HISTORY,
    TUNING_WORKERS, /* as it was at the start */
    /* [Times]: µs */
    TUNING_STEADY,
    TUNING_QUARANTINE_FIRST,
    TUNING_QUARANTINE_LAST,
    TUNING_REPLUG,
    TUNING_FOLLOW,
    TUNING_PING,
    TUNING_HANG,
    TUNING_COME_BACK,
    TUNING_POWER_OFF,
    _TUNING_MAX,
} Tuning;

/* All of them together; one that is made with {} is the usual ones. */
typedef struct TuningSet {
    gint64 changed[_TUNING_MAX]; /* by how much each differs from what is usual */
} TuningSet;

gint64 tuning_get(Tuning tuning);
/* From now on. */
void tuning_set(const TuningSet *set);

/* ------------------------------------------------------------------ as they are written */

#define TUNING_SECTION_LIMITS "Limits"
#define TUNING_SECTION_TIMES  "Times"

const char *tuning_section(Tuning tuning);
const char *tuning_key(Tuning tuning);
gint64 tuning_in_set(const TuningSet *set, Tuning tuning);
/* A number, or a time such as 500ms, 30s, 5min, 1h. False when it is no such thing, or out of its range. */
bool tuning_parse(TuningSet *set, Tuning tuning, const char *text);
/* "30s". New string. */
char *tuning_print(Tuning tuning, gint64 value);
/* "a time from 10s to 10min, such as 30s". New string. */
char *tuning_expected(Tuning tuning);
/* Of two that don't go together, what is wrong: "Hang=10s must be more than Ping=20s"; which one it is about.
 * New string; NULL = all do. */
char *tuning_contradiction(const TuningSet *set, Tuning *ret_tuning);
