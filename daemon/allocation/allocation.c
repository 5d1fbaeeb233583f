/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts the parts together (attachments, candidates, deal), judges what was dealt out, and answers what
 * others ask of it. Reads the registry and changes nothing. */

#include "daemon/allocation/allocation.h"

#include "daemon/allocation/judge.h"
#include "daemon/allocation/pinned.h"
#include "daemon/allocation/ports.h"
#include "daemon/allocation/possession.h"
#include "daemon/allocation/priority.h"
#include "daemon/base/wake.h"
#include "daemon/model/membership.h"

static void note_inactive_owners(Allocation *allocation)
{
    g_autoptr(GPtrArray) assignments = registry_list(allocation->registry, allocation->registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];
        Device *device = allocation_pinned(allocation, assignment);

        if (device && !assignment_is_ending(assignment) &&
            !registry_lost_machine_of(allocation->registry, assignment) &&
            judge_assignment(allocation->registry, assignment) == VERDICT_SUSPENDED)
            g_hash_table_insert(allocation->inactive_owners, device, assignment);
    }
}

/* When it may go, as far as that is a question of time alone. */
static gint64 steady_from(const Device *device)
{
    return MAX(device->steady_at, device->input_due_at);
}

static Verdict judge_want(Allocation *allocation, const Want *want)
{
    Verdict machine = judge_machine(allocation->registry, want->assignment);
    Verdict device = judge_device(allocation->registry, allocation->attachments, want->device);
    Verdict possession = possession_judge(allocation->registry, allocation->attachments, want->device);
    Verdict guard =
        judge_guard(allocation->registry, allocation->attachments, want->assignment, want->device);

    if (allocation->registry->held_home)
        return VERDICT_HELD_HOME;
    if (device != VERDICT_GO)
        return device;
    if (possession == VERDICT_UNAUTHORIZED)
        return possession;
    if (reservations_is_in_reset(allocation->registry->reservations, want->device->sysname))
        return VERDICT_RESETTING;
    if (judge_assignment(allocation->registry, want->assignment) == VERDICT_DAMAGED &&
        !priority_has_it(allocation->registry, allocation->attachments, want->assignment, want->device))
        return VERDICT_DAMAGED;
    if (machine != VERDICT_GO)
        return machine;
    if (judge_health(want->machine, want->device, allocation->now, &allocation->next_at) != VERDICT_GO)
        return VERDICT_MACHINE_UNWELL;
    if (!want->assignment->stored)
        return VERDICT_STORING;
    if (!allocation->registry->enabled &&
        !priority_has_it(allocation->registry, allocation->attachments, want->assignment, want->device))
        return VERDICT_SWITCHED_OFF;
    if (guard != VERDICT_GO)
        return guard;
    if (possession != VERDICT_GO)
        return possession;
    /* What a machine has stays there: a stranger with the same serial that hops about would drive it out. */
    if (quarantines_find(allocation->registry->quarantines, want->device, allocation->now) &&
        (!attachment_is_of(allocation_attachment(allocation, want->device), want->assignment) ||
         possession_is_lost(allocation_possession(allocation, want->device))))
        return VERDICT_QUARANTINED;
    return steady_from(want->device) > allocation->now ? VERDICT_UNSTEADY : VERDICT_GO;
}

/* It isn't away yet, and nothing but time is in its way. */
static bool is_leaving(const Allocation *allocation, const Want *want)
{
    return !allocation_attachment(allocation, want->device) &&
           (want->verdict == VERDICT_GO || want->verdict == VERDICT_STORING ||
            want->verdict == VERDICT_UNSTEADY);
}

/* One after the other, those first that go in any case: who is the last one of its kind by then stays. */
static void judge_promises(Allocation *allocation, const GPtrArray *wants, bool forced)
{
    for (guint i = 0; i < wants->len; i++) {
        Want *want = wants->pdata[i];

        if (want->assignment->forced != forced || !is_leaving(allocation, want))
            continue;
        if (promises_judge(allocation->promises, want->assignment, want->device) == VERDICT_GO)
            promises_add(allocation->promises, want->device);
        else if (want->verdict == VERDICT_GO)
            want->verdict = VERDICT_GUARDED;
    }
}

static void judge_wants(Allocation *allocation)
{
    const GPtrArray *wants = deal_wants(allocation->deal);

    for (guint i = 0; i < wants->len; i++) {
        Want *want = wants->pdata[i];

        want->verdict = judge_want(allocation, want);
        if (want->verdict == VERDICT_UNSTEADY)
            wake_at(&allocation->next_at, steady_from(want->device));
    }
    ports_judge(allocation->registry, allocation->attachments, wants);
    judge_promises(allocation, wants, true);
    judge_promises(allocation, wants, false);
}

static void note_ends_of_quarantines(Allocation *allocation, const GPtrArray *devices)
{
    for (guint i = 0; i < devices->len; i++) {
        const Quarantine *quarantine =
            quarantines_find(allocation->registry->quarantines, devices->pdata[i], allocation->now);

        if (quarantine)
            wake_at(&allocation->next_at, quarantine->until);
    }
}

static void count_used(Allocation *allocation, const GPtrArray *devices)
{
    for (guint i = 0; i < devices->len; i++) {
        Verdict possession =
            possession_judge(allocation->registry, allocation->attachments, devices->pdata[i]);

        allocation->n_used += promises_judge(allocation->promises, NULL, devices->pdata[i]) != VERDICT_GO ||
                              possession == VERDICT_IN_USE || possession == VERDICT_UNAUTHORIZED;
    }
}

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

static void unref_table(gpointer table)
{
    g_hash_table_unref(table);
}

Allocation *allocation_new(Registry *registry, gint64 now)
{
    Allocation *allocation = g_new0(Allocation, 1);
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);

    allocation->registry = registry;
    allocation->now = now;
    allocation->attachments = attachments_new(registry);
    allocation->candidates = candidates_new(registry, devices);
    allocation->deal = deal_new(registry, allocation->attachments, allocation->candidates, now);
    allocation->promises = promises_new(registry, allocation->attachments);
    allocation->inactive_owners = g_hash_table_new(NULL, NULL);
    allocation->said = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    allocation->rests = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    allocation->kinds = g_hash_table_new_full(NULL, NULL, NULL, unref_table);
    allocation->places = places_new(registry);
    note_inactive_owners(allocation);
    judge_wants(allocation);
    note_ends_of_quarantines(allocation, devices);
    count_used(allocation, devices);
    return allocation;
}

Allocation *allocation_free(Allocation *allocation)
{
    if (!allocation)
        return NULL;
    places_free(allocation->places);
    g_hash_table_unref(allocation->kinds);
    g_hash_table_unref(allocation->rests);
    g_hash_table_unref(allocation->said);
    g_hash_table_unref(allocation->inactive_owners);
    promises_free(allocation->promises);
    deal_free(allocation->deal);
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
    return deal_want(allocation->deal, device);
}

const GPtrArray *allocation_wants_of(const Allocation *allocation, const Assignment *assignment)
{
    return deal_wants_of(allocation->deal, assignment);
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
           attachment_is_settled(attachment) && allocation_possession(allocation, device) == POSSESSION_THERE;
}

Possession allocation_possession(const Allocation *allocation, const Device *device)
{
    return possession_of(allocation->registry, allocation->attachments, device);
}

Device *allocation_pinned(const Allocation *allocation, const Assignment *assignment)
{
    return pinned_device(allocation->registry, allocation->attachments, allocation->candidates, assignment);
}

Assignment *allocation_owner(const Allocation *allocation, const Device *device)
{
    const Want *want = allocation_want(allocation, device);

    return want ? want->assignment : g_hash_table_lookup(allocation->inactive_owners, device);
}

static bool is_complete(const Allocation *allocation, const Assignment *assignment)
{
    return assignment->quantity_kind == QUANTITY_COUNT &&
           allocation_wants_of(allocation, assignment)->len >= assignment->quantity;
}

/* Why a device that it could have, and nobody else has, isn't drawn. */
static Verdict judge_not_drawn(const Allocation *allocation, const Assignment *assignment,
                               const Device *device)
{
    const Group *group = registry_group_of(allocation->registry, assignment);
    Verdict machine = judge_machine(allocation->registry, assignment);
    const Machine *its = registry_machine_of(allocation->registry, assignment);
    Verdict ports = machine == VERDICT_GO ? judge_ports(its) : VERDICT_GO;
    Verdict itself = judge_device(allocation->registry, allocation->attachments, device);
    Verdict guard = promises_judge(allocation->promises, assignment, device);
    Verdict possession = possession_judge(allocation->registry, allocation->attachments, device);

    if (itself != VERDICT_GO)
        return itself;
    if (allocation->registry->held_home)
        return VERDICT_HELD_HOME;
    if (possession == VERDICT_UNAUTHORIZED)
        return possession;
    if (group && !group->enabled)
        return VERDICT_GROUP_DISABLED;
    if (!allocation->registry->enabled)
        return VERDICT_SWITCHED_OFF;
    if (machine != VERDICT_GO)
        return machine;
    if (guard != VERDICT_GO)
        return guard;
    if (possession != VERDICT_GO)
        return possession;
    if (assignment_given_back(assignment, device->instance) >= 0)
        return VERDICT_GIVEN_BACK;
    if (is_complete(allocation, assignment))
        return VERDICT_ENOUGH;
    if (judge_speed(its, device) != VERDICT_GO)
        return VERDICT_SPEED;
    if (deal_lacks_ports(allocation->deal, assignment))
        return ports != VERDICT_GO ? ports : VERDICT_NO_PORT;
    if (judge_bus(its, device) != VERDICT_GO)
        return VERDICT_NO_PORT;
    if (deal_is_undecided(allocation->deal, device))
        return VERDICT_UNDECIDED;
    if (deal_is_held_back(allocation->deal, device))
        return VERDICT_QUARANTINED;
    if (deal_guard(allocation->deal, device))
        return VERDICT_GUARDED;
    return assignment->quantity_kind == QUANTITY_SET && allocation_wants_of(allocation, assignment)->len == 0
               ? VERDICT_SET_INCOMPLETE
               : VERDICT_ENOUGH;
}

/* It isn't among the matches, but would be if it weren't for the tenants. */
static bool is_withheld(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    Registry *registry = allocation->registry;
    const Group *group = registry_group_of(registry, assignment);

    if (assignment->rule && !rule_matches(assignment->rule, device, registry->node))
        return false;
    if (assignment->group && !membership_find(device, assignment->group))
        return group && membership_is_withheld(registry, device, group);
    return !membership_may_have(registry, assignment, device);
}

Verdict allocation_judge(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    const Want *want = allocation_want(allocation, device);
    Verdict itself = judge_assignment(allocation->registry, assignment);

    if (device->is_hub)
        return VERDICT_HUB;
    if (!candidates_include(allocation->candidates, assignment, device))
        return is_withheld(allocation, assignment, device) ? VERDICT_NOT_OWNED : VERDICT_OTHER_DEVICE;
    if (itself != VERDICT_GO)
        return itself;
    if (!assignment->group && allocation_pinned(allocation, assignment) != device)
        return VERDICT_NOT_HOME;
    if (want)
        return want->assignment == assignment ? want->verdict : VERDICT_TAKEN;
    return judge_not_drawn(allocation, assignment, device);
}

guint allocation_lacks(const Allocation *allocation, const Assignment *assignment)
{
    const Group *group = registry_group_of(allocation->registry, assignment);
    guint n_has = allocation_wants_of(allocation, assignment)->len;

    if (!group)
        return 0;
    switch (assignment->quantity_kind) {
    case QUANTITY_ALL:
        return G_MAXUINT;
    case QUANTITY_SET:
        return n_has ? 0 : group->rules->len;
    case QUANTITY_COUNT:
        break;
    }
    return assignment->quantity > n_has ? assignment->quantity - n_has : 0;
}

GPtrArray *allocation_quarantined(const Allocation *allocation, const Assignment *assignment)
{
    const GPtrArray *devices = candidates_of(allocation->candidates, assignment);
    guint lacking = allocation_lacks(allocation, assignment);
    GPtrArray *quarantined = g_ptr_array_new();

    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];
        const Want *want = allocation_want(allocation, device);
        bool draws =
            !want && lacking > 0 && allocation_judge(allocation, assignment, device) == VERDICT_QUARANTINED;

        if (!quarantines_find(allocation->registry->quarantines, device, allocation->now) ||
            !(draws || (want && want->assignment == assignment)))
            continue;
        lacking -= draws;
        g_ptr_array_add(quarantined, (gpointer)device);
    }
    return quarantined;
}

static VerdictCase case_of(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    const Want *want = device ? allocation_want(allocation, device) : NULL;
    const char *use = device ? promises_use(allocation->promises, device) : NULL;

    return (VerdictCase){ .registry = allocation->registry,
                          .assignment = assignment,
                          .device = device,
                          .attachment = device ? allocation_attachment(allocation, device) : NULL,
                          .attachments = allocation->attachments,
                          .first = want ? want->assignment : NULL,
                          .now = allocation->now,
                          .use = use || !device ? use : deal_guard(allocation->deal, device),
                          .meant = assignment ? allocation_pinned(allocation, assignment) : NULL };
}

bool allocation_check_host_use(const Allocation *allocation, const Device *device, GError **error)
{
    bool used = promises_judge(allocation->promises, NULL, device) != VERDICT_GO ||
                host_use_find(device->host_use, 1u << HOST_USE_CLAIMED);
    VerdictCase about = case_of(allocation, NULL, device);

    if (used)
        verdict_set_error(VERDICT_GUARDED, &about, error);
    return !used;
}

bool allocation_check_device(const Allocation *allocation, const Device *device, bool forced, GError **error)
{
    Verdict verdict = judge_device(allocation->registry, allocation->attachments, device);
    VerdictCase about = case_of(allocation, NULL, device);

    if (verdict != VERDICT_GO) {
        verdict_set_error(verdict, &about, error);
        return false;
    }
    return forced || allocation_check_host_use(allocation, device, error);
}

char *allocation_verdict_text(const Allocation *allocation, const Assignment *assignment,
                              const Device *device, Verdict verdict)
{
    VerdictCase about = case_of(allocation, assignment, device);

    return verdict_text(verdict, &about);
}
