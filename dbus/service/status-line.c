/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts devices and tells systemd. */

#include "dbus/service/status-line.h"

#include <systemd/sd-daemon.h>

struct StatusLine {
    const Registry *registry;
    char *told;
    guint source;
};

StatusLine *status_line_new(const Registry *registry)
{
    StatusLine *self = g_new0(StatusLine, 1);

    self->registry = registry;
    return self;
}

StatusLine *status_line_free(StatusLine *self)
{
    if (!self)
        return NULL;
    g_clear_handle_id(&self->source, g_source_remove);
    g_free(self->told);
    g_free(self);
    return NULL;
}

char *status_line_text(const Registry *registry)
{
    GString *text = g_string_new(NULL);
    unsigned devices = 0, in_machines = 0;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *device = value;

        if (device->is_hub)
            continue;
        devices++;
        in_machines += device->state == DEVICE_STATE_ATTACHED || device->state == DEVICE_STATE_FOREIGN;
    }
    g_string_printf(text, "%u device%s, %u in VMs", devices, devices == 1 ? "" : "s", in_machines);
    if (!registry->enabled)
        g_string_append(text, "; switched off");
    if (registry->held_home)
        g_string_append(text, "; everything held home");
    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED)
        g_string_append_printf(text, "; hypervisor %s",
                               hypervisor_state_to_string(registry->hypervisor_state));
    return g_string_free(text, FALSE);
}

static gboolean on_turn(gpointer userdata)
{
    StatusLine *self = userdata;
    g_autofree char *text = status_line_text(self->registry);

    self->source = 0;
    if (g_strcmp0(text, self->told) == 0)
        return G_SOURCE_REMOVE;
    sd_notifyf(0, "STATUS=%s", text);
    g_free(self->told);
    self->told = g_steal_pointer(&text);
    return G_SOURCE_REMOVE;
}

void status_line_look_again(StatusLine *self)
{
    if (self->source)
        return;
    /* After everything that answers somebody. */
    self->source = g_idle_add(on_turn, self);
    g_source_set_name_by_id(self->source, "status line");
}
