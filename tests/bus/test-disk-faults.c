/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk that fails at each call of the store, or a service that is killed there: after the next start
 * everything is as it was acknowledged. */

#include "tests/bus/cmocka-include.h"

#include <errno.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/storing-calls.h"

/* No call takes more of the disk. */
#define DISK_CALLS_MAX 64

typedef struct Faults {
    Fixture *fixture;
    GPtrArray *before; /* of what each call changes: lines that go */
    GPtrArray *after;  /* and lines that come */
    unsigned operations, faults, violations;
} Faults;

/* ------------------------------------------------------------------ snapshots as sets of lines */

static GHashTable *lines_of(const char *snapshot)
{
    GHashTable *lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) parts = g_strsplit(snapshot, "\n", -1);

    for (char **part = parts; *part; part++)
        g_hash_table_add(lines, g_strdup(*part));
    return lines;
}

/* The lines of one that the other doesn't have. */
static GHashTable *minus(const char *left, const char *right)
{
    GHashTable *lines = lines_of(left);
    g_autoptr(GHashTable) others = lines_of(right);
    GHashTableIter iter;
    gpointer line;

    g_hash_table_iter_init(&iter, others);
    while (g_hash_table_iter_next(&iter, &line, NULL))
        g_hash_table_remove(lines, line);
    return lines;
}

static bool is_within(GHashTable *some, GHashTable *all)
{
    GHashTableIter iter;
    gpointer line;

    g_hash_table_iter_init(&iter, some);
    while (g_hash_table_iter_next(&iter, &line, NULL))
        if (!g_hash_table_contains(all, line))
            return false;
    return true;
}

typedef enum Difference {
    NOTHING,    /* of the call's change */
    EVERYTHING, /* all of it and nothing else */
    SOMETHING,  /* a part of it and nothing else */
    ELSE,
} Difference;

static Difference compare(const Faults *faults, guint number, const char *was, const char *is)
{
    g_autoptr(GHashTable) gone = minus(was, is), come = minus(is, was);
    GHashTable *goes = faults->before->pdata[number], *comes = faults->after->pdata[number];

    if (strcmp(was, is) == 0)
        return NOTHING;
    if (!is_within(gone, goes) || !is_within(come, comes))
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

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path);
}

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

    nftw(target, remove_one, FDS, FTW_DEPTH | FTW_PHYS);
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
        g_ptr_array_add(faults->before, minus(was, is));
        g_ptr_array_add(faults->after, minus(is, was));
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

    groups_setup(state);
    faults->fixture = *state;
    faults->before = g_ptr_array_new_with_free_func(unref_lines);
    faults->after = g_ptr_array_new_with_free_func(unref_lines);
    *state = faults;
    fixture_use_disk_script(faults->fixture);
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
    print_message("# %s: %u operations, %u faults, %u violations\n", what, faults->operations, faults->faults,
                  faults->violations);
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
static bool run_one(Faults *faults, unsigned number, int error, int at, bool lasts, char **snapshot)
{
    Fixture *fixture = faults->fixture;
    const StoringCall *call = &storing_calls[number];
    g_autofree char *was = g_steal_pointer(snapshot);
    Outcome outcome;
    bool hit;

    disk_script_arm(fixture->disk, error, at, lasts);
    outcome = call->run(fixture, call->name);
    hit = disk_script_disarm(fixture->disk);
    fixture_assert(fixture, (outcome == OUTCOME_GONE) == (hit && error == DISK_KILL));
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
static bool run_all(Faults *faults, int error, int at, bool lasts, bool *is_over)
{
    unsigned n = count_calls(), open = 0;
    g_autofree char *was = NULL, *last = NULL;

    begin_anew(faults);
    was = storing_snapshot(faults->fixture);
    for (unsigned i = 0; i < n; i++) {
        unsigned number = (i + (unsigned)at) % n;

        if (is_over[number])
            continue;
        is_over[number] = !run_one(faults, number, error, at, lasts, &was);
        open += !is_over[number];
    }
    if (error == DISK_KILL)
        return open > 0;
    restart(faults);
    last = storing_snapshot(faults->fixture);
    if (strcmp(was, last) != 0) {
        faults->violations++;
        fprintf(stderr, "errno %d at %d%s: the service had\n%s\nand has after a restart\n%s\n", error, at,
                lasts ? " and after" : "", was, last);
    }
    return open > 0;
}

static void run_everywhere(Faults *faults, int error, bool lasts)
{
    g_autofree bool *is_over = g_new0(bool, count_calls());

    for (int at = 1; run_all(faults, error, at, lasts, is_over); at++)
        assert_true(at < DISK_CALLS_MAX);
}

/* What is refused hasn't happened, and what is done is so after a restart. */
static void test_errors(void **state)
{
    Faults *faults = *state;

    learn(faults);
    run_everywhere(faults, EIO, false);
    run_everywhere(faults, EIO, true);
    run_everywhere(faults, ENOSPC, false);
    run_everywhere(faults, EMFILE, true);
    say(faults, "errors");
}

/* Killed at each place: what was under way is there as a whole, or isn't. */
static void test_kills(void **state)
{
    Faults *faults = *state;

    learn(faults);
    run_everywhere(faults, DISK_KILL, false);
    say(faults, "kills");
}

/* All is there, or the service doesn't start. */
static void test_starts(void **state)
{
    static const int errors[] = { EIO, EMFILE, EACCES, DISK_KILL };
    Faults *faults = *state;
    Fixture *fixture = faults->fixture;
    g_autofree char *was = NULL;
    unsigned refused = 0;

    learn(faults);
    was = storing_snapshot(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(errors); i++) {
        bool hit = true;

        for (int at = 1; hit; at++) {
            g_autofree char *is = NULL;
            bool started;

            fixture_stop_daemon(fixture, SIGKILL);
            disk_script_arm(fixture->disk, errors[i], at, false);
            started = fixture_try_start_daemon(fixture);
            hit = disk_script_disarm(fixture->disk);
            faults->operations++;
            faults->faults += hit;
            refused += !started;
            if (!started)
                continue;
            storing_settle(fixture);
            is = storing_snapshot(fixture);
            if (strcmp(was, is) != 0) {
                faults->violations++;
                fprintf(stderr, "errno %d at %d of a start:\n%s\nbecame\n%s\n", errors[i], at, was, is);
            }
        }
    }
    assert_true(refused > 0);
    say(faults, "starts");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_errors),
        TEST(test_kills),
        TEST(test_starts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
