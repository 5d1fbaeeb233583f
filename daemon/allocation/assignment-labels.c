/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and numbers from what an assignment is for. Called by reconciler/status-update.c; reads the registry
 * and changes nothing. */

#include "daemon/allocation/assignment-labels.h"

#include <string.h>

#include "daemon/base/text.h"

/* Of a device that isn't plugged in there is the text by which it was called last, as device_describe() makes
 * it, with the name in quotes; else what finds it. */
static char *label_while_away(const Assignment *assignment)
{
    const char *text = assignment->device_text;
    const char *begin = strchr(text, '"'), *end = strrchr(text, '"');

    if (begin && end > begin + 1 && !strchr(begin, '\\'))
        return g_strndup(begin + 1, (gsize)(end - begin - 1));
    return g_strdup(*text ? text : assignment->selector);
}

static char *label_of(const Assignment *assignment, const Device *device)
{
    g_autofree char *label = assignment->group ? g_strdup(assignment->group)
                             : device          ? device_label(device)
                                               : label_while_away(assignment);

    return text_shorten(label, ASSIGNMENT_LABEL_MAX);
}

/* A set has one for each rule that counts. */
static unsigned wanted_of(const Allocation *allocation, const Assignment *assignment, const Group *group)
{
    unsigned n = 0;

    if (assignment->quantity_kind == QUANTITY_COUNT)
        return assignment->quantity;
    if (assignment->quantity_kind == QUANTITY_ALL)
        return candidates_of(allocation->candidates, assignment)->len;
    for (guint i = 0; group && i < group->rules->len; i++)
        n += ((const GroupRule *)group->rules->pdata[i])->enabled;
    return n;
}

AssignmentLabels assignment_labels_of(Registry *registry, const Allocation *allocation,
                                      const Assignment *assignment)
{
    const Machine *machine = registry_machine_of(registry, assignment);
    const Group *group = registry_group_of(registry, assignment);
    const Device *device = assignment->group ? NULL : allocation_pinned(allocation, assignment);
    const GPtrArray *wants = allocation_wants_of(allocation, assignment);
    AssignmentLabels labels = {
        .machine = machine ? machine->info->name : assignment->machine_name,
        .device = label_of(assignment, device),
        /* Of one that went, what it was. */
        .icon = group    ? group_class_icon(group->class_value)
                : device ? device_icon(device)
                         : assignment->device_icon,
        .wanted = wanted_of(allocation, assignment, group),
    };

    for (guint i = 0; i < wants->len; i++)
        labels.has += allocation_is_attached(allocation, ((const Want *)wants->pdata[i])->device);
    return labels;
}
