/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt keeps of machines that are to go on later. Each is read, changed by saved-xml.c and defined
 * anew: libvirt checks that it still fits to the saved state. Called by libvirt-hypervisor.c, in workers. */

#include "daemon/hypervisor/libvirt-saved.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/hypervisor/libvirt-connection.h"
#include "daemon/hypervisor/saved-xml.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomainSnapshot, virDomainSnapshotFree)

/* Those that a VM runs from after a revert. External ones are left alone: libvirt remembers more of them than
 * their XML says, and would forget it. */
#define SNAPSHOT_FILTER (VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE | VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL)

/* ------------------------------------------------------------------ the managed save image */

void libvirt_saved_read(virDomainPtr domain, MachineInfo *info)
{
    int snapshots = virDomainSnapshotNum(domain, SNAPSHOT_FILTER);
    char *xml;

    info->snapshots = snapshots > 0 ? (unsigned)snapshots : 0;
    g_ptr_array_set_size(info->saved, 0);
    if (info->state != MACHINE_STATE_SHUTOFF || virDomainHasManagedSaveImage(domain, 0) != 1)
        return;
    xml = virDomainManagedSaveGetXMLDesc(domain, 0);
    if (xml)
        (void)saved_xml_read(xml, info->saved, NULL);
    free(xml);
}

/* What defining it anew is to bring back includes what libvirt hides otherwise: passwords. */
static bool repair(char *xml, const GPtrArray *places, char **ret_repaired, GError **error)
{
    bool ok;

    if (!xml) {
        g_propagate_error(error, connection_take_error());
        return false;
    }
    ok = saved_xml_repair(xml, places, ret_repaired, error);
    free(xml);
    return ok;
}

bool libvirt_saved_repair(virDomainPtr domain, const GPtrArray *places, GError **error)
{
    g_autofree char *repaired = NULL;

    if (virDomainHasManagedSaveImage(domain, 0) != 1)
        return true;
    if (!repair(virDomainManagedSaveGetXMLDesc(domain, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE), places, &repaired,
                error))
        return false;
    if (!repaired || virDomainManagedSaveDefineXML(domain, repaired, 0) == 0)
        return true;
    g_propagate_error(error, connection_take_error());
    return false;
}

/* ------------------------------------------------------------------ snapshots */

/* "" without one. New string. */
static char *current_name(virDomainPtr domain)
{
    g_autoptr(virDomainSnapshot) current =
        virDomainHasCurrentSnapshot(domain, 0) == 1 ? virDomainSnapshotCurrent(domain, 0) : NULL;

    return g_strdup(current ? virDomainSnapshotGetName(current) : "");
}

/* The current one stays the current one. */
static bool repair_snapshot(virDomainPtr domain, virDomainSnapshotPtr snapshot, GError **error)
{
    g_autoptr(GPtrArray) nowhere = hostdev_places_new();
    g_autofree char *repaired = NULL;
    g_autoptr(virDomainSnapshot) defined = NULL;

    if (!repair(virDomainSnapshotGetXMLDesc(snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE), nowhere, &repaired,
                error))
        return false;
    if (!repaired)
        return true;
    defined = virDomainSnapshotCreateXML(domain, repaired, VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE);
    if (!defined)
        g_propagate_error(error, connection_take_error());
    return defined != NULL;
}

static bool is_known(const GPtrArray *known, const char *name)
{
    for (guint i = 0; i < known->len; i++)
        if (strcmp(known->pdata[i], name) == 0)
            return true;
    return false;
}

/* One that was deleted and made again under its name is the current one. */
GPtrArray *libvirt_saved_repair_snapshots(virDomainPtr domain, const GPtrArray *known, GError **error)
{
    g_autoptr(GPtrArray) right = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) first = NULL;
    g_autofree char *current = current_name(domain);
    virDomainSnapshotPtr *snapshots = NULL;
    int n = virDomainListAllSnapshots(domain, &snapshots, SNAPSHOT_FILTER);

    if (n < 0) {
        g_propagate_error(error, connection_take_error());
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        g_autoptr(virDomainSnapshot) snapshot = snapshots[i];
        const char *name = virDomainSnapshotGetName(snapshot);
        bool is_current = strcmp(name, current) == 0;

        if ((is_known(known, name) && !is_current) ||
            repair_snapshot(domain, snapshot, first ? NULL : &first))
            g_ptr_array_add(right, g_strdup(name));
    }
    free(snapshots);
    if (first) {
        g_propagate_error(error, g_steal_pointer(&first));
        return NULL;
    }
    return g_steal_pointer(&right);
}
