/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups and assignments as one text: printed, and carried out. */

#include "daemon/manager/apply-plan.h"

#include <string.h>

#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "daemon/config/manifest-diff.h"
#include "daemon/base/log.h"

char *manager_export(Manager *self)
{
    g_autoptr(GPtrArray) groups = registry_sorted(self->registry->groups);
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);
    GString *text = g_string_new(NULL);

    /* The older comes first where two want the same: on the next host, too. */
    g_ptr_array_sort(assignments, apply_compare_age);
    for (guint i = 0; i < groups->len; i++) {
        const Group *group = groups->pdata[i];
        g_autofree char *one = group->file || group->tenant ? NULL : group_to_text(group);

        if (one)
            g_string_append_printf(text, "%s%s", text->len > 0 ? "\n" : "", one);
    }
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];
        g_autofree char *one = assignment->stored && !assignment->releasing && !assignment->tenant
                                   ? apply_print_assignment(self, assignment)
                                   : NULL;

        if (one)
            g_string_append_printf(text, "%s%s", text->len > 0 ? "\n" : "", one);
    }
    return g_string_free(text, FALSE);
}

/* ------------------------------------------------------------------ carrying it out */

static void put_group(Manager *self, const Step *step, StoreBatch *batch)
{
    Group *group = registry_group(self->registry, step->id);
    g_autofree char *file_id = store_file_id(step->id);

    if (group) {
        group->saving = true;
        group->deleting = !step->group;
    } else {
        g_hash_table_add(self->creating, g_strdup(step->id));
    }
    if (step->group)
        manager_put_group(batch, step->group);
    else
        store_batch_delete(batch, STORE_AREA_STATE, STORE_KIND_GROUPS, file_id);
}

/* Everybody sees it from here on, so that nobody takes its device or its group away under it; nothing is
 * ordered for it before it is stored. */
static void add_unstored(Manager *self, Assignment *assignment)
{
    assignment->saving = true;
    assignment->since = assignment->created;
    g_free(assignment->reason);
    assignment->reason = g_strdup("The assignment is being stored.");
    registry_add_assignment(self->registry, assignment);
    registry_report_machine_assignments(self->registry, assignment->machine_uuid);
}

static void put_assignment(Manager *self, Step *step, StoreBatch *batch)
{
    Assignment *assignment = registry_assignment(self->registry, step->id);
    StoreArea area = step->assignment ? manager_assignment_area(step->assignment) : _STORE_AREA_MAX;

    if (assignment)
        assignment->saving = true;
    if (assignment && step->area != area)
        store_batch_delete(batch, step->area, STORE_KIND_ASSIGNMENTS, step->id);
    if (step->assignment) {
        g_autoptr(GKeyFile) file = assignment_to_key_file(step->assignment);

        store_batch_save(batch, area, STORE_KIND_ASSIGNMENTS, step->id, file);
    }
    if (step->is_new)
        add_unstored(self, g_steal_pointer(&step->assignment));
}

static void settle_groups(Manager *self, const ApplyPlan *plan, bool ok)
{
    g_autoptr(GPtrArray) next = g_ptr_array_new(), gone = g_ptr_array_new();

    for (guint i = 0; i < plan->steps->len; i++) {
        Step *step = plan->steps->pdata[i];
        Group *group = step->is_group ? registry_group(self->registry, step->id) : NULL;

        if (!step->is_group)
            continue;
        g_hash_table_remove(self->creating, step->id);
        if (group)
            group->saving = group->deleting = false;
        if (!ok)
            continue;
        if (step->group)
            g_ptr_array_add(next, g_steal_pointer(&step->group));
        else
            g_ptr_array_add(gone, group);
    }
    if (next->len + gone->len > 0)
        manager_take_over_groups(self, next, gone);
}

#define SWAP(left, right)             \
    do {                              \
        __auto_type swapped = (left); \
        (left) = (right);             \
        (right) = swapped;            \
    } while (0)

/* What was decided goes over; it stays the same object. */
static void change_assignment(Manager *self, Assignment *assignment, Assignment *next)
{
    bool go_on = next->wanted && !assignment->wanted;
    unsigned fields = 0;

    if (!g_str_equal(assignment->description, next->description))
        fields |= ASSIGNMENT_FIELD_DESCRIPTION;
    if (assignment->priority != next->priority)
        fields |= ASSIGNMENT_FIELD_PRIORITY;
    if (g_strcmp0(assignment->group, next->group) != 0)
        fields |= ASSIGNMENT_FIELD_GROUP;
    if (!g_str_equal(assignment->selector, next->selector))
        fields |= ASSIGNMENT_FIELD_SELECTOR;
    if (assignment->quantity_kind != next->quantity_kind || assignment->quantity != next->quantity)
        fields |= ASSIGNMENT_FIELD_QUANTITY;
    if (assignment->persistent != next->persistent)
        fields |= ASSIGNMENT_FIELD_PERSISTENT;

    SWAP(assignment->description, next->description);
    SWAP(assignment->group, next->group);
    SWAP(assignment->rule, next->rule);
    SWAP(assignment->selector, next->selector);
    SWAP(assignment->home_socket, next->home_socket);
    SWAP(assignment->device_text, next->device_text);
    assignment->priority = next->priority;
    assignment->quantity_kind = next->quantity_kind;
    assignment->quantity = next->quantity;
    assignment->persistent = next->persistent;
    assignment->wanted = next->wanted;
    /* What comes of these is reported when it is worked out with the group's. */
    assignment->own_guest_reset = next->own_guest_reset;
    assignment->own_guest_resets_all = next->own_guest_resets_all;
    if (go_on)
        reconciler_retry(self->reconciler, assignment);
    registry_report(self->registry, OBJECT_ASSIGNMENT, assignment->id, fields);
}

static void settle_new(Manager *self, Assignment *assignment, bool ok)
{
    assignment->stored = ok;
    if (!ok) {
        registry_end_assignment(self->registry, assignment);
        return;
    }
    log_object(G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
               "assignment %s: %s to machine \"%s\" by uid %u", assignment->id, assignment->device_text,
               assignment->machine_name, assignment->owner);
}

static void settle_assignment(Manager *self, Step *step, bool ok)
{
    Assignment *assignment = registry_assignment(self->registry, step->id);

    assignment->saving = false;
    if (step->is_new) {
        settle_new(self, assignment, ok);
        return;
    }
    if (!ok)
        return;
    if (step->assignment) {
        change_assignment(self, assignment, step->assignment);
    } else {
        assignment->releasing = true;
        log_object(G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
                   "assignment %s is released", assignment->id);
    }
}

static void apply_settled(Manager *self, const Pending *pending, bool ok)
{
    ApplyPlan *plan = pending->payload;

    self->applying = false;
    settle_groups(self, plan, ok);
    manager_read_left_out(self);
    for (guint i = 0; i < plan->steps->len; i++) {
        Step *step = plan->steps->pdata[i];

        if (!step->is_group)
            settle_assignment(self, step, ok);
    }
    if (ok)
        log_notice("%s is applied, with %u changes, by uid %u", plan->manifest->source, plan->steps->len,
                   plan->owner);
}

static void free_plan(gpointer plan)
{
    apply_plan_free(plan);
}

void manager_apply(Manager *self, ApplyPlan *plan, ManagerDone done, void *userdata)
{
    g_autoptr(StoreBatch) batch = store_batch_new();
    Pending *pending;

    if (plan->steps->len == 0) {
        apply_plan_free(plan);
        done("", NULL, userdata);
        return;
    }
    for (guint i = 0; i < plan->steps->len; i++) {
        Step *step = plan->steps->pdata[i];

        if (step->is_group)
            put_group(self, step, batch);
        else
            put_assignment(self, step, batch);
    }
    self->applying = true;
    pending = pending_new(self, plan->manifest->source, apply_settled, done, userdata);
    pending->payload = plan;
    pending->free_payload = free_plan;
    store_commit(self->store, g_steal_pointer(&batch), pending_stored, pending, pending_free);
}
