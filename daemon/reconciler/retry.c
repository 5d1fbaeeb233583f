/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of errors, and what it says of claims. Called by dispatcher.c and reconciler.c; writes claims. */

#include "daemon/reconciler/retry.h"

#include <string.h>

#include "daemon/base/backoff.h"
#include "daemon/base/error.h"

/* 0.5, 1, 2, … 32 s, then every minute: what passes by itself, as long as udev, a guest or another program
 * needs. */
static const Backoff fast = { .first_us = G_USEC_PER_SEC / 2, .steps = 7, .slow_us = 60 * G_USEC_PER_SEC };

/* 15, 30 s, then every minute: what somebody has to change. It is mostly seen when he does. */
static const Backoff slow = { .first_us = 15 * G_USEC_PER_SEC, .steps = 2, .slow_us = 60 * G_USEC_PER_SEC };

/* What only a change helps, which the look right after it sees; a minute, in case it doesn't. */
static const Backoff on_change = { .slow_us = 60 * G_USEC_PER_SEC };

#define ANY (RETRY_LIFE | RETRY_CONTROLLER | RETRY_PORT | RETRY_HOLDER)

/* Which errors an attach has, how soon it is tried again, and what helps. */
static const struct {
    FerryError error;
    const Backoff *backoff;
    unsigned helps;
} rows[] = {
    /* another machine or program has it; that it lets go isn't always heard */
    { FERRY_ERROR_DEVICE_BUSY, &fast, RETRY_LIFE | RETRY_HOLDER },
    /* the machine has a job of its own: it is saved, migrated, backed up */
    { FERRY_ERROR_TIMEOUT, &fast, RETRY_LIFE },
    /* Allocation sees both in the live XML and tries none. If libvirt sees more than that, so it is. */
    { FERRY_ERROR_NO_FREE_PORT, &slow, RETRY_LIFE | RETRY_CONTROLLER | RETRY_PORT },
    { FERRY_ERROR_NO_CONTROLLER, &slow, RETRY_LIFE | RETRY_CONTROLLER },
    { FERRY_ERROR_MACHINE_NOT_RUNNING, &on_change, RETRY_LIFE },
    { FERRY_ERROR_NO_SUCH_MACHINE, &on_change, RETRY_LIFE },
    /* Everything else, in libvirt's words: a file of sysfs that vanished while it looked, QEMU that could not
     * open the device, the connection. */
    { FERRY_ERROR_HYPERVISOR, &fast, ANY },
};

/* The last row for what has none. */
static gsize row_of(const GError *error)
{
    gsize row;

    for (row = 0; row < G_N_ELEMENTS(rows) - 1; row++)
        if (g_error_matches(error, FERRY_ERROR, rows[row].error))
            break;
    return row;
}

void retry_note_failure(Claim *claim, const GError *error, gint64 now)
{
    claim->next_at = now + backoff_delay(rows[row_of(error)].backoff, claim->failures++);
    g_clear_error(&claim->error);
    claim->error = g_error_copy(error);
}

/* ------------------------------------------------------------------ what can help */

static bool is_active(const MachineInfo *info)
{
    return info->state != MACHINE_STATE_SHUTOFF;
}

static bool has_hostdev(const MachineInfo *info, const Hostdev *wanted)
{
    for (guint i = 0; i < info->hostdevs->len; i++) {
        const Hostdev *hostdev = info->hostdevs->pdata[i];

        if (hostdev->bus_number == wanted->bus_number && hostdev->device_number == wanted->device_number &&
            strcmp(hostdev->alias, wanted->alias) == 0)
            return true;
    }
    return false;
}

static bool let_something_go(const MachineInfo *before, const MachineInfo *after)
{
    for (guint i = 0; i < before->hostdevs->len; i++)
        if (!has_hostdev(after, before->hostdevs->pdata[i]))
            return true;
    return false;
}

unsigned retry_compare(const MachineInfo *before, const MachineInfo *after)
{
    unsigned helps = 0;

    if (is_active(before) != is_active(after) || before->domain_id != after->domain_id)
        helps |= RETRY_LIFE;
    if (strcmp(before->usb_controller, after->usb_controller) != 0)
        helps |= RETRY_CONTROLLER;
    if (after->free_ports > before->free_ports)
        helps |= RETRY_PORT;
    if (let_something_go(before, after))
        helps |= RETRY_HOLDER;
    return helps;
}

static void help_claim(Claim *claim, unsigned helps)
{
    if (helps & RETRY_LIFE)
        claim_forget_failures(claim);
    else if (claim->error && (rows[row_of(claim->error)].helps & helps))
        claim->next_at = 0;
}

void retry_at_once(Registry *registry, const char *uuid, unsigned helps)
{
    GHashTableIter iter;
    gpointer value;

    if (!helps)
        return;
    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *assignment = value;
        bool its_own = g_strcmp0(assignment->machine_uuid, uuid) == 0;

        for (guint i = 0; i < assignment->claims->len; i++)
            help_claim(assignment->claims->pdata[i], its_own ? helps : helps & RETRY_HOLDER);
    }
}
