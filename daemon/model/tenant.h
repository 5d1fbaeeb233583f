/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tenant: an owner of devices and machines.
 *
 * A device is a tenant's when a rule of one of the tenant's groups ("<tenant>/<name>", daemon/model/group.h)
 * matches it, plugged in or not, used or not. It goes to the tenant's machines and to no others. The tenant's
 * members give the tenant's devices to the tenant's machines without an administrator. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TENANT_MEMBERS_MAX      256
#define TENANT_MACHINES_MAX     256
#define TENANT_MEMBER_BYTES_MAX 256

/* A user or a group of the host, as it was written. The numbers are looked up when the tenant is loaded or
 * changed and when the service is reloaded (daemon/model/tenant-accounts.h); a name that the host doesn't
 * know matches nobody. */
typedef struct TenantMember {
    char *text; /* "user:anna", "group:cad" */
    bool known;
    uint32_t id; /* uid or gid */
} TenantMember;

typedef struct Tenant {
    /* what was decided: in the store */
    char *name;
    char *description;
    GPtrArray *members;  /* of TenantMember, owned, as they were given */
    GPtrArray *machines; /* of char *: UUIDs, sorted; a machine may be gone */

    bool saving; /* a change is on its way to the disk; no other one may begin */

    /* set by daemon/reconciler/status-update.c */
    GPtrArray *groups;  /* of char *: names of its groups, sorted */
    GPtrArray *devices; /* of char *: sysnames of its devices that are plugged in, sorted */
} Tenant;

Tenant *tenant_new(const char *name);
Tenant *tenant_free(Tenant *tenant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tenant, tenant_free)

/* What was decided; members keep what is known of them. */
Tenant *tenant_copy(const Tenant *tenant);

/* The same rules as for a group's name. */
bool tenant_name_is_valid(const char *name);

/* INVALID_OPTION: the form, the length, or how many there are. members: NULL-terminated; doubles are no
 * error. */
bool tenant_check_members(const char *const *members, GError **error);
/* Replaces the list; members were checked. Doubles are left out; who stays keeps what is known. */
void tenant_set_members(Tenant *tenant, const char *const *members);

/* "user:anna" → false and "anna". The name is a part of the text. */
const char *tenant_member_name(const char *member, bool *ret_is_group);
/* Whether somebody with these numbers is a member. */
bool tenant_has_member(const Tenant *tenant, uint32_t uid, const uint32_t *gids, gsize n_gids);

bool tenant_has_machine(const Tenant *tenant, const char *uuid);
/* False when it is there, or isn't. */
bool tenant_add_machine(Tenant *tenant, const char *uuid);
bool tenant_remove_machine(Tenant *tenant, const char *uuid);
