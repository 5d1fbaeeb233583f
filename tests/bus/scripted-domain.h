/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machines of the scripted hypervisor, and the script's own state: what worker calls and commands share.
 * One lock for all: who calls anything here holds it. */

#include "daemon/hypervisor/hypervisor.h"
#include "tests/bus/scripted-faults.h"
#include "tests/bus/scripted-saved.h"

#include <stdio.h>

typedef struct Domain {
    MachineInfo *info;
    bool hangs;
    bool unreadable;
    bool holds;    /* attaches block */
    bool keeps;    /* removals wait */
    bool lazy;     /* its guest configures nothing */
    unsigned numb; /* so many attaches never reach QEMU */
    unsigned failures;
    char *failure_text;
    Faults faults;
    char *stored_controller; /* it has this one after its next start; NULL = the same */
    GHashTable *removals;    /* aliases that go with let-go */
    ScriptedSaved saved;
} Domain;

typedef struct Script {
    Hypervisor base;
    GMutex lock;
    GCond moved; /* a domain doesn't hang any more */
    GHashTable *domains;
    bool connected;
    bool quiet;
    bool old;   /* knows no guestReset */
    bool looks; /* attaches only what the host has */
    unsigned lives;
    char *list_failure;
    unsigned attaches, detaches, inspects, lists, held, prepared;
    int listener;
    FILE *peer;
} Script;

void scripted_domain_free(gpointer data);
bool scripted_is_active(const MachineInfo *info);
/* An event: something of this machine may have changed. From any thread. */
void scripted_touch(Script *script, const char *uuid);
/* Its device is the host's again, gently by libvirt, else by QEMU's end. */
void scripted_release(const Hostdev *hostdev, bool gently);
void scripted_remove_alias(Domain *domain, const char *alias);
/* "ok NAME STATE …" as scripted-hypervisor.h has it. New string. */
char *scripted_show(const Domain *domain);
/* What it has now, for who has to know it after a kill. */
void scripted_log_state(const Domain *domain);

/* It has the controller that is stored for it. */
void scripted_take_controller(Domain *domain);
/* As libvirt starts one that is off. */
bool scripted_start(Script *script, Domain *domain, GError **error);

/* A command of the script, for scripted-commands.c. *ret_state: what the connection is to become. New string.
 */
char *scripted_command(Script *script, const char *line, HypervisorState *ret_state, char **ret_text);
