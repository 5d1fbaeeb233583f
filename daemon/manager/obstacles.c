/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A refusal becomes an obstacle, and so does the state of an assignment that is only made for the question.
 * Called by dbus/objects for CheckAssign and CheckRelease; reads the registry only. */

#include "daemon/manager/obstacles.h"

#include "daemon/allocation/judge.h"
#include "daemon/allocation/status.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/manager/assignments.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/new-assignment.h"

static void obstacle_free(gpointer data)
{
    Obstacle *obstacle = data;

    g_free(obstacle->subject);
    g_free(obstacle->text);
    g_free(obstacle);
}

static GPtrArray *obstacles_new(void)
{
    return g_ptr_array_new_with_free_func(obstacle_free);
}

/* Takes the text. */
static void add(GPtrArray *obstacles, ObjectType type, const char *subject, const char *code, char *text,
                const char *error)
{
    Obstacle *obstacle = g_new(Obstacle, 1);

    *obstacle = (Obstacle){ type, g_strdup(subject), code, text, error };
    g_ptr_array_add(obstacles, obstacle);
}

/* ------------------------------------------------------------------ refusals */

/* What is in the way, in a word. Of what has no row here, whoever asks has to ask in another way. */
static const struct {
    FerryError error;
    ReasonCode code;
} refusals[] = {
    { FERRY_ERROR_DEVICE_IS_HUB, REASON_HUB },
    { FERRY_ERROR_NOT_OWNED, REASON_NOT_OWNED },
    { FERRY_ERROR_DEVICE_BUSY, REASON_TAKEN },
    { FERRY_ERROR_DEVICE_IN_USE, REASON_GUARDED },
    { FERRY_ERROR_CONTROLLER_PASSED_THROUGH, REASON_CONTROLLER_TAKEN },
    { FERRY_ERROR_ALREADY_EXISTS, REASON_ALREADY_ASSIGNED },
    { FERRY_ERROR_LIMIT_EXCEEDED, REASON_LIMIT },
    { FERRY_ERROR_STORAGE, REASON_DAMAGED },
};

/* NULL: it has no row. */
static const char *code_of(const GError *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++)
        if (g_error_matches(error, FERRY_ERROR, (int)refusals[i].error))
            return reason_code_to_string(refusals[i].code);
    return NULL;
}

static void add_refusal(GPtrArray *obstacles, ObjectType type, const char *subject, const char *code,
                        const GError *error)
{
    add(obstacles, type, subject, code ? code : code_of(error), g_strconcat(error->message, ".", NULL),
        ferry_error_to_name((FerryError)error->code));
}

/* ------------------------------------------------------------------ of Assign */

static ObjectType type_of(const AssignRequest *request)
{
    return request->group ? OBJECT_GROUP : OBJECT_DEVICE;
}

static const char *subject_of(const AssignRequest *request)
{
    return request->group ? request->group : request->device;
}

/* Of what refuses the device whatever assignment it is for; NULL = nothing. */
static const char *guard_code(const Allocation *allocation, const AssignRequest *request)
{
    const Device *device = request->group ? NULL : registry_device(allocation->registry, request->device);
    Verdict verdict =
        device ? judge_device(allocation->registry, allocation->attachments, device) : VERDICT_GO;

    return verdict == VERDICT_GO || device->is_hub ? NULL : verdict_code(verdict);
}

/* False when it makes no sense. Those that nothing refuses come into passed. */
static bool check_each(Manager *self, const AssignRequest *requests, gsize n, GPtrArray *obstacles,
                       GPtrArray *passed, GError **error)
{
    g_autoptr(Allocation) allocation = allocation_new(self->registry, g_get_monotonic_time());

    for (gsize i = 0; i < n; i++) {
        g_autoptr(GError) refusal = NULL;

        if (assign_check_one(self, &requests[i], (guint)i, allocation, &refusal)) {
            g_ptr_array_add(passed, (gpointer)&requests[i]);
        } else if (!code_of(refusal)) {
            g_propagate_error(error, g_steal_pointer(&refusal));
            return false;
        } else {
            add_refusal(obstacles, type_of(&requests[i]), subject_of(&requests[i]),
                        refusal->code == FERRY_ERROR_DEVICE_BUSY ||
                                refusal->code == FERRY_ERROR_CONTROLLER_PASSED_THROUGH ||
                                refusal->code == FERRY_ERROR_NOT_OWNED
                            ? guard_code(allocation, &requests[i])
                            : NULL,
                        refusal);
        }
    }
    return true;
}

/* Fewer than it is to have, and those that there are would come. */
static void look_for_more(GPtrArray *obstacles, const Allocation *allocation, const Assignment *assignment,
                          const AssignRequest *request)
{
    guint n = allocation_wants_of(allocation, assignment)->len;

    if (assignment->quantity_kind == QUANTITY_COUNT && n < assignment->quantity)
        add(obstacles, type_of(request), subject_of(request), reason_code_to_string(REASON_NONE_FREE),
            g_strdup_printf("Only %u of %u devices of group %s are free.", n, assignment->quantity,
                            assignment->group),
            "");
}

/* Takes the assignments; those of passed, in their order. */
static void look_ahead(Manager *self, GPtrArray *assignments, const GPtrArray *passed, GPtrArray *obstacles)
{
    Registry view = *self->registry;
    GHashTableIter iter;
    gpointer value;

    registry_begin_view(&view);
    view.assignments = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_hash_table_insert(view.assignments, ((Assignment *)value)->id, value);
    for (guint i = 0; i < assignments->len; i++)
        g_hash_table_insert(view.assignments, ((Assignment *)assignments->pdata[i])->id,
                            assignments->pdata[i]);
    {
        g_autoptr(Allocation) allocation = allocation_new(&view, g_get_monotonic_time());

        for (guint i = 0; i < assignments->len; i++) {
            const Assignment *assignment = assignments->pdata[i];
            const AssignRequest *request = passed->pdata[i];
            Status status = status_of(&view, allocation, assignment);

            if (status.state != ASSIGNMENT_STATE_ATTACHING && status.state != ASSIGNMENT_STATE_ATTACHED) {
                add(obstacles, type_of(request), subject_of(request), status.code, status.reason, "");
                continue;
            }
            g_free(status.reason);
            look_for_more(obstacles, allocation, assignment, request);
        }
    }
    registry_end_view(&view);
    g_hash_table_unref(view.assignments);
}

static void free_assignment(gpointer assignment)
{
    assignment_free(assignment);
}

GPtrArray *manager_assign_obstacles(Manager *self, const AssignRequest *requests, gsize n, GError **error)
{
    g_autoptr(GPtrArray) obstacles = obstacles_new(), passed = g_ptr_array_new();
    g_autoptr(GPtrArray) assignments = g_ptr_array_new_with_free_func(free_assignment);

    if (!assign_check_together(requests, n, error) ||
        !check_each(self, requests, n, obstacles, passed, error))
        return NULL;
    for (guint i = 0; i < passed->len; i++) {
        Assignment *assignment = new_assignment_make(self, passed->pdata[i]);

        /* Neither id is ever seen; of one age, the order is that of the ids. */
        g_free(assignment->id);
        assignment->id = g_strdup_printf("asked %03u", i);
        assignment->stored = true;
        g_ptr_array_add(assignments, assignment);
    }
    look_ahead(self, assignments, passed, obstacles);
    return g_steal_pointer(&obstacles);
}

/* ------------------------------------------------------------------ of Release */

/* The order is taken, and it is carried out later. */
static void look_for_the_machine(Manager *self, const Assignment *assignment, GPtrArray *obstacles)
{
    g_autoptr(Allocation) allocation = allocation_new(self->registry, g_get_monotonic_time());
    const Machine *machine = attachments_machine_of(allocation->attachments, assignment);
    g_autofree char *name = machine ? text_quote(machine->info->name) : NULL;

    if (!machine)
        return;
    if (self->registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED || !machine->inspected)
        add(obstacles, OBJECT_MACHINE, machine->info->uuid, reason_code_to_string(REASON_HYPERVISOR_AWAY),
            g_strdup_printf("The device comes home from VM %s when the hypervisor is back.", name), "");
    else if (machine->stuck)
        add(obstacles, OBJECT_MACHINE, machine->info->uuid, reason_code_to_string(REASON_MACHINE_STUCK),
            g_strdup_printf("VM %s does not answer; the device comes home when it does.", name), "");
}

GPtrArray *manager_release_obstacles(Manager *self, const DeviceRelease *release, GError **error)
{
    g_autoptr(GPtrArray) obstacles = obstacles_new();
    g_autoptr(GError) refusal = NULL;

    if (release->device ? manager_check_release_device(self, release, &refusal)
                        : manager_check_release(self, release->assignment, &refusal)) {
        look_for_the_machine(self, registry_assignment(self->registry, release->assignment), obstacles);
        return g_steal_pointer(&obstacles);
    }
    if (!code_of(refusal)) {
        g_propagate_error(error, g_steal_pointer(&refusal));
        return NULL;
    }
    add_refusal(obstacles, OBJECT_ASSIGNMENT, release->assignment,
                refusal->code == FERRY_ERROR_DEVICE_BUSY ? reason_code_to_string(REASON_NONE_FREE) : NULL,
                refusal);
    return g_steal_pointer(&obstacles);
}
