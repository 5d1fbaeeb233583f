/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order among assignments. Each part of it decides only what the parts before it left open. Called by
 * deal.c and allocation.c; reads the registry only. */

#include "daemon/allocation/priority.h"

#include "daemon/base/text.h"
#include "daemon/model/membership.h"

bool priority_has_it(Registry *registry, const Attachments *attachments, const Assignment *assignment,
                     const Device *device)
{
    const Attachment *attachment = attachments_find(attachments, device);

    if (reservations_is_for(registry->reservations, device->sysname, assignment->id))
        return true;
    return attachment_is_of(attachment, assignment) &&
           g_strcmp0(attachment->machine->info->uuid, assignment->machine_uuid) == 0;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int32_t group_priority(Registry *registry, const Assignment *assignment)
{
    const Group *group = registry_group_of(registry, assignment);

    return group ? group->priority : 0;
}

static int compare_priorities(Registry *registry, const Assignment *a, const Assignment *b)
{
    int own = compare_numbers(a->priority, b->priority);

    return own ? own : compare_numbers(group_priority(registry, a), group_priority(registry, b));
}

static int specificity(const Assignment *assignment, const Device *device)
{
    const Membership *membership = assignment->group ? membership_find(device, assignment->group) : NULL;
    int own = assignment->rule ? rule_specificity(assignment->rule) : 0;

    return membership ? MAX(membership->specificity, own) : own;
}

static int compare_ages(const Assignment *a, const Assignment *b)
{
    int by_age = compare_numbers(b->sequence, a->sequence);

    return by_age ? by_age : g_strcmp0(b->id, a->id);
}

int priority_compare(Registry *registry, const Attachments *attachments, const Device *device,
                     const Assignment *a, const Assignment *b)
{
    int by_possession =
        priority_has_it(registry, attachments, a, device) - priority_has_it(registry, attachments, b, device);
    int by_priority = compare_priorities(registry, a, b);
    int by_specificity = compare_numbers(specificity(a, device), specificity(b, device));

    if (by_possession)
        return by_possession;
    if (by_priority)
        return by_priority;
    return by_specificity ? by_specificity : compare_ages(a, b);
}

/* What comes before the order: who isn't running draws nothing, and sets are filled first. */
static char *why_without_order(Registry *registry, const Assignment *a, const Assignment *b)
{
    const Machine *machine = registry_machine(registry, b->machine_uuid);

    if (b->group && machine && !machine_is_active(machine)) {
        g_autofree char *quoted = text_quote(machine->info->name);

        return g_strdup_printf("VM %s is not running", quoted);
    }
    if (a->quantity_kind == QUANTITY_SET && b->quantity_kind != QUANTITY_SET)
        return g_strdup("it takes a whole set, and sets are filled first");
    return NULL;
}

char *priority_why(Registry *registry, const Attachments *attachments, const Device *device,
                   const Assignment *a, const Assignment *b)
{
    int32_t group_a = group_priority(registry, a), group_b = group_priority(registry, b);

    if (priority_has_it(registry, attachments, a, device))
        return g_strdup("its VM has it");
    if (priority_compare(registry, attachments, device, a, b) < 0)
        return why_without_order(registry, a, b);
    if (a->priority != b->priority)
        return g_strdup_printf("its priority is higher (%d, not %d)", a->priority, b->priority);
    if (group_a != group_b)
        return g_strdup_printf("its group's priority is higher (%d, not %d)", group_a, group_b);
    return g_strdup(specificity(a, device) != specificity(b, device) ? "its rule is more exact"
                                                                     : "it is older");
}

int priority_compare_sets(Registry *registry, const Assignment *a, const Assignment *b)
{
    int by_priority = compare_priorities(registry, a, b);

    return by_priority ? by_priority : compare_ages(a, b);
}
