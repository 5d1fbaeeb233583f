/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which groups a device is in while groups come and go, and whose assignments may have it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/model/membership.h"
#include "tests/unit/fixture.h"

/* Between begin and end nothing refers to a group that goes, and at the end everything is as if done one by
 * one.
 */
static void test_many_changes(void **state)
{
    Fixture *fixture = *state;
    const Device *device;
    Group *keys;

    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "BBBB-2"));
    device = registry_device(fixture->registry, "1-1");
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(fixture, "others", (const char *const[]){ "vendor=0529", NULL });
    keys = registry_group(fixture->registry, "keys");
    assert_non_null(membership_find(device, "keys"));

    memberships_begin_many(fixture->memberships);
    g_ptr_array_set_size(keys->rules, 0);
    memberships_rebuild(fixture->memberships);
    assert_null(membership_find(device, "keys"));
    assert_non_null(membership_find(device, "others"));
    registry_remove_group(fixture->registry, keys);
    fixture_add_group(fixture, "more", (const char *const[]){ "serial=AAAA-1", NULL });
    memberships_end_many(fixture->memberships);
    assert_null(membership_find(device, "keys"));
    assert_non_null(membership_find(device, "others"));
    assert_non_null(membership_find(device, "more"));
}

/* A tenant's device is for the tenant's assignments in the tenant's machines, also while nobody knows which
 * these are. */
static void test_may_have(void **state)
{
    static const struct {
        const char *of_device, *of_assignment;
        bool is_tenants_machine, may;
    } cases[] = {
        { NULL, NULL, false, true },     { NULL, NULL, true, true },      { NULL, "lab", true, false },
        { "lab", NULL, true, false },    { "lab", "lab", true, true },    { "lab", "lab", false, false },
        { "lab", "other", true, false }, { "gone", "gone", true, false },
    };
    Fixture *fixture = *state;
    Tenant *lab = tenant_new("lab");
    Assignment *assignment;
    Device *device;

    registry_add_tenant(fixture->registry, lab);
    g_ptr_array_add(lab->machines, g_strdup(DESK));
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "serial=AAAA-1", "1");
    assignment = registry_assignment(fixture->registry, "aaaaaaaa");
    device = registry_device(fixture->registry, "1-1");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_free(device->tenant);
        device->tenant = g_strdup(cases[i].of_device);
        g_free(assignment->tenant);
        assignment->tenant = g_strdup(cases[i].of_assignment);
        g_free(assignment->machine_uuid);
        assignment->machine_uuid = g_strdup(cases[i].is_tenants_machine ? DESK : STUDIO);
        if (membership_may_have(fixture->registry, assignment, device) != cases[i].may)
            fail_msg("case %zu", i);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_changes),
        TEST(test_may_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
