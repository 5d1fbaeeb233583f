/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From devices, machines and assignments to who is to have what. No side effects. */

#include "daemon/desired.h"

static gpointer number_key(unsigned bus_number, unsigned device_number)
{
    enum { DEVICE_NUMBER_BITS = 8 }; /* 1…127 */

    return GUINT_TO_POINTER((bus_number << DEVICE_NUMBER_BITS) | device_number);
}

static bool is_same_enumeration(const Hostdev *hostdev, const Device *device)
{
    if (hostdev->assignment_id)
        return hostdev->instance == device->instance;
    /* A foreign one names its ids only when its author wanted to. */
    return (!hostdev->vendor_id || hostdev->vendor_id == device->vendor_id) &&
           (!hostdev->product_id || hostdev->product_id == device->product_id);
}

static void find_live(Desired *desired, Registry *registry)
{
    g_autoptr(GHashTable) by_number = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;

        g_hash_table_insert(by_number, number_key(device->bus_number, device->device_number), device);
    }
    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Machine *machine = value;

        for (guint i = 0; i < machine->info->hostdevs->len; i++) {
            const Hostdev *hostdev = machine->info->hostdevs->pdata[i];
            Device *device =
                g_hash_table_lookup(by_number, number_key(hostdev->bus_number, hostdev->device_number));
            Live *live;

            if (!device || !is_same_enumeration(hostdev, device))
                continue;
            live = g_new(Live, 1);
            *live = (Live){ .machine = machine, .hostdev = hostdev };
            g_hash_table_replace(desired->live, device->sysname, live);
        }
    }
}

static bool takes_part(const Assignment *assignment)
{
    return assignment->stored && assignment->wanted && !assignment->releasing;
}

/* When two devices match a rule that was made for one, only the socket says which one was meant: the right
 * one or none. */
static Device *choose_pinned(const Assignment *assignment, const GPtrArray *matches)
{
    if (matches->len == 1)
        return matches->pdata[0];
    for (guint i = 0; i < matches->len; i++) {
        Device *device = matches->pdata[i];

        if (g_strcmp0(device->socket, assignment->home_socket) == 0)
            return device;
    }
    return NULL;
}

static bool has_it_now(const Desired *desired, const Assignment *assignment, const Device *device)
{
    const Live *live = desired_live(desired, device);

    return live && g_strcmp0(live->hostdev->assignment_id, assignment->id) == 0 &&
           g_strcmp0(live->machine->info->uuid, assignment->machine_uuid) == 0;
}

/* Positive when a comes before b. Never 0 for two assignments. */
static int compare_claimants(const Desired *desired, const Device *device, const Assignment *a,
                             const Assignment *b)
{
    int by_possession = has_it_now(desired, a, device) - has_it_now(desired, b, device);
    int by_specificity = rule_specificity(a->rule) - rule_specificity(b->rule);

    if (by_possession)
        return by_possession;
    if (a->priority != b->priority)
        return a->priority > b->priority ? 1 : -1;
    if (by_specificity)
        return by_specificity;
    if (a->created != b->created)
        return a->created < b->created ? 1 : -1;
    return -g_strcmp0(a->id, b->id);
}

static Verdict judge_want(const Desired *desired, Registry *registry, const Want *want, gint64 now)
{
    const Live *live = desired_live(desired, want->device);

    if (live && !live->hostdev->assignment_id)
        return VERDICT_FOREIGN;
    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED || !registry->machines_known)
        return VERDICT_HYPERVISOR_AWAY;
    if (!want->machine)
        return VERDICT_MACHINE_UNKNOWN;
    if (!want->machine->inspected)
        return VERDICT_HYPERVISOR_AWAY;
    if (!machine_is_active(want->machine))
        return VERDICT_MACHINE_OFF;
    if (want->device->steady_at > now)
        return VERDICT_UNSTEADY;
    return VERDICT_GO;
}

static void find_matches(Desired *desired, Registry *registry, Assignment *assignment)
{
    GPtrArray *matches = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;

        if (!device->is_hub && rule_matches(assignment->rule, device, registry->node))
            g_ptr_array_add(matches, device);
    }
    g_hash_table_insert(desired->matches, assignment->id, matches);
}

static void claim(Desired *desired, Registry *registry, Assignment *assignment)
{
    Device *device = choose_pinned(assignment, g_hash_table_lookup(desired->matches, assignment->id));
    Want *first;

    if (device && assignment->stored && !assignment->wanted && !assignment->releasing)
        g_hash_table_insert(desired->resting, device->sysname, assignment);
    if (!device || !takes_part(assignment))
        return;
    first = desired_want(desired, device);
    if (first && compare_claimants(desired, device, first->assignment, assignment) > 0)
        return;
    first = g_new(Want, 1);
    *first = (Want){ .assignment = assignment,
                     .device = device,
                     .machine = registry_machine(registry, assignment->machine_uuid) };
    g_hash_table_replace(desired->wants, device->sysname, first);
}

static void free_matches(gpointer matches)
{
    g_ptr_array_unref(matches);
}

Desired *desired_new(Registry *registry, gint64 now)
{
    Desired *desired = g_new0(Desired, 1);
    GHashTableIter iter;
    gpointer value;

    desired->live = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    desired->wants = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    desired->resting = g_hash_table_new(g_str_hash, g_str_equal);
    desired->matches = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_matches);
    find_live(desired, registry);
    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        find_matches(desired, registry, value);
        claim(desired, registry, value);
    }
    g_hash_table_iter_init(&iter, desired->wants);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Want *want = value;

        want->verdict = judge_want(desired, registry, want, now);
        if (want->verdict == VERDICT_UNSTEADY &&
            (!desired->next_at || want->device->steady_at < desired->next_at))
            desired->next_at = want->device->steady_at;
    }
    return desired;
}

Desired *desired_free(Desired *desired)
{
    if (!desired)
        return NULL;
    g_hash_table_unref(desired->matches);
    g_hash_table_unref(desired->resting);
    g_hash_table_unref(desired->wants);
    g_hash_table_unref(desired->live);
    g_free(desired);
    return NULL;
}

Live *desired_live(const Desired *desired, const Device *device)
{
    return g_hash_table_lookup(desired->live, device->sysname);
}

Want *desired_want(const Desired *desired, const Device *device)
{
    return g_hash_table_lookup(desired->wants, device->sysname);
}

Assignment *desired_owner(const Desired *desired, const Device *device)
{
    const Want *want = desired_want(desired, device);

    return want ? want->assignment : g_hash_table_lookup(desired->resting, device->sysname);
}

Want *desired_want_of(const Desired *desired, const Assignment *assignment)
{
    const GPtrArray *matches = g_hash_table_lookup(desired->matches, assignment->id);
    Device *device = matches ? choose_pinned(assignment, matches) : NULL;
    Want *want = device ? desired_want(desired, device) : NULL;

    return want && want->assignment == assignment ? want : NULL;
}

Verdict desired_judge(const Desired *desired, const Assignment *assignment, const Device *device)
{
    const GPtrArray *matches = g_hash_table_lookup(desired->matches, assignment->id);
    const Want *want = desired_want(desired, device);

    if (device->is_hub)
        return VERDICT_HUB;
    if (!matches || !g_ptr_array_find((GPtrArray *)matches, device, NULL))
        return VERDICT_OTHER_DEVICE;
    if (!takes_part(assignment))
        return VERDICT_SUSPENDED;
    if (choose_pinned(assignment, matches) != device)
        return VERDICT_NOT_HOME;
    if (!want || want->assignment != assignment)
        return VERDICT_TAKEN;
    return want->verdict;
}
