/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a device is, and that it never goes to anybody else's machine. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/allocation/allocation.h"
#include "daemon/model/membership.h"

#define DESK   "11111111-1111-1111-1111-111111111111"
#define STUDIO "22222222-2222-2222-2222-222222222222"
#define LOFT   "33333333-3333-3333-3333-333333333333"

#define KEY "vendor=0529 product=0001 serial=AAAA-1"

static const char *const uuids[] = { DESK, STUDIO, LOFT };

typedef struct Fixture {
    Registry *registry;
    Memberships *memberships;
    Allocation *allocation;
    unsigned next_number;
    int64_t next_sequence;
} Fixture;

static Device *plug(Fixture *fixture, const char *sysname, const char *serial)
{
    Device *device = device_new(sysname);

    device->bus_number = 1;
    device->device_number = fixture->next_number++;
    device->instance = device->device_number;
    device->vendor_id = 0x0529;
    device->product_id = 1;
    g_free(device->serial);
    device->serial = g_strdup(serial);
    g_free(device->socket);
    device->socket = g_strdup_printf("pci-0000:00:14.0/%s", strchr(sysname, '-') + 1);
    device->class_name = "smartcard";
    registry_add_device(fixture->registry, device);
    memberships_update_device(fixture->memberships, device);
    return device;
}

static void add_machine(Fixture *fixture, const char *uuid)
{
    MachineInfo *info = machine_info_new(uuid);
    Machine *machine;

    info->state = MACHINE_STATE_RUNNING;
    machine = machine_new(info);
    machine->inspected = true;
    registry_add_machine(fixture->registry, machine);
}

static void add_group(Fixture *fixture, const char *name, const char *rule)
{
    Group *group = group_new(name);

    group_add_rule(group, rule_parse(rule, NULL), "admin");
    registry_add_group(fixture->registry, group);
    memberships_rebuild(fixture->memberships);
}

static Tenant *add_tenant(Fixture *fixture, const char *name, const char *uuid)
{
    Tenant *tenant = tenant_new(name);

    tenant_add_machine(tenant, uuid);
    registry_add_tenant(fixture->registry, tenant);
    return tenant;
}

static Assignment *assign(Fixture *fixture, const char *id, const char *uuid, const char *group,
                          const char *rule, const char *tenant)
{
    Assignment *assignment = assignment_new(id);

    assignment->machine_uuid = g_strdup(uuid);
    assignment->group = g_strdup(group);
    assignment->rule = rule ? rule_parse(rule, NULL) : NULL;
    assignment->tenant = g_strdup(tenant);
    assignment->stored = true;
    assignment->sequence = fixture->next_sequence++;
    assert_true(quantity_parse("1", &assignment->quantity_kind, &assignment->quantity));
    registry_add_assignment(fixture->registry, assignment);
    return assignment;
}

static void look(Fixture *fixture)
{
    allocation_free(fixture->allocation);
    fixture->allocation = allocation_new(fixture->registry, 1);
}

static void assert_verdict(Fixture *fixture, const Assignment *assignment, const Device *device,
                           Verdict verdict)
{
    const GPtrArray *wants = allocation_wants_of(fixture->allocation, assignment);

    assert_int_equal(allocation_judge(fixture->allocation, assignment, device), verdict);
    assert_int_equal(wants->len, verdict == VERDICT_GO ? 1 : 0);
}

static int setup(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    *state = fixture;
    fixture->registry = registry_new("host");
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    fixture->registry->machines_known = true;
    fixture->memberships = memberships_new(fixture->registry);
    fixture->next_number = 2;
    fixture->next_sequence = 1;
    for (gsize i = 0; i < G_N_ELEMENTS(uuids); i++)
        add_machine(fixture, uuids[i]);
    return 0;
}

static int teardown(void **state)
{
    Fixture *fixture = *state;

    allocation_free(fixture->allocation);
    memberships_free(fixture->memberships);
    registry_free(fixture->registry);
    g_free(fixture);
    return 0;
}

static void test_whose_it_is(void **state)
{
    Fixture *fixture = *state;
    Device *device = plug(fixture, "1-1", "AAAA-1");

    assert_null(device->tenant);
    add_group(fixture, "keys", "vendor=0529");
    assert_non_null(membership_find(device, "keys"));
    add_group(fixture, "acme/keys", KEY);
    assert_string_equal(device->tenant, "acme");
    assert_non_null(membership_find(device, "acme/keys"));
    assert_null(membership_find(device, "keys"));
    assert_true(membership_is_withheld(fixture->registry, device, registry_group(fixture->registry, "keys")));

    /* In the port of another tenant's: the more specific grant holds. */
    add_group(fixture, "aaa/ports", "vendor=0529 product=0001 port=1-1");
    assert_string_equal(device->tenant, "acme");
    assert_int_equal(device->memberships->len, 1);
    add_group(fixture, "zzz/both", KEY " port=1-1");
    assert_string_equal(device->tenant, "zzz");
    assert_null(membership_find(device, "acme/keys"));
}

static void test_only_to_its_machines(void **state)
{
    Fixture *fixture = *state;
    const Device *device = plug(fixture, "1-1", "AAAA-1");
    const Assignment *inside, *outside, *pool, *drawn;

    add_tenant(fixture, "acme", DESK);
    add_group(fixture, "acme/keys", KEY);
    add_group(fixture, "keys", "vendor=*");
    outside = assign(fixture, "aaaaaaaa", STUDIO, NULL, KEY, NULL);
    pool = assign(fixture, "bbbbbbbb", LOFT, "keys", NULL, NULL);
    drawn = assign(fixture, "cccccccc", STUDIO, "acme/keys", NULL, "acme");
    inside = assign(fixture, "dddddddd", DESK, NULL, KEY, "acme");
    registry_assignment(fixture->registry, "aaaaaaaa")->priority = 100;
    look(fixture);
    assert_verdict(fixture, inside, device, VERDICT_GO);
    assert_verdict(fixture, outside, device, VERDICT_NOT_OWNED);
    assert_verdict(fixture, pool, device, VERDICT_NOT_OWNED);
    assert_verdict(fixture, drawn, device, VERDICT_NOT_OWNED);
}

/* What was given as a tenant's ends with the grant, whatever the assignment says. */
static void test_after_the_grant(void **state)
{
    Fixture *fixture = *state;
    const Device *device = plug(fixture, "1-1", "AAAA-1");
    const Assignment *as_tenants, *as_nobodys;

    add_tenant(fixture, "acme", DESK);
    as_tenants = assign(fixture, "aaaaaaaa", DESK, NULL, KEY, "acme");
    look(fixture);
    assert_verdict(fixture, as_tenants, device, VERDICT_NOT_OWNED);
    as_nobodys = assign(fixture, "bbbbbbbb", DESK, NULL, KEY, NULL);
    look(fixture);
    assert_verdict(fixture, as_nobodys, device, VERDICT_GO);
    assert_ptr_equal(allocation_pinned(fixture->allocation, as_nobodys), device);
    assert_null(allocation_pinned(fixture->allocation, as_tenants));
    /* Granted, it goes by the tenant's assignments and by no others, be they for the same machine. */
    add_group(fixture, "acme/keys", KEY);
    look(fixture);
    assert_verdict(fixture, as_tenants, device, VERDICT_GO);
    assert_verdict(fixture, as_nobodys, device, VERDICT_NOT_OWNED);
    assert_ptr_equal(allocation_pinned(fixture->allocation, as_tenants), device);
    assert_null(allocation_pinned(fixture->allocation, as_nobodys));
}

/* The machine went from one tenant to the other, which has the same kind of device. */
static void test_of_the_other_tenant(void **state)
{
    Fixture *fixture = *state;
    const Device *device = plug(fixture, "1-1", "AAAA-1");
    const Assignment *formers, *owners;

    add_tenant(fixture, "acme", STUDIO);
    add_tenant(fixture, "globex", DESK);
    add_group(fixture, "globex/keys", KEY);
    formers = assign(fixture, "aaaaaaaa", DESK, NULL, KEY, "acme");
    look(fixture);
    assert_verdict(fixture, formers, device, VERDICT_NOT_OWNED);
    owners = assign(fixture, "bbbbbbbb", DESK, NULL, KEY, "globex");
    look(fixture);
    assert_verdict(fixture, owners, device, VERDICT_GO);
}

/* The tenant's own file is lost. */
static void test_nobodys_tenant(void **state)
{
    Fixture *fixture = *state;
    const Device *device = plug(fixture, "1-1", "AAAA-1");
    const Assignment *assignment;

    add_group(fixture, "acme/keys", KEY);
    assignment = assign(fixture, "aaaaaaaa", DESK, NULL, KEY, NULL);
    look(fixture);
    assert_verdict(fixture, assignment, device, VERDICT_NOT_OWNED);
}

static const char *pick(const char *const *from, gsize n)
{
    return from[g_random_int_range(0, (gint32)n)];
}

/* Whatever there is: a device goes to a machine of its tenant, and what was given as a tenant's is that
 * tenant's. */
static void test_never_to_anybody_else(void **state)
{
    enum { ROUNDS = 300, THINGS = 12 };
    static const char *const rules[] = { "vendor=*", "serial=AAAA-1", "serial=BBBB-2", "port=1-3", KEY };
    static const char *const groups[] = { "keys", "pool", "acme/keys", "acme/pool", "globex/keys" };
    static const char *const tenants[] = { NULL, "acme", "globex" };

    for (int round = 0; round < ROUNDS; round++) {
        Fixture *fixture;
        const GPtrArray *wants;

        setup((void **)&fixture);
        plug(fixture, "1-1", "AAAA-1");
        plug(fixture, "1-2", "BBBB-2");
        plug(fixture, "1-3", "");
        add_tenant(fixture, "acme", DESK);
        if (round % 2)
            add_tenant(fixture, "globex", STUDIO);
        for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
            if (g_random_boolean())
                add_group(fixture, groups[i], pick(rules, G_N_ELEMENTS(rules)));
        for (int i = 0; i < THINGS; i++) {
            g_autofree char *id = g_strdup_printf("aaaaaa%02d", i);
            const char *group = g_random_boolean() ? pick(groups, G_N_ELEMENTS(groups)) : NULL;

            assign(fixture, id, pick(uuids, G_N_ELEMENTS(uuids)), group,
                   group ? NULL : pick(rules, G_N_ELEMENTS(rules)), pick(tenants, G_N_ELEMENTS(tenants)));
        }
        look(fixture);
        wants = deal_wants(fixture->allocation->deal);
        for (guint i = 0; i < wants->len; i++) {
            const Want *want = wants->pdata[i];
            const Tenant *machines =
                registry_machine_tenant(fixture->registry, want->assignment->machine_uuid);

            if (want->device->tenant)
                assert_string_equal(machines ? machines->name : "nobody", want->device->tenant);
            assert_string_equal(want->assignment->tenant ? want->assignment->tenant : "nobody",
                                want->device->tenant ? want->device->tenant : "nobody");
        }
        teardown((void **)&fixture);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whose_it_is),     TEST(test_only_to_its_machines),
        TEST(test_after_the_grant), TEST(test_of_the_other_tenant),
        TEST(test_nobodys_tenant),  cmocka_unit_test(test_never_to_anybody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
