/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads, edits and defines inactive XML. Called by libvirt-hypervisor.c, in workers. */

#include "daemon/hypervisor/libvirt-config.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/hypervisor/controller-xml.h"
#include "daemon/hypervisor/domain-xml.h"
#include "daemon/hypervisor/libvirt-connection.h"

/* Another program that changes it all the time may have the last word. */
#define TRIES 3

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, virDomainFree)

/* NULL with error. To be freed with g_free(). */
static char *read_stored(virDomainPtr domain, unsigned flags, GError **error)
{
    char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | flags);
    char *copy = g_strdup(xml);

    if (!xml)
        g_propagate_error(error, connection_take_error());
    free(xml);
    return copy;
}

void libvirt_config_read(virDomainPtr domain, MachineInfo *info)
{
    g_autofree char *xml = NULL;
    g_autoptr(MachineInfo) stored = NULL;
    bool live;

    if (info->state == MACHINE_STATE_SHUTOFF || virDomainIsPersistent(domain) != 1)
        return;
    xml = read_stored(domain, 0, NULL);
    stored = xml ? machine_info_new(info->uuid) : NULL;
    if (!stored || !domain_xml_read(xml, stored, &live, NULL) ||
        strcmp(stored->controllers, info->controllers) == 0)
        return;
    g_free(info->pending_controller);
    info->pending_controller = g_strdup(*stored->usb_controller ? stored->usb_controller : "none");
}

bool libvirt_config_start(virDomainPtr domain, GError **error)
{
    g_autoptr(GError) refusal = NULL;

    if (virDomainIsActive(domain) == 1 || virDomainCreate(domain) == 0)
        return true;
    refusal = connection_take_error();
    /* Somebody else was quicker. */
    if (virDomainIsActive(domain) == 1)
        return true;
    g_propagate_error(error, g_steal_pointer(&refusal));
    return false;
}

/* False with an error; without one, somebody else changed it meanwhile. */
static bool try_to_define(virDomainPtr domain, const char *model, GError **error)
{
    /* With the passwords, or they would be lost. */
    g_autofree char *before = read_stored(domain, VIR_DOMAIN_XML_SECURE, error);
    g_autofree char *wanted = before ? controller_xml_set(before, model, error) : NULL;
    g_autofree char *now = wanted ? read_stored(domain, VIR_DOMAIN_XML_SECURE, error) : NULL;
    g_autoptr(virDomain) defined = NULL;

    if (!now || strcmp(before, now) != 0)
        return false;
    defined = virDomainDefineXML(virDomainGetConnect(domain), wanted);
    if (!defined)
        g_propagate_error(error, connection_take_error());
    return defined != NULL;
}

bool libvirt_config_set_controller(virDomainPtr domain, const char *model, GError **error)
{
    if (virDomainIsPersistent(domain) == 0) {
        g_set_error_literal(
            error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
            "it is transient, so libvirt keeps no configuration of it; whoever starts it says "
            "which USB controller it has");
        return false;
    }
    for (int i = 0; i < TRIES; i++) {
        g_autoptr(GError) refusal = NULL;

        if (try_to_define(domain, model, &refusal))
            return true;
        if (refusal) {
            g_propagate_error(error, g_steal_pointer(&refusal));
            return false;
        }
    }
    g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                        "another program changes its configuration at the same time; try again");
    return false;
}
