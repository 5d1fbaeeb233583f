/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants and their members. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>
#include <cmocka.h>

#include "daemon/model/tenant.h"

static void test_members(void **state)
{
    static const char *const good[] = { "user:anna", "group:cad", "user:anna", NULL };
    static const char *const bad[] = { "",           "anna",      "user:",      "group:",
                                       "User:anna",  "user:a:b",  "user:a\nb",  "user: anna",
                                       "user:anna ", "user:\xff", "user:\u202e" };
    static const char *const other[] = { "group:cad", "user:bert", NULL };
    const uint32_t gids[] = { 7, 500 };
    g_autofree char *long_name = g_strnfill(TENANT_MEMBER_BYTES_MAX, 'a');
    g_autofree char *too_long = g_strconcat("user:", long_name, NULL);
    g_autoptr(Tenant) tenant = tenant_new("acme");
    g_auto(GStrv) many = g_new0(char *, TENANT_MEMBERS_MAX + 2);
    TenantMember *anna, *cad;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(tenant_check_members((const char *const[]){ bad[i], NULL }, NULL));
    assert_false(tenant_check_members((const char *const[]){ too_long, NULL }, NULL));
    for (int i = 0; i <= TENANT_MEMBERS_MAX; i++)
        many[i] = g_strdup_printf("user:u%d", i);
    assert_false(tenant_check_members((const char *const *)many, NULL));
    assert_true(tenant_check_members(good, NULL));
    tenant_set_members(tenant, good);
    assert_int_equal(tenant->members->len, 2);

    /* Nobody, as long as the names are only names. */
    assert_false(tenant_has_member(tenant, 0, gids, G_N_ELEMENTS(gids)));
    anna = tenant->members->pdata[0];
    cad = tenant->members->pdata[1];
    anna->known = cad->known = true;
    anna->id = 1000;
    cad->id = 500;
    assert_true(tenant_has_member(tenant, 1000, NULL, 0));
    assert_true(tenant_has_member(tenant, 1, gids, G_N_ELEMENTS(gids)));
    /* A uid is no gid. */
    assert_false(tenant_has_member(tenant, 500, NULL, 0));
    assert_false(tenant_has_member(tenant, 1, (const uint32_t[]){ 1000 }, 1));

    /* Who stays is who he was; who is new is nobody yet. */
    tenant_set_members(tenant, other);
    assert_true(tenant_has_member(tenant, 1, gids, G_N_ELEMENTS(gids)));
    assert_false(tenant_has_member(tenant, 1000, NULL, 0));
    assert_false(tenant_has_member(tenant, 0, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
