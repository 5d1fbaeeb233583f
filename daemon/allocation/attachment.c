/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From hostdevs to devices, by the numbers that both have, and by the instance that only one enumeration of
 * a device has. Called by allocation.c for the whole, and by reset/ for a single look; reads the registry
 * only. */

#include "daemon/allocation/attachment.h"

struct Attachments {
    GPtrArray *all;            /* of Attachment, owned */
    GHashTable *devices;       /* number → Device, borrowed */
    GHashTable *by_device;     /* Device → Attachment, borrowed */
    GHashTable *by_number;     /* number → GPtrArray of Attachment, borrowed */
    GHashTable *by_assignment; /* assignment id → Attachment, borrowed: one of them */
    bool complete;             /* every machine has been looked at */
    bool controllers;          /* some machine's are among its host's */
};

static gpointer number_key(unsigned bus_number, unsigned device_number)
{
    enum { DEVICE_NUMBER_BITS = 16 }; /* what an XML may say; a device has 1…127 */

    return GUINT_TO_POINTER((bus_number << DEVICE_NUMBER_BITS) | device_number);
}

static bool is_same_enumeration(const Hostdev *hostdev, const Device *device)
{
    if (hostdev->assignment_id)
        return device_is_instance(device, hostdev->instance);
    /* A foreign one names its ids only when its author wanted to. */
    return (!hostdev->vendor_id || hostdev->vendor_id == device->vendor_id) &&
           (!hostdev->product_id || hostdev->product_id == device->product_id);
}

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

void attachments_add(Attachments *self, Machine *machine, const Hostdev *hostdev)
{
    gpointer number = number_key(hostdev->bus_number, hostdev->device_number);
    Device *device = g_hash_table_lookup(self->devices, number);
    GPtrArray *with_number = g_hash_table_lookup(self->by_number, number);
    Attachment *attachment = g_new(Attachment, 1);

    *attachment = (Attachment){ .machine = machine, .hostdev = hostdev };
    g_ptr_array_add(self->all, attachment);
    if (!with_number) {
        with_number = g_ptr_array_new();
        g_hash_table_insert(self->by_number, number, with_number);
    }
    g_ptr_array_add(with_number, attachment);
    if (hostdev->assignment_id && !g_hash_table_contains(self->by_assignment, hostdev->assignment_id))
        g_hash_table_insert(self->by_assignment, hostdev->assignment_id, attachment);
    if (device && is_same_enumeration(hostdev, device))
        g_hash_table_replace(self->by_device, device, attachment);
}

Attachments *attachments_new(Registry *registry)
{
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);
    Attachments *self = g_new0(Attachments, 1);
    GHashTableIter iter;
    gpointer value;

    self->all = g_ptr_array_new_with_free_func(g_free);
    self->devices = g_hash_table_new(NULL, NULL);
    self->by_device = g_hash_table_new(NULL, NULL);
    self->by_number = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    self->by_assignment = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < devices->len; i++) {
        Device *device = devices->pdata[i];

        g_hash_table_insert(self->devices, number_key(device->bus_number, device->device_number), device);
    }
    self->complete = registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED && registry->machines_known;
    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Machine *machine = value;

        self->complete &= machine->inspected;
        self->controllers |= machine->info->pci->len > 0;
        /* First what is on its way in, so that what the live XML shows replaces it. */
        if (machine->in_flight)
            attachments_add(self, machine, machine->in_flight);
        for (guint i = 0; i < machine->info->hostdevs->len; i++)
            attachments_add(self, machine, machine->info->hostdevs->pdata[i]);
    }
    return self;
}

Attachments *attachments_free(Attachments *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->by_assignment);
    g_hash_table_unref(self->by_number);
    g_hash_table_unref(self->by_device);
    g_hash_table_unref(self->devices);
    g_ptr_array_unref(self->all);
    g_free(self);
    return NULL;
}

const Attachment *attachments_find(const Attachments *self, const Device *device)
{
    return g_hash_table_lookup(self->by_device, device);
}

const Machine *attachments_machine_of(const Attachments *self, const Assignment *assignment)
{
    const Attachment *attachment = g_hash_table_lookup(self->by_assignment, assignment->id);

    return attachment ? attachment->machine : NULL;
}

bool attachments_are_complete(const Attachments *self)
{
    return self->complete;
}

bool attachments_have_controllers(const Attachments *self)
{
    return self->controllers;
}

static const GPtrArray *with_number_of(const Attachments *self, const Device *device)
{
    return g_hash_table_lookup(self->by_number, number_key(device->bus_number, device->device_number));
}

const Machine *attachments_machine_with_number(const Attachments *self, const Device *device)
{
    const GPtrArray *with_number = with_number_of(self, device);

    return with_number ? ((const Attachment *)with_number->pdata[0])->machine : NULL;
}

const Machine *attachments_number_is_foreign(const Attachments *self, const Device *device)
{
    const GPtrArray *with_number = with_number_of(self, device);

    for (guint i = 0; with_number && i < with_number->len; i++) {
        const Attachment *attachment = with_number->pdata[i];

        if (attachment_is_foreign(attachment) && machine_is_active(attachment->machine))
            return attachment->machine;
    }
    return NULL;
}

bool attachments_number_is_taken(const Attachments *self, const Device *device)
{
    const GPtrArray *with_number = with_number_of(self, device);

    for (guint i = 0; with_number && i < with_number->len; i++) {
        const Attachment *attachment = with_number->pdata[i];

        if (!attachment_is_foreign(attachment) &&
            (attachment_is_in_flight(attachment) || !attachment->machine->stuck))
            return true;
    }
    return false;
}

bool attachment_is_of(const Attachment *attachment, const Assignment *assignment)
{
    return attachment && g_strcmp0(attachment->hostdev->assignment_id, assignment->id) == 0;
}

bool attachment_is_foreign(const Attachment *attachment)
{
    return attachment && !attachment->hostdev->assignment_id;
}

bool attachment_is_in_flight(const Attachment *attachment)
{
    return attachment && attachment->hostdev == attachment->machine->in_flight;
}

bool attachment_is_dead(const Attachment *attachment)
{
    return attachment && g_hash_table_contains(attachment->machine->dead_aliases, attachment->hostdev->alias);
}

bool attachment_is_settled(const Attachment *attachment)
{
    return attachment && !attachment_is_in_flight(attachment) && !attachment_is_dead(attachment) &&
           !g_hash_table_contains(attachment->machine->removals, attachment->hostdev->alias);
}
