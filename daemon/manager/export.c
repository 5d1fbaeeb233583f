/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was decided, as a text that can be taken to another host. */

#include "daemon/manager/export.h"

#include <string.h>

#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "daemon/manager/internal.h"
#include "daemon/model/find.h"

char *export_machine(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);
    const char *name = machine ? machine->info->name : assignment->machine_name;
    const Machine *meant = find_machine(registry, name, NULL);

    return g_strdup(*name && meant == machine ? name : assignment->machine_uuid);
}

char *export_assignment(Registry *registry, const Assignment *assignment)
{
    g_autofree char *machine = export_machine(registry, assignment);

    return assignment_to_manifest_text(assignment, machine);
}

gint export_compare_age(gconstpointer a, gconstpointer b)
{
    const Assignment *left = *(const Assignment *const *)a, *right = *(const Assignment *const *)b;

    if (left->sequence != right->sequence)
        return left->sequence < right->sequence ? -1 : 1;
    return strcmp(left->id, right->id);
}

/* Half of it would be taken for the whole. New string. */
static char *left_out(const char *noun, const char *name, const char *damage)
{
    return g_strdup_printf("# %s %s is damaged and left out: %s\n", noun, name, damage);
}

/* Takes the part. */
static void append(GString *text, char *part)
{
    g_string_append_printf(text, "%s%s", text->len > 0 ? "\n" : "", part);
    g_free(part);
}

char *manager_export(Manager *self)
{
    g_autoptr(GPtrArray) groups = registry_sorted(self->registry->groups);
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < groups->len; i++) {
        const Group *group = groups->pdata[i];

        if (!group->file && !group->tenant)
            append(text,
                   group->damage ? left_out("group", group->name, group->damage) : group_to_text(group));
    }
    /* The older comes first where two want the same: on the next host, too. */
    g_ptr_array_sort(assignments, export_compare_age);
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];

        if (assignment->stored && !assignment->releasing && !assignment->tenant)
            append(text, assignment->damage ? left_out("assignment", assignment->id, assignment->damage)
                                            : export_assignment(self->registry, assignment));
    }
    return g_string_free(text, FALSE);
}
