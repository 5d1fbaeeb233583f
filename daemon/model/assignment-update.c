/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Field by field from the decided assignment into the one in the registry. A new field of struct Assignment
 * that people decide has its line here. */

#include "daemon/model/assignment-update.h"

#include "daemon/model/take.h"

/* True when it is another one. */
static bool take_term(Term *term, const Term *next)
{
    bool changed = term->seconds != next->seconds || term->ends_at != next->ends_at;

    *term = *next;
    return changed;
}

unsigned assignment_update(Registry *registry, Assignment *next)
{
    Assignment *assignment = registry_assignment(registry, next->id);
    g_autofree char *old_group = g_strdup(assignment->group);
    g_autofree char *old_machine = g_strdup(assignment->machine_uuid);
    unsigned fields = 0;

    if (take_text(&assignment->name, &next->name))
        fields |= ASSIGNMENT_FIELD_NAME;
    if (take_text(&assignment->description, &next->description))
        fields |= ASSIGNMENT_FIELD_DESCRIPTION;
    if (take_text(&assignment->machine_uuid, &next->machine_uuid))
        fields |= ASSIGNMENT_FIELD_MACHINE;
    if (take_text(&assignment->group, &next->group))
        fields |= ASSIGNMENT_FIELD_GROUP;
    if (take_text(&assignment->selector, &next->selector))
        fields |= ASSIGNMENT_FIELD_SELECTOR;
    if (TAKE_VALUE(assignment->quantity_kind, next->quantity_kind))
        fields |= ASSIGNMENT_FIELD_QUANTITY;
    if (TAKE_VALUE(assignment->quantity, next->quantity))
        fields |= ASSIGNMENT_FIELD_QUANTITY;
    if (TAKE_VALUE(assignment->persistent, next->persistent))
        fields |= ASSIGNMENT_FIELD_PERSISTENT;
    if (TAKE_VALUE(assignment->follow, next->follow))
        fields |= ASSIGNMENT_FIELD_FOLLOW;
    if (TAKE_VALUE(assignment->forced, next->forced))
        fields |= ASSIGNMENT_FIELD_FORCED;
    if (take_term(&assignment->trial, &next->trial) | take_term(&assignment->lease, &next->lease))
        fields |= ASSIGNMENT_FIELD_TERMS;
    if (TAKE_VALUE(assignment->priority, next->priority))
        fields |= ASSIGNMENT_FIELD_PRIORITY;

    rule_unref(assignment->rule);
    assignment->rule = g_steal_pointer(&next->rule);
    take_text(&assignment->machine_name, &next->machine_name);
    take_text(&assignment->tenant, &next->tenant);
    take_text(&assignment->home_socket, &next->home_socket);
    assignment->twins = next->twins;
    take_text(&assignment->device_text, &next->device_text);
    assignment->wanted = next->wanted;
    assignment->replugged = next->replugged;
    g_array_unref(assignment->given_back);
    assignment->given_back = g_array_ref(next->given_back);
    assignment->own_guest_reset = next->own_guest_reset;
    assignment->own_guest_resets_all = next->own_guest_resets_all;

    assignment_free(next);
    registry_report(registry, OBJECT_ASSIGNMENT, assignment->id, fields);
    if (fields & (ASSIGNMENT_FIELD_MACHINE | ASSIGNMENT_FIELD_GROUP)) {
        registry_report_assignment_lists(registry, old_machine, old_group);
        registry_report_assignment_lists(registry, assignment->machine_uuid, assignment->group);
    }
    return fields;
}
