/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one device that is meant, or none. Reads the registry only. */

#include "daemon/allocation/pinned.h"

#include "daemon/allocation/priority.h"

/* The order in which facts decide:
 *
 * 1. What its machine has it keeps, whatever appears beside it or where it was before.
 * 2. Else it is the one in the socket where the assigned one was last: home. Whether what is there now is
 *    still the same thing, nobody can tell.
 * 3. Else, with none at home, the only one that matches is the assigned one in another socket, as long as
 *    nothing speaks against it: two were never seen at the same time since the assignment was made.
 * 4. Else none. Once two were seen, one that comes alone may be either of them, for ever: what is known of
 *    that outlasts restarts (Assignment.twins). A person can still say which one, by giving it: then it is
 *    known by its socket. */
Device *pinned_device(Registry *registry, const Attachments *attachments, const Candidates *candidates,
                      const Assignment *assignment)
{
    const GPtrArray *matches = candidates_of(candidates, assignment);
    Device *home = NULL;

    if (assignment->group)
        return NULL;
    for (guint i = 0; i < matches->len; i++) {
        Device *device = matches->pdata[i];

        if (priority_has_it(registry, attachments, assignment, device))
            return device;
        if (g_strcmp0(device->socket, assignment->home_socket) == 0)
            home = device;
    }
    if (home)
        return home;
    return matches->len == 1 && !assignment->twins ? matches->pdata[0] : NULL;
}

/* One that the tenants keep from it is as good a twin as any. */
bool pinned_has_twins(const Candidates *candidates, const Assignment *assignment)
{
    guint withheld = candidates_withheld(candidates, assignment) ? 1 : 0;

    return !assignment->group && candidates_of(candidates, assignment)->len + withheld > 1;
}
