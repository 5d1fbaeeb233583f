/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machines of the scripted hypervisor. */

#include "tests/bus/scripted-domain.h"

#include <string.h>

#include "daemon/base/usb-speed.h"
#include "tests/bus/scripted-kernel.h"

void scripted_domain_free(gpointer data)
{
    Domain *domain = data;

    machine_info_free(domain->info);
    g_hash_table_unref(domain->removals);
    scripted_saved_clear(&domain->saved);
    g_free(domain->failure_text);
    g_free(domain->stored_controller);
    faults_clear(&domain->faults);
    g_free(domain);
}

bool scripted_is_active(const MachineInfo *info)
{
    return info->state == MACHINE_STATE_RUNNING || info->state == MACHINE_STATE_PAUSED;
}

void scripted_take_controller(Domain *domain)
{
    static const struct {
        const char *asked, *model;
        unsigned ports, speeds;
    } models[] = {
        { "qemu-xhci", "qemu-xhci", 15, USB_SPEEDS_ALL },
        { "usb-ehci", "ich9-ehci1", 6, USB_SPEED_LOW | USB_SPEED_FULL | USB_SPEED_HIGH },
        { "piix3-uhci", "piix3-uhci", 2, USB_SPEED_LOW | USB_SPEED_FULL },
    };

    for (gsize i = 0; domain->stored_controller && i < G_N_ELEMENTS(models); i++) {
        if (strcmp(models[i].asked, domain->stored_controller) != 0)
            continue;
        g_free(domain->info->usb_controller);
        domain->info->usb_controller = g_strdup(models[i].model);
        domain->info->free_ports = models[i].ports;
        domain->info->usb_speeds = models[i].speeds;
    }
    g_clear_pointer(&domain->stored_controller, g_free);
}

typedef struct Touch {
    Script *script;
    char *uuid;
} Touch;

static gboolean tell_touched(gpointer data)
{
    Touch *event = data;
    Hypervisor *hypervisor = &event->script->base;

    if (hypervisor->events)
        hypervisor->events->machine_touched(hypervisor, event->uuid, hypervisor->events_userdata);
    g_free(event->uuid);
    g_free(event);
    return G_SOURCE_REMOVE;
}

void scripted_touch(Script *script, const char *uuid)
{
    Touch *event;

    if (script->quiet)
        return;
    event = g_new(Touch, 1);
    *event = (Touch){ .script = script, .uuid = g_strdup(uuid) };
    g_idle_add(tell_touched, event);
}

/* Devices of other programs aren't QEMU's in the kernel's eyes: nobody attached them here. */
void scripted_release(const Hostdev *hostdev, bool gently)
{
    if (hostdev->assignment_id)
        scripted_kernel_release(hostdev->bus_number, hostdev->device_number, gently);
}

void scripted_remove_alias(Domain *domain, const char *alias)
{
    for (guint i = 0; i < domain->info->hostdevs->len; i++)
        if (g_strcmp0(((Hostdev *)domain->info->hostdevs->pdata[i])->alias, alias) == 0) {
            scripted_release(domain->info->hostdevs->pdata[i], true);
            g_ptr_array_remove_index(domain->info->hostdevs, i);
            return;
        }
}

char *scripted_show(const Domain *domain)
{
    GString *text = g_string_new("ok ");

    g_string_append_printf(text, "%s %s %u", domain->info->name, machine_state_to_string(domain->info->state),
                           domain->info->domain_id);
    for (guint i = 0; i < domain->info->hostdevs->len; i++) {
        const Hostdev *hostdev = domain->info->hostdevs->pdata[i];

        g_string_append_printf(text, " %s=%u:%u:%04x:%04x:%s", hostdev->alias, hostdev->bus_number,
                               hostdev->device_number, hostdev->vendor_id, hostdev->product_id,
                               guest_reset_to_string(hostdev->guest_reset));
    }
    return g_string_free(text, FALSE);
}

void scripted_log_state(const Domain *domain)
{
    g_autofree char *text = scripted_show(domain);

    script_log("state %s %s", domain->info->uuid, text + strlen("ok "));
}
