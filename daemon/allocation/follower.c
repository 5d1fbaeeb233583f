/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts about what came into the place of a device. Called by status.c; reads the registry only. */

#include "daemon/allocation/follower.h"

#include <string.h>

#include "daemon/base/tuning.h"

char *follower_place_text(Registry *registry, const Assignment *assignment)
{
    const Following *following = followings_find(registry->followings, assignment->id);
    const char *socket = following ? following->socket : assignment->home_socket;
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);
    g_autofree char *within = NULL;

    for (guint i = 0; *socket && i < devices->len; i++) {
        const Device *device = devices->pdata[i];
        g_autofree char *what = NULL;
        bool refused;

        /* Many are asked of, and one is told. */
        if (strcmp(device->socket, socket) != 0)
            continue;
        what = device_describe(device);
        refused = following && following_is_next(following, device) && !following_leads_to(following, device);
        return g_strdup_printf(" In its socket is %s now%s.", what,
                               refused ? ", which does not follow it: it is another kind of device" : "");
    }
    if (!following)
        return g_strdup("");
    within = tuning_print(TUNING_FOLLOW, tuning_get(TUNING_FOLLOW));
    return g_strdup_printf(" What comes into its socket within %s follows it.", within);
}

const char *follower_of(Registry *registry, const Want *want)
{
    const Assignment *assignment = want->assignment;

    if (!assignment->follow || !followings_find(registry->followings, assignment->id) ||
        rule_matches(assignment->rule, want->device, registry->node))
        return NULL;
    return *assignment->device_text ? assignment->device_text : assignment->selector;
}
