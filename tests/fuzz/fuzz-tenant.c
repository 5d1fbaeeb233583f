/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes files of tenants: whatever is taken can be printed and read again, and is the same then; whatever
 * isn't names its line. The input is a description and a list of members as well, as they come over the bus.
 * Runs as a test and with libFuzzer; touches no file. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/key-file-reader.h"
#include "daemon/base/text.h"
#include "daemon/config/tenant-text.h"
#include "tests/fuzz/check-error.h"
#include "tests/fuzz/cut-text.h"

#define PATH "/var/lib/usbferry/tenants/acme"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const Tenant *tenant)
{
    g_autoptr(GKeyFile) file = tenant_to_key_file(tenant);

    return key_file_reader_close(file);
}

static void check_tenant(const Tenant *tenant)
{
    const char *last = "";

    g_assert_true(tenant_name_is_valid(tenant->name));
    g_assert_true(text_is_clean(tenant->description));
    g_assert_cmpuint(strlen(tenant->description), <=, TEXT_MAX);
    g_assert_cmpuint(tenant->members->len, <=, TENANT_MEMBERS_MAX);
    g_assert_cmpuint(tenant->machines->len, <=, TENANT_MACHINES_MAX);
    for (guint i = 0; i < tenant->members->len; i++) {
        const TenantMember *member = tenant->members->pdata[i];
        bool is_group;

        g_assert_true(text_is_clean(member->text));
        g_assert_cmpstr(tenant_member_name(member->text, &is_group), !=, "");
        for (guint k = 0; k < i; k++)
            g_assert_cmpstr(((const TenantMember *)tenant->members->pdata[k])->text, !=, member->text);
    }
    for (guint i = 0; i < tenant->machines->len; i++) {
        const char *uuid = tenant->machines->pdata[i];

        g_assert_true(g_uuid_string_is_valid(uuid));
        g_assert_cmpint(strcmp(last, uuid), <, 0);
        last = uuid;
    }
}

static void check_round_trip(const Tenant *tenant)
{
    g_autofree char *text = print(tenant), *text_again = NULL, *text_of_copy = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Tenant) again = tenant_from_text(text, PATH, &error);
    g_autoptr(Tenant) copy = tenant_copy(tenant);

    g_assert_no_error(error);
    g_assert_nonnull(again);
    check_tenant(again);
    g_assert_cmpstr(again->description, ==, tenant->description);
    g_assert_cmpuint(again->members->len, ==, tenant->members->len);
    text_again = print(again);
    g_assert_cmpstr(text, ==, text_again);
    text_of_copy = print(copy);
    g_assert_cmpstr(text, ==, text_of_copy);
    cut_closed_text(text);
    g_assert_null(tenant_from_text(text, PATH, NULL));
}

/* As the manager makes it of a call: what the checks let through is stored. */
static void check_call(const char *text)
{
    g_autoptr(Tenant) tenant = tenant_new("acme");
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) members = g_strsplit(text, "\n", -1);

    g_free(tenant->description);
    tenant->description = text_sanitize(text, TEXT_MAX);
    if (tenant_check_members((const char *const *)members, &error))
        tenant_set_members(tenant, (const char *const *)members);
    else
        g_assert_true(text_is_clean(error->message));
    check_round_trip(tenant);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
    g_autoptr(GError) error = NULL;
    g_autoptr(Tenant) tenant = tenant_from_text(text, PATH, &error);

    g_assert_cmpint(tenant != NULL, ==, error == NULL);
    if (error)
        check_error(error, PATH, text);
    if (tenant) {
        check_tenant(tenant);
        check_round_trip(tenant);
    }
    check_call(text);
    return 0;
}
