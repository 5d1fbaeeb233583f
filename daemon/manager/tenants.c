/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants: made, changed, deleted; their machines. A change is made in a copy, stored, and only then taken
 * over. What is granted to them is manager-grant.c, what comes back manager-revoke.c. */

#include "daemon/manager/internal.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/config/tenant-text.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"

/* More than anybody shares one host among. */
#define TENANTS_MAX 256

/* ------------------------------------------------------------------ into the registry */

static bool same_members(const Tenant *a, const Tenant *b)
{
    bool same = a->members->len == b->members->len;

    for (guint i = 0; same && i < a->members->len; i++)
        same = strcmp(((const TenantMember *)a->members->pdata[i])->text,
                      ((const TenantMember *)b->members->pdata[i])->text) == 0;
    return same;
}

static char **member_texts(const Tenant *tenant)
{
    char **texts = g_new0(char *, tenant->members->len + 1);

    for (guint i = 0; i < tenant->members->len; i++)
        texts[i] = g_strdup(((const TenantMember *)tenant->members->pdata[i])->text);
    return texts;
}

/* The machines of one that the other one doesn't have. False when there are none. */
static bool report_machines(Manager *self, const GPtrArray *uuids, const Tenant *other)
{
    bool any = false;

    for (guint i = 0; i < uuids->len; i++) {
        const char *uuid = uuids->pdata[i];

        if (other && tenant_has_machine(other, uuid))
            continue;
        any = true;
        if (registry_machine(self->registry, uuid))
            registry_report(self->registry, OBJECT_MACHINE, uuid, MACHINE_FIELD_TENANT);
    }
    return any;
}

static void swap(gpointer *a, gpointer *b)
{
    gpointer kept = *a;

    *a = *b;
    *b = kept;
}

/* Takes next. The Tenant that is in the registry stays the same object: others hold it. */
static void take_over(Manager *self, Tenant *next)
{
    Tenant *tenant = registry_tenant(self->registry, next->name);
    unsigned fields = 0;

    if (!tenant) {
        registry_add_tenant(self->registry, next);
        report_machines(self, next->machines, NULL);
        tenant_accounts_look_up(self->pool, self->registry, next->name);
        return;
    }
    if (strcmp(tenant->description, next->description) != 0)
        fields |= TENANT_FIELD_DESCRIPTION;
    if (!same_members(tenant, next)) {
        g_auto(GStrv) members = member_texts(next);

        /* Not the copy's: while that was being stored, the names may have been looked up. */
        tenant_set_members(tenant, (const char *const *)members);
        fields |= TENANT_FIELD_MEMBERS;
    }
    swap((gpointer *)&tenant->description, (gpointer *)&next->description);
    swap((gpointer *)&tenant->machines, (gpointer *)&next->machines);
    if (report_machines(self, tenant->machines, next))
        fields |= TENANT_FIELD_MACHINES;
    if (report_machines(self, next->machines, tenant))
        fields |= TENANT_FIELD_MACHINES;
    tenant_free(next);
    registry_report(self->registry, OBJECT_TENANT, tenant->name, fields);
    if (fields & TENANT_FIELD_MEMBERS)
        tenant_accounts_look_up(self->pool, self->registry, tenant->name);
}

/* ------------------------------------------------------------------ onto the disk */

/* In the set of what is on its way to the disk; no group has such a name. */
static char *creating_key(const char *name)
{
    return g_strconcat("tenant:", name, NULL);
}

static void free_tenant(gpointer tenant)
{
    tenant_free(tenant);
}

static void commit_settled(Manager *self, const Pending *pending, bool ok)
{
    Tenant *tenant = registry_tenant(self->registry, pending->id);
    g_autofree char *key = creating_key(pending->id);

    g_hash_table_remove(self->creating, key);
    if (tenant)
        tenant->saving = false;
    if (ok)
        take_over(self, tenant_copy(pending->payload));
}

/* Takes next. */
static void commit(Manager *self, Tenant *next, ManagerDone done, void *userdata)
{
    g_autoptr(GKeyFile) file = tenant_to_key_file(next);
    g_autofree char *id = store_file_id(next->name);
    Tenant *tenant = registry_tenant(self->registry, next->name);
    Pending *pending = pending_new(self, next->name, commit_settled, done, userdata);

    if (tenant)
        tenant->saving = true;
    else
        g_hash_table_add(self->creating, creating_key(next->name));
    pending->payload = next;
    pending->free_payload = free_tenant;
    store_save(self->store, STORE_AREA_STATE, STORE_KIND_TENANTS, id, file, pending_stored, pending,
               pending_free);
}

static void erase_settled(Manager *self, const Pending *pending, bool ok)
{
    Tenant *tenant = registry_tenant(self->registry, pending->id);
    g_autoptr(GPtrArray) machines = NULL;

    tenant->saving = false;
    if (!ok)
        return;
    machines = g_ptr_array_ref(tenant->machines);
    log_notice("tenant %s is deleted", tenant->name);
    registry_remove_tenant(self->registry, tenant);
    report_machines(self, machines, NULL);
}

void manager_erase_tenant(Manager *self, Tenant *tenant, ManagerDone done, void *userdata)
{
    g_autofree char *id = store_file_id(tenant->name);

    tenant->saving = true;
    store_delete(self->store, STORE_AREA_STATE, STORE_KIND_TENANTS, id, pending_stored,
                 pending_new(self, tenant->name, erase_settled, done, userdata), pending_free);
}

/* ------------------------------------------------------------------ finding and checking */

Tenant *manager_find_tenant(Manager *self, const char *name, GError **error)
{
    Tenant *tenant = registry_tenant(self->registry, name);
    g_autoptr(GPtrArray) tenants = NULL;
    g_autoptr(GString) known = g_string_new(NULL);
    g_autofree char *quoted = NULL;
    enum { NAMES_IN_TEXT = 20 };

    if (tenant)
        return tenant;
    quoted = text_quote(name);
    tenants = registry_sorted(self->registry->tenants);
    for (guint i = 0; i < tenants->len && i < NAMES_IN_TEXT; i++)
        g_string_append_printf(known, "%s%s", i ? ", " : "", ((const Tenant *)tenants->pdata[i])->name);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_TENANT, "%s: no tenant has this name; %s%s%s", quoted,
                tenants->len ? "there are " : "there is none", known->str,
                tenants->len > NAMES_IN_TEXT ? ", …" : "");
    return NULL;
}

Tenant *manager_find_changeable_tenant(Manager *self, const char *name, GError **error)
{
    Tenant *tenant = manager_find_tenant(self, name, error);

    if (!tenant || !tenant->saving)
        return tenant;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                "tenant %s: another change of it is still being stored, try again", name);
    return NULL;
}

static bool check_choices(const TenantChoices *choices, GError **error)
{
    return manager_check_text("Description", choices->description, DESCRIPTION_MAX_BYTES, error) &&
           (!choices->members || tenant_check_members(choices->members, error));
}

static void apply_choices(Tenant *tenant, const TenantChoices *choices)
{
    if (choices->description) {
        g_free(tenant->description);
        tenant->description = g_strdup(choices->description);
    }
    if (choices->members)
        tenant_set_members(tenant, choices->members);
}

/* ------------------------------------------------------------------ create, update */

bool manager_check_create_tenant(Manager *self, const char *name, const TenantChoices *choices,
                                 GError **error)
{
    g_autofree char *key = NULL;

    if (!tenant_name_is_valid(name)) {
        g_autofree char *quoted = text_quote(name);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME,
                    "%s: a tenant's name is 1 to %d of A-Z a-z 0-9 . _ -", quoted, GROUP_NAME_MAX);
        return false;
    }
    key = creating_key(name);
    if (registry_tenant(self->registry, name) || g_hash_table_contains(self->creating, key)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS, "tenant %s is there already", name);
        return false;
    }
    if (g_hash_table_size(self->registry->tenants) >= TENANTS_MAX) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "there are %d tenants, delete some first",
                    TENANTS_MAX);
        return false;
    }
    return check_choices(choices, error);
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
    apply_choices(tenant, choices);
    commit(self, tenant, done, userdata);
}

bool manager_check_update_tenant(Manager *self, const char *name, const TenantChoices *choices,
                                 GError **error)
{
    return manager_find_changeable_tenant(self, name, error) && check_choices(choices, error);
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
    apply_choices(next, choices);
    commit(self, next, done, userdata);
}

/* ------------------------------------------------------------------ machines */

/* Also one whose way to the disk isn't over. */
static bool check_belongs(Manager *self, const Tenant *tenant, const char *uuid, GError **error)
{
    const Machine *machine = registry_machine(self->registry, uuid);
    const Tenant *other = registry_machine_tenant(self->registry, uuid);
    g_autofree char *quoted = text_quote(machine ? machine->info->name : uuid);
    GHashTableIter iter;
    gpointer value;

    if (!machine) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE,
                    "%s: the hypervisor knows no such machine", quoted);
        return false;
    }
    if (other) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                    "machine %s belongs to tenant %s already%s", quoted, other->name,
                    other == tenant ? "" : "; remove it there first");
        return false;
    }
    if (tenant->machines->len >= TENANT_MACHINES_MAX) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "a tenant has at most %d machines",
                    TENANT_MACHINES_MAX);
        return false;
    }
    g_hash_table_iter_init(&iter, self->registry->tenants);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((const Tenant *)value)->saving) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                        "tenant %s: a change of it is still being stored, try again",
                        ((const Tenant *)value)->name);
            return false;
        }
    return true;
}

bool manager_check_tenant_machine(Manager *self, const char *name, const char *uuid, bool belongs,
                                  GError **error)
{
    const Tenant *tenant = manager_find_changeable_tenant(self, name, error);
    g_autofree char *quoted = NULL;

    if (!tenant)
        return false;
    if (belongs)
        return check_belongs(self, tenant, uuid, error);
    if (tenant_has_machine(tenant, uuid))
        return true;
    quoted = text_quote(uuid);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE, "%s: tenant %s has no such machine", quoted,
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
    commit(self, next, done, userdata);
}

/* ------------------------------------------------------------------ the start */

static bool take_stored(const StoredFile *file, void *userdata, GError **error)
{
    Manager *self = userdata;
    g_autoptr(Tenant) tenant = tenant_from_text(file->text, file->path, error);
    g_autofree char *its_id = tenant ? store_file_id(tenant->name) : NULL;

    if (!tenant)
        return false;
    if (registry_tenant(self->registry, tenant->name) || strcmp(its_id, file->id) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "it holds tenant %s, which is somewhere else",
                    tenant->name);
        return false;
    }
    for (guint i = 0; i < tenant->machines->len; i++) {
        const char *uuid = tenant->machines->pdata[i];
        const Tenant *other = registry_machine_tenant(self->registry, uuid);

        if (other) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE,
                        "it holds machine %s, which is tenant %s's already", uuid, other->name);
            return false;
        }
    }
    registry_add_tenant(self->registry, g_steal_pointer(&tenant));
    return true;
}

bool manager_load_tenants(Manager *self, GError **error)
{
    if (!store_load(self->store, STORE_KIND_TENANTS, take_stored, self, error))
        return false;
    tenant_accounts_look_up(self->pool, self->registry, NULL);
    return true;
}
