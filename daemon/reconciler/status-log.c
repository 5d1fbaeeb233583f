/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines and events of the log. Called by status-update.c; writes nothing down but what was told. */

#include "daemon/reconciler/status-log.h"

#include "daemon/allocation/reason-code.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"

static bool is_code(const char *code, ReasonCode expected)
{
    return g_strcmp0(code, reason_code_to_string(expected)) == 0;
}

/* The host, or a program of its, keeps the device. */
static bool is_guarded(const char *code)
{
    return is_code(code, REASON_GUARDED) || is_code(code, REASON_IN_USE);
}

bool status_log_is_to_be_heard(const Assignment *assignment, const char *code)
{
    return g_strcmp0(assignment->reason_code, code) != 0 &&
           (is_guarded(code) || is_code(code, REASON_DAMAGED));
}

void status_log_assignment(const Registry *registry, Assignment *assignment)
{
    const Claim *first = assignment->claims->len ? assignment->claims->pdata[0] : NULL;
    const char *device = first ? first->sysname : NULL;
    const char *is = assignment_state_to_string(assignment->state);
    bool failed =
        assignment->state == ASSIGNMENT_STATE_FAILED || is_code(assignment->reason_code, REASON_DAMAGED);
    bool guarded = is_guarded(assignment->reason_code);

    if (registry->settling && !failed && !guarded)
        return;
    assignment->untold = false;
    if (failed)
        log_event(LOG_EVENT_ASSIGNMENT_FAILED, device, assignment->machine_uuid, assignment->id,
                  "assignment %s is %s: %s", assignment->id, is, assignment->reason);
    else if (guarded)
        log_event(LOG_EVENT_GUARDED, device, assignment->machine_uuid, assignment->id,
                  "assignment %s is %s: %s", assignment->id, is, assignment->reason);
    else if (assignment->state != ASSIGNMENT_STATE_ATTACHED) /* its devices tell */
        log_object(G_LOG_LEVEL_MESSAGE, device, assignment->machine_uuid, assignment->id,
                   "assignment %s is %s: %s", assignment->id, is, assignment->reason);
}

/* Why it isn't there any more: what its assignment says, when that is for this one. */
static const char *why_home(Registry *registry, const Device *device, const StatusBefore *before)
{
    const Assignment *assignment = registry_assignment(registry, before->assignment_id);

    if (assignment && assignment_was_taken(assignment, device->instance))
        return "it was taken home";
    return assignment && !assignment->group ? assignment->reason : device->reason;
}

void status_log_move(Registry *registry, const Device *device, const StatusBefore *before, bool in_machine)
{
    bool was_away = before->state == DEVICE_STATE_ATTACHED || before->state == DEVICE_STATE_DETACHING;
    bool came = device->state == DEVICE_STATE_ATTACHED && before->state != DEVICE_STATE_ATTACHED;
    const char *uuid = came ? device->machine_uuid : before->machine_uuid;
    const Machine *machine = registry_machine(registry, uuid);
    g_autofree char *what = NULL, *name = NULL;

    if (!came && (!was_away || in_machine))
        return;
    what = device_describe(device);
    name = text_quote(machine ? machine->info->name : uuid);
    if (came)
        log_event(LOG_EVENT_ATTACHED, device->sysname, uuid, device->assignment_id, "%s is attached to VM %s",
                  what, name);
    else
        log_event(LOG_EVENT_HOME, device->sysname, uuid, before->assignment_id, "%s came home from VM %s: %s",
                  what, name, why_home(registry, device, before));
}
