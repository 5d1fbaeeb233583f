/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tenants' files, and the marks that keep two changes of one tenant apart. */

#include "daemon/manager/stored-tenants.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/config/tenant-text.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/pending.h"
#include "daemon/model/tenant-accounts.h"
#include "daemon/model/tenant-update.h"

#define STORE_KIND_TENANTS "tenants"

static void free_tenant(gpointer tenant)
{
    tenant_free(tenant);
}

bool stored_tenants_is_taken(Manager *self, const char *name)
{
    return registry_tenant(self->registry, name) || g_hash_table_contains(self->creating_tenants, name);
}

static void settle_saved(Manager *self, const char *name, gpointer payload, bool stored)
{
    Tenant *tenant = registry_tenant(self->registry, name);
    g_autoptr(Tenant) next = payload;

    g_hash_table_remove(self->creating_tenants, name);
    if (tenant)
        tenant->saving = false;
    if (stored && (tenant_update(self->registry, g_steal_pointer(&next)) & TENANT_FIELD_MEMBERS))
        tenant_accounts_look_up(self->pool, self->registry, name);
}

void stored_tenants_save(Manager *self, Tenant *next, ManagerDone done, void *userdata)
{
    g_autoptr(GKeyFile) file = tenant_to_key_file(next);
    Tenant *tenant = registry_tenant(self->registry, next->name);

    if (tenant)
        tenant->saving = true;
    else
        g_hash_table_add(self->creating_tenants, g_strdup(next->name));
    pending_save(self, STORE_AREA_STATE, STORE_KIND_TENANTS, file,
                 &(PendingChange){ .id = next->name,
                                   .settle = settle_saved,
                                   .payload = next,
                                   .free_payload = free_tenant,
                                   .done = done,
                                   .userdata = userdata });
}

static void settle_deleted(Manager *self, const char *name, gpointer payload, bool stored)
{
    Tenant *tenant = registry_tenant(self->registry, name);

    tenant->saving = false;
    if (!stored)
        return;
    log_notice("tenant %s is deleted", name);
    tenant_update_remove(self->registry, tenant);
}

void stored_tenants_delete(Manager *self, Tenant *tenant, ManagerDone done, void *userdata)
{
    tenant->saving = true;
    pending_delete(
        self, STORE_AREA_STATE, STORE_KIND_TENANTS,
        &(PendingChange){ .id = tenant->name, .settle = settle_deleted, .done = done, .userdata = userdata });
}

/* ------------------------------------------------------------------ the start */

/* Takes it, or says what is wrong with the file. */
static bool read_stored(Manager *self, const StoredFile *file, GError **error)
{
    g_autoptr(Tenant) tenant = tenant_from_text(file->text, file->path, error);

    if (!tenant)
        return false;
    if (strcmp(tenant->name, file->id) != 0 || registry_tenant(self->registry, file->id)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "it holds tenant %s, which is somewhere else",
                    tenant->name);
        return false;
    }
    for (guint i = 0; i < tenant->machines->len; i++) {
        const char *uuid = tenant->machines->pdata[i];
        const Tenant *other = registry_machine_tenant(self->registry, uuid);

        if (other) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE,
                        "it holds VM %s, which is tenant %s's already", uuid, other->name);
            return false;
        }
    }
    registry_add_tenant(self->registry, g_steal_pointer(&tenant));
    return true;
}

static bool take_stored(const StoredFile *file, void *userdata, GError **error)
{
    Manager *self = userdata;
    g_autoptr(GError) damage = NULL;

    if (read_stored(self, file, &damage))
        return true;
    if (tenant_name_is_valid(file->id) && !registry_tenant(self->registry, file->id))
        g_hash_table_insert(self->registry->damaged_tenants, g_strdup(file->id), g_strdup(damage->message));
    g_propagate_error(error, g_steal_pointer(&damage));
    return false;
}

bool stored_tenants_load(Manager *self, GError **error)
{
    if (!store_load(self->store, STORE_KIND_TENANTS, take_stored, self, error))
        return false;
    tenant_accounts_look_up(self->pool, self->registry, NULL);
    return true;
}
