/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From devices, machines, groups and assignments to who is to have what. No side effects. */

#include "daemon/allocation/allocation.h"

#include <string.h>

#include "daemon/allocation/pci-passthrough.h"
#include "daemon/allocation/candidates.h"
#include "daemon/allocation/set-matching.h"
#include "daemon/base/wake.h"
#include "daemon/model/membership.h"

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

static bool takes_part(const Assignment *assignment)
{
    return assignment->wanted && !assignment->releasing;
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

/* ------------------------------------------------------------------ who comes first */

static bool has_it_now(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    const Attachment *attachment = allocation_attachment(allocation, device);

    if (reservations_is_for(allocation->registry->reservations, device->sysname, assignment->id))
        return true;
    return attachment_is_of(attachment, assignment) &&
           g_strcmp0(attachment->machine->info->uuid, assignment->machine_uuid) == 0;
}

static int specificity(const Assignment *assignment, const Device *device)
{
    const Membership *membership = assignment->group ? membership_find(device, assignment->group) : NULL;
    int own = assignment->rule ? rule_specificity(assignment->rule) : 0;

    return membership ? MAX(membership->specificity, own) : own;
}

/* The order among assignments that the device doesn't matter for. Positive when a comes before b; never 0 for
 * two. */
static int compare_assignments(const Assignment *a, const Assignment *b)
{
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence ? 1 : -1;
    return -g_strcmp0(a->id, b->id);
}

static int32_t group_priority(const Allocation *allocation, const Assignment *assignment)
{
    const Group *group = registry_group(allocation->registry, assignment->group);

    return group ? group->priority : 0;
}

static int compare_claimants(const Allocation *allocation, const Device *device, const Assignment *a,
                             const Assignment *b)
{
    int by_possession = has_it_now(allocation, a, device) - has_it_now(allocation, b, device);
    int by_specificity = specificity(a, device) - specificity(b, device);

    if (by_possession)
        return by_possession;
    if (a->priority != b->priority)
        return a->priority > b->priority ? 1 : -1;
    if (group_priority(allocation, a) != group_priority(allocation, b))
        return group_priority(allocation, a) > group_priority(allocation, b) ? 1 : -1;
    return by_specificity ? by_specificity : compare_assignments(a, b);
}

/* The first one comes first. */
static int compare_sets(gconstpointer left, gconstpointer right, gpointer userdata)
{
    const Assignment *a = *(const Assignment *const *)left, *b = *(const Assignment *const *)right;
    const Allocation *allocation = userdata;

    if (a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;
    if (group_priority(allocation, a) != group_priority(allocation, b))
        return group_priority(allocation, a) > group_priority(allocation, b) ? -1 : 1;
    return -compare_assignments(a, b);
}

static bool is_foreign(const Allocation *allocation, const Device *device)
{
    return attachment_is_foreign(allocation_attachment(allocation, device));
}

static bool is_blocked(const Allocation *allocation, const Device *device)
{
    return pci_passthrough_owner(allocation->registry, device->controller) != NULL;
}

/* Whether anything new may be drawn for this assignment: what a machine that doesn't answer would draw, the
 * others would miss. */
static bool may_draw(const Allocation *allocation, const Assignment *assignment)
{
    const Group *group = registry_group(allocation->registry, assignment->group);
    const Machine *machine = registry_machine(allocation->registry, assignment->machine_uuid);

    return group && group->enabled && allocation->registry->enabled && machine && !machine->stuck &&
           allocation_judge_machine(allocation->registry, assignment) == VERDICT_GO;
}

static const GPtrArray *matches_of(const Allocation *allocation, const Assignment *assignment)
{
    return candidates_of(allocation->candidates, assignment);
}

static void give(Allocation *allocation, Device *device, Assignment *assignment)
{
    Want *want = g_new0(Want, 1);

    want->assignment = assignment;
    want->device = device;
    want->machine = registry_machine(allocation->registry, assignment->machine_uuid);
    g_hash_table_insert(allocation->wants, device->sysname, want);
    g_ptr_array_add(g_hash_table_lookup(allocation->wants_by_assignment, assignment->id), want);
}

static void note_undecided(Allocation *allocation, const Assignment *assignment)
{
    const Machine *machine = registry_machine(allocation->registry, assignment->machine_uuid);
    const GPtrArray *matches = matches_of(allocation, assignment);

    if (!assignment->group || !takes_part(assignment) || !machine || !machine_is_being_read(machine))
        return;
    for (guint i = 0; i < matches->len; i++)
        g_hash_table_add(allocation->undecided, matches->pdata[i]);
}

static void count_reserved_and_away(Allocation *allocation)
{
    g_autoptr(GPtrArray) reservations = reservations_sorted(allocation->registry->reservations);

    for (guint i = 0; i < reservations->len; i++) {
        const Reservation *reservation = reservations->pdata[i];
        const Assignment *assignment = registry_assignment(allocation->registry, reservation->assignment_id);
        guint n;

        if (!assignment || registry_device(allocation->registry, reservation->sysname))
            continue;
        n = GPOINTER_TO_UINT(g_hash_table_lookup(allocation->away, assignment->id));
        g_hash_table_replace(allocation->away, assignment->id, GUINT_TO_POINTER(n + 1));
    }
}

/* Devices that a reset has taken away from it for a moment: nothing is drawn in their place. */
static guint reserved_and_away(const Allocation *allocation, const Assignment *assignment)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(allocation->away, assignment->id));
}

static bool needs_more(const Allocation *allocation, const Assignment *assignment)
{
    return assignment->quantity_kind == QUANTITY_ALL ||
           (assignment->quantity_kind == QUANTITY_COUNT &&
            allocation_wants_of(allocation, assignment)->len + reserved_and_away(allocation, assignment) <
                assignment->quantity);
}

/* ------------------------------------------------------------------ dealing out */

/* What an assignment has and may still have stays. */
static void keep(Allocation *allocation, Assignment *assignment)
{
    const GPtrArray *matches = matches_of(allocation, assignment);

    if (!takes_part(assignment) || assignment->quantity_kind == QUANTITY_SET)
        return;
    for (guint i = 0; i < matches->len; i++) {
        Device *device = matches->pdata[i];

        if (has_it_now(allocation, assignment, device) && !allocation_want(allocation, device) &&
            needs_more(allocation, assignment) &&
            (assignment->group || choose_pinned(assignment, matches) == device))
            give(allocation, device, assignment);
    }
}

/* Somebody whose own device this is, and who comes before the set. */
static bool is_spoken_for(const Allocation *allocation, const Device *device, const Assignment *set,
                          const GPtrArray *assignments)
{
    if (allocation_want(allocation, device) || is_foreign(allocation, device) ||
        is_blocked(allocation, device))
        return true;
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *other = assignments->pdata[i];

        if (!other->group && takes_part(other) &&
            choose_pinned(other, matches_of(allocation, other)) == device &&
            compare_claimants(allocation, device, other, set) > 0)
            return true;
    }
    return false;
}

static void fill_set(Allocation *allocation, Assignment *set, const GPtrArray *assignments)
{
    const Group *group = registry_group(allocation->registry, set->group);
    const GPtrArray *matches = matches_of(allocation, set);
    g_autoptr(GPtrArray) devices = g_ptr_array_new();
    g_autoptr(GPtrArray) chosen = NULL;
    bool draws = may_draw(allocation, set);

    if (!takes_part(set) || !group)
        return;
    /* What it has first, so that nothing changes hands without need. */
    for (int pass = 0; pass < (draws ? 2 : 1); pass++)
        for (guint i = 0; i < matches->len; i++) {
            Device *device = matches->pdata[i];

            if (has_it_now(allocation, set, device) == (pass == 0) &&
                (pass == 0 || !g_hash_table_contains(allocation->undecided, device)) &&
                !is_spoken_for(allocation, device, set, assignments))
                g_ptr_array_add(devices, device);
        }
    chosen = set_matching_choose(group, allocation->registry->node, devices);
    if (!chosen && reserved_and_away(allocation, set) > 0) {
        /* One of them is being reset, and away for a moment: the others stay where they are. */
        chosen = g_ptr_array_new();
        for (guint i = 0; i < devices->len; i++)
            if (has_it_now(allocation, set, devices->pdata[i]))
                g_ptr_array_add(chosen, devices->pdata[i]);
    }
    for (guint i = 0; chosen && i < chosen->len; i++)
        give(allocation, chosen->pdata[i], set);
}

static bool may_claim(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    if (!takes_part(assignment) || !needs_more(allocation, assignment))
        return false;
    if (!assignment->group)
        return choose_pinned(assignment, matches_of(allocation, assignment)) == device;
    return may_draw(allocation, assignment) && !is_foreign(allocation, device) &&
           !is_blocked(allocation, device) && !g_hash_table_contains(allocation->undecided, device);
}

static int compare_by_socket(gconstpointer a, gconstpointer b)
{
    const Device *left = *(const Device *const *)a, *right = *(const Device *const *)b;
    int by_socket = g_strcmp0(left->socket, right->socket);

    return by_socket ? by_socket : g_strcmp0(left->sysname, right->sysname);
}

/* The assignments that could have each device. */
static GHashTable *claimants_by_device(const Allocation *allocation, const GPtrArray *assignments)
{
    GHashTable *claimants = g_hash_table_new_full(NULL, NULL, NULL, unref_array);

    for (guint i = 0; i < assignments->len; i++) {
        const GPtrArray *matches = matches_of(allocation, assignments->pdata[i]);

        for (guint k = 0; k < matches->len; k++) {
            GPtrArray *list = g_hash_table_lookup(claimants, matches->pdata[k]);

            if (!list) {
                list = g_ptr_array_new();
                g_hash_table_insert(claimants, matches->pdata[k], list);
            }
            g_ptr_array_add(list, assignments->pdata[i]);
        }
    }
    return claimants;
}

static void deal_out(Allocation *allocation, GPtrArray *devices, const GPtrArray *assignments)
{
    g_autoptr(GHashTable) claimants = claimants_by_device(allocation, assignments);

    g_ptr_array_sort(devices, compare_by_socket);
    for (guint i = 0; i < devices->len; i++) {
        Device *device = devices->pdata[i];
        const GPtrArray *list = g_hash_table_lookup(claimants, device);
        Assignment *first = NULL;

        for (guint k = 0; list && !allocation_want(allocation, device) && k < list->len; k++)
            if (may_claim(allocation, list->pdata[k], device) &&
                (!first || compare_claimants(allocation, device, list->pdata[k], first) > 0))
                first = list->pdata[k];
        if (first)
            give(allocation, device, first);
    }
}

static void note_resting(Allocation *allocation, Assignment *assignment)
{
    Device *device;

    if (assignment->group || assignment->releasing || takes_part(assignment))
        return;
    device = choose_pinned(assignment, matches_of(allocation, assignment));
    if (device)
        g_hash_table_insert(allocation->inactive_owners, device->sysname, assignment);
}

/* ------------------------------------------------------------------ verdicts */

Verdict allocation_judge_machine(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);

    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED || !registry->machines_known)
        return VERDICT_HYPERVISOR_AWAY;
    if (!machine)
        return VERDICT_MACHINE_UNKNOWN;
    if (!machine->inspected)
        return VERDICT_HYPERVISOR_AWAY;
    return machine_is_active(machine) ? VERDICT_GO : VERDICT_MACHINE_OFF;
}

static Verdict judge_want(const Allocation *allocation, const Want *want, gint64 now)
{
    Verdict machine = allocation_judge_machine(allocation->registry, want->assignment);

    if (is_foreign(allocation, want->device))
        return VERDICT_FOREIGN;
    if (is_blocked(allocation, want->device))
        return VERDICT_CONTROLLER_TAKEN;
    if (reservations_is_in_reset(allocation->registry->reservations, want->device->sysname))
        return VERDICT_RESETTING;
    if (machine != VERDICT_GO)
        return machine;
    if (!want->assignment->stored)
        return VERDICT_STORING;
    if (!allocation->registry->enabled && !has_it_now(allocation, want->assignment, want->device))
        return VERDICT_SWITCHED_OFF;
    return want->device->steady_at > now ? VERDICT_UNSTEADY : VERDICT_GO;
}

static int compare_wants(gconstpointer a, gconstpointer b)
{
    return g_strcmp0((*(const Want *const *)a)->device->sysname, (*(const Want *const *)b)->device->sysname);
}

static void judge_all(Allocation *allocation, gint64 now)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, allocation->wants);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Want *want = value;

        want->verdict = judge_want(allocation, want, now);
        if (want->verdict == VERDICT_UNSTEADY)
            wake_at(&allocation->next_at, want->device->steady_at);
    }
    g_hash_table_iter_init(&iter, allocation->wants_by_assignment);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_sort(value, compare_wants);
}

Allocation *allocation_new(Registry *registry, gint64 now)
{
    Allocation *allocation = g_new0(Allocation, 1);
    g_autoptr(GPtrArray) devices = registry_sorted(registry->devices);
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);
    g_autoptr(GPtrArray) sets = g_ptr_array_new();

    allocation->registry = registry;
    allocation->attachments = attachments_new(registry);
    allocation->candidates = candidates_new(registry, devices);
    allocation->wants = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    allocation->inactive_owners = g_hash_table_new(g_str_hash, g_str_equal);
    allocation->wants_by_assignment = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_array);
    allocation->undecided = g_hash_table_new(NULL, NULL);
    allocation->away = g_hash_table_new(g_str_hash, g_str_equal);
    count_reserved_and_away(allocation);
    for (guint i = 0; i < assignments->len; i++)
        g_hash_table_insert(allocation->wants_by_assignment, ((Assignment *)assignments->pdata[i])->id,
                            g_ptr_array_new());
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];

        keep(allocation, assignment);
        note_undecided(allocation, assignment);
        note_resting(allocation, assignment);
        if (assignment->quantity_kind == QUANTITY_SET)
            g_ptr_array_add(sets, assignment);
    }
    g_ptr_array_sort_with_data(sets, compare_sets, allocation);
    for (guint i = 0; i < sets->len; i++)
        fill_set(allocation, sets->pdata[i], assignments);
    deal_out(allocation, devices, assignments);
    judge_all(allocation, now);
    return allocation;
}

Allocation *allocation_free(Allocation *allocation)
{
    if (!allocation)
        return NULL;
    g_hash_table_unref(allocation->away);
    g_hash_table_unref(allocation->undecided);
    g_hash_table_unref(allocation->wants_by_assignment);
    g_hash_table_unref(allocation->inactive_owners);
    g_hash_table_unref(allocation->wants);
    candidates_free(allocation->candidates);
    attachments_free(allocation->attachments);
    g_free(allocation);
    return NULL;
}

const Attachment *allocation_attachment(const Allocation *allocation, const Device *device)
{
    return attachments_find(allocation->attachments, device);
}

Want *allocation_want(const Allocation *allocation, const Device *device)
{
    return g_hash_table_lookup(allocation->wants, device->sysname);
}

const GPtrArray *allocation_wants_of(const Allocation *allocation, const Assignment *assignment)
{
    return g_hash_table_lookup(allocation->wants_by_assignment, assignment->id);
}

const Want *allocation_want_of_hostdev(const Allocation *allocation, const Hostdev *hostdev)
{
    const Assignment *assignment = registry_assignment(allocation->registry, hostdev->assignment_id);
    const GPtrArray *wants = assignment ? allocation_wants_of(allocation, assignment) : NULL;

    for (guint i = 0; wants && i < wants->len; i++) {
        const Want *want = wants->pdata[i];
        const Attachment *attachment = allocation_attachment(allocation, want->device);

        if (attachment && attachment->hostdev == hostdev)
            return want;
    }
    return NULL;
}

bool allocation_is_attached(const Allocation *allocation, const Device *device)
{
    const Want *want = allocation_want(allocation, device);
    const Attachment *attachment = allocation_attachment(allocation, device);

    return want && attachment_is_of(attachment, want->assignment) && attachment->machine == want->machine &&
           attachment_is_settled(attachment);
}

Device *allocation_pinned(const Allocation *allocation, const Assignment *assignment)
{
    return assignment->group ? NULL : choose_pinned(assignment, matches_of(allocation, assignment));
}

Assignment *allocation_owner(const Allocation *allocation, const Device *device)
{
    const Want *want = allocation_want(allocation, device);

    return want ? want->assignment : g_hash_table_lookup(allocation->inactive_owners, device->sysname);
}

/* Why a device that it could have, and nobody else has, isn't drawn. */
static Verdict judge_not_drawn(const Allocation *allocation, const Assignment *assignment,
                               const Device *device)
{
    const Group *group = registry_group(allocation->registry, assignment->group);
    Verdict machine = allocation_judge_machine(allocation->registry, assignment);

    if (is_foreign(allocation, device))
        return VERDICT_FOREIGN;
    if (is_blocked(allocation, device))
        return VERDICT_CONTROLLER_TAKEN;
    if (group && !group->enabled)
        return VERDICT_GROUP_DISABLED;
    if (!allocation->registry->enabled)
        return VERDICT_SWITCHED_OFF;
    if (machine != VERDICT_GO)
        return machine;
    if (g_hash_table_contains(allocation->undecided, device))
        return VERDICT_UNDECIDED;
    return assignment->quantity_kind == QUANTITY_SET && allocation_wants_of(allocation, assignment)->len == 0
               ? VERDICT_SET_INCOMPLETE
               : VERDICT_ENOUGH;
}

/* It isn't among the matches, but would be if it weren't for the tenants. */
static bool is_withheld(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    Registry *registry = allocation->registry;
    const Group *group = registry_group(registry, assignment->group);

    if (assignment->rule && !rule_matches(assignment->rule, device, registry->node))
        return false;
    if (assignment->group && !membership_find(device, assignment->group))
        return group && membership_is_withheld(registry, device, group);
    return !membership_may_have(registry, assignment, device);
}

Verdict allocation_judge(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    const GPtrArray *matches = matches_of(allocation, assignment);
    const Want *want = allocation_want(allocation, device);

    if (device->is_hub)
        return VERDICT_HUB;
    if (!candidates_include(allocation->candidates, assignment, device))
        return is_withheld(allocation, assignment, device) ? VERDICT_NOT_OWNED : VERDICT_OTHER_DEVICE;
    if (!takes_part(assignment))
        return VERDICT_SUSPENDED;
    if (!assignment->group && choose_pinned(assignment, matches) != device)
        return VERDICT_NOT_HOME;
    if (want)
        return want->assignment == assignment ? want->verdict : VERDICT_TAKEN;
    return judge_not_drawn(allocation, assignment, device);
}

char *allocation_verdict_text(const Allocation *allocation, const Assignment *assignment,
                              const Device *device, Verdict verdict)
{
    const Want *want = device ? allocation_want(allocation, device) : NULL;

    return verdict_text(
        verdict, &(VerdictCase){ .registry = allocation->registry,
                                 .assignment = assignment,
                                 .device = device,
                                 .attachment = device ? allocation_attachment(allocation, device) : NULL,
                                 .first = want ? want->assignment : NULL });
}
