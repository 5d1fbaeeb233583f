/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of signs, and the times in which none of them counts. Called by allocation.c, deal.c and
 * status.c, and by the reconciler; reads the registry only. */

#include "daemon/allocation/possession.h"

#include "daemon/base/wake.h"

/* clang-format off */
/* Which facts decide, and how long each may last.
 *
 * A device is attached when libvirt lists it and the kernel doesn't say otherwise. What the kernel tells is how many
 * files of usbfs are open on the device (QEMU's is one, whether its guest runs, is paused, or never configures the
 * device), and which driver each interface has: the host's, usbfs as soon as the guest has configured the device, or
 * none. Most of it changes without any event, so it is looked at again and again.
 *
 *   not authorized                       unauthorized, at once: never given, and taken out of a machine
 *   listed, a host's driver has it       taken back, after 1 s, whoever has it open
 *   listed, nobody has it open           closed, after 1 s
 *   listed, open twice                   shared, after 1 s: left alone until the other one ends. Unless the guest had
 *                                        configured it before, and all of it is on usbfs still: the guest has it
 *   … and then a part without a driver   spoilt, after 1 s
 *   listed, open once, on usbfs          the guest has it
 *   … and an event unbinds a part of it  unbound, after 1 s; a guest that lets go of it or resets it unbinds nothing
 *   listed, open once, no driver at all  QEMU has it, and the guest hasn't configured it: legitimate for ever
 *   not listed, on usbfs or open         in use by a program of the host, after 1 s; what is on usbfs isn't given in that
 *                                        second either
 *   not listed, not open, without a      left by a machine that ended badly, after 1 s: the host's drivers are asked to
 *   driver, and ours before              take it
 *
 * A second, because the kernel counts itself for up to 90 ms when it probes or resets, and because a reset, also the
 * guest's own, leaves the device without a driver, or with the host's, for less than that. Taken back, closed, unbound
 * and spoilt are cured by taking the device out and putting it in again.
 *
 * Where an attribute is missing, its signs are never there: then the hypervisor's word counts. */
/* clang-format on */
#define LASTS_US (1 * G_USEC_PER_SEC)

/* None of it counts while QEMU and the guest are still busy with the device, or the host with all devices. */
#define AFTER_ATTACH_US (3 * G_USEC_PER_SEC)
#define AFTER_START_US  (2 * G_USEC_PER_SEC)
#define AFTER_SLEEP_US  (2 * G_USEC_PER_SEC)

/* The clock stands still while the host sleeps: one that is awake for so long has said so, and wasn't heard.
 */
#define SLEEP_MAX_US (60 * G_USEC_PER_SEC)

static const Presence *presence_of(const Attachment *attachment)
{
    return g_hash_table_lookup(attachment->machine->presences, attachment->hostdev->alias);
}

/* Where a device is, and how its signs are to be read. */
typedef struct Case {
    const Device *device;
    const Attachment *attachment;
    const KernelWord *word;
    const Presence *presence; /* NULL = not listed, or nothing is known of when it was */
    const struct Row *rows;
    gsize n_rows;
    gint64 counts_from; /* before that nothing counts but what counts at once */
} Case;

/* All but what the guest had configured before another one opened it, and has lost nothing of since. */
static bool is_disturbed(const Case *one)
{
    return !one->presence || !one->presence->configured ||
           kernel_word_shows(one->word, KERNEL_SIGN_UNCLAIMED);
}

static bool was_shared(const Case *one)
{
    return one->presence && one->presence->shared && !kernel_word_shows(one->word, KERNEL_SIGN_SHARED);
}

static bool was_unbound(const Case *one)
{
    return one->device->unbound && one->presence && one->presence->configured;
}

/* What had no driver before is as the host wants it. */
static bool was_ours(const Case *one)
{
    return one->device->ours && (one->word->facts.driverless & ~one->device->driverless_at_home);
}

/* The first one that fits counts. */
static const struct Row {
    KernelSign sign;
    bool (*applies)(const Case *one); /* NULL = always */
    gint64 lasts;
    bool at_once; /* also in the times in which nothing else counts */
    Possession possession;
} listed[] = {
    { KERNEL_SIGN_UNAUTHORIZED, NULL, 0, true, POSSESSION_UNAUTHORIZED },
    { KERNEL_SIGN_HOST_DRIVER, NULL, LASTS_US, false, POSSESSION_TAKEN_BACK },
    { KERNEL_SIGN_CLOSED, NULL, LASTS_US, false, POSSESSION_CLOSED },
    { KERNEL_SIGN_SHARED, is_disturbed, LASTS_US, false, POSSESSION_SHARED },
    { KERNEL_SIGN_UNCLAIMED, was_unbound, LASTS_US, false, POSSESSION_UNBOUND },
    { KERNEL_SIGN_UNCLAIMED, was_shared, LASTS_US, false, POSSESSION_SPOILT },
}, not_listed[] = {
    { KERNEL_SIGN_UNAUTHORIZED, NULL, 0, true, POSSESSION_UNAUTHORIZED },
    { KERNEL_SIGN_IN_USE, NULL, LASTS_US, false, POSSESSION_IN_USE },
    { KERNEL_SIGN_CLAIMED, NULL, 0, false, POSSESSION_CLAIMED },
    { KERNEL_SIGN_CLOSED, was_ours, LASTS_US, false, POSSESSION_LEFT },
};

static gint64 after(gint64 event, gint64 duration)
{
    return event ? event + duration : 0;
}

static Case case_of(const Registry *registry, const Attachments *attachments, const Device *device)
{
    const Attachment *attachment = attachments_find(attachments, device);
    Case one = { .device = device,
                 .attachment = attachment,
                 .word = &device->kernel,
                 .counts_from = after(registry->host_woke_at, AFTER_SLEEP_US) };

    if (attachment_is_foreign(attachment) || !device->kernel.seen_at)
        return one;
    one.counts_from = MAX(one.counts_from, after(registry->host_sleeps_at, SLEEP_MAX_US));
    if (attachment && !attachment_is_in_flight(attachment)) {
        one.rows = listed;
        one.n_rows = G_N_ELEMENTS(listed);
        one.presence = presence_of(attachment);
        if (one.presence)
            one.counts_from = MAX(one.counts_from, after(one.presence->since, AFTER_ATTACH_US));
        one.counts_from = MAX(one.counts_from, after(attachment->machine->woke_at, AFTER_START_US));
        return one;
    }
    one.rows = not_listed;
    one.n_rows = G_N_ELEMENTS(not_listed);
    /* What has it may be a machine that wasn't seen yet, or one that gets it in this moment. */
    if (attachment || !attachments_are_complete(attachments))
        one.counts_from = G_MAXINT64;
    return one;
}

static bool is_shown(const Case *one, const struct Row *row)
{
    return kernel_word_shows(one->word, row->sign) && (!row->applies || row->applies(one));
}

static gint64 counts_at(const Case *one, const struct Row *row)
{
    gint64 lasted = one->word->since[row->sign] + row->lasts;

    return row->at_once ? lasted : MAX(lasted, one->counts_from);
}

/* The kernel doesn't say, or not yet, that it is otherwise. */
static Possession unjudged(const Case *one)
{
    if (!one->attachment || attachment_is_in_flight(one->attachment))
        return POSSESSION_FREE;
    if (!one->presence || one->presence->confirmed)
        return POSSESSION_THERE;
    for (gsize i = 0; i < one->n_rows; i++)
        if (is_shown(one, &one->rows[i]))
            return POSSESSION_UNPROVEN;
    return POSSESSION_THERE;
}

Possession possession_of(const Registry *registry, const Attachments *attachments, const Device *device)
{
    Case one = case_of(registry, attachments, device);

    for (gsize i = 0; i < one.n_rows; i++)
        if (is_shown(&one, &one.rows[i]) && one.word->seen_at >= counts_at(&one, &one.rows[i]))
            return one.rows[i].possession;
    return unjudged(&one);
}

gint64 possession_look_again_at(const Registry *registry, const Attachments *attachments,
                                const Device *device)
{
    Case one = case_of(registry, attachments, device);
    gint64 wake = 0;

    for (gsize i = 0; i < one.n_rows; i++) {
        gint64 at = counts_at(&one, &one.rows[i]);

        if (is_shown(&one, &one.rows[i]) && at > one.word->seen_at && at != G_MAXINT64)
            wake_at(&wake, at);
    }
    return wake;
}

bool possession_is_lost(Possession possession)
{
    return possession_loss_text(possession) != NULL;
}

const char *possession_loss_text(Possession possession)
{
    switch (possession) {
    case POSSESSION_TAKEN_BACK:
        return "a driver of the host had taken it";
    case POSSESSION_CLOSED:
        return "the VM had lost it to a reset, or to something else on the host";
    case POSSESSION_UNBOUND:
        return "a part of it had been unbound from the VM";
    case POSSESSION_SPOILT:
        return "a program of the host had it, too";
    case POSSESSION_FREE:
    case POSSESSION_CLAIMED:
    case POSSESSION_IN_USE:
    case POSSESSION_LEFT:
    case POSSESSION_THERE:
    case POSSESSION_UNPROVEN:
    case POSSESSION_SHARED:
    case POSSESSION_UNAUTHORIZED:
        break;
    }
    return NULL;
}

Verdict possession_judge(const Registry *registry, const Attachments *attachments, const Device *device)
{
    switch (possession_of(registry, attachments, device)) {
    case POSSESSION_UNAUTHORIZED:
        return VERDICT_UNAUTHORIZED;
    case POSSESSION_IN_USE:
        return VERDICT_IN_USE;
    case POSSESSION_CLAIMED:
        return VERDICT_LOOKED_AT;
    case POSSESSION_FREE:
    case POSSESSION_LEFT:
    case POSSESSION_THERE:
    case POSSESSION_UNPROVEN:
    case POSSESSION_TAKEN_BACK:
    case POSSESSION_CLOSED:
    case POSSESSION_SHARED:
    case POSSESSION_UNBOUND:
    case POSSESSION_SPOILT:
        break;
    }
    return VERDICT_GO;
}
