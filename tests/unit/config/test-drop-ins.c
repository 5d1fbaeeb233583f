/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <glib/gstdio.h>

#include "daemon/config/drop-ins.h"
#include "daemon/config/written-file.h"
#include "daemon/model/group.h"

#define RULE_OF(number) "[Rule " number "]\nMatch=vendor=0529\n"

/* A pair of folders, and what was logged since. */
typedef struct Fixture {
    char *root;
    char *usr;
    char *etc;
} Fixture;

static GPtrArray *messages;
static GHashTable *unread; /* of the last reading */

static GLogWriterOutput take_message(GLogLevelFlags level, const GLogField *fields, gsize n_fields,
                                     gpointer userdata)
{
    for (gsize i = 0; i < n_fields; i++)
        if (g_str_equal(fields[i].key, "MESSAGE"))
            g_ptr_array_add(messages, g_strdup(fields[i].value));
    return G_LOG_WRITER_HANDLED;
}

static int set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->root = g_dir_make_tmp("ferry-groups-XXXXXX", NULL);
    assert_non_null(fixture->root);
    fixture->usr = g_build_filename(fixture->root, "usr", NULL);
    fixture->etc = g_build_filename(fixture->root, "etc", NULL);
    assert_int_equal(g_mkdir(fixture->usr, 0700), 0);
    assert_int_equal(g_mkdir(fixture->etc, 0700), 0);
    messages = g_ptr_array_new_with_free_func(g_free);
    unread = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    *state = fixture;
    return 0;
}

static void empty_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    empty_folder(fixture->usr);
    empty_folder(fixture->etc);
    empty_folder(fixture->root);
    g_free(fixture->root);
    g_free(fixture->usr);
    g_free(fixture->etc);
    g_free(fixture);
    g_clear_pointer(&messages, g_ptr_array_unref);
    g_clear_pointer(&unread, g_hash_table_unref);
    return 0;
}

static void put(const char *folder, const char *name, const char *data, gssize length)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    assert_true(g_file_set_contents(path, data, length, NULL));
}

static void put_group(const char *folder, const char *name, const char *group)
{
    g_autofree char *text = g_strdup_printf("[Group]\nName=%s\n" RULE_OF("1"), group);

    put(folder, name, text, -1);
}

static GPtrArray *read_both(const Fixture *fixture)
{
    const char *folders[] = { fixture->usr, fixture->etc, NULL };

    g_ptr_array_set_size(messages, 0);
    return drop_ins_read(folders, unread);
}

static void assert_groups(const GPtrArray *groups, const char *names)
{
    g_autoptr(GString) found = g_string_new(NULL);

    for (guint i = 0; i < groups->len; i++)
        g_string_append_printf(found, "%s%s", i > 0 ? " " : "", ((Group *)groups->pdata[i])->name);
    assert_string_equal(found->str, names);
}

static void assert_logged(const char *folder, const char *text)
{
    g_autofree char *message = g_build_filename(folder, text, NULL);

    for (guint i = 0; i < messages->len; i++)
        if (g_str_has_prefix(messages->pdata[i], message))
            return;
    fail_msg("not logged: %s; but %s", message, messages->len > 0 ? (char *)messages->pdata[0] : "nothing");
}

static void test_two_folders(void **state)
{
    const Fixture *fixture = *state;
    g_autoptr(GPtrArray) groups = NULL;
    g_autofree char *path = g_build_filename(fixture->etc, "b.conf", NULL);
    g_autofree char *origin = g_strconcat("file:", path, NULL);
    const Group *second;

    put_group(fixture->usr, "a.conf", "z");
    put_group(fixture->usr, "b.conf", "hidden");
    put_group(fixture->etc, "b.conf", "y");
    put_group(fixture->etc, "c.conf", "x");
    put_group(fixture->etc, ".d.conf", "no");
    put_group(fixture->etc, "e.conf~", "no");
    put_group(fixture->etc, "README", "no");
    groups = read_both(fixture);
    assert_groups(groups, "x y z");
    assert_int_equal(messages->len, 0);
    assert_int_equal(g_hash_table_size(unread), 0);
    second = groups->pdata[1];
    assert_string_equal(second->file, path);
    assert_string_equal(((GroupRule *)second->rules->pdata[0])->origin, origin);
}

static void test_no_folder(void **state)
{
    const Fixture *fixture = *state;
    g_autofree char *missing = g_build_filename(fixture->root, "missing", NULL);
    const char *folders[] = { missing, fixture->etc, NULL };
    g_autoptr(GPtrArray) groups = NULL;

    put_group(fixture->etc, "a.conf", "a");
    groups = drop_ins_read(folders, unread);
    assert_groups(groups, "a");
    assert_int_equal(messages->len, 0);
    assert_int_equal(g_hash_table_size(unread), 0);
}

static void test_folder_that_is_none(void **state)
{
    const Fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->etc, "a.conf", NULL);
    const char *folders[] = { path, fixture->etc, NULL };
    g_autoptr(GPtrArray) groups = NULL;

    put_group(fixture->etc, "a.conf", "a");
    groups = drop_ins_read(folders, unread);
    assert_groups(groups, "a");
    assert_int_equal(messages->len, 1);
    assert_int_equal(g_hash_table_size(unread), 1);
    assert_true(g_hash_table_contains(unread, path));
}

static void test_bad_files(void **state)
{
    const Fixture *fixture = *state;
    g_autoptr(GPtrArray) groups = NULL;
    g_autofree char *folder = g_build_filename(fixture->etc, "folder.conf", NULL);
    g_autofree char *pipe_path = g_build_filename(fixture->etc, "pipe.conf", NULL);
    g_autofree char *link_path = g_build_filename(fixture->etc, "link.conf", NULL);
    g_autofree char *device_path = g_build_filename(fixture->etc, "device.conf", NULL);
    g_autofree char *filling = g_strnfill(WRITTEN_FILE_BYTES_MAX, '\n');
    g_autofree char *full = g_strconcat("[Group]\nName=full", filling + strlen("[Group]\nName=full"), NULL);
    g_autofree char *large = g_strconcat("[Group]\nName=large", filling, NULL);

    put_group(fixture->etc, "a.conf", "a");
    put_group(fixture->etc, "z.conf", "z");
    put(fixture->etc, "rule.conf", "[Group]\nName=b\n[Rule 1]\nMatch=vendor=046d prod=1\n", -1);
    put(fixture->etc, "key.conf", "[Group]\nName=b\n\n\nNane=c\n", -1);
    put(fixture->etc, "zero.conf", "[Group]\nName=b\nDescription=\0\n", 29);
    put(fixture->etc, "space.conf", "\n", -1);
    put(fixture->etc, "noise.conf",
        "\x7f"
        "ELF\xff\xfe",
        -1);
    put(fixture->etc, "full.conf", full, -1);
    put(fixture->etc, "large.conf", large, -1);
    assert_int_equal(g_mkdir(folder, 0700), 0);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(symlink("nowhere", link_path), 0);
    assert_int_equal(symlink("/dev/zero", device_path), 0);

    groups = read_both(fixture);
    assert_groups(groups, "a full z");
    assert_logged(fixture->etc, "rule.conf:4: rule, column 13: expected a key");
    assert_logged(fixture->etc, "key.conf:5: unknown key \"Nane\"");
    assert_logged(fixture->etc, "zero.conf:3: expected text, found a zero byte");
    assert_logged(fixture->etc, "space.conf:1: expected [Group]");
    assert_logged(fixture->etc, "noise.conf:1: expected UTF-8");
    assert_logged(fixture->etc, "large.conf: longer than");
    assert_logged(fixture->etc, "folder.conf: not a regular file");
    assert_logged(fixture->etc, "pipe.conf: not a regular file");
    assert_logged(fixture->etc, "device.conf: not a regular file");
    assert_logged(fixture->etc, "link.conf: No such file");
    assert_int_equal(messages->len, 10);
}

static void test_hiding(void **state)
{
    const Fixture *fixture = *state;
    g_autoptr(GPtrArray) groups = NULL;
    g_autofree char *link_path = g_build_filename(fixture->etc, "link.conf", NULL);

    put_group(fixture->usr, "link.conf", "link");
    put_group(fixture->usr, "empty.conf", "empty");
    put_group(fixture->usr, "bad.conf", "bad");
    put_group(fixture->usr, "good.conf", "good");
    assert_int_equal(symlink("/dev/null", link_path), 0);
    put(fixture->etc, "empty.conf", "", 0);
    put(fixture->etc, "bad.conf", "bad", -1);

    groups = read_both(fixture);
    assert_groups(groups, "good");
    assert_logged(fixture->etc, "bad.conf:1: expected [Section]");
    assert_int_equal(messages->len, 1);
}

static void test_same_name(void **state)
{
    const Fixture *fixture = *state;
    g_autoptr(GPtrArray) groups = NULL;
    g_autofree char *first = g_build_filename(fixture->usr, "1.conf", NULL);

    put_group(fixture->usr, "1.conf", "a");
    put_group(fixture->etc, "2.conf", "a");
    put_group(fixture->etc, "3.conf", "b");

    groups = read_both(fixture);
    assert_groups(groups, "a b");
    assert_string_equal(((Group *)groups->pdata[0])->file, first);
    assert_logged(fixture->etc, "2.conf: left out, as the group \"a\" is in ");
    assert_int_equal(messages->len, 1);
}

static void test_many(void **state)
{
    const Fixture *fixture = *state;
    g_autoptr(GPtrArray) groups = NULL;

    for (int i = 0; i < 1000; i++) {
        g_autofree char *name = g_strdup_printf("%d.conf", i);
        g_autofree char *text = g_strdup_printf("[Group]\nName=group-%d\n" RULE_OF("1") RULE_OF("2")
                                                    RULE_OF("3") RULE_OF("4") RULE_OF("5") RULE_OF("6")
                                                        RULE_OF("7") RULE_OF("8") RULE_OF("9") RULE_OF("10"),
                                                i);

        put(fixture->etc, name, text, -1);
    }
    groups = read_both(fixture);
    assert_int_equal(groups->len, 1000);
    assert_int_equal(messages->len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder_that_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hiding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
    };

    g_log_set_writer_func(take_message, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
