/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of several is meant: each fact that decides, and in which order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/pinned.h"
#include "daemon/base/text.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"
#define POOL   "bbbbbbbb"

/* Two that can't be told apart, but for their sockets. */
static int set_up(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "TWIN"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "TWIN"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, PINNED, DESK, NULL, "vendor=0529 product=0001 serial=TWIN", "1");
    fixture_assign(fixture, POOL, DESK, "keys", NULL, "1");
    return 0;
}

static void unplug(Fixture *fixture, const char *sysname)
{
    registry_remove_device(fixture->registry, registry_device(fixture->registry, sysname));
}

/* NULL = none. */
static void assert_pinned(Fixture *fixture, const char *id, const char *sysname)
{
    const Assignment *assignment = registry_assignment(fixture->registry, id);
    const Device *device;

    fixture_look(fixture);
    device = pinned_device(fixture->registry, fixture->allocation->attachments,
                           fixture->allocation->candidates, assignment);
    assert_ptr_equal(device, registry_device(fixture->registry, sysname));
}

static bool has_twins(Fixture *fixture, const char *id)
{
    fixture_look(fixture);
    return pinned_has_twins(fixture->allocation->candidates, registry_assignment(fixture->registry, id));
}

static void test_one_of_two(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    assert_pinned(fixture, PINNED, NULL);
    assert_true(has_twins(fixture, PINNED));
    text_replace(&pinned->home_socket, "pci-0000:00:14.0/2");
    assert_pinned(fixture, PINNED, "1-2");
    text_replace(&pinned->home_socket, "pci-0000:00:14.0/9");
    assert_pinned(fixture, PINNED, NULL);
    assert_pinned(fixture, POOL, NULL);
    assert_false(has_twins(fixture, POOL));
}

/* As long as there was never a second one, the only one is it, wherever it is. */
static void test_moved_or_a_twin(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    text_replace(&pinned->home_socket, "pci-0000:00:14.0/2");
    unplug(fixture, "1-2");
    assert_pinned(fixture, PINNED, "1-1");
    assert_false(has_twins(fixture, PINNED));
    pinned->twins = true;
    assert_pinned(fixture, PINNED, NULL);
    text_replace(&pinned->home_socket, "pci-0000:00:14.0/1");
    assert_pinned(fixture, PINNED, "1-1");
}

/* Whatever comes beside it, or where it was. */
static void test_what_a_machine_has_it_keeps(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    pinned->twins = true;
    text_replace(&pinned->home_socket, "pci-0000:00:14.0/2");
    fixture_put_into(fixture, "1-1", PINNED);
    assert_pinned(fixture, PINNED, "1-1");
    fixture_assert_gets(fixture, PINNED, "1-1");
    text_replace(&pinned->home_socket, "");
    assert_pinned(fixture, PINNED, "1-1");
    /* Not so one that another machine has by it. */
    g_free(pinned->machine_uuid);
    pinned->machine_uuid = g_strdup(STUDIO);
    assert_pinned(fixture, PINNED, NULL);
}

/* A device that the rule doesn't match is none of it, wherever it is. */
static void test_another_one_at_home(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x0529, 1, "OTHER"));
    text_replace(&pinned->home_socket, "pci-0000:00:14.0/3");
    assert_pinned(fixture, PINNED, NULL);
    unplug(fixture, "1-2");
    assert_pinned(fixture, PINNED, "1-1");
}

static void test_a_tenants_twin(void **state)
{
    Fixture *fixture = *state;

    registry_add_tenant(fixture->registry, tenant_new("lab"));
    registry_device(fixture->registry, "1-2")->tenant = g_strdup("lab");
    assert_pinned(fixture, PINNED, "1-1");
    assert_true(has_twins(fixture, PINNED));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_of_two),          TEST(test_moved_or_a_twin), TEST(test_what_a_machine_has_it_keeps),
        TEST(test_another_one_at_home), TEST(test_a_tenants_twin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
