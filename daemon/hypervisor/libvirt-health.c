/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by libvirt-hypervisor.c, in workers; touches the domain it is given. */

#include "daemon/hypervisor/libvirt-health.h"

#include <stdlib.h>

#include "daemon/hypervisor/libvirt-connection.h"

MachineTrouble libvirt_health_trouble(int state, int reason)
{
    if (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_IOERROR)
        return MACHINE_TROUBLE_IO_ERROR;
    return state == VIR_DOMAIN_CRASHED ||
                   (state == VIR_DOMAIN_PAUSED &&
                    (reason == VIR_DOMAIN_PAUSED_CRASHED || reason == VIR_DOMAIN_PAUSED_WATCHDOG))
               ? MACHINE_TROUBLE_CRASHED
               : MACHINE_TROUBLE_NONE;
}

bool libvirt_health_is_changing(int state, int reason)
{
    return state == VIR_DOMAIN_PAUSED &&
           (reason == VIR_DOMAIN_PAUSED_STARTING_UP || reason == VIR_DOMAIN_PAUSED_SAVE ||
            reason == VIR_DOMAIN_PAUSED_SNAPSHOT);
}

bool libvirt_health_ping(virDomainPtr domain, GError **error)
{
    virDomainIOThreadInfoPtr *threads = NULL;
    int n = virDomainGetIOThreadInfo(domain, &threads, VIR_DOMAIN_AFFECT_LIVE);

    if (n < 0)
        g_propagate_error(error, connection_take_error());
    for (int i = 0; i < n; i++)
        virDomainIOThreadInfoFree(threads[i]);
    free(threads);
    return n >= 0;
}
