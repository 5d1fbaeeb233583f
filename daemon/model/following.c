/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of what may be followed, by assignment. Called by hotplug/, reconciler/ and allocation/; touches
 * nothing else. */

#include "daemon/model/following.h"

#include "daemon/base/tuning.h"

struct Followings {
    GHashTable *by_assignment; /* assignment id → Following, owned */
};

static void free_following(gpointer data)
{
    Following *following = data;

    g_free(following->assignment_id);
    g_free(following->socket);
    g_free(following->serial);
    g_free(following);
}

Followings *followings_new(void)
{
    Followings *self = g_new0(Followings, 1);

    self->by_assignment = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_following);
    return self;
}

Followings *followings_free(Followings *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->by_assignment);
    g_free(self);
    return NULL;
}

static Following *begin(Followings *self, const Assignment *assignment, const Device *device)
{
    Following *following = g_new0(Following, 1);

    following->assignment_id = g_strdup(assignment->id);
    following->socket = g_strdup(device->socket);
    following->vendor_id = device->vendor_id;
    following->product_id = device->product_id;
    following->serial = g_strdup(device->serial);
    following->inputs = device_inputs(device);
    g_hash_table_replace(self->by_assignment, following->assignment_id, following);
    return following;
}

void followings_note_left(Followings *self, const Assignment *assignment, const Device *device, gint64 now)
{
    Following *following = g_hash_table_lookup(self->by_assignment, assignment->id);

    /* What the device that is meant was like stays known over several that follow it. */
    if (!following || !following_leads_to(following, device))
        following = begin(self, assignment, device);
    following->left_at = now;
    following->until = now + tuning_get(TUNING_FOLLOW);
}

void followings_adopt(Followings *self, const Assignment *assignment, const Device *device)
{
    Following *following = begin(self, assignment, device);

    following->left_at = following->until = device->came_at;
}

void followings_end(Followings *self, const char *assignment_id)
{
    g_hash_table_remove(self->by_assignment, assignment_id);
}

const Following *followings_find(const Followings *self, const char *assignment_id)
{
    return g_hash_table_lookup(self->by_assignment, assignment_id);
}

GPtrArray *followings_all(const Followings *self)
{
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter iter;
    gpointer following;

    g_hash_table_iter_init(&iter, self->by_assignment);
    while (g_hash_table_iter_next(&iter, NULL, &following))
        g_ptr_array_add(all, following);
    return all;
}

/* Same ids and another serial: somebody has put another one in. */
static bool is_another_unit(const Following *following, const Device *device)
{
    return device->vendor_id == following->vendor_id && device->product_id == following->product_id &&
           *device->serial && *following->serial && g_strcmp0(device->serial, following->serial) != 0;
}

bool following_is_next(const Following *following, const Device *device)
{
    return g_strcmp0(device->socket, following->socket) == 0 && device->came_at >= following->left_at &&
           device->came_at <= following->until;
}

bool following_leads_to(const Following *following, const Device *device)
{
    unsigned inputs = device_inputs(device);

    /* What says only that it is HID can be a keyboard as well: where there was none, it is one too many. */
    if (following->inputs)
        inputs &= ~DEVICE_INPUT_OTHER;
    /* Nor is anything known yet of what shows no interface at all. */
    return !device->is_hub && device->n_interfaces > 0 && following_is_next(following, device) &&
           !(inputs & ~following->inputs) && !is_another_unit(following, device);
}
