/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every hypervisor has in common: its state, which it reports to the core. Main thread only, except for
 * hostdev_spec_free(). */

#include "daemon/hypervisor/hypervisor.h"

#include "daemon/base/text.h"

static const char *const hypervisor_states[_HYPERVISOR_STATE_MAX] = {
    [HYPERVISOR_STATE_CONNECTING] = "connecting",
    [HYPERVISOR_STATE_CONNECTED] = "connected",
    [HYPERVISOR_STATE_FAILED] = "failed",
};

ENUM_TABLE_DEFINE(HypervisorState, hypervisor_state, hypervisor_states, _HYPERVISOR_STATE_INVALID);

HostdevSpec *hostdev_spec_free(HostdevSpec *spec)
{
    if (!spec)
        return NULL;
    g_free(spec->alias);
    g_free(spec);
    return NULL;
}

void hypervisor_set_state(Hypervisor *hypervisor, HypervisorState state, const char *text)
{
    g_autofree char *clean = text ? text_sanitize(text, TEXT_MAX) : NULL;

    if (hypervisor->state == state && g_strcmp0(hypervisor->state_text, clean) == 0)
        return;
    hypervisor->state = state;
    g_free(hypervisor->state_text);
    hypervisor->state_text = g_steal_pointer(&clean);
    if (hypervisor->events)
        hypervisor->events->state_changed(hypervisor, hypervisor->events_userdata);
}
