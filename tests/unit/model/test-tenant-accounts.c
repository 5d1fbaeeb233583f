/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of tenants get the numbers that the host's name service has for them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/model/tenant-accounts.h"

#define DEADLINE_S 120

typedef struct Accounts {
    Registry *registry;
    WorkerPool *pool;
    Tenant *acme;
    Tenant *other;
    unsigned reports;
    bool late;
} Accounts;

static void note_change(const Change *change, void *userdata)
{
    Accounts *self = userdata;

    if (change->kind != CHANGE_FIELDS)
        return;
    assert_int_equal(change->fields, TENANT_FIELD_MEMBERS);
    self->reports++;
}

static Tenant *add_tenant(Accounts *self, const char *name, const char *const *members)
{
    Tenant *tenant = tenant_new(name);

    tenant_set_members(tenant, members);
    registry_add_tenant(self->registry, tenant);
    return tenant;
}

static int set_up(void **state)
{
    Accounts *self = g_new0(Accounts, 1);

    self->registry = registry_new("host");
    self->registry->changed = note_change;
    self->registry->changed_userdata = self;
    self->pool = worker_pool_new(1, NULL, NULL);
    self->acme = add_tenant(self, "acme",
                            (const char *const[]){ "user:root", "group:root", "user:no-such-user", NULL });
    self->other = add_tenant(self, "other", (const char *const[]){ "user:root", NULL });
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Accounts *self = *state;

    worker_pool_free(self->pool);
    self->registry->changed = NULL;
    registry_free(self->registry);
    g_free(self);
    return 0;
}

static const TenantMember *member(const Tenant *tenant, unsigned i)
{
    return tenant->members->pdata[i];
}

static gboolean too_late(gpointer late)
{
    *(bool *)late = true;
    return G_SOURCE_REMOVE;
}

static void run_until_reported(Accounts *self, unsigned reports)
{
    guint deadline = g_timeout_add_seconds(DEADLINE_S, too_late, &self->late);

    while (self->reports < reports && !self->late)
        g_main_context_iteration(NULL, TRUE);
    if (self->late)
        fail_msg("no answer within %d s", DEADLINE_S);
    g_source_remove(deadline);
}

static void who_is_known_gets_a_number(void **state)
{
    Accounts *self = *state;

    tenant_accounts_look_up(self->pool, self->registry, "acme");
    run_until_reported(self, 1);
    assert_true(member(self->acme, 0)->known);
    assert_int_equal(member(self->acme, 0)->id, 0);
    assert_true(member(self->acme, 1)->known);
    assert_int_equal(member(self->acme, 1)->id, 0);
    assert_false(member(self->acme, 2)->known);
    assert_true(tenant_has_member(self->acme, 0, NULL, 0));
}

/* Whoever has the same name is the same, so what was found out counts for every tenant. */
static void every_tenant_is_looked_up(void **state)
{
    Accounts *self = *state;

    tenant_accounts_look_up(self->pool, self->registry, NULL);
    run_until_reported(self, 2);
    assert_true(member(self->acme, 0)->known);
    assert_true(member(self->other, 0)->known);
}

static void who_is_not_known_any_more_is_nobody(void **state)
{
    Accounts *self = *state;
    TenantMember *gone = self->acme->members->pdata[2];

    gone->known = true;
    gone->id = 4711;
    tenant_accounts_look_up(self->pool, self->registry, "acme");
    run_until_reported(self, 1);
    assert_false(gone->known);
    assert_false(tenant_has_member(self->acme, 4711, NULL, 0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(who_is_known_gets_a_number),
        TEST(every_tenant_is_looked_up),
        TEST(who_is_not_known_any_more_is_nobody),
    };

    return cmocka_run_group_tests_name("tenant-accounts", tests, NULL, NULL);
}
