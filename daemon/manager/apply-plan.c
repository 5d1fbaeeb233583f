/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares a text with what is there, object by object, and notes what is to change. */

#include "daemon/manager/apply-plan.h"

#include <string.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/tuning.h"
#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "daemon/config/manifest-diff.h"
#include "daemon/manager/export.h"
#include "daemon/manager/groups.h"
#include "daemon/manager/guards.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/object-bytes.h"
#include "daemon/manager/quotas.h"
#include "daemon/manager/stored-assignments.h"
#include "daemon/manager/stored-groups.h"
#include "daemon/model/damage.h"
#include "daemon/model/find.h"

static void step_free(gpointer data)
{
    ApplyStep *step = data;

    g_free(step->id);
    group_free(step->group);
    assignment_free(step->assignment);
    g_free(step);
}

ApplyPlan *apply_plan_free(ApplyPlan *plan)
{
    if (!plan)
        return NULL;
    g_ptr_array_unref(plan->steps);
    g_ptr_array_unref(plan->differences);
    g_hash_table_unref(plan->groups);
    g_hash_table_unref(plan->kept);
    manifest_free(plan->manifest);
    g_free(plan);
    return NULL;
}

/* ------------------------------------------------------------------ planning */

/* Takes the step and the difference; without a difference there is nothing to do. */
static void add_step(ApplyPlan *plan, ApplyStep *step, ManifestDiff *difference)
{
    if (!difference) {
        step_free(step);
        return;
    }
    if (step->is_new && step->is_group)
        plan->new_groups++;
    else if (step->is_new)
        plan->new_assignments++;
    else if (step->is_group && !step->group)
        plan->gone_groups++;
    g_ptr_array_add(plan->steps, step);
    g_ptr_array_add(plan->differences, difference);
}

/* True when nothing of this group is on its way to the disk. */
static bool check_group_rests(Manager *self, const char *name, GError **error)
{
    return find_check_saved(stored_groups_is_held(self, name), "group", name, error);
}

static bool plan_group(ApplyPlan *plan, ManifestItem *declared, GError **error)
{
    Manager *self = plan->manager;
    const char *name = declared->group->name;
    const Group *group = registry_group(self->registry, name);
    g_autofree char *before = NULL, *after = NULL;
    ApplyStep *step;

    if (declared->group->tenant) {
        manifest_set_error(plan->manifest, declared->line, error, FERRY_ERROR_NOT_OWNED,
                           "group %s is tenant %s's: grant devices to the tenant or revoke them", name,
                           declared->group->tenant);
        return false;
    }
    if (group && group->file) {
        manifest_set_error(plan->manifest, declared->line, error, FERRY_ERROR_ALREADY_EXISTS,
                           "group %s comes from %s; change it there and reload the service", name,
                           group->file);
        return false;
    }
    if (!check_group_rests(self, name, error) || (group && !damage_check_group(group, error)))
        return false;

    step = g_new0(ApplyStep, 1);
    *step = (ApplyStep){ .id = g_strdup(name), .is_group = true, .is_new = !group };
    step->group = group_copy(declared->group);
    if (group) /* a number is never used again */
        step->group->next_rule_id = MAX(step->group->next_rule_id, group->next_rule_id);
    before = group ? group_to_text(group) : NULL;
    after = group_to_text(step->group);
    add_step(plan, step, manifest_diff_new("group", name, NULL, before, after));
    return true;
}

/* The UUID that is meant. One that is unknown here is accepted for an assignment that is there already: its
 * machine may be away for a while, and so may the hypervisor. */
static char *declared_machine(ApplyPlan *plan, const ManifestItem *declared, GError **error)
{
    Registry *registry = plan->manager->registry;
    const char *text = declared->assignment->machine_name;
    g_autoptr(GError) find_error = NULL;
    const Machine *machine = find_machine(registry, text, &find_error);
    GHashTableIter iter;
    gpointer value;

    if (machine)
        return g_strdup(machine->info->uuid);
    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_error_matches(find_error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE) &&
           g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *one = value;

        if (!one->releasing && g_str_equal(one->name, declared->assignment->name) &&
            (g_ascii_strcasecmp(one->machine_uuid, text) == 0 || g_str_equal(one->machine_name, text)))
            return g_strdup(one->machine_uuid);
    }
    manifest_set_error(plan->manifest, declared->machine_line, error, (FerryError)find_error->code, "%s",
                       find_error->message);
    return NULL;
}

/* Of two that have the name one has to be called otherwise first. Always false. */
static bool refuse_two(ApplyPlan *plan, const ManifestItem *declared, const Assignment *one,
                       const Assignment *other, GError **error)
{
    manifest_set_error(plan->manifest, declared->line, error, FERRY_ERROR_AMBIGUOUS,
                       "assignments %s and %s of this VM both have this name; give one another name first",
                       one->id, other->id);
    return false;
}

/* The one that a machine had which is gone, and whose name the declared one has now: it was made anew, and
 * the assignment moves to it. */
static bool left_behind(ApplyPlan *plan, const ManifestItem *declared, const char *uuid,
                        const Assignment **ret_assignment, GError **error)
{
    Registry *registry = plan->manager->registry;
    const Machine *machine = registry_machine(registry, uuid);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (machine && g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *one = value;

        if (one->releasing || one->tenant || !g_str_equal(one->name, declared->assignment->name) ||
            !g_str_equal(one->machine_name, machine->info->name) ||
            !registry_machine_is_gone(registry, one->machine_uuid))
            continue;
        if (*ret_assignment)
            return refuse_two(plan, declared, *ret_assignment, one, error);
        *ret_assignment = one;
    }
    return true;
}

/* The one of this machine and name, if there is one: false with an error when that can't be told. */
static bool declared_assignment(ApplyPlan *plan, const ManifestItem *declared, const char *uuid,
                                const Assignment **ret_assignment, GError **error)
{
    const char *name = declared->assignment->name;
    const Assignment *found = NULL;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, plan->manager->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *one = value;

        if (one->releasing || !g_str_equal(one->name, name) || !g_str_equal(one->machine_uuid, uuid))
            continue;
        if (found)
            return refuse_two(plan, declared, found, one, error);
        found = one;
    }
    if (!found && !left_behind(plan, declared, uuid, &found, error))
        return false;
    if (found && (!find_check_saved(found->saving, "assignment", found->id, error) ||
                  !damage_check_assignment(found, error)))
        return false;
    if (found && found->tenant) {
        manifest_set_error(plan->manifest, declared->line, error, FERRY_ERROR_NOT_OWNED,
                           "assignment %s is tenant %s's: it is changed by itself", found->id, found->tenant);
        return false;
    }
    if (found && !g_hash_table_add(plan->kept, g_strdup(found->id))) {
        manifest_set_error(plan->manifest, declared->line, error, FERRY_ERROR_ALREADY_EXISTS,
                           "this assignment is declared before, with its VM called otherwise");
        return false;
    }
    *ret_assignment = found;
    return true;
}

static bool check_group(ApplyPlan *plan, const ManifestItem *declared, const Assignment *assignment,
                        GError **error)
{
    const char *name = declared->assignment->group;
    g_autoptr(GError) find_error = NULL;
    g_autofree char *tenant = NULL;
    const Group *group;

    if (!name || g_hash_table_contains(plan->groups, name))
        return true;
    if (!check_group_rests(plan->manager, name, error))
        return false;
    if (group_name_is_tenants(name, &tenant)) {
        manifest_set_error(plan->manifest, declared->group_line, error, FERRY_ERROR_NOT_OWNED,
                           "group %s is tenant %s's: it is given by itself", name, tenant);
        return false;
    }
    group = find_group(plan->manager->registry, name, &find_error);
    if (group && plan->prune && !group->file) {
        manifest_set_error(plan->manifest, declared->group_line, error, FERRY_ERROR_GROUP_IN_USE,
                           "group %s is not in the text, so it would be deleted", name);
        return false;
    }
    /* An assignment whose group was deleted waits, and may stay as it is. */
    if (group || (assignment && g_strcmp0(assignment->group, name) == 0))
        return true;
    manifest_set_error(plan->manifest, declared->group_line, error, FERRY_ERROR_NO_SUCH_GROUP, "%s",
                       find_error->message);
    return false;
}

/* What it is called, and where the device is whose rule stands there, if just one is plugged in. */
static void describe_source(Manager *self, Assignment *assignment)
{
    g_autoptr(GPtrArray) devices = NULL;
    g_autofree char *text = NULL;

    text_replace(&assignment->home_socket, "");
    if (assignment->group) {
        text = g_strdup_printf("group %s", assignment->group);
        text_replace(&assignment->device_text, text);
        return;
    }
    devices = manager_test_rule(self, assignment->selector, NULL);
    if (devices->len == 1) {
        const Device *device = devices->pdata[0];

        text = device_describe(device);
        text_replace(&assignment->home_socket, device->socket);
    }
    text_replace(&assignment->device_text, text ? text : assignment->selector);
}

/* What the text says, on top of what is there. */
static Assignment *make_next(ApplyPlan *plan, const Assignment *declared, const Assignment *assignment,
                             const char *uuid)
{
    Registry *registry = plan->manager->registry;
    Assignment *next = assignment_copy(declared);

    g_free(next->id);
    next->id = assignment ? g_strdup(assignment->id) : registry_make_assignment_id(registry);
    next->machine_uuid = g_strdup(uuid);
    text_replace(&next->machine_name,
                 assignment ? assignment->machine_name : registry_machine(registry, uuid)->info->name);
    if (assignment && g_strcmp0(assignment->group, next->group) == 0 &&
        (next->group || g_str_equal(assignment->selector, next->selector))) {
        text_replace(&next->home_socket, assignment->home_socket);
        next->twins = assignment->twins;
        text_replace(&next->device_text, assignment->device_text);
    } else {
        describe_source(plan->manager, next);
    }
    next->owner = assignment ? assignment->owner : plan->owner;
    if (assignment) { /* a text says nothing of them */
        next->trial = assignment->trial;
        next->lease = assignment->lease;
        next->replugged = assignment->replugged && !next->wanted;
    }
    next->forced = assignment && assignment->forced && g_str_equal(assignment->selector, next->selector);
    /* Each a little younger than the one before: where two want the same the first one comes first. */
    next->created = assignment ? assignment->created : g_get_real_time();
    next->sequence =
        assignment ? assignment->sequence : registry_next_sequence(registry) + plan->new_assignments;
    return next;
}

/* A device that is a tenant's, or is just being granted, is not assigned by a text. */
static bool check_device(ApplyPlan *plan, const ManifestItem *declared, const Assignment *next,
                         GError **error)
{
    Manager *self = plan->manager;
    const Group *grant;
    GHashTableIter iter;
    gpointer value;

    if (next->group || !next->rule)
        return true;
    grant = find_grant(self->registry, NULL, next->selector);
    if (grant) { /* be the device away */
        manifest_set_error(plan->manifest, declared->line, error, FERRY_ERROR_NOT_OWNED,
                           "the Selector is a rule of group %s, which is tenant %s's: it is given by itself",
                           grant->name, grant->tenant);
        return false;
    }
    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *device = value;
        const char *granting = g_hash_table_lookup(self->granting, device->sysname);
        const char *tenant = device->tenant ? device->tenant : granting;
        g_autofree char *what = NULL;

        if (!tenant || !rule_matches(next->rule, device, self->registry->node))
            continue;
        what = device_describe(device);
        manifest_set_error(plan->manifest, declared->line, error, FERRY_ERROR_NOT_OWNED,
                           "the Selector means %s, which is tenant %s's: it is given by itself", what,
                           tenant);
        return false;
    }
    return true;
}

/* Force is for who gives one device: what the host uses is not given by a text. What is there stays as it is,
 * and waits if it has to. */
static bool check_host_use(ApplyPlan *plan, const ManifestItem *declared, const Assignment *before,
                           const Assignment *next, GError **error)
{
    Manager *self = plan->manager;
    g_autoptr(GPtrArray) devices = NULL;
    g_autoptr(Allocation) allocation = NULL;
    g_autoptr(GError) used = NULL;

    if (next->group || next->forced || (before && g_str_equal(before->selector, next->selector)))
        return true;
    devices = manager_test_rule(self, next->selector, NULL);
    if (devices->len != 1)
        return true;
    guards_glance(self->guards);
    allocation = allocation_new(self->registry, g_get_monotonic_time());
    if (allocation_check_host_use(allocation, devices->pdata[0], &used))
        return true;
    manifest_set_error(plan->manifest, declared->line, error, FERRY_ERROR_DEVICE_IN_USE, "%s", used->message);
    return false;
}

static bool plan_assignment(ApplyPlan *plan, ManifestItem *declared, GError **error)
{
    const Assignment *assignment;
    g_autofree char *uuid = declared_machine(plan, declared, error);
    g_autofree char *before = NULL, *after = NULL, *machine = NULL;
    ApplyStep *step;

    if (!uuid || !declared_assignment(plan, declared, uuid, &assignment, error) ||
        !check_group(plan, declared, assignment, error))
        return false;

    step = g_new0(ApplyStep, 1);
    step->assignment = make_next(plan, declared->assignment, assignment, uuid);
    if (!check_device(plan, declared, step->assignment, error) ||
        !check_host_use(plan, declared, assignment, step->assignment, error)) {
        step_free(step);
        return false;
    }
    step->id = g_strdup(step->assignment->id);
    step->is_new = !assignment;
    machine = export_machine(plan->manager->registry, step->assignment);
    before = assignment ? export_assignment(plan->manager->registry, assignment) : NULL;
    after = assignment_to_manifest_text(step->assignment, machine);
    if (!assignment)
        g_hash_table_add(plan->kept, g_strdup(step->id));
    add_step(plan, step, manifest_diff_new("assignment", step->assignment->name, machine, before, after));
    return true;
}

static bool prune_groups(ApplyPlan *plan, GError **error)
{
    g_autoptr(GPtrArray) groups = registry_sorted(plan->manager->registry->groups);

    for (guint i = 0; i < groups->len; i++) {
        const Group *group = groups->pdata[i];
        g_autofree char *before = NULL;
        ApplyStep *step;

        if (group->file || group->tenant || g_hash_table_contains(plan->groups, group->name))
            continue;
        if (!check_group_rests(plan->manager, group->name, error))
            return false;
        before = group_to_text(group);
        step = g_new0(ApplyStep, 1);
        *step = (ApplyStep){ .id = g_strdup(group->name), .is_group = true };
        add_step(plan, step, manifest_diff_new("group", group->name, NULL, before, NULL));
    }
    return true;
}

static bool prune_assignments(ApplyPlan *plan, GError **error)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(plan->manager->registry->assignments);

    g_ptr_array_sort(assignments, export_compare_age);
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];
        g_autofree char *before = NULL, *machine = NULL;
        ApplyStep *step;

        if (assignment->releasing || assignment->tenant || g_hash_table_contains(plan->kept, assignment->id))
            continue;
        if (!find_check_saved(assignment->saving, "assignment", assignment->id, error))
            return false;
        machine = export_machine(plan->manager->registry, assignment);
        before = assignment_to_manifest_text(assignment, machine);
        step = g_new0(ApplyStep, 1);
        *step = (ApplyStep){ .id = g_strdup(assignment->id) };
        add_step(plan, step, manifest_diff_new("assignment", assignment->name, machine, before, NULL));
    }
    return true;
}

/* Who may do this is an administrator: of the places of single users nothing is asked. */
static bool check_room(const ApplyPlan *plan, GError **error)
{
    Registry *registry = plan->manager->registry;
    guint groups = g_hash_table_size(registry->groups) + g_hash_table_size(plan->manager->creating_groups);
    guint groups_max = (guint)tuning_get(TUNING_GROUPS);
    guint assignments_max = (guint)tuning_get(TUNING_ASSIGNMENTS);
    gsize before = 0, after = 0;

    /* A limit that was lowered stands in the way of nobody who makes no more. */
    if ((plan->new_groups > plan->gone_groups &&
         groups + plan->new_groups > groups_max + plan->gone_groups) ||
        (plan->new_assignments > 0 &&
         g_hash_table_size(registry->assignments) + plan->new_assignments > assignments_max)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "%s: at most %u groups and %u assignments, with those that are there",
                    plan->manifest->source, groups_max, assignments_max);
        return false;
    }
    for (guint i = 0; i < plan->steps->len; i++) {
        const ApplyStep *step = plan->steps->pdata[i];
        const Group *group = step->is_group ? registry_group(registry, step->id) : NULL;

        before += group ? object_bytes_of_group(registry, group) : 0;
        after += step->group ? object_bytes_of_group(registry, step->group) : 0;
    }
    return object_bytes_check(registry, before, after, error);
}

static bool plan_all(ApplyPlan *plan, GError **error)
{
    const GPtrArray *items = plan->manifest->items;

    for (guint i = 0; i < items->len; i++) {
        const ManifestItem *declared = items->pdata[i];

        if (declared->group)
            g_hash_table_add(plan->groups, declared->group->name);
    }
    for (guint i = 0; i < items->len; i++) {
        ManifestItem *declared = items->pdata[i];

        if (!(declared->group ? plan_group(plan, declared, error) : plan_assignment(plan, declared, error)))
            return false;
    }
    if (plan->prune && (!prune_assignments(plan, error) || !prune_groups(plan, error)))
        return false;
    return check_room(plan, error);
}

ApplyPlan *manager_plan_apply(Manager *self, const ApplyRequest *request, GError **error)
{
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(ApplyPlan) plan = NULL;

    if (self->applying) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                            "another text is still being applied, try again");
        return NULL;
    }
    manifest = manifest_from_text(request->text, request->source, error);
    if (!manifest)
        return NULL;
    plan = g_new0(ApplyPlan, 1);
    plan->manager = self;
    plan->manifest = g_steal_pointer(&manifest);
    plan->prune = request->prune;
    plan->owner = request->owner;
    plan->steps = g_ptr_array_new_with_free_func(step_free);
    plan->differences = g_ptr_array_new_with_free_func(manifest_diff_free);
    plan->groups = g_hash_table_new(g_str_hash, g_str_equal);
    plan->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return plan_all(plan, error) ? g_steal_pointer(&plan) : NULL;
}
