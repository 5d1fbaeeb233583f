/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants: made, changed, and their machines. Each call works out what the tenant is to be and leaves the
 * rest to stored-tenants. */

#include "daemon/manager/tenants.h"

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/tuning.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/object-bytes.h"
#include "daemon/manager/stored-tenants.h"
#include "daemon/model/find.h"

static void apply_choices(const TenantChoices *choices, Tenant *tenant)
{
    if (choices->description)
        text_replace(&tenant->description, choices->description);
    if (choices->members)
        tenant_set_members(tenant, choices->members);
}

/* tenant: as it is; NULL = a new one. */
static bool check_choices(Manager *self, const Tenant *tenant, const TenantChoices *choices, GError **error)
{
    g_autoptr(Tenant) next = NULL;

    if (!text_check("Description", choices->description, TEXT_MAX, error) ||
        (choices->members && !tenant_check_members(choices->members, error)))
        return false;
    next = tenant ? tenant_copy(tenant) : tenant_new("");
    apply_choices(choices, next);
    return object_bytes_check(self->registry, tenant ? object_bytes_of_tenant(tenant) : 0,
                              object_bytes_of_tenant(next), error);
}

/* ------------------------------------------------------------------ create, update */

bool manager_check_create_tenant(Manager *self, const char *name, const TenantChoices *choices,
                                 GError **error)
{
    if (!tenant_name_is_valid(name)) {
        g_autofree char *quoted = text_quote(name);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME,
                    "%s: a tenant's name is 1 to %d of A-Z a-z 0-9 . _ -", quoted, GROUP_NAME_MAX);
        return false;
    }
    if (stored_tenants_is_taken(self, name)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS, "tenant %s is there already", name);
        return false;
    }
    if (g_hash_table_size(self->registry->tenants) >= (guint)tuning_get(TUNING_TENANTS)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "at most %u tenants are allowed here (usbferry.conf): delete some first",
                    (guint)tuning_get(TUNING_TENANTS));
        return false;
    }
    return check_choices(self, NULL, choices, error);
}

void manager_create_tenant(Manager *self, const char *name, const TenantChoices *choices, ManagerDone done,
                           void *userdata)
{
    g_autoptr(GError) error = NULL;
    Tenant *tenant;

    if (!manager_check_create_tenant(self, name, choices, &error)) {
        done(NULL, error, userdata);
        return;
    }
    tenant = tenant_new(name);
    apply_choices(choices, tenant);
    stored_tenants_save(self, tenant, done, userdata);
}

bool manager_check_update_tenant(Manager *self, const char *name, const TenantChoices *choices,
                                 GError **error)
{
    const Tenant *tenant = find_changeable_tenant(self->registry, name, error);

    return tenant && check_choices(self, tenant, choices, error);
}

void manager_update_tenant(Manager *self, const char *name, const TenantChoices *choices, ManagerDone done,
                           void *userdata)
{
    g_autoptr(GError) error = NULL;
    Tenant *next;

    if (!manager_check_update_tenant(self, name, choices, &error)) {
        done(NULL, error, userdata);
        return;
    }
    next = tenant_copy(registry_tenant(self->registry, name));
    apply_choices(choices, next);
    stored_tenants_save(self, next, done, userdata);
}

/* ------------------------------------------------------------------ machines */

static bool check_nobodys(Manager *self, const Tenant *tenant, const Machine *machine, GError **error)
{
    const Tenant *other = registry_machine_tenant(self->registry, machine->info->uuid);
    g_autofree char *quoted = other ? text_quote(machine->info->name) : NULL;
    GHashTableIter iter;
    gpointer value;

    if (other) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS, "VM %s belongs to tenant %s already%s",
                    quoted, other->name, other == tenant ? "" : "; remove it there first");
        return false;
    }
    if (tenant->machines->len >= TENANT_MACHINES_MAX) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "a tenant has at most %d VMs",
                    TENANT_MACHINES_MAX);
        return false;
    }
    if (!object_bytes_check(self->registry, 0, object_bytes_of_tenants_machine(), error))
        return false;
    /* It may be on its way into one of them. */
    g_hash_table_iter_init(&iter, self->registry->tenants);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Tenant *one = value;

        if (!find_check_saved(one->saving, "tenant", one->name, error))
            return false;
    }
    return true;
}

bool manager_check_tenant_machine(Manager *self, const char *name, const char *uuid, bool belongs,
                                  GError **error)
{
    const Tenant *tenant = find_changeable_tenant(self->registry, name, error);
    const Machine *machine;
    g_autofree char *quoted = NULL;

    if (!tenant)
        return false;
    if (belongs) {
        machine = find_machine_by_uuid(self->registry, uuid, error);
        return machine && check_nobodys(self, tenant, machine, error);
    }
    if (tenant_has_machine(tenant, uuid))
        return true;
    quoted = text_quote(uuid);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE, "%s: tenant %s has no such VM", quoted,
                name);
    return false;
}

void manager_set_tenant_machine(Manager *self, const char *name, const char *uuid, bool belongs,
                                ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Tenant *next;

    if (!manager_check_tenant_machine(self, name, uuid, belongs, &error)) {
        done(NULL, error, userdata);
        return;
    }
    next = tenant_copy(registry_tenant(self->registry, name));
    if (belongs)
        tenant_add_machine(next, uuid);
    else
        tenant_remove_machine(next, uuid);
    stored_tenants_save(self, next, done, userdata);
}
