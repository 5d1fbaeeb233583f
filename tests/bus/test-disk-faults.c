/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk that fails at each call of the store, or a service that is killed there: after the next start
 * everything is as it was acknowledged.
 *
 * Each call fails with one of the errors that it can have, alone or with all that come after it, in rotation:
 * FERRY_TEST_SEED chooses another one. The service is killed before each call that changes something. With
 * AddressSanitizer, where all of it takes three times as long, a third of the places have their turn: the
 * seed chooses which. FERRY_TEST_DISK=all: every error at every call, and kills at every call, in minutes. */

#include "tests/bus/cmocka-include.h"

#include <errno.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/snapshot-lines.h"
#include "tests/bus/storing-calls.h"

#define SEED 20260102

/* No call takes more of the disk. */
#define DISK_CALLS_MAX 64

#ifdef __SANITIZE_ADDRESS__
#define PLACES_PER_TURN 3
#else
#define PLACES_PER_TURN 1
#endif

typedef struct Faults {
    Fixture *fixture;
    GPtrArray *before; /* of what each call changes: lines that go */
    GPtrArray *after;  /* and lines that come */
    unsigned seed;
    bool all; /* every error at every call */
    unsigned operations, faults, violations;
    unsigned refused; /* starts */
} Faults;

/* ------------------------------------------------------------------ what is tried */

typedef struct Fault {
    const char *name;
    int error; /* as disk_script_arm() takes it */
    bool lasts;
} Fault;

static const Fault any_error[] = { { "any error", DISK_ANY_ERROR }, {} };

static const Fault every_error[] = {
    { "EIO", EIO },
    { "EIO from there on", EIO, true },
    { "ENOSPC", ENOSPC },
    { "EMFILE from there on", EMFILE, true },
    {},
};

static const Fault every_error_of_a_start[] = {
    { "EIO", EIO }, { "EMFILE", EMFILE }, { "EACCES", EACCES }, {}
};

static const Fault kill_at_changes = { "kill before a change", DISK_KILL_AT_CHANGES };
static const Fault kill_at_all = { "kill", DISK_KILL };

static bool kills(const Fault *fault)
{
    return fault->error == DISK_KILL_AT_CHANGES || fault->error == DISK_KILL;
}

/* number: of the call, so that each of them has its own errors at the same place. */
static void arm(Faults *faults, const Fault *fault, int at, unsigned number)
{
    bool is_any = fault->error == DISK_ANY_ERROR;

    faults->fixture->disk->seed = faults->seed + number;
    disk_script_arm(faults->fixture->disk, fault->error, at,
                    is_any ? (faults->seed + number + (unsigned)at) % 2 == 0 : fault->lasts);
}

/* number: as arm() has it. One in each block of places, and in the next block another one of it: the script
 * chooses the error by the same sum, and each is to be met. */
static bool has_its_turn(const Faults *faults, int at, unsigned number)
{
    unsigned block = (unsigned)at / PLACES_PER_TURN;

    return faults->all || (faults->seed + number + (unsigned)at + block) % PLACES_PER_TURN == 0;
}

/* ------------------------------------------------------------------ what has changed */

typedef enum Difference {
    NOTHING,    /* of the call's change */
    EVERYTHING, /* all of it and nothing else */
    SOMETHING,  /* a part of it and nothing else */
    ELSE,
} Difference;

static Difference compare(const Faults *faults, guint number, const char *was, const char *is)
{
    g_autoptr(GHashTable) gone = snapshot_minus(was, is), come = snapshot_minus(is, was);
    GHashTable *goes = faults->before->pdata[number], *comes = faults->after->pdata[number];

    if (strcmp(was, is) == 0)
        return NOTHING;
    if (!snapshot_is_within(gone, goes) || !snapshot_is_within(come, comes))
        return ELSE;
    return g_hash_table_size(gone) == g_hash_table_size(goes) &&
                   g_hash_table_size(come) == g_hash_table_size(comes)
               ? EVERYTHING
               : SOMETHING;
}

static void check(Faults *faults, guint number, const char *was, const char *is, bool may_be_made,
                  bool may_not_be_made, const char *when)
{
    Difference difference = compare(faults, number, was, is);

    if ((difference == NOTHING && may_not_be_made) || (difference == EVERYTHING && may_be_made) ||
        (difference == SOMETHING && may_not_be_made && storing_calls[number].in_steps))
        return;
    faults->violations++;
    fprintf(stderr, "%s, %s: %d\n%s\nbecame\n%s\n", storing_calls[number].name, when, (int)difference, was,
            is);
}

/* ------------------------------------------------------------------ the folders of the service */

static const char *copy_from, *copy_to;

static int copy_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    g_autofree char *to = g_strconcat(copy_to, path + strlen(copy_from), NULL);
    g_autofree char *text = NULL;
    gsize length;

    if (S_ISDIR(info->st_mode))
        return g_mkdir(to, 0700);
    return g_file_get_contents(path, &text, &length, NULL) &&
                   g_file_set_contents(to, text, (gssize)length, NULL)
               ? 0
               : -1;
}

/* to becomes what from is. */
static void copy_folder(Fixture *fixture, const char *from, const char *to)
{
    enum { FDS = 16 };
    g_autofree char *source = g_build_filename(fixture->dir, from, NULL);
    g_autofree char *target = g_build_filename(fixture->dir, to, NULL);

    fixture_remove_tree(target);
    copy_from = source;
    copy_to = target;
    assert_int_equal(nftw(source, copy_one, FDS, FTW_PHYS), 0);
}

/* The service with what was prepared. */
static void begin_anew(Faults *faults)
{
    fixture_stop_daemon(faults->fixture, SIGKILL);
    copy_folder(faults->fixture, "state-prepared", "state");
    copy_folder(faults->fixture, "run-prepared", "run");
    fixture_start_daemon(faults->fixture);
    storing_settle(faults->fixture);
}

static void restart(Faults *faults)
{
    fixture_stop_daemon(faults->fixture, SIGKILL);
    fixture_start_daemon(faults->fixture);
    storing_settle(faults->fixture);
}

/* ------------------------------------------------------------------ set-up */

static void unref_lines(gpointer lines)
{
    g_hash_table_unref(lines);
}

/* What each call changes on a good disk. */
static void learn(Faults *faults)
{
    begin_anew(faults);
    for (const StoringCall *call = storing_calls; call->name; call++) {
        g_autofree char *was = storing_snapshot(faults->fixture), *is = NULL;

        assert_int_equal(call->run(faults->fixture, call->name), OUTCOME_OK);
        is = storing_snapshot(faults->fixture);
        assert_string_not_equal(was, is);
        g_ptr_array_add(faults->before, snapshot_minus(was, is));
        g_ptr_array_add(faults->after, snapshot_minus(is, was));
        faults->operations++;
    }
    {
        g_autofree char *was = storing_snapshot(faults->fixture), *is = NULL;

        restart(faults);
        is = storing_snapshot(faults->fixture);
        assert_string_equal(was, is);
    }
}

static int setup(void **state)
{
    Faults *faults = g_new0(Faults, 1);
    const char *seed = g_getenv("FERRY_TEST_SEED");

    groups_setup(state);
    faults->fixture = *state;
    faults->before = g_ptr_array_new_with_free_func(unref_lines);
    faults->after = g_ptr_array_new_with_free_func(unref_lines);
    *state = faults;
    faults->seed = seed ? (unsigned)g_ascii_strtoull(seed, NULL, 10) : SEED;
    faults->all = g_strcmp0(g_getenv("FERRY_TEST_DISK"), "all") == 0;
    storing_plug(faults->fixture);
    storing_settle(faults->fixture);
    storing_prepare(faults->fixture);
    fixture_stop_daemon(faults->fixture, SIGTERM);
    copy_folder(faults->fixture, "state", "state-prepared");
    copy_folder(faults->fixture, "run", "run-prepared");
    return 0;
}

static int teardown(void **state)
{
    Faults *faults = *state;

    *state = faults->fixture;
    g_ptr_array_unref(faults->before);
    g_ptr_array_unref(faults->after);
    g_free(faults);
    return groups_teardown(state);
}

static void say(const Faults *faults, const char *what)
{
    print_message("# %s: seed %u, %u operations, %u faults, %u violations\n", what, faults->seed,
                  faults->operations, faults->faults, faults->violations);
    assert_true(faults->faults > 0);
    assert_int_equal(faults->violations, 0);
}

/* ------------------------------------------------------------------ tests */

static unsigned count_calls(void)
{
    unsigned n = 0;

    while (storing_calls[n].name)
        n++;
    return n;
}

/* One call with a fault at this place. False when it takes less of the disk. */
static bool run_one(Faults *faults, unsigned number, const Fault *fault, int at, char **snapshot)
{
    Fixture *fixture = faults->fixture;
    const StoringCall *call = &storing_calls[number];
    g_autofree char *was = g_steal_pointer(snapshot);
    Outcome outcome;
    bool hit;

    arm(faults, fault, at, number);
    outcome = call->run(fixture, call->name);
    hit = disk_script_disarm(fixture->disk);
    fixture_assert(fixture, (outcome == OUTCOME_GONE) == (hit && kills(fault)));
    faults->operations++;
    faults->faults += hit;
    if (outcome == OUTCOME_GONE)
        restart(faults);
    *snapshot = storing_snapshot(fixture);
    check(faults, number, was, *snapshot, outcome != OUTCOME_REFUSED, outcome != OUTCOME_OK,
          outcome == OUTCOME_GONE ? "killed" : "answered");
    return hit;
}

/* The calls that take this much of the disk, in another order each time. False when there is none. */
static bool run_all(Faults *faults, const Fault *fault, int at, bool *is_over)
{
    unsigned n = count_calls(), open = 0;
    g_autofree char *was = NULL, *last = NULL;

    begin_anew(faults);
    was = storing_snapshot(faults->fixture);
    for (unsigned i = 0; i < n; i++) {
        unsigned number = (i + (unsigned)at) % n;

        if (is_over[number])
            continue;
        open++;
        if (!has_its_turn(faults, at, number))
            continue;
        is_over[number] = !run_one(faults, number, fault, at, &was);
        open -= is_over[number];
    }
    if (kills(fault)) /* it was started again after each of them */
        return open > 0;
    restart(faults);
    last = storing_snapshot(faults->fixture);
    if (strcmp(was, last) != 0) {
        faults->violations++;
        fprintf(stderr, "%s at %d: the service had\n%s\nand has after a restart\n%s\n", fault->name, at, was,
                last);
    }
    return open > 0;
}

static void run_everywhere(Faults *faults, const Fault *fault)
{
    g_autofree bool *is_over = g_new0(bool, count_calls());

    for (int at = 1; run_all(faults, fault, at, is_over); at++)
        assert_true(at < DISK_CALLS_MAX);
}

/* What is refused hasn't happened, and what is done is so after a restart. */
static void test_errors(void **state)
{
    Faults *faults = *state;

    learn(faults);
    for (const Fault *fault = faults->all ? every_error : any_error; fault->name; fault++)
        run_everywhere(faults, fault);
    say(faults, "errors");
}

/* Killed at each place: what was under way is there as a whole, or isn't. */
static void test_kills(void **state)
{
    Faults *faults = *state;

    learn(faults);
    run_everywhere(faults, faults->all ? &kill_at_all : &kill_at_changes);
    say(faults, "kills");
}

/* ------------------------------------------------------------------ the start */

/* True when the fault came. *ret_snapshot: NULL when the service didn't start. */
static bool start_with(Faults *faults, const Fault *fault, int at, char **ret_snapshot)
{
    Fixture *fixture = faults->fixture;
    bool hit;

    fixture_stop_daemon(fixture, SIGKILL);
    arm(faults, fault, at, 0);
    *ret_snapshot = NULL;
    if (fixture_try_start_daemon(fixture)) {
        hit = disk_script_disarm(fixture->disk);
        storing_settle(fixture);
        *ret_snapshot = storing_snapshot(fixture);
    } else {
        hit = disk_script_disarm(fixture->disk);
        faults->refused++;
    }
    faults->operations++;
    faults->faults += hit;
    return hit;
}

static void compare_start(Faults *faults, const char *was, const char *is, const Fault *fault, int at)
{
    if (strcmp(was, is) == 0)
        return;
    faults->violations++;
    fprintf(stderr, "%s at %d of a start:\n%s\nbecame\n%s\n", fault->name, at, was, is);
}

/* All is there, or the service doesn't start, and nothing is lost for the next time. */
static void test_starts(void **state)
{
    Faults *faults = *state;
    g_autofree char *was = NULL, *last = NULL;

    learn(faults);
    was = storing_snapshot(faults->fixture);
    for (const Fault *fault = faults->all ? every_error_of_a_start : any_error; fault->name; fault++) {
        bool hit = true;

        for (int at = 1; hit; at++) {
            g_autofree char *is = NULL;

            if (!has_its_turn(faults, at, 0))
                continue;
            hit = start_with(faults, fault, at, &is);
            if (is)
                compare_start(faults, was, is, fault, at);
        }
    }
    restart(faults);
    last = storing_snapshot(faults->fixture);
    assert_string_equal(was, last);
    assert_true(faults->refused > 0);
    say(faults, "starts");
}

/* A change that has happened, and is in none of its files: the disk takes nothing from its journal on. What
 * is there then is left as "state-open". */
static void leave_open(Faults *faults, unsigned number)
{
    static const Fault fault = { "from there on", EIO, true };
    Fixture *fixture = faults->fixture;
    const StoringCall *call = &storing_calls[number];
    Outcome outcome = OUTCOME_REFUSED;

    begin_anew(faults);
    for (int at = 1; outcome == OUTCOME_REFUSED; at++) {
        assert_true(at < DISK_CALLS_MAX);
        arm(faults, &fault, at, number);
        outcome = call->run(fixture, call->name);
    }
    assert_int_equal(outcome, OUTCOME_OK);
    fixture_stop_daemon(fixture, SIGKILL);
    assert_true(disk_script_disarm(fixture->disk));
    copy_folder(fixture, "state", "state-open");
    copy_folder(fixture, "run", "run-open");
}

static void restore_open(Faults *faults)
{
    fixture_stop_daemon(faults->fixture, SIGKILL);
    copy_folder(faults->fixture, "state-open", "state");
    copy_folder(faults->fixture, "run-open", "run");
}

/* False when the start was over before the fault came. */
static bool finish_with(Faults *faults, const Fault *fault, int at, const char *all)
{
    g_autofree char *is = NULL;
    bool hit;

    if (!has_its_turn(faults, at, 0))
        return true;
    restore_open(faults);
    hit = start_with(faults, fault, at, &is);
    if (!is) {
        restart(faults);
        is = storing_snapshot(faults->fixture);
    }
    compare_start(faults, all, is, fault, at);
    return hit;
}

/* What an end in the middle has left is finished at the start, whatever happens to that one. */
static void test_finishing(void **state)
{
    static const char applied[] = "applied";
    Faults *faults = *state;
    g_autofree char *before = NULL, *all = NULL;
    unsigned number = 0;

    while (strcmp(storing_calls[number].name, applied) != 0)
        number++;
    learn(faults);
    begin_anew(faults);
    before = storing_snapshot(faults->fixture);
    leave_open(faults, number);
    restart(faults);
    all = storing_snapshot(faults->fixture);
    check(faults, number, before, all, true, false, "left open");
    for (const Fault *fault = faults->all ? every_error_of_a_start : any_error; fault->name; fault++)
        for (int at = 1; finish_with(faults, fault, at, all); at++)
            continue;
    assert_true(faults->refused > 0);
    for (int at = 1; finish_with(faults, faults->all ? &kill_at_all : &kill_at_changes, at, all); at++)
        continue;
    say(faults, "finishing");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* test-bus-disk-faults [TEST]: they take longest of all, so that each is a program of its own. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_errors),
        TEST(test_kills),
        TEST(test_starts),
        TEST(test_finishing),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
