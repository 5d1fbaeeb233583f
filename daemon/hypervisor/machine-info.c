/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at machines, their hostdevs and the aliases of those: made, freed, and written as text. Plain data
 * that any thread may touch as long as it owns it. */

#include "daemon/hypervisor/machine-info.h"

#include <string.h>

#include "daemon/base/id.h"
#include "daemon/base/text.h"
#include "daemon/base/usb-speed.h"

/* libvirt keeps an alias only when it begins with "ua-". */
#define ALIAS_PREFIX "ua-usbferry-"

static const char *const machine_states[_MACHINE_STATE_MAX] = {
    [MACHINE_STATE_SHUTOFF] = "shutoff",
    [MACHINE_STATE_RUNNING] = "running",
    [MACHINE_STATE_PAUSED] = "paused",
    [MACHINE_STATE_CRASHED] = "crashed",
};

ENUM_TABLE_DEFINE(MachineState, machine_state, machine_states, _MACHINE_STATE_INVALID);

/* Except for the first, libvirt's own words. */
static const char *const guest_resets[_GUEST_RESET_MAX] = {
    [GUEST_RESET_DEFAULT] = "default",
    [GUEST_RESET_OFF] = "off",
    [GUEST_RESET_UNINITIALIZED] = "uninitialized",
    [GUEST_RESET_ON] = "on",
};

ENUM_TABLE_DEFINE(GuestReset, guest_reset, guest_resets, _GUEST_RESET_INVALID);

Hostdev *hostdev_free(Hostdev *hostdev)
{
    if (!hostdev)
        return NULL;
    g_free(hostdev->alias);
    g_free(hostdev->assignment_id);
    g_free(hostdev);
    return NULL;
}

static void destroy_place(gpointer data)
{
    HostdevPlace *place = data;

    g_free(place->alias);
    g_free(place);
}

GPtrArray *hostdev_places_new(void)
{
    return g_ptr_array_new_with_free_func(destroy_place);
}

void hostdev_places_add(GPtrArray *places, const char *alias, unsigned bus_number, unsigned device_number)
{
    HostdevPlace *place = g_new(HostdevPlace, 1);

    *place =
        (HostdevPlace){ .alias = g_strdup(alias), .bus_number = bus_number, .device_number = device_number };
    g_ptr_array_add(places, place);
}

const HostdevPlace *hostdev_places_find(const GPtrArray *places, const char *alias)
{
    for (guint i = 0; i < places->len; i++)
        if (strcmp(((const HostdevPlace *)places->pdata[i])->alias, alias) == 0)
            return places->pdata[i];
    return NULL;
}

bool hostdev_places_fit(const GPtrArray *places, const Hostdev *hostdev)
{
    const HostdevPlace *place = hostdev_places_find(places, hostdev->alias);

    return hostdev->optional && hostdev->bus_number == (place ? place->bus_number : HOSTDEV_NOWHERE) &&
           hostdev->device_number == (place ? place->device_number : HOSTDEV_NOWHERE);
}

char *hostdev_alias_format(const char *assignment_id, uint64_t instance, unsigned domain_id)
{
    g_autofree char *tail = domain_id ? g_strdup_printf("-%u", domain_id) : NULL;

    return g_strdup_printf(ALIAS_PREFIX "%s-%" G_GUINT64_FORMAT "%s", assignment_id, instance,
                           tail ? tail : "");
}

bool hostdev_alias_parse(const char *alias, char **ret_assignment_id, uint64_t *ret_instance,
                         unsigned *ret_domain_id)
{
    const size_t instance_at = strlen(ALIAS_PREFIX) + ID_LENGTH;
    g_autofree char *id = NULL;
    g_autofree char *again = NULL;
    g_auto(GStrv) numbers = NULL;
    guint64 instance, domain_id = 0;

    if (!alias || !g_str_has_prefix(alias, ALIAS_PREFIX) || strlen(alias) <= instance_at)
        return false;
    id = g_strndup(alias + strlen(ALIAS_PREFIX), ID_LENGTH);
    if (!id_is_valid(id) || alias[instance_at] != '-')
        return false;
    numbers = g_strsplit(alias + instance_at + 1, "-", -1);
    if (!numbers[0] || !g_ascii_string_to_unsigned(numbers[0], 10, 1, G_MAXUINT64, &instance, NULL) ||
        (numbers[1] && !g_ascii_string_to_unsigned(numbers[1], 10, 1, G_MAXUINT, &domain_id, NULL)))
        return false;
    /* One spelling only, so that an alias can be compared as text: no leading zeros, no third number. */
    again = hostdev_alias_format(id, instance, (unsigned)domain_id);
    if (strcmp(again, alias) != 0)
        return false;

    *ret_assignment_id = g_steal_pointer(&id);
    *ret_instance = instance;
    *ret_domain_id = (unsigned)domain_id;
    return true;
}

static void destroy_hostdev(gpointer hostdev)
{
    hostdev_free(hostdev);
}

MachineInfo *machine_info_new(const char *uuid)
{
    MachineInfo *info = g_new0(MachineInfo, 1);

    info->uuid = g_strdup(uuid);
    info->name = g_strdup("");
    info->title = g_strdup("");
    info->usb_speeds = USB_SPEEDS_ALL;
    info->hostdevs = g_ptr_array_new_with_free_func(destroy_hostdev);
    info->usb_controller = g_strdup("");
    info->pending_controller = g_strdup("");
    info->controllers = g_strdup("");
    info->buses = g_array_new(FALSE, FALSE, sizeof(UsbBus));
    info->pci = g_ptr_array_new_with_free_func(g_free);
    info->saved = g_ptr_array_new_with_free_func(destroy_hostdev);
    return info;
}

MachineInfo *machine_info_copy_brief(const MachineInfo *info)
{
    MachineInfo *copy = machine_info_new(info->uuid);

    g_free(copy->name);
    copy->name = g_strdup(info->name);
    copy->state = info->state;
    copy->domain_id = info->domain_id;
    return copy;
}

char *machine_info_no_controller_text(const MachineInfo *info)
{
    g_autofree char *quoted = text_quote(info->name);

    return g_strdup_printf("VM %s has no USB controller; give it one (usbferry vm controller %s qemu-xhci), "
                           "shut it down and start it",
                           quoted, quoted);
}

UsbBus *usb_buses_first_free(const GArray *buses, unsigned speeds)
{
    for (guint i = 0; i < buses->len; i++) {
        UsbBus *bus = &g_array_index(buses, UsbBus, i);

        if (bus->free > 0 && (!speeds || bus->speeds & speeds))
            return bus;
    }
    return NULL;
}

UsbBus *usb_buses_choose(const GArray *buses, unsigned mbits, unsigned speeds)
{
    unsigned own = usb_speed_from_mbits(mbits);
    UsbBus *bus = own ? usb_buses_first_free(buses, own) : NULL;

    return bus ? bus : usb_buses_first_free(buses, speeds);
}

/* The ports that are free are too slow. */
static bool lacks_fast_port(const MachineInfo *info, unsigned speeds)
{
    return speeds && info->buses->len > 0 && info->free_ports > 0 &&
           !usb_buses_first_free(info->buses, speeds);
}

char *machine_info_no_port_text(const MachineInfo *info, unsigned speeds)
{
    g_autofree char *quoted = text_quote(info->name);

    if (lacks_fast_port(info, speeds))
        return g_strdup_printf(
            "VM %s has free USB ports, and none of them on a controller with %s; take a device "
            "home from that one, or give it one controller for all (usbferry vm controller %s "
            "qemu-xhci), shut it down and start it",
            quoted, usb_speed_text(speeds), quoted);
    return g_strdup_printf(
        "VM %s has no free USB port; take a device home from it, or give it a USB controller with "
        "more (usbferry vm controller %s qemu-xhci), shut it down and start it",
        quoted, quoted);
}

MachineInfo *machine_info_free(MachineInfo *info)
{
    if (!info)
        return NULL;
    g_array_unref(info->buses);
    g_free(info->uuid);
    g_free(info->name);
    g_free(info->title);
    g_ptr_array_unref(info->hostdevs);
    g_free(info->usb_controller);
    g_free(info->pending_controller);
    g_free(info->controllers);
    g_ptr_array_unref(info->pci);
    g_ptr_array_unref(info->saved);
    g_free(info);
    return NULL;
}
