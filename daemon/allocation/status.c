/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From wants, attachments and verdicts to a state and a sentence for each assignment. Called by
 * reconciler/status-update.c; reads the registry and changes nothing. */

#include "daemon/allocation/status.h"

#include "daemon/allocation/follower.h"
#include "daemon/allocation/guest-reset.h"
#include "daemon/allocation/judge.h"
#include "daemon/allocation/left-over.h"
#include "daemon/allocation/pci-passthrough.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/usb-speed.h"

static Status without_device(Registry *registry, const Allocation *allocation, const Assignment *assignment)
{
    const GPtrArray *matches = candidates_of(allocation->candidates, assignment);
    const Machine *machine = registry_machine_of(registry, assignment);
    g_autofree char *machine_text = verdict_machine_text(registry, assignment);
    const char *what = *assignment->device_text ? assignment->device_text : assignment->selector;
    const Device *not_owned = candidates_withheld(allocation->candidates, assignment);
    g_autofree char *controller = pci_passthrough_controller_of_socket(assignment->home_socket);
    const Machine *taken_by = controller ? pci_passthrough_owner(registry, controller) : NULL;
    g_autofree char *place = follower_place_text(registry, assignment);

    if (registry_lost_machine_of(registry, assignment))
        return status_by_verdict(allocation, assignment, NULL, VERDICT_MACHINE_UNKNOWN);
    if (matches->len > 0) {
        const Device *meant = allocation_pinned(allocation, assignment);
        const Device *first = meant ? meant : matches->pdata[0];

        return status_by_verdict(allocation, assignment, first,
                                 allocation_judge(allocation, assignment, first));
    }
    if (not_owned)
        return status_by_verdict(allocation, assignment, not_owned, VERDICT_NOT_OWNED);
    if (taken_by) {
        g_autofree char *quoted = text_quote(taken_by->info->name);

        return status_say(
            ASSIGNMENT_STATE_WAITING_DEVICE, REASON_CONTROLLER_TAKEN,
            g_strdup_printf("%s cannot be seen: VM %s has the controller %s, which it was on, as a whole.",
                            what, quoted, controller),
            ferry_error_to_name(FERRY_ERROR_CONTROLLER_PASSED_THROUGH));
    }
    if (machine && machine_is_active(machine)) {
        /* Elsewhere it would wait, as a twin would. */
        g_autofree char *where = assignment->twins && *assignment->home_socket
                                     ? g_strdup_printf(", in the socket %s", assignment->home_socket)
                                     : g_strdup("");

        return status_say(ASSIGNMENT_STATE_WAITING_DEVICE, REASON_NOT_PLUGGED_IN,
                          g_strdup_printf("%s is not plugged in; it goes to %s when it is%s.%s", what,
                                          machine_text, where, place),
                          "");
    }
    return status_say(
        ASSIGNMENT_STATE_WAITING_MACHINE, REASON_BOTH_MISSING,
        g_strdup_printf("%s is not running, and %s is not plugged in.%s", machine_text, what, place), "");
}

/* How many devices make the assignment complete, as far as that is known. n_missed: devices that it could
 * have and doesn't draw. */
static guint target_of(const Assignment *assignment, const GPtrArray *wants, guint n_missed)
{
    if (assignment->quantity_kind == QUANTITY_COUNT)
        return assignment->quantity;
    return wants->len + (assignment->quantity_kind == QUANTITY_ALL ? n_missed : 0);
}

/* Its machine can't have devices of every speed, or not on every port. */
static bool is_picky(const Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine_of((Registry *)registry, assignment);

    return machine && machine_is_active(machine) &&
           (machine->info->usb_speeds != USB_SPEEDS_ALL || machine->info->buses->len > 0);
}

/* A device of its group that it could have and doesn't draw, because it is held back, used by the host, or
 * the machine has no port for it: the first of them, and how many; NULL = none. */
static const Device *left_out(const Allocation *allocation, const Assignment *assignment, guint *ret_n)
{
    LeftOver left;

    *ret_n = 0;
    /* Mostly there is nothing of the kind, and many devices. */
    if (quarantines_count(allocation->registry->quarantines) == 0 && allocation->n_used == 0 &&
        !deal_lacks_ports(allocation->deal, assignment) && !is_picky(allocation->registry, assignment))
        return NULL;
    left = left_over_of(allocation, assignment);
    *ret_n = left.n_missed;
    return left.missed;
}

static Status with_group_devices(Registry *registry, const Allocation *allocation,
                                 const Assignment *assignment, const GPtrArray *wants)
{
    guint attached = 0, target, n_missed;
    g_autofree char *machine_text = verdict_machine_text(registry, assignment);
    Status worst = { .state = ASSIGNMENT_STATE_ATTACHED, .error = "" };
    const Device *missed = left_out(allocation, assignment, &n_missed);

    target = target_of(assignment, wants, n_missed);
    for (guint i = 0; i < wants->len; i++) {
        const Want *want = wants->pdata[i];

        if (allocation_is_attached(allocation, want->device)) {
            attached++;
        } else if (!worst.reason || worst.state != ASSIGNMENT_STATE_FAILED) {
            g_free(worst.reason);
            worst = status_of_want(registry, allocation, want);
        }
    }
    if (attached == wants->len && attached >= target && !missed)
        return status_say(
            ASSIGNMENT_STATE_ATTACHED, REASON_ATTACHED,
            g_strdup_printf("%u of group %s attached to %s.", attached, assignment->group, machine_text), "");
    if (attached == 0 && worst.reason)
        return worst;
    if (!worst.reason && missed)
        worst = status_by_verdict(allocation, assignment, missed,
                                  allocation_judge(allocation, assignment, missed));
    if (!worst.reason)
        worst = status_say(ASSIGNMENT_STATE_PARTIAL, REASON_NONE_FREE, g_strdup("No more is free."), "");
    {
        char *reason = g_strdup_printf("%u of %u of group %s attached to %s. %s", attached, target,
                                       assignment->group, machine_text, worst.reason);

        g_free(worst.reason);
        return (Status){
            .state = ASSIGNMENT_STATE_PARTIAL, .reason = reason, .code = worst.code, .error = worst.error
        };
    }
}

/* Nobody knows whether its machine runs. */
static Status waits_to_be_seen(Registry *registry, const Assignment *assignment)
{
    g_autofree char *machine_text = verdict_machine_text(registry, assignment);
    g_autofree char *why = verdict_hypervisor_text(registry, registry_machine_of(registry, assignment));

    return status_say(verdict_state(VERDICT_HYPERVISOR_AWAY), REASON_HYPERVISOR_AWAY,
                      g_strdup_printf("Group %s waits for %s: %s.", assignment->group, machine_text, why),
                      verdict_error(VERDICT_HYPERVISOR_AWAY));
}

/* It is off, or being started. */
static Status group_waits_for_machine(Registry *registry, const Assignment *assignment, Verdict verdict)
{
    const Machine *machine = registry_machine_of(registry, assignment);
    g_autofree char *machine_text = verdict_machine_text(registry, assignment);
    bool starting = verdict == VERDICT_MACHINE_STARTING;
    const char *trouble = starting ? NULL : machine->start_error;

    return status_say(verdict_state(verdict), starting ? REASON_MACHINE_STARTING : REASON_MACHINE_OFF,
                      g_strdup_printf("%s is %s; it draws from group %s when it %s.%s%s%s", machine_text,
                                      starting ? "being started" : "not running", assignment->group,
                                      starting ? "runs" : "does", trouble ? " It could not be started: " : "",
                                      trouble ? trouble : "", trouble ? "." : ""),
                      verdict_error(verdict));
}

static Status without_group_device(Registry *registry, const Allocation *allocation,
                                   const Assignment *assignment)
{
    const GPtrArray *matches = candidates_of(allocation->candidates, assignment);
    const Group *group = registry_group_of(registry, assignment);
    guint n_missed;
    const Device *missed = left_out(allocation, assignment, &n_missed);
    Verdict machine = judge_machine(registry, assignment);
    g_autofree char *machine_text = verdict_machine_text(registry, assignment);

    if (!group && assignment->stored)
        return status_say(ASSIGNMENT_STATE_WAITING_DEVICE, REASON_NO_GROUP,
                          g_strdup_printf("There is no group %s any more.", assignment->group),
                          ferry_error_to_name(FERRY_ERROR_NO_SUCH_GROUP));
    if (group && group->tenant && !registry_tenant_has(registry, group->tenant, assignment->machine_uuid))
        return status_say(ASSIGNMENT_STATE_WAITING_DEVICE, REASON_NOT_OWNED,
                          g_strdup_printf("Group %s belongs to tenant %s, and %s does not.", group->name,
                                          group->tenant, machine_text),
                          ferry_error_to_name(FERRY_ERROR_NOT_OWNED));
    if (machine == VERDICT_MACHINE_UNKNOWN)
        return status_by_verdict(allocation, assignment, NULL, VERDICT_MACHINE_UNKNOWN);
    if (machine == VERDICT_HYPERVISOR_AWAY)
        return waits_to_be_seen(registry, assignment);
    if (machine != VERDICT_GO)
        return group_waits_for_machine(registry, assignment, machine);
    if (registry->held_home)
        return status_by_verdict(allocation, assignment, NULL, VERDICT_HELD_HOME);
    if (!registry->enabled)
        return status_by_verdict(allocation, assignment, NULL, VERDICT_SWITCHED_OFF);
    if (!group) /* it is stored along with it */
        return status_by_verdict(allocation, assignment, NULL, VERDICT_STORING);
    if (!group->enabled)
        return status_by_verdict(allocation, assignment, NULL, VERDICT_GROUP_DISABLED);
    if (registry_machine_of(registry, assignment)->stuck)
        return status_say(ASSIGNMENT_STATE_WAITING_MACHINE, REASON_MACHINE_STUCK,
                          g_strdup_printf("%s does not answer; it draws from group %s when it does.",
                                          machine_text, assignment->group),
                          ferry_error_to_name(FERRY_ERROR_TIMEOUT));
    if (matches->len == 0)
        return status_say(ASSIGNMENT_STATE_WAITING_DEVICE, REASON_NONE_PLUGGED_IN,
                          g_strdup_printf("No device of group %s%s%s is plugged in.", assignment->group,
                                          assignment->rule ? " that matches " : "",
                                          assignment->rule ? assignment->selector : ""),
                          "");
    if (allocation_judge(allocation, assignment, matches->pdata[0]) == VERDICT_UNDECIDED)
        return status_by_verdict(allocation, assignment, matches->pdata[0], VERDICT_UNDECIDED);
    if (missed)
        return status_by_verdict(allocation, assignment, missed,
                                 allocation_judge(allocation, assignment, missed));
    if (assignment->quantity_kind == QUANTITY_SET)
        return status_say(ASSIGNMENT_STATE_WAITING_DEVICE, REASON_SET_INCOMPLETE,
                          g_strdup_printf("Not every rule of group %s has a free device: all come, or none.",
                                          assignment->group),
                          "");
    return status_say(ASSIGNMENT_STATE_WAITING_DEVICE, REASON_NONE_FREE,
                      g_strdup_printf("No device of group %s is free; place %u in the queue.",
                                      assignment->group, places_of(allocation->places, assignment)),
                      "");
}

/* Why libvirt refused to remove something of this assignment; NULL = it didn't. */
static const char *removal_error(const Machine *machine, const Assignment *assignment)
{
    for (guint i = 0; i < machine->info->hostdevs->len; i++) {
        const Hostdev *hostdev = machine->info->hostdevs->pdata[i];
        const Removal *removal = g_hash_table_lookup(machine->removals, hostdev->alias);

        if (removal && removal->error && g_strcmp0(hostdev->assignment_id, assignment->id) == 0)
            return removal->error;
    }
    return NULL;
}

static Status damaged(const Allocation *allocation, const Assignment *assignment, const GPtrArray *wants)
{
    Status status = status_by_verdict(allocation, assignment, NULL, VERDICT_DAMAGED);

    for (guint i = 0; i < wants->len; i++)
        if (allocation_is_attached(allocation, ((const Want *)wants->pdata[i])->device))
            status.state = ASSIGNMENT_STATE_ATTACHED;
    return status;
}

/* And nothing of it is in a machine. */
static Status suspended(const Assignment *assignment)
{
    if (assignment_is_ending(assignment))
        return status_say(ASSIGNMENT_STATE_DETACHING, assignment->expired ? REASON_EXPIRED : REASON_RELEASING,
                          g_strdup_printf("%s, and the assignment ends.",
                                          assignment->expired ? "Its time is over"
                                          : assignment->group ? "Its devices were taken home"
                                                              : "The device was taken home"),
                          "");
    if (assignment->replugged)
        return status_say(
            ASSIGNMENT_STATE_DISABLED, REASON_REPLUGGED,
            g_strdup_printf("The device was unplugged and plugged in three times: it stays with the "
                            "host until it is attached again (usbferry attach %s).",
                            assignment->id),
            "");
    return status_say(ASSIGNMENT_STATE_DISABLED, REASON_DISABLED,
                      g_strdup("The device was taken home and stays there until it is attached again."), "");
}

static Status stand(Registry *registry, const Allocation *allocation, const Assignment *assignment)
{
    const GPtrArray *wants = allocation_wants_of(allocation, assignment);
    const Machine *machine = attachments_machine_of(allocation->attachments, assignment);

    if (!assignment->wanted || assignment_is_ending(assignment)) {
        if (machine) {
            g_autofree char *quoted = text_quote(machine->info->name);
            const char *refusal = removal_error(machine, assignment);

            if (refusal && !machine->stuck)
                return status_say(
                    ASSIGNMENT_STATE_DETACHING, REASON_DETACH_REFUSED,
                    g_strdup_printf("VM %s does not give the device back: %s. It is ordered again.", quoted,
                                    refusal),
                    ferry_error_to_name(FERRY_ERROR_HYPERVISOR));
            return status_say(
                ASSIGNMENT_STATE_DETACHING, machine->stuck ? REASON_MACHINE_STUCK : REASON_DETACHING,
                machine->stuck
                    ? g_strdup_printf("VM %s does not answer; the device comes home when it does.", quoted)
                    : g_strdup_printf("The device is on its way home from VM %s.", quoted),
                machine->stuck ? ferry_error_to_name(FERRY_ERROR_TIMEOUT) : "");
        }
        return suspended(assignment);
    }
    if (judge_assignment(registry, assignment) == VERDICT_DAMAGED)
        return damaged(allocation, assignment, wants);
    if (assignment->group)
        return wants->len > 0 ? with_group_devices(registry, allocation, assignment, wants)
                              : without_group_device(registry, allocation, assignment);
    return wants->len > 0 ? status_of_want(registry, allocation, wants->pdata[0])
                          : without_device(registry, allocation, assignment);
}

/* What is to come: the end of its time. NULL = nothing. */
static char *coming_end(const Assignment *assignment)
{
    const Term *term = assignment_term(assignment);
    bool tried = assignment->trial.seconds;
    g_autofree char *length = NULL, *clock = term ? term_clock_text(term) : NULL;

    if (assignment_is_ending(assignment) || (!tried && !assignment->lease.seconds))
        return NULL;
    if (term && term == &assignment->trial)
        return g_strdup_printf("It is a try: at %s the device comes home, unless it is confirmed (usbferry "
                               "confirm %s).",
                               clock, assignment->id);
    if (term)
        return g_strdup_printf("Its lease ends at %s.", clock);
    length = term_length_text(tried ? assignment->trial.seconds : assignment->lease.seconds);
    return g_strdup_printf("It is %s of %s, which begins when the device is in the VM.",
                           tried ? "a try" : "a lease", length);
}

/* What is to come: a machine that is off takes a controller with it when it starts. NULL = nothing. */
static char *coming_conflict(Registry *registry, const Allocation *allocation, const Assignment *assignment)
{
    const GPtrArray *wants = allocation_wants_of(allocation, assignment);

    if (!attachments_have_controllers(allocation->attachments))
        return NULL;
    for (guint i = 0; i < wants->len; i++) {
        const Device *device = ((const Want *)wants->pdata[i])->device;
        const Machine *claimant = pci_passthrough_claimant(registry, device->controller);

        if (claimant) {
            g_autofree char *what = device_describe(device);
            g_autofree char *name = text_quote(claimant->info->name);

            return g_strdup_printf("VM %s is off, and when it starts it takes the controller %s as a "
                                   "whole, and %s with it.",
                                   name, device->controller, what);
        }
    }
    return NULL;
}

/* The machine that has it lets it go in a moment: it answers, and neither refused nor let the time of the
 * first order pass. */
static bool lets_go_soon(const Attachment *attachment)
{
    const Removal *removal = g_hash_table_lookup(attachment->machine->removals, attachment->hostdev->alias);

    return !attachment->machine->stuck && (!removal || (!removal->error && removal->tries <= 1));
}

/* On its way to the machine, or from another one first. While a program of the host has it too, it isn't. */
static bool is_coming(Registry *registry, const Allocation *allocation, const Want *want)
{
    const Attachment *attachment = allocation_attachment(allocation, want->device);
    Status status = status_of_want(registry, allocation, want);

    g_free(status.reason);
    return want->verdict == VERDICT_GO && status.state != ASSIGNMENT_STATE_FAILED &&
           allocation_possession(allocation, want->device) != POSSESSION_SHARED &&
           (!attachment || lets_go_soon(attachment));
}

/* Its live XML is read in a moment. While the hypervisor is away nobody reads. */
static bool is_read_soon(Registry *registry, const Machine *machine)
{
    return registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED && machine &&
           machine_is_being_read(machine);
}

/* Whether what keeps it from its devices passes in a moment. state: where it stands by now; ATTACHING says so
 * by itself. */
static bool passes_soon(Registry *registry, const Allocation *allocation, const Assignment *assignment,
                        AssignmentState state)
{
    const GPtrArray *wants = allocation_wants_of(allocation, assignment);

    if (registry->settling)
        return true;
    if (!assignment->wanted)
        return false;
    if (is_read_soon(registry, registry_machine_of(registry, assignment)) ||
        deal_is_returning(allocation->deal, assignment))
        return true;
    for (guint i = 0; i < wants->len; i++) {
        const Want *want = wants->pdata[i];

        if (allocation_is_attached(allocation, want->device))
            continue;
        if (verdict_passes_soon(want->verdict) ||
            (state != ASSIGNMENT_STATE_ATTACHING && is_coming(registry, allocation, want)))
            return true;
    }
    return wants->len == 0 && left_over_of(allocation, assignment).soon;
}

static void append(char **reason, const char *sentence)
{
    char *both = sentence ? g_strconcat(*reason, " ", sentence, NULL) : NULL;

    if (!both)
        return;
    g_free(*reason);
    *reason = both;
}

Status status_of(Registry *registry, const Allocation *allocation, const Assignment *assignment)
{
    Status status = stand(registry, allocation, assignment);
    g_autofree char *conflict = coming_conflict(registry, allocation, assignment);
    g_autofree char *end = coming_end(assignment);

    status.passes = passes_soon(registry, allocation, assignment, status.state);
    append(&status.reason, conflict);
    append(&status.reason, end);
    return status;
}
