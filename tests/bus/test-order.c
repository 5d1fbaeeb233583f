/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that a port rule, an id rule and a class rule want, for three machines: the winner is the
 * documented one (daemon/allocation/allocation.h), whatever the order of everything. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

#define DEVICE     "1-1"
#define DEVICE_IDS "0529:0001"

/* As many rounds as fit into this time, and always some. */
#define TIME_US    (5 * G_USEC_PER_SEC)
#define ROUNDS_MIN 5
#define ROUNDS_MAX 100

/* By the documented order: the first one wins. */
static const struct {
    const char *group;
    const char *rule;
} claims[] = {
    { "by-port", "port=pci-0000:00:14.0/1" },
    { "by-id", "vendor=0529 product=0001" },
    { "by-class", "class=hid-keyboard" },
};
enum { CLAIMS = G_N_ELEMENTS(claims), PLUG = CLAIMS, ARRIVALS };

static const char *const machines[CLAIMS] = {
    "33333333-3333-3333-3333-333333333331",
    "33333333-3333-3333-3333-333333333332",
    "33333333-3333-3333-3333-333333333333",
};

typedef struct Round {
    GRand *rand;
    unsigned machine_of[CLAIMS]; /* which machine draws from which group */
    char *assignments[CLAIMS];   /* paths; NULL = not made yet */
} Round;

static void shuffle(GRand *rand, unsigned *numbers, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        numbers[i] = i;
    for (unsigned i = n - 1; i > 0; i--) {
        unsigned k = (unsigned)g_rand_int_range(rand, 0, (gint32)i + 1), other = numbers[i];

        numbers[i] = numbers[k];
        numbers[k] = other;
    }
}

static void plug(Fixture *fixture)
{
    groups_plug(fixture, DEVICE, DEVICE_IDS, "");
}

/* The folder has the same files in another order. */
static void shuffle_files(Fixture *fixture, GRand *rand, const char *kind)
{
    g_autofree char *folder = fixture_state_path(fixture, kind);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autofree unsigned *order = NULL;
    const char *name;

    assert_non_null(dir);
    while ((name = g_dir_read_name(dir))) {
        char *path = g_build_filename(folder, name, NULL), *text = NULL;

        assert_true(g_file_get_contents(path, &text, NULL, NULL));
        assert_int_equal(g_unlink(path), 0);
        g_ptr_array_add(paths, path);
        g_ptr_array_add(texts, text);
    }
    assert_int_equal(paths->len, CLAIMS);
    order = g_new(unsigned, paths->len);
    shuffle(rand, order, paths->len);
    for (guint i = 0; i < paths->len; i++)
        assert_true(g_file_set_contents(paths->pdata[order[i]], texts->pdata[order[i]], -1, NULL));
}

/* Nobody has anything afterwards: the machines were off meanwhile. hanging: one that can't be read yet. */
static void restart(Fixture *fixture, Round *round, bool unplugged, const char *hanging)
{
    unsigned order[CLAIMS];

    fixture_stop_daemon(fixture, g_rand_boolean(round->rand) ? SIGTERM : SIGKILL);
    shuffle_files(fixture, round->rand, "groups");
    if (round->assignments[0])
        shuffle_files(fixture, round->rand, "assignments");
    if (unplugged && fixture->plugged->len > 0)
        fixture_unplug(fixture, DEVICE);
    fixture_start_daemon(fixture);
    shuffle(round->rand, order, CLAIMS);
    for (unsigned i = 0; i < CLAIMS; i++) {
        g_free(fixture_script(fixture, "define %s vm%u", machines[order[i]], order[i]));
        g_free(fixture_script(fixture, "start %s", machines[order[i]]));
    }
    if (hanging)
        g_free(fixture_script(fixture, "hang %s", hanging));
    g_free(fixture_script(fixture, "connect"));
    if (!hanging)
        fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
}

/* It has the device, nobody else has, and nobody else had it for a moment. */
static void assert_winner(Fixture *fixture, const Round *round, unsigned winner)
{
    g_autofree char *device = fixture_device_path(DEVICE);
    g_autofree char *expected = fixture_machine_path(machines[round->machine_of[winner]]);
    g_autofree char *machine = NULL;
    g_autofree char *counts = NULL;

    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
    machine = fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "Machine");
    fixture_assert(fixture, g_strcmp0(machine, expected) == 0);
    for (unsigned i = 0; i < CLAIMS; i++)
        if (round->assignments[i])
            wait_list(fixture, round->assignments[i], FERRY_INTERFACE_ASSIGNMENT, "Devices",
                      i == winner ? DEVICE " attached" : "");
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, g_str_has_prefix(counts, "attach=1 detach=0 "));
}

/* Everything comes in some order. Until the device is there the best claim counts; then it is had, and is
 * kept. */
static void arrive(Fixture *fixture, Round *round)
{
    unsigned order[ARRIVALS], best = CLAIMS;
    bool plugged = false, had = false;

    shuffle(round->rand, order, ARRIVALS);
    for (unsigned i = 0; i < ARRIVALS; i++) {
        if (order[i] == PLUG) {
            plug(fixture);
            plugged = true;
        } else {
            g_autofree char *group = group_path(claims[order[i]].group);

            round->assignments[order[i]] =
                group_assign(fixture, group, machines[round->machine_of[order[i]]], NULL, NULL);
            if (!had)
                best = MIN(best, order[i]);
        }
        had = plugged && best < CLAIMS;
        if (had)
            assert_winner(fixture, round, best);
    }
}

typedef struct Said {
    const char *assignment;
    const char *text;
} Said;

static bool is_said(Fixture *fixture, void *userdata)
{
    const Said *said = userdata;

    g_free(fixture->last_seen);
    fixture->last_seen = fixture_get(fixture, said->assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    return fixture->last_seen && strstr(fixture->last_seen, said->text);
}

static void wait_reason_says(Fixture *fixture, const char *assignment, const char *text)
{
    fixture_wait_for(fixture, is_said, &(Said){ assignment, text }, text);
}

static void release_all(Fixture *fixture, Round *round)
{
    for (unsigned i = 0; i < CLAIMS; i++) {
        sd_bus_message_unref(fixture_call_ok(fixture, round->assignments[i], FERRY_INTERFACE_ASSIGNMENT,
                                             "Release", "a{sv}", 0));
        fixture_wait_object(fixture, round->assignments[i], FERRY_INTERFACE_ASSIGNMENT, false);
        g_clear_pointer(&round->assignments[i], g_free);
    }
}

static void make_groups(Fixture *fixture)
{
    for (unsigned i = 0; i < CLAIMS; i++)
        g_free(group_create_with(fixture, claims[i].group, claims[i].rule));
}

static void run_round(Fixture *fixture, GRand *rand)
{
    Round round = { .rand = rand };
    bool unplugged = g_rand_boolean(rand);

    shuffle(rand, round.machine_of, CLAIMS);
    restart(fixture, &round, true, NULL);
    arrive(fixture, &round);

    restart(fixture, &round, unplugged, NULL);
    if (unplugged)
        plug(fixture);
    assert_winner(fixture, &round, 0);

    release_all(fixture, &round);
}

static void test_order_does_not_matter(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(4711);
    gint64 end = g_get_monotonic_time() + TIME_US;
    unsigned rounds = 0;

    make_groups(fixture);
    while (rounds < ROUNDS_MIN || (rounds < ROUNDS_MAX && g_get_monotonic_time() < end)) {
        run_round(fixture, rand);
        rounds++;
    }
    printf("# %u rounds of %d hotplug and two restarts\n", rounds, (int)ARRIVALS);
}

/* After a start the machines are read one by one. The first one that is known doesn't get what a later one
 * may have, or comes first for. */
static void test_waits_for_every_machine(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(4711);
    Round round = { .rand = rand };
    const char *text = "1-1) waits until every VM that draws from its groups has been looked at.";

    make_groups(fixture);
    shuffle(rand, round.machine_of, CLAIMS);
    restart(fixture, &round, true, NULL);
    arrive(fixture, &round);
    restart(fixture, &round, false, machines[round.machine_of[0]]);
    for (unsigned i = 1; i < CLAIMS; i++)
        wait_reason_says(fixture, round.assignments[i], text);
    g_free(fixture_script(fixture, "resume %s", machines[round.machine_of[0]]));
    assert_winner(fixture, &round, 0);
    release_all(fixture, &round);
}

/* Changes a stored assignment as if somebody's clock had been wrong. removed: a key that goes, or NULL. */
static void edit_stored(Fixture *fixture, const char *assignment, const char *created, const char *removed)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *name = NULL, *path = NULL;
    char *id = NULL;

    assert_true(sd_bus_path_decode(assignment, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    name = g_strconcat("assignments/", id, NULL);
    free(id);
    path = fixture_state_path(fixture, name);
    assert_true(g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL));
    g_key_file_set_value(file, "Assignment", "Created", created);
    if (removed)
        (void)g_key_file_remove_key(file, "Assignment", removed, NULL);
    assert_true(g_key_file_save_to_file(file, path, NULL));
}

static void start_again(Fixture *fixture)
{
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
}

/* In the year 2100. */
#define FAR_AWAY "4102444800000000"

/* The clock is set back after the first one was made: it is the older one all the same. sequence: it has one,
 * and isn't of a service that wrote none. */
static void assert_first_comes_first(Fixture *fixture, bool sequence)
{
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *first = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    g_autofree char *second = NULL, *exported = NULL, *place = NULL;

    if (!sequence) {
        fixture_stop_daemon(fixture, SIGTERM);
        edit_stored(fixture, first, FAR_AWAY, "Sequence");
        start_again(fixture);
    }
    second = group_assign(fixture, group, FIXTURE_STUDIO, NULL, NULL);
    fixture_stop_daemon(fixture, SIGTERM);
    edit_stored(fixture, first, FAR_AWAY, NULL);
    start_again(fixture);
    fixture_wait(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-device");
    plug(fixture);
    fixture_wait(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_wait(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-device");
    place = fixture_get(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    assert_says(place, "place 1 in the queue");
    exported = apply_export(fixture);
    assert_true(strstr(exported, "Machine=desk") < strstr(exported, "Machine=studio"));
}

static void test_older_is_not_by_the_clock(void **state)
{
    assert_first_comes_first(*state, true);
}

static void test_files_without_a_sequence(void **state)
{
    assert_first_comes_first(*state, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order_does_not_matter),
        TEST(test_waits_for_every_machine),
        TEST(test_older_is_not_by_the_clock),
        TEST(test_files_without_a_sequence),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
