/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where one device stands that an assignment is to have, in a state and a sentence. Called by status.c for
 * assignments and device-status.c for devices; reads the registry and changes nothing. */

#include "daemon/allocation/want-status.h"

#include <string.h>

#include "daemon/allocation/follower.h"
#include "daemon/allocation/guest-reset.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/usb-speed.h"

Status status_say(AssignmentState state, ReasonCode code, char *reason, const char *error)
{
    return (Status){ .state = state, .reason = reason, .code = reason_code_to_string(code), .error = error };
}

Status status_by_verdict(const Allocation *allocation, const Assignment *assignment, const Device *device,
                         Verdict verdict)
{
    g_autofree char *text = allocation_verdict_text(allocation, assignment, device, verdict);

    /* The first letter stays as it is: it often begins an id. */
    return (Status){ .state = verdict_state(verdict),
                     .reason = g_strconcat(text, ".", NULL),
                     .code = verdict_code(verdict),
                     .error = verdict_error(verdict) };
}

static const char *error_name(const GError *error)
{
    const char *name = error->domain == FERRY_ERROR ? ferry_error_to_name((FerryError)error->code) : NULL;

    return name ? name : ferry_error_to_name(FERRY_ERROR_HYPERVISOR);
}

static Status on_its_way(Registry *registry, const Allocation *allocation, const Want *want)
{
    const Assignment *assignment = want->assignment;
    const Claim *its = assignment_claim(assignment, want->device->sysname, want->device->instance);
    g_autofree char *what = device_describe(want->device);
    g_autofree char *machine_text = verdict_machine_text(registry, assignment);

    if (its && its->error)
        return status_say(ASSIGNMENT_STATE_FAILED, REASON_ATTACH_FAILED,
                          g_strdup_printf("%s.", its->error->message), error_name(its->error));
    if (want->machine->stuck)
        return status_say(
            ASSIGNMENT_STATE_FAILED, REASON_MACHINE_STUCK,
            g_strdup_printf("%s does not answer; it is tried again as soon as it does.", machine_text),
            ferry_error_to_name(FERRY_ERROR_TIMEOUT));
    return status_say(ASSIGNMENT_STATE_ATTACHING, REASON_ATTACHING,
                      g_strdup_printf("%s is on its way to %s.", what, machine_text), "");
}

/* The one that had it before gives it back first. */
static Status still_leaving(const Want *want, const Attachment *attachment)
{
    g_autofree char *what = device_describe(want->device);
    g_autofree char *machine = text_quote(attachment->machine->info->name);

    return status_say(ASSIGNMENT_STATE_WAITING_DEVICE, REASON_LEAVING,
                      g_strdup_printf("%s is on its way home from VM %s first.", what, machine),
                      ferry_error_to_name(FERRY_ERROR_DEVICE_BUSY));
}

/* Why its own device is taken out only to come back; NULL = it isn't. */
static const char *reattach_reason(Registry *registry, const Allocation *allocation, const Want *want)
{
    const Attachment *attachment = allocation_attachment(allocation, want->device);
    const Assignment *assignment = want->assignment;

    if (!attachment_is_of(attachment, assignment) || attachment_is_in_flight(attachment))
        return NULL;
    if (attachment_is_dead(attachment))
        return "the VM came out of a saved state and it is dead there";
    if (possession_is_lost(allocation_possession(allocation, want->device)))
        return possession_loss_text(allocation_possession(allocation, want->device));
    return guest_reset_differs(registry, attachment->hostdev, assignment) ? "its AllowGuestReset was changed"
                                                                          : NULL;
}

/* Both have it open, and the guest can't use it. */
static Status shared_with_host(const Want *want, const char *machine_text)
{
    g_autofree char *what = device_describe(want->device);
    g_autofree char *user = verdict_user_text(want->device);

    return status_say(
        ASSIGNMENT_STATE_WAITING_DEVICE, REASON_SHARED,
        g_strdup_printf("%s is in %s, but %s uses it, too; end that, then the device is taken out and "
                        "put in again.",
                        what, machine_text, user),
        ferry_error_to_name(FERRY_ERROR_DEVICE_BUSY));
}

static Status attached_anew(const Want *want, const char *machine_text, const char *why)
{
    g_autofree char *what = device_describe(want->device);

    return status_say(
        ASSIGNMENT_STATE_ATTACHING, REASON_REATTACHING,
        g_strdup_printf("%s is taken out of %s and put in again, because %s.", what, machine_text, why), "");
}

/* What it could do and the machine's controller can't; "" = nothing. New string. */
static char *slower_text(const Want *want)
{
    const MachineInfo *info = want->machine ? want->machine->info : NULL;
    unsigned own = usb_speed_from_mbits(want->device->speed);

    if (!info || !info->ports_known || !own || !info->usb_speeds || (own & info->usb_speeds))
        return g_strdup("");
    return g_strdup_printf(
        " It is slower there than it could be: the USB controller of the VM, %s, has no %s.",
        info->usb_controller, usb_speed_text(own));
}

static Status look(Registry *registry, const Allocation *allocation, const Want *want)
{
    const Attachment *attachment = allocation_attachment(allocation, want->device);
    g_autofree char *what = device_describe(want->device);
    g_autofree char *machine_text = verdict_machine_text(registry, want->assignment);
    g_autofree char *slower = slower_text(want);
    g_autofree char *away = NULL;
    const char *follows = follower_of(registry, want);
    const char *why;

    if (allocation_is_attached(allocation, want->device)) {
        if (registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED)
            return status_say(ASSIGNMENT_STATE_ATTACHED, REASON_ATTACHED,
                              g_strdup_printf("%s is attached to %s%s%s.%s", what, machine_text,
                                              follows ? ", as it follows " : "", follows ? follows : "",
                                              slower),
                              "");
        away = verdict_hypervisor_text(registry, NULL);
        return status_say(
            ASSIGNMENT_STATE_ATTACHED, REASON_ATTACHED,
            g_strdup_printf("%s was attached to %s when it was last seen; %s.", what, machine_text, away),
            "");
    }
    if (want->verdict != VERDICT_GO)
        return status_by_verdict(allocation, want->assignment, want->device, want->verdict);
    why = reattach_reason(registry, allocation, want);
    if (why)
        return attached_anew(want, machine_text, why);
    if (allocation_possession(allocation, want->device) == POSSESSION_SHARED)
        return shared_with_host(want, machine_text);
    return attachment && !attachment_is_of(attachment, want->assignment)
               ? still_leaving(want, attachment)
               : on_its_way(registry, allocation, want);
}

/* One piece of memory, so that who frees it needn't know what it is. */
typedef struct Said {
    Status status;
    char reason[];
} Said;

/* Its assignment asks, more than once, and its device: of the one look. */
Status status_of_want(Registry *registry, const Allocation *allocation, const Want *want)
{
    Said *said = g_hash_table_lookup(allocation->said, want);
    Status status;

    if (!said) {
        g_autofree char *reason = NULL;
        gsize size;

        status = look(registry, allocation, want);
        reason = status.reason;
        size = strlen(reason) + 1;
        said = g_malloc(sizeof *said + size);
        memcpy(said->reason, reason, size);
        said->status = status;
        g_hash_table_insert(allocation->said, (gpointer)want, said);
    }
    status = said->status;
    status.reason = g_strdup(said->reason);
    return status;
}
