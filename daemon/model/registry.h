/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Registry: every object that usbferry knows, by id, and the one place that reports changes. Main thread
 * only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/assignment.h"
#include "daemon/model/change.h"
#include "daemon/usb/device.h"
#include "daemon/guards/host-use.h"
#include "daemon/model/following.h"
#include "daemon/model/group.h"
#include "daemon/hypervisor/hypervisor.h"
#include "daemon/model/machine.h"
#include "daemon/model/quarantine.h"
#include "daemon/model/replugs.h"
#include "daemon/model/reservation.h"
#include "daemon/model/tenant.h"

/* One of the registry's tables as registry_list() gave it last. */
typedef struct RegistryList {
    const GHashTable *of; /* NULL = there is none */
    GPtrArray *values;
} RegistryList;

typedef struct Registry {
    GHashTable *devices;         /* sysname → Device, owned */
    GHashTable *machines;        /* uuid → Machine, owned */
    GHashTable *groups;          /* name → Group, owned */
    GHashTable *assignments;     /* id → Assignment, owned */
    GHashTable *tenants;         /* name → Tenant, owned */
    GHashTable *damaged_tenants; /* name → why, both owned: those that aren't in tenants for that */
    unsigned damaged_groups;     /* of groups */
    Reservations *reservations;
    Quarantines *quarantines;
    Followings *followings;
    Replugs *replugs;
    GHashTable *ended;    /* id → why, both owned: of assignments that ended by themselves, the last ones */
    char *node;           /* this host's name */
    const HostView *host; /* what the host uses, borrowed: of the manager's guards; NULL = nothing is known */

    bool enabled;   /* false: nothing more is given, what is attached stays attached */
    bool held_home; /* the VMs are about to be saved or shut down with the host: everything comes home */

    HypervisorState hypervisor_state;
    char *hypervisor_text; /* why it is away; NULL when connected */
    bool machines_known;   /* the list of machines has been read since the last connect */
    bool settling;         /* not everything has been read and compared since the start */
    bool starting;         /* settling, or in the turn that ends it: what is seen to be somewhere was there */

    gint64 host_sleeps_at; /* when the host was about to sleep, and isn't awake again; 0 = it is */
    gint64 host_woke_at;   /* when it last woke; 0 = it didn't. Both µs, CLOCK_MONOTONIC */

    uint64_t epoch;        /* another one, of all registries, whenever something went */
    RegistryList lists[5]; /* of the tables */
    GPtrArray
        *by_socket; /* the devices, as registry_devices_by_socket() gave them last; NULL = there is none */

    ChangeFunc changed;
    void *changed_userdata;
} Registry;

Registry *registry_new(const char *node);
Registry *registry_free(Registry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Registry, registry_free)

Device *registry_device(Registry *registry, const char *sysname);
Machine *registry_machine(Registry *registry, const char *uuid);
Group *registry_group(Registry *registry, const char *name);
Assignment *registry_assignment(Registry *registry, const char *id);
Tenant *registry_tenant(Registry *registry, const char *name);

/* The same for the assignment's machine and group, without a search. */
Machine *registry_machine_of(Registry *registry, const Assignment *assignment);
Group *registry_group_of(Registry *registry, const Assignment *assignment);
/* A copy of the registry, with other objects in some of its tables: begins and ends with these, whatever its
 * tables need besides. */
void registry_begin_view(Registry *view);
void registry_end_view(Registry *view);

/* The hypervisor knows no such machine. False as long as it can't be asked or has not answered yet. */
bool registry_machine_is_gone(Registry *registry, const char *uuid);
bool registry_lost_machine_of(Registry *registry, const Assignment *assignment);

/* Whose the machine is; NULL = nobody's. */
Tenant *registry_machine_tenant(Registry *registry, const char *uuid);
/* Whether there is this tenant, and the machine is its. */
bool registry_tenant_has(Registry *registry, const char *name, const char *uuid);

/* Whether the serial alone tells the device from all others of its kind: from those that are plugged in, and
 * from those that were seen beside an assigned one. */
bool registry_serial_is_unique(Registry *registry, const Device *device);
/* One that no assignment has. New string. */
char *registry_make_assignment_id(Registry *registry);

/* For an assignment that is to be younger than all that there are. */
int64_t registry_next_sequence(Registry *registry);

/* Report ADDED, take the object. */
void registry_add_device(Registry *registry, Device *device);
void registry_add_machine(Registry *registry, Machine *machine);
void registry_add_group(Registry *registry, Group *group);
void registry_add_assignment(Registry *registry, Assignment *assignment);
void registry_add_tenant(Registry *registry, Tenant *tenant);

/* Report that what names the object doesn't any more (but for what was decided: an assignment's machine and
 * group, a tenant's machines), then REMOVED, then free. */
void registry_remove_device(Registry *registry, Device *device);
void registry_remove_machine(Registry *registry, Machine *machine);
void registry_remove_group(Registry *registry, Group *group);
void registry_remove_assignment(Registry *registry, Assignment *assignment);
void registry_remove_tenant(Registry *registry, Tenant *tenant);

/* registry_remove_assignment(), and its machine (if that is known) has one less. */
void registry_end_assignment(Registry *registry, Assignment *assignment);
/* Why it is no more, for who asks for it afterwards; of the last ones only. NULL = not known. */
void registry_note_ended(Registry *registry, const char *assignment_id, const char *why);
const char *registry_ended(Registry *registry, const char *assignment_id);
/* Something of it was decided anew: it is pending until that is durable and was compared with what is. */
void registry_mark_pending(Registry *registry, Assignment *assignment);
/* The machine's list of devices is another one; nothing when it is unknown, or NULL. */
void registry_report_machine_devices(Registry *registry, const char *uuid);
/* The lists of assignments of its machine and its group are others; nothing where one is unknown. */
void registry_report_assignment_lists(Registry *registry, const char *uuid, const char *group);

/* Reports FIELDS; does nothing when fields is 0. */
void registry_report(Registry *registry, ObjectType type, const char *id, unsigned fields);

/* The values of one of the registry's own tables, sorted by id: the same array for everybody until something
 * comes or goes, so nobody changes it. A reference; borrowed values. */
GPtrArray *registry_list(Registry *registry, GHashTable *table);
/* The same of the devices, in the order of their sockets, which they have for life. */
GPtrArray *registry_devices_by_socket(Registry *registry);
/* The values of any table that has texts for keys, sorted by these. New array, borrowed values. */
GPtrArray *registry_sorted(GHashTable *table);
