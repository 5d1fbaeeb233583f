/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants and their files. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/model/tenant.h"

#define DESK   "11111111-1111-1111-1111-111111111111"
#define STUDIO "22222222-2222-2222-2222-222222222222"

static Tenant *read_text(const char *text, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    if (!g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_NONE, error))
        return NULL;
    return tenant_from_key_file(file, error);
}

static char *write_text(const Tenant *tenant)
{
    g_autoptr(GKeyFile) file = tenant_to_key_file(tenant);

    return g_key_file_to_data(file, NULL, NULL);
}

/* What was written is read again, and written again as it was. */
static void assert_round_trip(const Tenant *tenant)
{
    g_autofree char *text = write_text(tenant), *again = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Tenant) read = read_text(text, &error);

    if (!read)
        fail_msg("%s\n%s", error->message, text);
    again = write_text(read);
    assert_string_equal(again, text);
    assert_string_equal(read->name, tenant->name);
    assert_string_equal(read->description, tenant->description);
    assert_int_equal(read->members->len, tenant->members->len);
    for (guint i = 0; i < read->members->len; i++)
        assert_string_equal(((const TenantMember *)read->members->pdata[i])->text,
                            ((const TenantMember *)tenant->members->pdata[i])->text);
    assert_int_equal(read->machines->len, tenant->machines->len);
    for (guint i = 0; i < read->machines->len; i++)
        assert_string_equal(read->machines->pdata[i], tenant->machines->pdata[i]);
}

static void test_files(void **state)
{
    static const char *const members[] = { "user:anna", "group:domain users", "user:CAD\\anna;x", "user:ä",
                                           NULL };
    g_autoptr(Tenant) empty = tenant_new("a");
    g_autoptr(Tenant) full = tenant_new("ACME.gmbh-1_x");

    assert_round_trip(empty);
    assert_true(tenant_check_members(members, NULL));
    tenant_set_members(full, members);
    g_free(full->description);
    full->description = g_strdup("Of \"ACME\"; the # first\\one");
    assert_true(tenant_add_machine(full, STUDIO));
    assert_true(tenant_add_machine(full, DESK));
    assert_false(tenant_add_machine(full, DESK));
    assert_string_equal(full->machines->pdata[0], DESK);
    assert_round_trip(full);
    assert_true(tenant_remove_machine(full, DESK));
    assert_false(tenant_remove_machine(full, DESK));
    assert_round_trip(full);
}

static void test_bad_files(void **state)
{
    static const char *const bad[] = {
        "",
        "[Group]\nName=acme\n",
        "[Tenant]\n",
        "[Tenant]\nDescription=x\n",
        "[Tenant]\nName=\n",
        "[Tenant]\nName=..\n",
        "[Tenant]\nName=a/b\n",
        "[Tenant]\nName=acme\nColour=red\n",
        "[Tenant]\nName=acme\n[Rule 1]\nMatch=vendor=1\n",
        "[Tenant]\nName=acme\nMembers=anna\n",
        "[Tenant]\nName=acme\nMembers=user:\n",
        "[Tenant]\nName=acme\nMachines=desk\n",
        "[Tenant]\nName=acme\nMachines=" DESK ";" DESK "\n",
        "[Tenant]\nName=acme\nDescription=\\q\n",
        "[Tenant]\nName=acme\nMembers=user:a\\q\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Tenant) tenant = read_text(bad[i], &error);

        if (tenant || !error)
            fail_msg("taken: %s", bad[i]);
    }
}

/* A hand has changed it: what is shown stays clean. */
static void test_texts_are_cleaned(void **state)
{
    g_autoptr(Tenant) tenant = read_text("[Tenant]\nName=acme\nDescription=a\\nb \x1b[2J\n", NULL);

    assert_non_null(tenant);
    assert_null(strpbrk(tenant->description, "\n\x1b"));
}

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
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_texts_are_cleaned),
        cmocka_unit_test(test_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
