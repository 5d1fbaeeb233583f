/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The questions and the one act that all parts of a deal share. Reads the registry only. */

#include "daemon/allocation/deal-state.h"

#include "daemon/allocation/judge.h"
#include "daemon/allocation/pinned.h"
#include "daemon/allocation/possession.h"
#include "daemon/allocation/priority.h"

Want *deal_state_want(const Deal *self, const Device *device)
{
    return g_hash_table_lookup(self->by_device, device);
}

const GPtrArray *deal_state_wants_of(const Deal *self, const Assignment *assignment)
{
    const GPtrArray *its = g_hash_table_lookup(self->by_assignment, assignment);

    return its ? its : self->none;
}

bool deal_state_is_undecided(const Deal *self, const Device *device)
{
    return g_hash_table_contains(self->undecided, device);
}

bool deal_takes_part(const Deal *self, const Assignment *assignment)
{
    return judge_assignment(self->registry, assignment) == VERDICT_GO;
}

bool deal_has_it(const Deal *self, const Assignment *assignment, const Device *device)
{
    return priority_has_it(self->registry, self->attachments, assignment, device);
}

bool deal_has_and_may_have(const Deal *self, const Assignment *assignment, const Device *device)
{
    return deal_has_it(self, assignment, device) && candidates_include(self->candidates, assignment, device);
}

Device *deal_pinned(const Deal *self, const Assignment *assignment)
{
    return pinned_device(self->registry, self->attachments, self->candidates, assignment);
}

int deal_compare(const Deal *self, const Device *device, const Assignment *a, const Assignment *b)
{
    return priority_compare(self->registry, self->attachments, device, a, b);
}

Assignment *deal_attached_for(const Deal *self, const Device *device)
{
    const Attachment *attachment = attachments_find(self->attachments, device);

    return attachment ? registry_assignment(self->registry, attachment->hostdev->assignment_id) : NULL;
}

Assignment *deal_reserved_for(const Deal *self, const Device *device)
{
    const Reservation *reservation = reservations_find(self->registry->reservations, device->sysname);

    return reservation ? registry_assignment(self->registry, reservation->assignment_id) : NULL;
}

bool deal_may_go(const Deal *self, const Device *device)
{
    Verdict possession = possession_judge(self->registry, self->attachments, device);

    return judge_device(self->registry, self->attachments, device) == VERDICT_GO &&
           (possession == VERDICT_GO || (possession != VERDICT_UNAUTHORIZED &&
                                         reservations_find(self->registry->reservations, device->sysname)));
}

bool deal_has_way(const Deal *self, const Assignment *assignment, const Device *device)
{
    const Machine *machine = registry_machine_of(self->registry, assignment);

    return judge_speed(machine, device) == VERDICT_GO &&
           (judge_bus(machine, device) == VERDICT_GO || deal_has_it(self, assignment, device));
}

bool deal_may_go_to(const Deal *self, const Assignment *assignment, const Device *device)
{
    return deal_has_way(self, assignment, device) &&
           promises_judge(self->promises, assignment, device) == VERDICT_GO;
}

bool deal_is_available(const Deal *self, const Assignment *assignment, const Device *device)
{
    return deal_may_go(self, device) && deal_may_go_to(self, assignment, device);
}

bool deal_hold_back(Deal *self, const Device *device)
{
    return quarantines_find(self->registry->quarantines, device, self->now) &&
           (g_hash_table_add(self->held_back, (gpointer)device), true);
}

bool deal_may_draw(const Deal *self, const Assignment *assignment)
{
    const Group *group = registry_group_of(self->registry, assignment);
    const Machine *machine = registry_machine_of(self->registry, assignment);

    return group && group->enabled && self->registry->enabled && machine && !machine->stuck &&
           judge_machine(self->registry, assignment) == VERDICT_GO && judge_ports(machine) == VERDICT_GO;
}

guint deal_reserved_and_away(const Deal *self, const Assignment *assignment)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->away, assignment->id));
}

bool deal_needs_more(const Deal *self, const Assignment *assignment)
{
    return assignment->quantity_kind == QUANTITY_ALL ||
           (assignment->quantity_kind == QUANTITY_COUNT &&
            deal_state_wants_of(self, assignment)->len + deal_reserved_and_away(self, assignment) <
                assignment->quantity);
}

bool deal_was_given_back(const Assignment *assignment, const Device *device)
{
    return assignment_given_back(assignment, device->instance) >= 0;
}

/* ------------------------------------------------------------------ giving */

/* Nothing is known that would keep the device from going in this turn. */
static bool is_going(const Deal *self, const Want *want)
{
    return want->machine && judge_machine(self->registry, want->assignment) == VERDICT_GO &&
           judge_ports(want->machine) == VERDICT_GO &&
           !quarantines_find(self->registry->quarantines, want->device, self->now) &&
           deal_is_available(self, want->assignment, want->device);
}

Want *deal_give(Deal *self, Device *device, Assignment *assignment)
{
    Want *want = g_new0(Want, 1);
    GPtrArray *its = g_hash_table_lookup(self->by_assignment, assignment);

    want->assignment = assignment;
    want->device = device;
    want->machine = registry_machine_of(self->registry, assignment);
    g_ptr_array_add(self->wants, want);
    g_hash_table_insert(self->by_device, device, want);
    if (!its) {
        its = g_ptr_array_new();
        g_hash_table_insert(self->by_assignment, assignment, its);
    }
    g_ptr_array_add(its, want);
    if (is_going(self, want))
        promises_add(self->promises, device);
    return want;
}
