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
    GHashTable *left; /* Machine → its buses with what is left of them, owned; where there are several */
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

    /* The wants of one assignment stay in their order. */
    return left->assignment == right->assignment
               ? 0
               : priority_compare_sets(counting->registry, right->assignment, left->assignment);
}

static unsigned spoken_for(const Counting *counting, const Machine *machine)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(counting->spoken_for, machine));
}

static GArray *left_of(const Counting *counting, Machine *machine)
{
    GArray *buses = g_hash_table_lookup(counting->left, machine);

    if (!buses) {
        buses = g_array_copy(machine->info->buses);
        g_hash_table_insert(counting->left, machine, buses);
    }
    return buses;
}

/* bus: which one of its buses; NULL = nobody knows, or there is one only. */
static void speak_for(const Counting *counting, Machine *machine, UsbBus *bus)
{
    g_hash_table_replace(counting->spoken_for, machine, GUINT_TO_POINTER(spoken_for(counting, machine) + 1));
    if (bus)
        bus->free--;
}

/* Where it was ordered to; what libvirt is told nothing of takes the first free port. */
static UsbBus *bus_in_flight(const Counting *counting, const Attachment *attachment)
{
    const Hostdev *hostdev = attachment->hostdev;
    const GArray *buses = left_of(counting, attachment->machine);

    if (!hostdev->on_bus)
        return usb_buses_first_free(buses, 0);
    for (guint i = 0; i < buses->len; i++) {
        UsbBus *bus = &g_array_index(buses, UsbBus, i);

        if (bus->index == hostdev->bus && bus->free > 0)
            return bus;
    }
    return NULL;
}

/* libvirt takes the first free port, which may be too slow: then it is told which bus. */
static void choose_bus(const Counting *counting, Want *want)
{
    const GArray *buses = left_of(counting, want->machine);
    UsbBus *bus = usb_buses_choose(buses, want->device->speed, want->device->speeds);

    if (!bus) {
        want->verdict = VERDICT_NO_PORT;
        return;
    }
    want->on_bus = bus != usb_buses_first_free(buses, 0);
    want->bus = bus->index;
    speak_for(counting, want->machine, bus);
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
        Machine *machine = assignment ? registry_machine_of(counting->registry, assignment) : NULL;
        bool counted = !machine || (device && attachments_find(counting->attachments, device));

        for (guint k = 0; !counted && k < waiting->len; k++)
            counted = ((const Want *)waiting->pdata[k])->device == device;
        if (!counted)
            speak_for(counting, machine,
                      usb_buses_choose(left_of(counting, machine), device ? device->speed : 0,
                                       device ? device->speeds : 0));
    }
}

static void judge(const Counting *counting, Want *want)
{
    Verdict machine = judge_ports(want->machine);
    Verdict speed = judge_speed(want->machine, want->device);

    if (machine == VERDICT_NO_CONTROLLER || speed != VERDICT_GO)
        want->verdict = machine == VERDICT_NO_CONTROLLER ? machine : speed;
    else if (machine != VERDICT_GO)
        want->verdict = machine;
    else if (want->machine->info->ports_known &&
             spoken_for(counting, want->machine) >= want->machine->info->free_ports)
        want->verdict = VERDICT_NO_PORT;
    else if (want->machine->info->ports_known && want->machine->info->buses->len > 0)
        choose_bus(counting, want);
    else
        speak_for(counting, want->machine, NULL);
}

void ports_judge(Registry *registry, const Attachments *attachments, const GPtrArray *wants)
{
    g_autoptr(GHashTable) spoken = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) left = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
    g_autoptr(GPtrArray) had = g_ptr_array_new(), waiting = g_ptr_array_new();
    Counting counting = {
        .registry = registry, .attachments = attachments, .spoken_for = spoken, .left = left
    };

    for (guint i = 0; i < wants->len; i++) {
        Want *want = wants->pdata[i];
        const Attachment *attachment = attachments_find(attachments, want->device);

        if (want->verdict == VERDICT_GO && !is_in(&counting, want))
            g_ptr_array_add(has_it(&counting, want) ? had : waiting, want);
        /* The live XML doesn't show it yet. */
        else if (attachment_is_in_flight(attachment))
            speak_for(&counting, attachment->machine, bus_in_flight(&counting, attachment));
    }
    g_ptr_array_sort_with_data(had, compare, &counting);
    g_ptr_array_sort_with_data(waiting, compare, &counting);
    /* What somebody had comes first. */
    g_ptr_array_extend(had, waiting, NULL, NULL);
    if (had->len > 0)
        count_reserved(&counting, had);
    for (guint i = 0; i < had->len; i++)
        judge(&counting, had->pdata[i]);
}
