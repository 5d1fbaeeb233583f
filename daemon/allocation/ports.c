/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts what the live XML says is free against what is on its way. Called by allocation.c; writes verdicts
 * of wants only. */

#include "daemon/allocation/ports.h"

#include "daemon/allocation/deal.h"
#include "daemon/allocation/judge.h"
#include "daemon/allocation/priority.h"

typedef struct Counting {
    Registry *registry;
    const Attachments *attachments;
    GHashTable *spoken_for; /* Machine → how many of its free ports */
} Counting;

static bool has_it(const Counting *counting, const Want *want)
{
    return priority_has_it(counting->registry, counting->attachments, want->assignment, want->device);
}

/* It has its port. */
static bool is_in(const Counting *counting, const Want *want)
{
    const Attachment *attachment = attachments_find(counting->attachments, want->device);

    return attachment && attachment->machine == want->machine;
}

static int compare(gconstpointer a, gconstpointer b, gpointer userdata)
{
    const Want *left = *(const Want *const *)a, *right = *(const Want *const *)b;
    const Counting *counting = userdata;
    int by_possession = has_it(counting, right) - has_it(counting, left);

    if (by_possession)
        return by_possession;
    /* The wants of one assignment stay in their order. */
    return left->assignment == right->assignment
               ? 0
               : priority_compare_sets(counting->registry, right->assignment, left->assignment);
}

static unsigned spoken_for(const Counting *counting, const Machine *machine)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(counting->spoken_for, machine));
}

static void speak_for(const Counting *counting, Machine *machine)
{
    g_hash_table_replace(counting->spoken_for, machine, GUINT_TO_POINTER(spoken_for(counting, machine) + 1));
}

/* What a reset or a reattach has taken out for a moment, unless it goes back right now and is counted then.
 */
static void count_reserved(const Counting *counting, const GPtrArray *waiting)
{
    g_autoptr(GPtrArray) reservations = reservations_sorted(counting->registry->reservations);

    for (guint i = 0; i < reservations->len; i++) {
        const Reservation *reservation = reservations->pdata[i];
        const Assignment *assignment = registry_assignment(counting->registry, reservation->assignment_id);
        const Device *device = registry_device(counting->registry, reservation->sysname);
        Machine *machine = assignment ? registry_machine(counting->registry, assignment->machine_uuid) : NULL;
        bool counted = !machine || (device && attachments_find(counting->attachments, device));

        for (guint k = 0; !counted && k < waiting->len; k++)
            counted = ((const Want *)waiting->pdata[k])->device == device;
        if (!counted)
            speak_for(counting, machine);
    }
}

static void judge(const Counting *counting, Want *want)
{
    Verdict machine = judge_ports(want->machine);

    if (machine != VERDICT_GO)
        want->verdict = machine;
    else if (want->machine->info->ports_known &&
             spoken_for(counting, want->machine) >= want->machine->info->free_ports)
        want->verdict = VERDICT_NO_PORT;
    else
        speak_for(counting, want->machine);
}

void ports_judge(Registry *registry, const Attachments *attachments, const GPtrArray *wants)
{
    g_autoptr(GHashTable) spoken = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    Counting counting = { .registry = registry, .attachments = attachments, .spoken_for = spoken };

    for (guint i = 0; i < wants->len; i++) {
        Want *want = wants->pdata[i];

        if (want->verdict == VERDICT_GO && !is_in(&counting, want))
            g_ptr_array_add(waiting, want);
        /* The live XML doesn't show it yet. */
        else if (want->machine && attachment_is_in_flight(attachments_find(attachments, want->device)))
            speak_for(&counting, want->machine);
    }
    if (waiting->len == 0)
        return;
    count_reserved(&counting, waiting);
    g_ptr_array_sort_with_data(waiting, compare, &counting);
    for (guint i = 0; i < waiting->len; i++)
        judge(&counting, waiting->pdata[i]);
}
