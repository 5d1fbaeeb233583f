/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a following is over. Called by reconciler.c; touches the registry's followings only. */

#include "daemon/reconciler/follow.h"

#include "daemon/base/wake.h"

static bool may_follow(const Assignment *assignment)
{
    return assignment && assignment->follow && !assignment->group && assignment->wanted &&
           !assignment_is_ending(assignment) && !assignment->damage;
}

/* The device that is meant, or one that may be. */
static bool is_back(Registry *registry, const Assignment *assignment)
{
    GHashTableIter iter;
    gpointer device;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &device))
        if (rule_matches(assignment->rule, device, registry->node))
            return true;
    return false;
}

static bool has_next(Registry *registry, const Following *following)
{
    GHashTableIter iter;
    gpointer device;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &device))
        if (following_leads_to(following, device))
            return true;
    return false;
}

static void end_what_is_over(Registry *registry, gint64 now, gint64 *wake)
{
    g_autoptr(GPtrArray) all = followings_all(registry->followings);

    for (guint i = 0; i < all->len; i++) {
        const Following *following = all->pdata[i];
        const Assignment *assignment = registry_assignment(registry, following->assignment_id);

        if (!may_follow(assignment) || is_back(registry, assignment) ||
            (now > following->until && !has_next(registry, following)))
            followings_end(registry->followings, following->assignment_id);
        else if (now <= following->until)
            wake_at(wake, following->until + 1);
    }
}

/* One that is in the machine by its assignment, isn't what the assignment says, and is where that was: it had
 * followed before the service began. Its alias and its socket are all that is needed to know that. */
static void adopt(Registry *registry, const Hostdev *hostdev)
{
    const Assignment *assignment = registry_assignment(registry, hostdev->assignment_id);
    GHashTableIter iter;
    gpointer value;

    if (!may_follow(assignment) || followings_find(registry->followings, assignment->id) ||
        is_back(registry, assignment))
        return;
    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *device = value;

        if (device->instance == hostdev->instance && device->bus_number == hostdev->bus_number &&
            device->device_number == hostdev->device_number &&
            g_strcmp0(device->socket, assignment->home_socket) == 0)
            followings_adopt(registry->followings, assignment, device);
    }
}

void follow_turn(Registry *registry, gint64 now, gint64 *wake)
{
    GHashTableIter iter;
    gpointer value;

    end_what_is_over(registry, now, wake);
    /* Later everything that follows was seen to come. */
    if (!registry->settling)
        return;
    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MachineInfo *info = ((const Machine *)value)->info;

        for (guint i = 0; i < info->hostdevs->len; i++)
            adopt(registry, info->hostdevs->pdata[i]);
    }
}
