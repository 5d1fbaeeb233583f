/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reset affects, and whether it may begin. daemon/allocation/attachment.h says where a device is. */

#include "daemon/reset/check.h"

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/verdict.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/model/damage.h"
#include "daemon/usb/socket.h"

/* ------------------------------------------------------------------ what machines have */

/* Its live XML may have changed since it was read. A stuck one is left alone: nobody else gets a device into
 * it either. */
static bool is_out_of_date(const Machine *machine)
{
    return !machine->stuck && (machine->stale || machine->busy);
}

static char *unseen_machine_text(const Machine *machine, bool up_to_date)
{
    g_autofree char *name = text_quote(machine->info->name);

    if (machine->read_error)
        return g_strdup_printf("VM %s cannot be read (%s); nothing can be reset until it can be: see to "
                               "it with \"virsh dumpxml\", or undefine it",
                               name, machine->read_error);
    if (!machine->inspected)
        return machine->stuck
                   ? g_strdup_printf("VM %s does not answer; nothing can be reset until it does", name)
                   : g_strdup_printf("VM %s is still being read; try again in a moment", name);
    return up_to_date && is_out_of_date(machine)
               ? g_strdup_printf("VM %s was not read again in time; try again", name)
               : NULL;
}

char *reset_unseen_text(Registry *registry, bool up_to_date)
{
    GHashTableIter iter;
    gpointer value;
    char *text;

    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED || !registry->machines_known)
        return verdict_hypervisor_text(registry, NULL);
    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if ((text = unseen_machine_text(value, up_to_date)))
            return text;
    return NULL;
}

/* ------------------------------------------------------------------ what is affected */

GPtrArray *resets_behind(Registry *registry, const Device *hub)
{
    g_autoptr(GPtrArray) all = registry_sorted(registry->devices);
    GPtrArray *behind = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++) {
        Device *device = all->pdata[i];

        if (device_is_behind(device->sysname, hub->sysname))
            g_ptr_array_add(behind, device);
    }
    return behind;
}

GPtrArray *reset_find_affected(Registry *registry, const Device *target, ResetMethod method)
{
    GPtrArray *affected = resets_behind(registry, target);
    g_autofree char *ports =
        method == RESET_METHOD_POWER_CYCLE ? socket_port_folders(target->syspath) : g_strdup("");
    g_auto(GStrv) folders = g_strsplit(ports, "\n", -1);

    for (char **folder = folders; *folder; folder++) {
        g_autofree char *child = socket_port_child(*folder);
        Device *device = registry_device(registry, child);

        if (!device || device == target)
            continue;
        g_ptr_array_add(affected, device);
        g_ptr_array_extend_and_steal(affected, resets_behind(registry, device));
    }
    return affected;
}

bool resets_is_open(Registry *registry, const char *sysname)
{
    const Reservation *reservation = reservations_find(registry->reservations, sysname);

    return (reservation && reservation->kind != RESERVATION_REATTACH) ||
           reservations_is_in_reset(registry->reservations, sysname);
}

/* What a damaged assignment has stays in its machine; once it is out, nothing says that it may come back. */
static bool check_way_back(Registry *registry, const Device *device, GError **error)
{
    g_autoptr(Attachments) attachments = attachments_new(registry);
    const Attachment *attachment = attachments_find(attachments, device);
    const Assignment *assignment =
        attachment ? registry_assignment(registry, attachment->hostdev->assignment_id) : NULL;
    g_autofree char *what = NULL, *name = NULL, *why = NULL;

    if (!assignment || !damage_freezes(registry, assignment))
        return true;
    what = device_describe(device);
    name = text_quote(attachment->machine->info->name);
    why = damage_text(registry, assignment);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s would not come back to VM %s: %s", what, name,
                why);
    return false;
}

static bool check_one(Registry *registry, const Device *device, GError **error)
{
    g_autofree char *what = device_describe(device);
    g_autofree char *unseen = reset_unseen_text(registry, false);

    if (resets_is_open(registry, device->sysname)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                    "%s is being reset already; try again when that is over", what);
        return false;
    }
    if (device->state == DEVICE_STATE_FOREIGN) {
        g_autoptr(Attachments) attachments = attachments_new(registry);
        const Machine *machine = attachments_machine_with_number(attachments, device);
        g_autofree char *owner = text_quote(machine ? machine->info->name : "?");

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                    "%s was attached to VM %s by another program; detach it there first", what, owner);
        return false;
    }
    if (unseen) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                    "%s may be in a VM, and must not be reset there: %s", what, unseen);
        return false;
    }
    return check_way_back(registry, device, error);
}

bool reset_may_begin(Registry *registry, const Device *target, ResetMethod method, GError **error)
{
    g_autoptr(GPtrArray) affected = NULL;

    if (!target->hub) {
        g_autofree char *what = device_describe(target);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_IS_HUB,
                    "%s is a root hub, which can't be reset; reset what is plugged into it", what);
        return false;
    }
    if (!check_one(registry, target, error))
        return false;
    affected = reset_find_affected(registry, target, method);
    for (guint i = 0; i < affected->len; i++)
        if (!check_one(registry, affected->pdata[i], error))
            return false;
    return true;
}
