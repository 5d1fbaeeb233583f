/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants as text: there and back, and which line is wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/config/tenant-text.h"

#define PATH   "/var/lib/usbferry/tenants/acme"
#define DESK   "11111111-1111-1111-1111-111111111111"
#define STUDIO "22222222-2222-2222-2222-222222222222"

static Tenant *read_text(const char *text, GError **error)
{
    return tenant_from_text(text, PATH, error);
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
    static const struct {
        const char *text;
        const char *error; /* behind the path */
    } bad[] = {
        { "", ":1: expected [Tenant] somewhere" },
        { "[Group]\nName=acme\n", ":1: unknown section \"Group\"" },
        { "[Tenant]\n", ":1: [Tenant] has no Name" },
        { "[Tenant]\nDescription=x\n", ":1: [Tenant] has no Name" },
        { "[Tenant]\nName=\n", ":2: Name: \"\" is not a tenant's name" },
        { "[Tenant]\nName=..\n", ":2: Name: \"..\" is not" },
        { "[Tenant]\nName=a/b\n", ":2: Name: \"a/b\" is not" },
        { "[Tenant]\nName=acme\nName=acme\n", ":3: Name is already there" },
        { "[Tenant]\nName=acme\nColour=red\n", ":3: unknown key \"Colour\"" },
        { "[Tenant]\nName=acme\n[Tenant]\nName=acme\n", ":3: section \"Tenant\": nothing may follow" },
        { "[Tenant]\nName=acme\n[Rule 1]\nMatch=vendor=1\n", ":3: section \"Rule 1\"" },
        { "[Tenant]\nName=acme\nMembers=anna\n", ":3: Members: " },
        { "[Tenant]\nName=acme\nMembers=user:\n", ":3: Members: " },
        { "[Tenant]\nName=acme\nMembers=user:a\\q\n", ":3: Members: " },
        { "[Tenant]\nName=acme\nMachines=desk\n", ":3: Machines: \"desk\" is not a UUID" },
        { "[Tenant]\nName=acme\nMachines=" DESK ";" DESK "\n", ":3: Machines: \"" DESK "\" is there twice" },
        { "[Tenant]\nName=acme\nDescription=\\q\n", ":3: Description: \"\\\\q\" is not a text" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Tenant) tenant = read_text(bad[i].text, &error);
        g_autofree char *expected = g_strconcat(PATH, bad[i].error, NULL);

        if (tenant)
            fail_msg("taken: %s", bad[i].text);
        if (!g_str_has_prefix(error->message, expected))
            fail_msg("%s\nand not %s", error->message, expected);
    }
}

/* A hand has changed it: what is shown stays clean. */
static void test_texts_are_cleaned(void **state)
{
    g_autoptr(Tenant) tenant = read_text("[Tenant]\nName=acme\nDescription=a\\nb \x1b[2J\n", NULL);

    assert_non_null(tenant);
    assert_null(strpbrk(tenant->description, "\n\x1b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_texts_are_cleaned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
