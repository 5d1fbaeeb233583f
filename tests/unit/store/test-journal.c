/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store: several files change together, whatever comes between. */

#include <errno.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/base/key-file-reader.h"
#include "daemon/store/store.h"
#include "tests/disk/disk-script.h"

#define HEAD      "[Journal]\nBoot=%s\nChanges=%s\n\n"
#define THIS_BOOT "/proc/sys/kernel/random/boot_id"

static DiskScript disk;

typedef struct Folders {
    char *top;
    char *state;
    char *runtime;
    int done; /* calls */
    FerryError code;
    char *message;
} Folders;

static int setup(void **state)
{
    Folders *folders = g_new0(Folders, 1);

    folders->top = g_dir_make_tmp("ferry-store-XXXXXX", NULL);
    folders->state = g_build_filename(folders->top, "state", NULL);
    folders->runtime = g_build_filename(folders->top, "run", NULL);
    folders->code = _FERRY_ERROR_INVALID;
    g_strlcpy(disk.folder, folders->top, sizeof disk.folder);
    disk_script_use(&disk);
    *state = folders;
    return 0;
}

static int teardown(void **state)
{
    Folders *folders = *state;
    const char *const command[] = { "rm", "-rf", folders->top, NULL };

    disk_script_disarm(&disk);

    g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(folders->top);
    g_free(folders->state);
    g_free(folders->runtime);
    g_free(folders->message);
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

static void put(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Its text, NULL = it isn't there. */
static char *get(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void assert_file(const char *folder, const char *name, const char *expected)
{
    g_autofree char *text = get(folder, name);

    if (g_strcmp0(text, expected) != 0)
        fail_msg("%s: \"%s\", expected \"%s\"", name, text ? text : "(none)", expected ? expected : "(none)");
}

static void stored(const GError *error, void *userdata)
{
    Folders *folders = userdata;

    folders->code = error ? (FerryError)error->code : _FERRY_ERROR_INVALID;
    g_free(folders->message);
    folders->message = g_strdup(error ? error->message : "");
    folders->done++;
}

/* Returns the error's code. */
static FerryError wait_done(Folders *folders)
{
    for (folders->done = 0; folders->done == 0;)
        g_main_context_iteration(NULL, TRUE);
    return folders->code;
}

static GKeyFile *file_of(const char *value)
{
    GKeyFile *file = g_key_file_new();

    g_key_file_set_string(file, "A", "B", value);
    return file;
}

/* Of a file of the store that holds file_of(). */
static void assert_value(const char *folder, const char *name, const char *value)
{
    g_autoptr(GKeyFile) file = file_of(value);
    g_autofree char *expected = key_file_reader_close(file);

    assert_file(folder, name, expected);
}

static FerryError save(Folders *folders, Store *store, const char *id, const char *value)
{
    g_autoptr(GKeyFile) file = file_of(value);

    store_save(store, STORE_AREA_STATE, "groups", id, file, stored, folders, NULL);
    return wait_done(folders);
}

/* One new, one changed, one deleted, one in the other area. */
static FerryError commit(Folders *folders, Store *store)
{
    g_autoptr(GKeyFile) one = file_of("line\nline # \\"), two = file_of("2");
    StoreBatch *batch = store_batch_new();

    store_batch_save(batch, STORE_AREA_STATE, "groups", "new", one);
    store_batch_save(batch, STORE_AREA_STATE, "groups", "old", two);
    store_batch_delete(batch, STORE_AREA_STATE, "groups", "bad");
    store_batch_delete(batch, STORE_AREA_STATE, "groups", "never-there");
    store_batch_save(batch, STORE_AREA_RUNTIME, "assignments", "run", two);
    store_commit(store, batch, stored, folders, NULL);
    return wait_done(folders);
}

static void test_all_together(void **state)
{
    Folders *folders = *state;
    g_autoptr(Store) store = open_store(folders);

    save(folders, store, "old", "1");
    save(folders, store, "bad", "1");
    assert_int_equal(commit(folders, store), _FERRY_ERROR_INVALID);
    assert_value(folders->state, "groups/new", "line\nline # \\");
    assert_value(folders->state, "groups/old", "2");
    assert_file(folders->state, "groups/bad", NULL);
    assert_value(folders->runtime, "assignments/run", "2");
    assert_file(folders->state, "journal", NULL);
}

static void test_no_journal_no_change(void **state)
{
    Folders *folders = *state;
    g_autoptr(Store) store = open_store(folders);
    g_autofree char *journal = g_build_filename(folders->state, "journal", NULL);

    save(folders, store, "old", "1");
    save(folders, store, "bad", "1");
    /* in the way of the journal */
    assert_int_equal(g_mkdir(journal, 0700), 0);
    put(journal, "x", "");
    assert_int_equal(commit(folders, store), FERRY_ERROR_STORAGE);
    assert_file(folders->state, "groups/new", NULL);
    assert_value(folders->state, "groups/old", "1");
    assert_value(folders->state, "groups/bad", "1");
    assert_file(folders->runtime, "assignments/run", NULL);
}

/* The calls of commit() until the journal is there, and until the disk has confirmed it. */
#define JOURNAL_RENAMED       15
#define JOURNAL_CONFIRMED     17
#define FOLDER_OPENED_TO_SYNC 7 /* of those that need a file descriptor */

/* It has happened and can't be put into its files: nothing overtakes it. */
static void test_carried_out_later(void **state)
{
    Folders *folders = *state;
    g_autoptr(Store) store = open_store(folders);

    disk_script_arm(&disk, EIO, JOURNAL_CONFIRMED + 1, true);
    assert_int_equal(commit(folders, store), _FERRY_ERROR_INVALID);
    assert_int_equal(save(folders, store, "old", "3"), FERRY_ERROR_STORAGE);
    assert_true(disk_script_disarm(&disk));
    assert_file(folders->state, "groups/new", NULL);
    assert_int_equal(save(folders, store, "old", "3"), _FERRY_ERROR_INVALID);
    assert_value(folders->state, "groups/old", "3");
    assert_value(folders->state, "groups/new", "line\nline # \\");
    assert_value(folders->runtime, "assignments/run", "2");
    assert_file(folders->state, "journal", NULL);
}

/* What will fail is known before anything is decided. */
static void test_no_folder_no_change(void **state)
{
    Folders *folders = *state;
    g_autoptr(Store) store = open_store(folders);
    g_autofree char *folder = g_build_filename(folders->runtime, "assignments", NULL);

    assert_int_equal(g_rmdir(folder), 0);
    assert_int_equal(commit(folders, store), FERRY_ERROR_STORAGE);
    assert_int_equal(save(folders, store, "old", "3"), _FERRY_ERROR_INVALID);
    assert_value(folders->state, "groups/old", "3");
    assert_file(folders->state, "groups/new", NULL);
    assert_file(folders->state, "groups/new.new", NULL);
}

static char *this_boot(void)
{
    char *text = NULL;

    return g_file_get_contents(THIS_BOOT, &text, NULL, NULL) ? g_strstrip(text) : g_strdup("");
}

#define ONE "[Journal]\nBoot=\nChanges=1\n\n[Change 1]\n"
#define CHANGES                                                                                  \
    "[Change 1]\nArea=state\nKind=groups\nId=new\nData=[A]\\nB=2\\n\n\n[Change 2]\nArea=state\n" \
    "Kind=groups\nId=bad\nDelete=true\n\n[Change 3]\nArea=runtime\nKind=assignments\nId=run\nData=x\n"

/* A crash right after the journal was written, and again in the middle of carrying it out. */
static void test_a_journal_is_redone(void **state)
{
    Folders *folders = *state;
    g_autofree char *boot = this_boot();
    g_autofree char *text = g_strdup_printf(HEAD CHANGES, boot, "3");
    g_autofree char *other = g_strdup_printf(HEAD CHANGES, "another", "3");

    for (int again = 0; again < 2; again++) {
        {
            g_autoptr(Store) store = open_store(folders);

            put(folders->state, "groups/bad", "1");
            put(folders->state, "journal", text);
        }
        {
            g_autoptr(Store) store = open_store(folders);

            assert_file(folders->state, "groups/new", "[A]\nB=2\n");
            assert_file(folders->state, "groups/bad", NULL);
            assert_file(folders->runtime, "assignments/run", "x");
            assert_file(folders->state, "journal", NULL);
        }
    }

    /* What was to be for this boot only isn't brought into the next one. */
    put(folders->runtime, "assignments/run", "0");
    put(folders->state, "journal", other);
    {
        g_autoptr(Store) store = open_store(folders);

        assert_file(folders->state, "groups/new", "[A]\nB=2\n");
        assert_file(folders->runtime, "assignments/run", "0");
    }
}

/* It holds what has happened: nothing is read as if it hadn't. */
static void test_damaged_journals(void **state)
{
    static const struct {
        const char *text, *message;
    } journals[] = {
        { "", ":1: the end of the file is missing" },
        { "rubbish", ":1: expected [Section]" },
        { "[Journal]\nBoot=\nChanges=1\n", ":3: the end of the file is missing" },
        { "[Journal]\nBoot=\nChanges=4\n\n" CHANGES, ":21: the end of the file is missing" },
        { "[Journal]\nBoot=\n\n" CHANGES, ":1: [Journal] has no Changes" },
        { ONE "Area=state\nKind=groups\nId=../../x\nData=y\n",
          ":8: Id: \"../../x\" is not the name of a file" },
        { ONE "Area=state\nKind=other\nId=new\nData=y\n",
          ":7: Kind: \"other\" is not a folder of the store" },
        { ONE "Area=moon\nKind=groups\nId=new\nData=y\n", ":6: Area: \"moon\" is not an area" },
        { ONE "Area=state\nKind=groups\nId=new\n", ":8: expected one of Data and Delete" },
        { ONE "Area=state\nKind=groups\nId=new\nDelete=true\nData=y\n", ":10: expected one of" },
        { ONE "Area=state\nKind=groups\nId=new\nData=\\q\n", ":9: Data: " },
        { ONE "Area=state\nKind=groups\nId=new\nData=y\n[Change 1]\n", ":10: expected [Change 2]" },
    };
    Folders *folders = *state;
    g_autofree char *path = g_build_filename(folders->state, "journal", NULL);

    {
        g_autoptr(Store) store = open_store(folders);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(journals); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *message = g_strconcat(path, journals[i].message, NULL);

        put(folders->state, "journal", journals[i].text);
        assert_null(store_new(folders->state, folders->runtime, &error));
        assert_int_equal(error->code, FERRY_ERROR_STORAGE);
        if (!strstr(error->message, message))
            fail_msg("%s\nand not %s", error->message, message);
        assert_file(folders->state, "groups/new", NULL);
        assert_file(folders->state, "journal", journals[i].text);
    }
}

/* Cut off before its rename: nothing in it has happened. */
static void test_half_written(void **state)
{
    Folders *folders = *state;

    {
        g_autoptr(Store) store = open_store(folders);
    }
    put(folders->state, "journal.AB12xy", HEAD CHANGES);
    {
        g_autoptr(Store) store = open_store(folders);
    }
    assert_file(folders->state, "groups/new", NULL);
    assert_file(folders->state, "journal.AB12xy", NULL);
}

/* Then nothing that is there is good to be read. */
static void test_a_journal_that_cannot_be_redone(void **state)
{
    Folders *folders = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *in_the_way = g_build_filename(folders->state, "groups", "new", NULL);

    {
        g_autoptr(Store) store = open_store(folders);
    }
    put(folders->state, "journal", "[Journal]\nBoot=\nChanges=3\n\n" CHANGES);
    assert_int_equal(g_mkdir(in_the_way, 0700), 0);
    put(in_the_way, "x", "");
    assert_null(store_new(folders->state, folders->runtime, &error));
    assert_int_equal(error->code, FERRY_ERROR_STORAGE);
}

/* Also when the disk has the journal by then and only doesn't say so. */
static void test_refused_is_taken_back(void **state)
{
    Folders *folders = *state;
    g_autoptr(Store) store = open_store(folders);

    for (int at = 1; at <= JOURNAL_CONFIRMED; at++) {
        disk_script_arm(&disk, EIO, at, false);
        assert_int_equal(commit(folders, store), FERRY_ERROR_STORAGE);
        assert_true(disk_script_disarm(&disk));
        assert_null(strstr(folders->message, "power cut"));
        assert_file(folders->state, "journal", NULL);
        assert_file(folders->state, "journal.new", NULL);
        assert_file(folders->state, "groups/new", NULL);
        assert_file(folders->state, "groups/new.new", NULL);
    }
    assert_int_equal(commit(folders, store), _FERRY_ERROR_INVALID);
}

/* Taken back, and the disk doesn't confirm that either: it is said. */
static void test_refused_in_doubt(void **state)
{
    Folders *folders = *state;
    g_autoptr(Store) store = open_store(folders);

    disk_script_arm(&disk, EMFILE, FOLDER_OPENED_TO_SYNC, true);
    assert_int_equal(commit(folders, store), FERRY_ERROR_STORAGE);
    assert_true(disk_script_disarm(&disk));
    assert_non_null(strstr(folders->message, "a power cut may still bring the change"));
    assert_file(folders->state, "journal", NULL);
    assert_int_equal(save(folders, store, "old", "1"), _FERRY_ERROR_INVALID);
    assert_file(folders->state, "groups/new", NULL);
}

/* It can't be taken back: it has happened, and nobody is told otherwise. */
static void test_what_cannot_be_taken_back_has_happened(void **state)
{
    Folders *folders = *state;

    {
        g_autoptr(Store) store = open_store(folders);

        disk_script_arm(&disk, EIO, JOURNAL_RENAMED + 1, true);
        assert_int_equal(commit(folders, store), _FERRY_ERROR_INVALID);
        assert_file(folders->state, "groups/new", NULL);
        assert_int_equal(save(folders, store, "old", "3"), FERRY_ERROR_STORAGE);
        assert_non_null(strstr(folders->message, "a change before this one"));
        assert_true(disk_script_disarm(&disk));
    }
    {
        g_autoptr(Store) store = open_store(folders);

        assert_value(folders->state, "groups/new", "line\nline # \\");
        assert_value(folders->state, "groups/old", "2");
        assert_file(folders->state, "journal", NULL);
    }
}

static bool take_id(const StoredFile *file, void *userdata, GError **error)
{
    GString *ids = userdata;

    g_string_append_printf(ids, "%s ", file->id);
    return true;
}

/* A group of a tenant has a slash in its name, and any name may have dots. */
static void test_names_of_files(void **state)
{
    Folders *folders = *state;
    g_autoptr(Store) store = open_store(folders);
    g_autoptr(GString) ids = g_string_new(NULL);

    assert_int_equal(save(folders, store, "acme/v1.2", "1"), _FERRY_ERROR_INVALID);
    assert_value(folders->state, "groups/acme@v1~2", "1");
    assert_true(store_load(store, "groups", take_id, ids, NULL));
    assert_string_equal(ids->str, "acme/v1.2 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_together),
        TEST(test_no_journal_no_change),
        TEST(test_carried_out_later),
        TEST(test_no_folder_no_change),
        TEST(test_a_journal_is_redone),
        TEST(test_damaged_journals),
        TEST(test_half_written),
        TEST(test_a_journal_that_cannot_be_redone),
        TEST(test_refused_is_taken_back),
        TEST(test_refused_in_doubt),
        TEST(test_what_cannot_be_taken_back_has_happened),
        TEST(test_names_of_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
