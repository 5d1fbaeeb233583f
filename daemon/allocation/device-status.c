/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what has the device and who wants it to a sentence. Called by reconciler/status-update.c; reads the
 * registry and changes nothing. */

#include "daemon/allocation/device-status.h"

#include "daemon/allocation/judge.h"
#include "daemon/allocation/want-status.h"
#include "daemon/base/text.h"

/* Takes the reason. */
static DeviceStatus say(ReasonCode code, char *reason)
{
    return (DeviceStatus){ .reason = reason, .code = reason_code_to_string(code) };
}

static DeviceStatus by_verdict(const Allocation *allocation, const Device *device, Verdict verdict)
{
    g_autofree char *text = allocation_verdict_text(allocation, NULL, device, verdict);

    return (DeviceStatus){ .reason = g_strconcat(text, ".", NULL), .code = verdict_code(verdict) };
}

/* In a machine, and it isn't to stay there. */
static DeviceStatus goes_home(const Device *device, const Attachment *attachment)
{
    g_autofree char *what = device_describe(device);
    g_autofree char *machine = text_quote(attachment->machine->info->name);

    if (attachment_is_dead(attachment))
        return say(REASON_DEAD,
                   g_strdup_printf("%s is dead in VM %s, which came out of a saved state; it is taken out.",
                                   what, machine));
    if (attachment->machine->stuck)
        return say(REASON_MACHINE_STUCK,
                   g_strdup_printf("VM %s does not answer; %s comes home when it does.", machine, what));
    return say(REASON_DETACHING, g_strdup_printf("%s is on its way home from VM %s.", what, machine));
}

/* Whether anybody could have what nobody wants. */
static Verdict without_want(Registry *registry, const Allocation *allocation, const Device *device)
{
    if (device->is_hub)
        return VERDICT_HUB;
    if (allocation_possession(allocation, device) == POSSESSION_UNAUTHORIZED)
        return VERDICT_UNAUTHORIZED;
    if (deal_is_held_back(allocation->deal, device))
        return VERDICT_QUARANTINED;
    if (judge_device(registry, allocation->attachments, device) != VERDICT_GO)
        return judge_device(registry, allocation->attachments, device);
    return judge_guard(registry, allocation->attachments, NULL, device);
}

DeviceStatus device_status_of(Registry *registry, const Allocation *allocation, const Device *device)
{
    const Attachment *attachment = allocation_attachment(allocation, device);
    const Want *want = allocation_want(allocation, device);
    Verdict verdict;
    g_autofree char *what = NULL;

    if (attachment_is_foreign(attachment))
        return by_verdict(allocation, device, VERDICT_FOREIGN);
    if (want) {
        Status status = status_of_want(registry, allocation, want);

        return (DeviceStatus){ .reason = status.reason, .code = status.code };
    }
    if (attachment)
        return goes_home(device, attachment);
    verdict = without_want(registry, allocation, device);
    if (verdict != VERDICT_GO)
        return by_verdict(allocation, device, verdict);
    what = device_describe(device);
    return say(REASON_HOST, g_strdup_printf("%s is with the host.", what));
}
