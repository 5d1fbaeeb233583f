/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the kernel is asked, and what of its answers is kept. Times are the test's: a look is due in the turn
 * that is taken then. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "daemon/base/error.h"
#include "daemon/reconciler/witness.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"

#define MS     (G_USEC_PER_SEC / 1000)
#define SECOND G_USEC_PER_SEC
/* Not long after a time at which everything is looked at. */
#define START (1000 * SECOND + 100 * MS)

typedef struct Scene {
    Fixture *fixture;
    Witness *witness;
    char *folder;
    unsigned changes; /* told */
} Scene;

static void changed(void *userdata)
{
    ((Scene *)userdata)->changes++;
}

static Device *device_of(Scene *scene)
{
    return registry_device(scene->fixture->registry, "1-1");
}

static void write_attribute(Scene *scene, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(scene->folder, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void set_up_folder(Scene *scene)
{
    g_autofree char *power = NULL;

    scene->folder = g_dir_make_tmp("ferry-witness-XXXXXX", NULL);
    power = g_build_filename(scene->folder, "power", NULL);
    assert_int_equal(g_mkdir(power, 0700), 0);
    write_attribute(scene, "authorized", "1\n");
    write_attribute(scene, "power/control", "auto\n");
    write_attribute(scene, "power/runtime_usage", "0\n");
}

static int set_up(void **state)
{
    Scene *scene = g_new0(Scene, 1);
    Device *device;

    fixture_setup((void **)&scene->fixture);
    set_up_folder(scene);
    device = fixture_make_device(scene->fixture, "1-1", 0x0529, 1, "AAAA-1");
    g_free(device->syspath);
    device->syspath = g_strdup(scene->folder);
    fixture_plug(scene->fixture, device);
    scene->witness = witness_new(scene->fixture->registry, changed, scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    Scene *scene = *state;
    g_autofree char *command = g_strdup_printf("rm -rf %s", scene->folder);

    witness_free(scene->witness);
    fixture_teardown((void **)&scene->fixture);
    assert_int_equal(system(command), 0);
    g_free(scene->folder);
    g_free(scene);
    return 0;
}

/* True when a look said something new. */
static bool turn(Scene *scene, gint64 now)
{
    g_autoptr(Allocation) allocation = allocation_new(scene->fixture->registry, now);

    return witness_turn(scene->witness, allocation, now);
}

static void assert_looked(Scene *scene, gint64 now, bool looked)
{
    turn(scene, now);
    assert_int_equal(device_of(scene)->kernel.seen_at == now, looked);
}

static void want(Scene *scene)
{
    fixture_assign(scene->fixture, PINNED, DESK, NULL, "serial=AAAA-1", "1");
}

/* As the machine's live XML does. */
static Presence *list(Scene *scene)
{
    const Hostdev *hostdev = fixture_put_into(scene->fixture, "1-1", PINNED);
    Presence *presence = g_new0(Presence, 1);

    presence->since = START;
    g_hash_table_insert(registry_machine(scene->fixture->registry, DESK)->presences, g_strdup(hostdev->alias),
                        presence);
    return presence;
}

/* What wakes the main loop by itself: nothing, or something in so many ms. */
static int wakes_in(void)
{
    GMainContext *context = g_main_context_default();
    GPollFD fds[8];
    int priority, timeout;

    assert_true(g_main_context_acquire(context));
    g_main_context_prepare(context, &priority);
    g_main_context_query(context, priority, &timeout, fds, G_N_ELEMENTS(fds));
    g_main_context_release(context);
    return timeout;
}

static void test_nobody_wants_it(void **state)
{
    Scene *scene = *state;

    assert_looked(scene, START, false);
    assert_looked(scene, START + 60 * SECOND, false);
    assert_int_equal(wakes_in(), -1);
    /* Only when something happens to it, once. */
    write_attribute(scene, "authorized", "0\n");
    witness_hint(scene->witness, "1-1");
    assert_true(device_of(scene)->kernel.seen_at > 0);
    assert_int_equal(scene->changes, 1);
    assert_int_equal(wakes_in(), -1);
    witness_hint(scene->witness, "1-7");
}

static void test_wanted(void **state)
{
    static const struct {
        gint64 after;
        bool looked;
    } looks[] = { { 0, true },         { 50 * MS, false },    { 100 * MS, true },    { 200 * MS, false },
                  { 300 * MS, true },  { 900 * MS, false },   { 1000 * MS, true },   { 1900 * MS, false },
                  { 2000 * MS, true }, { 5 * SECOND, false }, { 60 * SECOND, false } };
    Scene *scene = *state;

    want(scene);
    for (gsize i = 0; i < G_N_ELEMENTS(looks); i++)
        assert_looked(scene, START + looks[i].after, looks[i].looked);
    assert_int_equal(wakes_in(), -1);
}

/* Now and then, at the same time as all others. */
static void test_listed(void **state)
{
    Scene *scene = *state;
    gint64 tick = (START / (10 * SECOND) + 2) * 10 * SECOND;

    write_attribute(scene, "power/runtime_usage", "1\n");
    want(scene);
    list(scene);
    turn(scene, START);
    turn(scene, START + 2 * SECOND);
    turn(scene, tick - 10 * SECOND);
    assert_looked(scene, tick - 1, false);
    assert_looked(scene, tick, true);
    assert_looked(scene, tick + 10 * SECOND - 1, false);
    assert_looked(scene, tick + 10 * SECOND, true);
    /* It leaves the machine: at once. */
    g_ptr_array_set_size(registry_machine(scene->fixture->registry, DESK)->info->hostdevs, 0);
    assert_looked(scene, tick + 11 * SECOND, true);
    assert_true(device_of(scene)->ours);
}

/* No group hands it out, so nobody wants it, and nobody says when the program ends. */
static void test_held_back_from_a_group(void **state)
{
    Scene *scene = *state;
    gint64 tick = (START / (10 * SECOND) + 2) * 10 * SECOND;

    fixture_add_group(scene->fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(scene->fixture, PINNED, DESK, "keys", NULL, "1");
    write_attribute(scene, "power/runtime_usage", "1\n");
    turn(scene, START);
    turn(scene, START + 1100 * MS);
    turn(scene, START + 1100 * MS);
    turn(scene, START + 3200 * MS);
    turn(scene, tick - 10 * SECOND);
    assert_looked(scene, tick - 1, false);
    assert_looked(scene, tick, true);
    /* It couldn't be handed out now anyway. */
    registry_machine(scene->fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    turn(scene, tick + 1);
    assert_int_equal(wakes_in(), -1);
}

/* It was in the way of an attach, which is not to wait any longer when it ends. */
static void test_program_ends(void **state)
{
    Scene *scene = *state;
    Claim *claim = g_new0(Claim, 1);

    want(scene);
    claim->sysname = g_strdup("1-1");
    claim->error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY, "busy");
    claim->next_at = G_MAXINT64;
    g_ptr_array_add(registry_assignment(scene->fixture->registry, PINNED)->claims, claim);
    write_attribute(scene, "power/runtime_usage", "1\n");
    turn(scene, START);
    turn(scene, START + 1000 * MS);
    assert_int_equal(claim->next_at, G_MAXINT64);
    write_attribute(scene, "power/runtime_usage", "0\n");
    assert_true(turn(scene, START + 2000 * MS));
    assert_int_equal(claim->next_at, 0);
}

/* The allocation of the same turn has to know. */
static void test_something_new(void **state)
{
    Scene *scene = *state;

    want(scene);
    assert_false(turn(scene, START));
    write_attribute(scene, "power/runtime_usage", "1\n");
    assert_false(turn(scene, START + 100 * MS));
    assert_false(turn(scene, START + 300 * MS));
    assert_true(turn(scene, START + 1100 * MS));
    assert_false(turn(scene, START + 2000 * MS));
}

static void test_presence(void **state)
{
    Scene *scene = *state;
    Presence *presence;
    g_autofree char *interface = g_strdup_printf("%s/%s:1.0", scene->folder, strrchr(scene->folder, '/') + 1);
    g_autofree char *driver = g_build_filename(interface, "driver", NULL);

    want(scene);
    presence = list(scene);
    turn(scene, START);
    assert_false(presence->confirmed);
    assert_int_equal(g_mkdir(interface, 0700), 0);
    write_attribute(scene, "power/runtime_usage", "1\n");
    turn(scene, START + 100 * MS);
    assert_true(presence->confirmed);
    assert_false(presence->configured);
    assert_int_equal(symlink("../../bus/usb/drivers/usbfs", driver), 0);
    turn(scene, START + 300 * MS);
    assert_true(presence->configured);
    /* Once it was so it stays so, until it is listed anew. */
    write_attribute(scene, "power/runtime_usage", "0\n");
    turn(scene, START + 1000 * MS);
    assert_true(presence->confirmed && presence->configured);
}

/* The host wants these without a driver: known before any machine has it, and not learnt from one. */
static void test_driverless_at_home(void **state)
{
    Scene *scene = *state;
    g_autofree char *interface = g_strdup_printf("%s/%s:1.2", scene->folder, strrchr(scene->folder, '/') + 1);

    assert_int_equal(g_mkdir(interface, 0700), 0);
    want(scene);
    turn(scene, START);
    turn(scene, START + 300 * MS);
    assert_int_equal(device_of(scene)->driverless_at_home, 0);
    turn(scene, START + 1000 * MS);
    assert_int_equal(device_of(scene)->driverless_at_home, 1u << 2);
    device_of(scene)->driverless_at_home = 0;
    device_of(scene)->ours = true;
    turn(scene, START + 2000 * MS);
    assert_int_equal(device_of(scene)->driverless_at_home, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_wants_it),        TEST(test_wanted),       TEST(test_listed),
        TEST(test_something_new),          TEST(test_presence),     TEST(test_driverless_at_home),
        TEST(test_held_back_from_a_group), TEST(test_program_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
