/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many assignments whoever may make. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/base/tuning.h"
#include "daemon/manager/quotas.h"
#include "tests/unit/fixture.h"

#define ROOT  0
#define ANNA  1000
#define BERTA 1001

/* So many more, of this user and tenant (NULL = nobody's). */
static void add(Fixture *fixture, unsigned n, uint32_t owner, const char *tenant)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("%08u", g_hash_table_size(fixture->registry->assignments));
        Assignment *assignment = fixture_make_assignment(fixture, id, DESK, "pool", NULL, "1");

        assignment->owner = owner;
        assignment->tenant = g_strdup(tenant);
        registry_add_assignment(fixture->registry, assignment);
    }
}

/* says: a part of the refusal's text; NULL = there is a place. */
static void assert_place(Fixture *fixture, uint32_t owner, const char *tenant, const char *says)
{
    g_autoptr(GError) error = NULL;
    bool may = quotas_check_assignment(fixture->registry, owner, tenant, 0, &error);

    if (!says) {
        assert_true(may);
        assert_null(error);
        return;
    }
    assert_false(may);
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED));
    assert_non_null(strstr(error->message, says));
}

static void test_of_a_tenant(void **state)
{
    Fixture *fixture = *state;

    add(fixture, ASSIGNMENTS_PER_TENANT_MAX - 1, ANNA, "acme");
    assert_place(fixture, ANNA, "acme", NULL);
    /* whoever makes it is one of them */
    add(fixture, 1, BERTA, "acme");
    assert_place(fixture, ANNA, "acme", "tenant acme has 128 assignments");
    assert_place(fixture, BERTA, "acme", "tenant acme has 128 assignments");
    assert_place(fixture, ANNA, "globex", NULL);
    assert_place(fixture, ANNA, NULL, NULL);
    assert_place(fixture, ROOT, "acme", NULL);
}

static void test_of_a_user(void **state)
{
    Fixture *fixture = *state;

    add(fixture, ASSIGNMENTS_PER_TENANT_MAX - 1, ANNA, "acme");
    add(fixture, ASSIGNMENTS_PER_OWNER_MAX - ASSIGNMENTS_PER_TENANT_MAX, ANNA, NULL);
    assert_place(fixture, ANNA, NULL, NULL);
    add(fixture, 1, ANNA, NULL);
    assert_place(fixture, ANNA, NULL, "user 1000 has made 256 assignments");
    assert_place(fixture, ANNA, "acme", "user 1000 has made 256 assignments");
    assert_place(fixture, BERTA, "acme", NULL);
    /* what others have made for a tenant is not his */
    assert_place(fixture, BERTA, NULL, NULL);
    assert_place(fixture, ROOT, NULL, NULL);
}

static void test_of_root(void **state)
{
    Fixture *fixture = *state;

    add(fixture, ASSIGNMENTS_MAX - ASSIGNMENTS_FOR_ROOT - 1, ROOT, "acme");
    assert_place(fixture, ANNA, NULL, NULL);
    add(fixture, 1, ANNA, NULL);
    assert_place(fixture, ANNA, NULL, "the last 256 places are root's");
    assert_place(fixture, ROOT, NULL, NULL);
    add(fixture, ASSIGNMENTS_FOR_ROOT - 1, ROOT, NULL);
    assert_place(fixture, ROOT, NULL, NULL);
    add(fixture, 1, ROOT, NULL);
    assert_place(fixture, ROOT, NULL, "there are 1024 assignments");
    assert_place(fixture, ANNA, NULL, "there are 1024 assignments");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_of_a_tenant),
        TEST(test_of_a_user),
        TEST(test_of_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
