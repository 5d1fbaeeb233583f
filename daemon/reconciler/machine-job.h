/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* MachineJob: one piece of work on one machine, done by a worker: the change (if any) and then a fresh look
 * at the live XML. Made by dispatcher.c. Has copies only; the hypervisor's worker calls are made for several
 * threads. */

#include <glib.h>

#include "daemon/base/enum-table.h"
#include "daemon/hypervisor/hypervisor.h"

typedef enum MachineJobKind {
    MACHINE_JOB_INSPECT,
    MACHINE_JOB_ATTACH,
    MACHINE_JOB_DETACH,
    MACHINE_JOB_PING, /* without a look */
    MACHINE_JOB_REPAIR_SAVED,
    MACHINE_JOB_REPAIR_SNAPSHOTS,
    MACHINE_JOB_START,
    MACHINE_JOB_CONTROLLER,
    _MACHINE_JOB_KIND_MAX,
    _MACHINE_JOB_KIND_INVALID = -1,
} MachineJobKind;

ENUM_TABLE_DECLARE(MachineJobKind, machine_job_kind);

typedef struct MachineJob {
    MachineJobKind kind;
    Hypervisor *hypervisor;
    char *uuid;
    HostdevSpec *spec; /* ATTACH */
    char *alias;       /* DETACH */
    GPtrArray *places; /* REPAIR_SAVED: of HostdevPlace */
    char *model;       /* CONTROLLER */
    GPtrArray *known;  /* REPAIR_SNAPSHOTS: of char * */
} MachineJob;

typedef struct MachineJobResult {
    GError *change_error; /* why the change failed; NULL = it didn't */
    GPtrArray *snapshots; /* REPAIR_SNAPSHOTS: of char *; NULL with change_error */
    MachineInfo *info;    /* NULL with info_error */
    GError *info_error;
} MachineJobResult;

MachineJob *machine_job_new(MachineJobKind kind, Hypervisor *hypervisor, const char *uuid);
/* For WorkerJob. */
gpointer machine_job_run(gpointer job, GError **error); /* MachineJobResult, never NULL */
void machine_job_free(gpointer job);
void machine_job_result_free(gpointer result);
