/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All steps of a plan as one change: put into one batch, and settled together. */

#include "daemon/manager/apply.h"

#include "daemon/base/log.h"
#include "daemon/manager/drop-in-groups.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/pending.h"
#include "daemon/manager/stored-assignments.h"
#include "daemon/manager/stored-groups.h"
#include "daemon/model/group-update.h"

/* ------------------------------------------------------------------ onto the disk */

static void put_group(Manager *self, const ApplyStep *step, StoreBatch *batch)
{
    stored_groups_hold(self, step->id, true);
    if (step->group) {
        stored_groups_put(batch, step->group);
    } else {
        registry_group(self->registry, step->id)->deleting = true;
        stored_groups_put_deleted(batch, step->id);
    }
}

static void put_assignment(Manager *self, ApplyStep *step, StoreBatch *batch)
{
    if (step->is_new)
        stored_assignments_put_new(self, batch, g_steal_pointer(&step->assignment));
    else if (step->assignment)
        stored_assignments_put_changed(self, batch, step->assignment);
    else
        stored_assignments_put_deleted(self, batch, step->id);
}

/* ------------------------------------------------------------------ and into the registry */

static void settle_groups(Manager *self, const ApplyPlan *plan, bool stored)
{
    g_autoptr(GPtrArray) next = g_ptr_array_new(), gone = g_ptr_array_new();

    for (guint i = 0; i < plan->steps->len; i++) {
        ApplyStep *step = plan->steps->pdata[i];
        Group *group = step->is_group ? registry_group(self->registry, step->id) : NULL;

        if (!step->is_group)
            continue;
        stored_groups_hold(self, step->id, false);
        if (group)
            group->deleting = false;
        if (stored && step->group)
            g_ptr_array_add(next, g_steal_pointer(&step->group));
        else if (stored)
            g_ptr_array_add(gone, group);
    }
    if (next->len + gone->len > 0)
        group_update_many(self->registry, self->memberships, next, gone);
}

static void settle_assignment(Manager *self, ApplyStep *step, bool stored)
{
    if (step->is_new)
        stored_assignments_settle_new(self, step->id, stored);
    else if (step->assignment)
        stored_assignments_settle_changed(self, g_steal_pointer(&step->assignment), stored);
    else
        stored_assignments_settle_deleted(self, step->id, stored);
}

static void settle(Manager *self, const char *source, gpointer payload, bool stored)
{
    g_autoptr(ApplyPlan) plan = payload;

    self->applying = false;
    settle_groups(self, plan, stored);
    drop_in_groups_read_left_out(self);
    for (guint i = 0; i < plan->steps->len; i++) {
        ApplyStep *step = plan->steps->pdata[i];

        if (!step->is_group)
            settle_assignment(self, step, stored);
    }
    if (stored)
        log_notice("%s is applied, with %u changes, by uid %u", source, plan->steps->len, plan->owner);
}

static void free_plan(gpointer plan)
{
    apply_plan_free(plan);
}

void manager_apply(Manager *self, ApplyPlan *plan, ManagerDone done, void *userdata)
{
    g_autoptr(StoreBatch) batch = store_batch_new();

    if (plan->steps->len == 0) {
        apply_plan_free(plan);
        done("", NULL, userdata);
        return;
    }
    for (guint i = 0; i < plan->steps->len; i++) {
        ApplyStep *step = plan->steps->pdata[i];

        if (step->is_group)
            put_group(self, step, batch);
        else
            put_assignment(self, step, batch);
    }
    reconciler_look(self->reconciler);
    self->applying = true;
    pending_commit(self, g_steal_pointer(&batch),
                   &(PendingChange){ .id = plan->manifest->source,
                                     .settle = settle,
                                     .payload = plan,
                                     .free_payload = free_plan,
                                     .done = done,
                                     .userdata = userdata });
}
