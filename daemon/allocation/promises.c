/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of devices that people type or point with, and are away. Called by deal.c and allocation.c; reads
 * the registry only. */

#include "daemon/allocation/promises.h"

#include "daemon/allocation/judge.h"
#include "daemon/guards/host-use.h"

struct Promises {
    Registry *registry;
    const Attachments *attachments;
    GPtrArray *gone;  /* syspaths, borrowed */
    GHashTable *uses; /* Device → why it was kept, owned */
};

void promises_add(Promises *self, const Device *device)
{
    if (self->registry->host && host_use_has_input(self->registry->host, device->syspath))
        g_ptr_array_add(self->gone, device->syspath);
}

Promises *promises_new(Registry *registry, const Attachments *attachments)
{
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);
    Promises *self = g_new0(Promises, 1);

    self->registry = registry;
    self->attachments = attachments;
    self->gone = g_ptr_array_new();
    self->uses = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    for (guint i = 0; i < devices->len; i++) {
        Device *device = devices->pdata[i];

        if (attachments_find(attachments, device) ||
            reservations_find(registry->reservations, device->sysname))
            promises_add(self, device);
    }
    return self;
}

Promises *promises_free(Promises *self)
{
    if (!self)
        return NULL;
    g_ptr_array_unref(self->gone);
    g_hash_table_unref(self->uses);
    g_free(self);
    return NULL;
}

guint promises_mark(const Promises *self)
{
    return self->gone->len;
}

void promises_take_back(Promises *self, guint mark)
{
    g_ptr_array_set_size(self->gone, (int)mark);
}

Verdict promises_judge(Promises *self, const Assignment *assignment, const Device *device)
{
    char *use;

    if (judge_guard(self->registry, self->attachments, assignment, device) != VERDICT_GO)
        return VERDICT_GUARDED;
    /* Where nothing is away HostUse has said it all. */
    if (self->gone->len == 0 || (assignment && assignment->forced) ||
        attachments_find(self->attachments, device) ||
        reservations_find(self->registry->reservations, device->sysname))
        return VERDICT_GO;
    use = host_use_last(self->registry->host, device->syspath, self->gone);
    if (!use)
        return VERDICT_GO;
    g_hash_table_replace(self->uses, (gpointer)device, use);
    return VERDICT_GUARDED;
}

const char *promises_use(const Promises *self, const Device *device)
{
    return g_hash_table_lookup(self->uses, device);
}
