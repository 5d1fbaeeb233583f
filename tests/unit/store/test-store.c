/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store: what it answers is so after a restart, whatever the disk does; and what can't be read isn't
 * nothing. */

#include <errno.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/store/store.h"
#include "tests/disk/disk-script.h"

static DiskScript *disk; /* children write into it */

typedef struct Folders {
    char *top;
    char *state;
    char *runtime;
} Folders;

static int setup(void **state)
{
    Folders *folders = g_new0(Folders, 1);
    g_autofree char *script = NULL;

    folders->top = g_dir_make_tmp("ferry-store-XXXXXX", NULL);
    folders->state = g_build_filename(folders->top, "disk", "state", NULL);
    folders->runtime = g_build_filename(folders->top, "disk", "run", NULL);
    script = g_build_filename(folders->top, "script", NULL);
    disk = disk_script_new(script);
    g_snprintf(disk->folder, sizeof disk->folder, "%s/disk/", folders->top);
    disk_script_use(disk);
    *state = folders;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path);
}

static void remove_folder(const char *path)
{
    enum { FDS = 16 };

    nftw(path, remove_one, FDS, FTW_DEPTH | FTW_PHYS);
}

static int teardown(void **state)
{
    Folders *folders = *state;

    disk_script_use(NULL);
    disk_script_free(disk);
    remove_folder(folders->top);
    g_free(folders->top);
    g_free(folders->state);
    g_free(folders->runtime);
    g_free(folders);
    return 0;
}

static Store *open_store(Folders *folders)
{
    g_autoptr(GError) error = NULL;
    Store *store = store_new(folders->state, folders->runtime, &error);

    if (!store)
        fail_msg("%s", error->message);
    return store;
}

static GKeyFile *file_of(const char *value)
{
    GKeyFile *file = g_key_file_new();

    g_key_file_set_string(file, "A", "B", value);
    return file;
}

/* ------------------------------------------------------------------ changes */

typedef struct Answer {
    bool there;
    bool ok;
} Answer;

static void answered(const GError *error, void *userdata)
{
    *(Answer *)userdata = (Answer){ .there = true, .ok = !error };
}

static bool wait_answer(const Answer *answer)
{
    while (!answer->there)
        g_main_context_iteration(NULL, TRUE);
    return answer->ok;
}

static bool save(Store *store, StoreArea area, const char *id, const char *value)
{
    g_autoptr(GKeyFile) file = file_of(value);
    Answer answer = {};

    store_save(store, area, "groups", id, file, answered, &answer, NULL);
    return wait_answer(&answer);
}

static bool make_new(Store *store)
{
    return save(store, STORE_AREA_STATE, "new", "2");
}

static bool make_changed(Store *store)
{
    return save(store, STORE_AREA_STATE, "old", "2");
}

static bool make_temporary(Store *store)
{
    return save(store, STORE_AREA_RUNTIME, "run", "2");
}

static bool make_deleted(Store *store)
{
    Answer answer = {};

    store_delete(store, STORE_AREA_STATE, "groups", "old", answered, &answer, NULL);
    return wait_answer(&answer);
}

static bool make_many(Store *store)
{
    g_autoptr(GKeyFile) file = file_of("3");
    StoreBatch *batch = store_batch_new();
    Answer answer = {};

    store_batch_save(batch, STORE_AREA_STATE, "groups", "new", file);
    store_batch_save(batch, STORE_AREA_STATE, "tenants", "new", file);
    store_batch_delete(batch, STORE_AREA_STATE, "groups", "old");
    store_batch_save(batch, STORE_AREA_RUNTIME, "groups", "run", file);
    store_commit(store, batch, answered, &answer, NULL);
    return wait_answer(&answer);
}

static bool take_text(const StoredFile *file, void *userdata, GError **error)
{
    enum { SHOWN = 3 };
    const char *value = strstr(file->text, "\nB=");

    g_string_append_printf(userdata, "%s%s=%.*s;", file->area == STORE_AREA_STATE ? "" : "run:", file->id,
                           SHOWN, value ? value + strlen("\nB=") : "");
    return true;
}

/* NULL when something can't be read. */
static char *read_store(Folders *folders)
{
    g_autoptr(Store) store = store_new(folders->state, folders->runtime, NULL);
    g_autoptr(GString) text = g_string_new(NULL);

    if (!store || !store_load(store, "groups", take_text, text, NULL) ||
        !store_load(store, "tenants", take_text, text, NULL))
        return NULL;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void begin_anew(Folders *folders)
{
    g_autofree char *path = g_build_filename(folders->top, "disk", NULL);
    g_autoptr(Store) store = NULL;

    remove_folder(path);
    store = open_store(folders);
    assert_true(save(store, STORE_AREA_STATE, "old", "1"));
}

typedef enum End {
    END_OK,
    END_REFUSED,
    END_KILLED,
} End;

static bool (*const changes[])(Store *store) = { make_new, make_changed, make_temporary, make_deleted,
                                                 make_many };

static End run_here(Folders *folders, gsize change, int error, int at, bool lasts)
{
    g_autoptr(Store) store = open_store(folders);
    bool ok;

    disk_script_arm(disk, error, at, lasts);
    ok = changes[change](store);
    return ok ? END_OK : END_REFUSED;
}

/* In a process of its own, which is this program with arguments. */
static End run_and_be_killed(Folders *folders, gsize change, int at)
{
    g_autofree char *number = g_strdup_printf("%" G_GSIZE_FORMAT, change);
    g_autofree char *script = g_build_filename(folders->top, "script", NULL);
    g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), DISK_SCRIPT_VARIABLE, script, TRUE);
    /* Not the link itself: under valgrind that would be valgrind. */
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    const char *const command[] = { program, number, folders->state, folders->runtime, NULL };
    int status = 0;

    disk_script_arm(disk, DISK_KILL, at, false);
    assert_true(g_spawn_sync(NULL, (char **)command, environment, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                             &status, NULL));
    if (WIFSIGNALED(status))
        return END_KILLED;
    assert_int_equal(status, 0);
    return END_OK;
}

static int be_killed(char **arguments)
{
    g_autoptr(Store) store = store_new(arguments[2], arguments[3], NULL);

    return store && changes[g_ascii_strtoull(arguments[1], NULL, 10)](store) ? 0 : 1;
}

static End run_change(Folders *folders, gsize change, int error, int at, bool lasts)
{
    return error == DISK_KILL ? run_and_be_killed(folders, change, at)
                              : run_here(folders, change, error, at, lasts);
}

typedef struct Counts {
    int operations;
    int faults;
    int violations;
} Counts;

static void check_change(Folders *folders, gsize change, int error, bool lasts, Counts *counts)
{
    g_autofree char *before = NULL, *after = NULL;

    begin_anew(folders);
    before = read_store(folders);
    assert_int_equal(run_here(folders, change, EIO, 0, false), END_OK);
    after = read_store(folders);
    assert_string_not_equal(before, after);
    counts->operations++;
    for (int at = 1; true; at++) {
        g_autofree char *then = NULL;
        bool is_before, is_after;
        End end;

        begin_anew(folders);
        end = run_change(folders, change, error, at, lasts);
        if (!disk_script_disarm(disk))
            break;
        counts->faults++;
        then = read_store(folders);
        is_before = g_strcmp0(then, before) == 0;
        is_after = g_strcmp0(then, after) == 0;
        if (end == END_OK ? is_after : end == END_REFUSED ? is_before : is_before || is_after)
            continue;
        counts->violations++;
        print_error("error %d at %d%s: end %d, then \"%s\"\n", error, at, lasts ? " and after" : "", (int)end,
                    then);
    }
}

/* After a restart the store has what it said it has. */
static void test_every_fault(void **state)
{
    static const int errors[] = { EIO, ENOSPC, EMFILE, DISK_KILL };
    Folders *folders = *state;
    Counts counts = {};

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++)
        for (gsize k = 0; k < G_N_ELEMENTS(errors); k++) {
            check_change(folders, i, errors[k], false, &counts);
            if (errors[k] != DISK_KILL)
                check_change(folders, i, errors[k], true, &counts);
        }
    print_message("# %d operations, %d faults, %d violations\n", counts.operations, counts.faults,
                  counts.violations);
    assert_int_equal(counts.violations, 0);
}

/* ------------------------------------------------------------------ the start */

/* All of it, or an error. */
static void test_every_fault_at_the_start(void **state)
{
    static const int errors[] = { EIO, EMFILE, EACCES, ENOSPC };
    Folders *folders = *state;
    g_autofree char *all = NULL;
    int faults = 0, refusals = 0;

    begin_anew(folders);
    {
        g_autoptr(Store) store = open_store(folders);

        assert_true(make_many(store));
    }
    all = read_store(folders);
    for (gsize i = 0; i < G_N_ELEMENTS(errors); i++)
        for (int at = 1; true; at++) {
            g_autofree char *then = NULL, *later = NULL;

            disk_script_arm(disk, errors[i], at, false);
            then = read_store(folders);
            if (!disk_script_disarm(disk))
                break;
            faults++;
            refusals += !then;
            if (then)
                assert_string_equal(then, all);
            later = read_store(folders);
            assert_string_equal(later, all);
        }
    print_message("# %d faults, %d refusals\n", faults, refusals);
    assert_true(refusals > 0);
}

/* What is there when it is killed with nothing of it carried out. */
static char *make_journal(Folders *folders)
{
    g_autofree char *journal = g_build_filename(folders->state, "journal", NULL);
    char *text = NULL;

    for (int at = 1; true; at++) {
        begin_anew(folders);
        assert_int_equal(run_and_be_killed(folders, G_N_ELEMENTS(changes) - 1, at), END_KILLED);
        if (g_file_get_contents(journal, &text, NULL, NULL))
            break;
    }
    disk_script_disarm(disk);
    return text;
}

/* A change that has happened is finished at the start, or the service doesn't start. */
static void test_every_fault_when_finishing(void **state)
{
    static const int errors[] = { EIO, EMFILE, ENOSPC };
    Folders *folders = *state;
    g_autofree char *journal = g_build_filename(folders->state, "journal", NULL);
    g_autofree char *text = make_journal(folders), *after = NULL;
    int faults = 0, refusals = 0;

    begin_anew(folders);
    assert_int_equal(run_here(folders, G_N_ELEMENTS(changes) - 1, EIO, 0, false), END_OK);
    after = read_store(folders);
    for (gsize i = 0; i < G_N_ELEMENTS(errors); i++)
        for (int at = 1; true; at++) {
            g_autofree char *then = NULL, *later = NULL;

            begin_anew(folders);
            assert_true(g_file_set_contents(journal, text, -1, NULL));
            disk_script_arm(disk, errors[i], at, false);
            then = read_store(folders);
            if (!disk_script_disarm(disk))
                break;
            faults++;
            refusals += !then;
            if (then)
                assert_string_equal(then, after);
            later = read_store(folders);
            assert_string_equal(later, after);
        }
    print_message("# %d faults, %d refusals\n", faults, refusals);
    assert_true(refusals > 0);
}

static bool take_path(const StoredFile *file, void *userdata, GError **error)
{
    g_string_append_printf(userdata, "%s ", file->id);
    if (g_str_has_prefix(file->text, "[A]"))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s:1: no", file->path);
    return false;
}

/* Damaged ones stay where they are, and keep nothing else from loading. */
static void test_damaged_files(void **state)
{
    Folders *folders = *state;
    g_autoptr(GString) ids = g_string_new(NULL);
    g_autoptr(GString) texts = g_string_new(NULL);
    g_autofree char *bad = g_build_filename(folders->state, "groups", "bad", NULL);
    g_autofree char *zero = g_build_filename(folders->state, "groups", "zero", NULL);
    g_autoptr(Store) store = NULL;

    begin_anew(folders);
    assert_true(g_file_set_contents(bad, "rubbish", -1, NULL));
    assert_true(g_file_set_contents(zero, "[A]\nB=\0x\n", 9, NULL));
    store = open_store(folders);
    assert_true(store_load(store, "groups", take_path, ids, NULL));
    assert_string_equal(ids->str, "bad old zero ");
    assert_true(g_file_test(bad, G_FILE_TEST_EXISTS));
    assert_true(store_load(store, "groups", take_text, texts, NULL));
    assert_non_null(strstr(texts->str, "zero=\xffx\n"));
}

/* A folder in the place of a file, and the other way round. */
static void test_what_cannot_be_read(void **state)
{
    Folders *folders = *state;
    g_autoptr(GString) ids = g_string_new(NULL);
    g_autoptr(GError) error = NULL, other_error = NULL;
    g_autofree char *folder = g_build_filename(folders->state, "groups", "x", NULL);
    g_autofree char *tenants = g_build_filename(folders->state, "tenants", NULL);
    g_autoptr(Store) store = NULL;

    begin_anew(folders);
    assert_int_equal(g_mkdir(folder, 0700), 0);
    store = open_store(folders);
    assert_false(store_load(store, "groups", take_path, ids, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_STORAGE));
    assert_non_null(strstr(error->message, folder));
    assert_int_equal(g_rmdir(tenants), 0);
    assert_true(g_file_set_contents(tenants, "", -1, NULL));
    assert_false(store_load(store, "tenants", take_path, ids, NULL));
    assert_null(store_new(folders->state, folders->runtime, &other_error));
    assert_non_null(strstr(other_error->message, tenants));
}

static void test_versions(void **state)
{
    Folders *folders = *state;
    g_autofree char *path = g_build_filename(folders->state, "version", NULL);
    g_autoptr(GError) error = NULL;

    begin_anew(folders);
    assert_true(g_file_set_contents(path, "1", -1, NULL));
    g_clear_pointer(&(Store *){ open_store(folders) }, store_free);
    assert_true(g_file_set_contents(path, "", -1, NULL));
    g_clear_pointer(&(Store *){ open_store(folders) }, store_free);
    assert_true(g_file_set_contents(path, "2\x1b[2J\n", -1, NULL));
    assert_null(store_new(folders->state, folders->runtime, &error));
    assert_non_null(strstr(error->message, "another version"));
    assert_null(strchr(error->message, '\x1b'));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Hundreds of faults, and each is logged. */
static GLogWriterOutput say_nothing(GLogLevelFlags level, const GLogField *fields, gsize n_fields,
                                    gpointer userdata)
{
    return G_LOG_WRITER_HANDLED;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_fault),   TEST(test_every_fault_at_the_start), TEST(test_every_fault_when_finishing),
        TEST(test_damaged_files), TEST(test_what_cannot_be_read),      TEST(test_versions),
    };

    g_log_set_writer_func(say_nothing, NULL, NULL);
    return argc > 1 ? be_killed(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
