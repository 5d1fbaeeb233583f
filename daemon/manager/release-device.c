/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One device of a pool goes home alone: the assignment says one less, or draws another one. The deal
 * leaves the device out once that is durable; nothing is ordered here. Called by dbus/objects. */

#include "daemon/manager/release-device.h"

#include "daemon/allocation/allocation.h"
#include "daemon/base/error.h"
#include "daemon/manager/assignments.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/stored-assignments.h"
#include "daemon/model/damage.h"
#include "daemon/model/find.h"

static bool is_the_last(const Assignment *assignment, bool swap)
{
    return !swap &&
           (!assignment->group || (assignment->quantity_kind == QUANTITY_COUNT && assignment->quantity == 1));
}

/* ------------------------------------------------------------------ may it be */

static const Device *find_its_device(Manager *self, const Assignment *assignment, const char *sysname,
                                     GError **error)
{
    const Device *device = find_plugged_device(self->registry, sysname, error);
    g_autofree char *what = device ? device_describe(device) : NULL;

    if (!device || assignment_claim(assignment, sysname, device->instance))
        return device;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE,
                "%s is not one of the devices that assignment %s has or is to get", what, assignment->id);
    return NULL;
}

/* All of a group, or a set, has no number that could shrink. */
static bool check_quantity(const Assignment *assignment, bool swap, GError **error)
{
    g_autofree char *quantity = assignment_quantity_to_string(assignment);

    if (!assignment->group && swap) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "Swap: it is for groups, a device is one by itself");
        return false;
    }
    if (!assignment->group || assignment->quantity_kind == QUANTITY_COUNT)
        return true;
    g_set_error(
        error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
        "Quantity: assignment %s takes %s of group %s, so none of them goes alone; detach or release it, or "
        "change the group's rules",
        assignment->id, assignment->quantity_kind == QUANTITY_ALL ? quantity : "one for each rule",
        assignment->group);
    return false;
}

/* One that it would draw if it had one less. */
static bool check_another_is_free(Manager *self, const Assignment *assignment, GError **error)
{
    g_autoptr(Allocation) allocation = allocation_new(self->registry, g_get_monotonic_time());
    const GPtrArray *matches = candidates_of(allocation->candidates, assignment);

    for (guint i = 0; i < matches->len; i++)
        if (!allocation_want(allocation, matches->pdata[i]) &&
            allocation_judge(allocation, assignment, matches->pdata[i]) == VERDICT_ENOUGH)
            return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                "no other device of group %s is free to take its place; give it back without Swap",
                assignment->group);
    return false;
}

bool manager_check_release_device(Manager *self, const DeviceRelease *release, GError **error)
{
    const Assignment *assignment = find_releasable_assignment(self->registry, release->assignment, error);
    const Device *device = assignment ? find_its_device(self, assignment, release->device, error) : NULL;

    if (!device || !check_quantity(assignment, release->swap, error))
        return false;
    if (is_the_last(assignment, release->swap) || assignment_given_back(assignment, device->instance) >= 0)
        return true;
    return damage_check_assignment(assignment, error) &&
           (!release->swap || check_another_is_free(self, assignment, error));
}

/* ------------------------------------------------------------------ it goes */

/* Of what was given back before, what isn't plugged in any more says nothing. */
static void drop_the_gone(Manager *self, GArray *instances)
{
    for (guint i = instances->len; i > 0; i--) {
        uint64_t instance = g_array_index(instances, uint64_t, i - 1);
        GHashTableIter iter;
        gpointer device;
        bool there = false;

        g_hash_table_iter_init(&iter, self->registry->devices);
        while (!there && g_hash_table_iter_next(&iter, NULL, &device))
            there = device_is_instance(device, instance);
        if (!there)
            g_array_remove_index(instances, i - 1);
    }
}

void manager_release_device(Manager *self, const DeviceRelease *release, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    const Assignment *assignment;
    const Device *device;
    Assignment *next;

    if (!manager_check_release_device(self, release, &error)) {
        done(NULL, error, userdata);
        return;
    }
    assignment = registry_assignment(self->registry, release->assignment);
    device = registry_device(self->registry, release->device);
    if (assignment_given_back(assignment, device->instance) >= 0) {
        done(assignment->id, NULL, userdata); /* it is on its way home */
        return;
    }
    if (is_the_last(assignment, release->swap)) {
        manager_release(self, assignment->id, done, userdata);
        return;
    }
    next = assignment_copy(assignment);
    drop_the_gone(self, next->given_back);
    g_array_append_val(next->given_back, device->instance);
    if (!release->swap)
        next->quantity--;
    stored_assignments_save(self, next, done, userdata);
}
