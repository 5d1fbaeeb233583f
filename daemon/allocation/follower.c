/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts about what came into the place of a device. Called by status.c; reads the registry only. */

#include "daemon/allocation/follower.h"

char *follower_place_text(Registry *registry, const Assignment *assignment)
{
    const Following *following = followings_find(registry->followings, assignment->id);
    const char *socket = following ? following->socket : assignment->home_socket;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (*socket && g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *device = value;
        g_autofree char *what = device_describe(device);
        bool refused =
            following && following_is_next(following, device) && !following_leads_to(following, device);

        if (g_strcmp0(device->socket, socket) == 0)
            return g_strdup_printf(" In its socket is %s now%s.", what,
                                   refused ? ", which does not follow it: it is another kind of device" : "");
    }
    return g_strdup(following ? " What comes into its socket within half a minute follows it." : "");
}

const char *follower_of(Registry *registry, const Want *want)
{
    const Assignment *assignment = want->assignment;

    if (!assignment->follow || !followings_find(registry->followings, assignment->id) ||
        rule_matches(assignment->rule, want->device, registry->node))
        return NULL;
    return *assignment->device_text ? assignment->device_text : assignment->selector;
}
