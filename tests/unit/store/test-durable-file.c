/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files: the old or the new one, and an error is an error. */

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
#include "daemon/store/durable-file.h"
#include "tests/disk/disk-script.h"

static DiskScript disk;

typedef struct Folder {
    char *path;
    char *file;
} Folder;

static int setup(void **state)
{
    Folder *folder = g_new0(Folder, 1);

    folder->path = g_dir_make_tmp("ferry-files-XXXXXX", NULL);
    folder->file = g_build_filename(folder->path, "a", NULL);
    g_strlcpy(disk.folder, folder->path, sizeof disk.folder);
    disk_script_use(&disk);
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    Folder *folder = *state;
    const char *const command[] = { "rm", "-rf", folder->path, NULL };

    disk_script_disarm(&disk);
    g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(folder->path);
    g_free(folder->file);
    g_free(folder);
    return 0;
}

static void assert_content(const char *path, const char *expected)
{
    g_autoptr(GString) content = NULL;

    assert_true(durable_read(path, &content, NULL));
    if (expected)
        assert_string_equal(content->str, expected);
    else
        assert_null(content);
}

static void assert_names(const char *folder, const char *expected)
{
    g_autoptr(GPtrArray) names = NULL;
    g_autofree char *joined = NULL;

    assert_true(durable_list(folder, &names, NULL));
    g_ptr_array_add(names, NULL);
    joined = g_strjoinv(" ", (char **)names->pdata);
    assert_string_equal(joined, expected);
}

static void test_replace_and_remove(void **state)
{
    Folder *folder = *state;
    struct stat info;

    assert_true(durable_replace(folder->file, "one", 3, NULL));
    assert_content(folder->file, "one");
    assert_int_equal(stat(folder->file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(durable_replace(folder->file, "", 0, NULL));
    assert_content(folder->file, "");
    assert_true(durable_sync_folder(folder->path, NULL));
    assert_true(durable_remove(folder->file, NULL));
    assert_true(durable_remove(folder->file, NULL));
    assert_content(folder->file, NULL);
}

/* Whatever fails, the old one is there, nothing is left over, and the error says what and where. */
static void test_replace_fails(void **state)
{
    static const int errors[] = { EIO, ENOSPC, EMFILE };
    Folder *folder = *state;
    int hits = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(errors); i++)
        for (int at = 1; true; at++) {
            g_autoptr(GError) error = NULL;
            bool ok;

            assert_true(durable_replace(folder->file, "old", 3, NULL));
            disk_script_arm(&disk, errors[i], at, false);
            ok = durable_replace(folder->file, "new", 3, &error);
            if (!disk_script_disarm(&disk)) {
                assert_true(ok);
                break;
            }
            hits++;
            assert_false(ok);
            assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_STORAGE));
            assert_non_null(strstr(error->message, folder->file));
            assert_content(folder->file, "old");
            assert_names(folder->path, "a");
        }
    assert_int_equal(hits, 4 + 4 + 1); /* create, write, sync, rename; EMFILE: create */
}

static void test_read_fails(void **state)
{
    static const int errors[] = { EIO, EMFILE, EACCES };
    Folder *folder = *state;

    assert_true(durable_replace(folder->file, "old", 3, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_autoptr(GString) content = NULL;
        g_autoptr(GPtrArray) names = NULL;

        for (int at = 1; true; at++) {
            bool ok;

            disk_script_arm(&disk, errors[i], at, false);
            ok = durable_read(folder->file, &content, NULL) && durable_list(folder->path, &names, NULL);
            if (!disk_script_disarm(&disk)) {
                assert_true(ok);
                assert_true(at > 1);
                break;
            }
            assert_false(ok);
            if (content)
                g_string_free(g_steal_pointer(&content), TRUE);
        }
    }
    {
        g_autoptr(GString) content = NULL;
        g_autoptr(GPtrArray) names = NULL;
        g_autofree char *none = g_build_filename(folder->path, "none", NULL);

        assert_false(durable_read(folder->path, &content, NULL)); /* a folder is no file */
        assert_false(durable_list(folder->file, &names, NULL));
        assert_false(durable_list(none, &names, NULL));
    }
}

static void test_what_a_crash_leaves(void **state)
{
    static const char *const files[] = { "b", "a", "a.new", "a.Xb12yz", "a.damaged", "a.b.new" };
    Folder *folder = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(folder->path, files[i], NULL);

        assert_true(g_file_set_contents(path, "x", -1, NULL));
    }
    assert_names(folder->path, "a a.b.new a.damaged b");
    assert_names(folder->path, "a a.b.new a.damaged b");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replace_and_remove),
        TEST(test_replace_fails),
        TEST(test_read_fails),
        TEST(test_what_a_crash_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
