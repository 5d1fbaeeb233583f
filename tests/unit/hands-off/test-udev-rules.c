/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of runtime rules: what it says, that udev understands it, and how it comes and goes. */

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

#include "daemon/hands-off/udev-rules.h"
#include "daemon/rules/rule-udev.h"
#include "daemon/usb/udev-daemon.h"

/* systemd's before 254 has no such verb, and on other hosts there is no udev. */
#define VERIFY "command -v udevadm > /dev/null && udevadm verify --version > /dev/null 2>&1"

static int set_up(void **state)
{
    *state = g_dir_make_tmp("ferry-rules-XXXXXX", NULL);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    g_autofree char *folder = *state;
    g_autofree char *command = g_strdup_printf("chmod 700 '%s'; rm -rf -- '%s'", folder, folder);

    assert_int_equal(system(command), 0);
    return 0;
}

static void line_free(gpointer data)
{
    WaitingLine *line = data;

    g_free(line->matches);
    g_free(line);
}

/* The text for these rules of ours. */
static char *print(const char *const *rules)
{
    Waiting *waiting = g_new0(Waiting, 1);
    g_autoptr(GPtrArray) root_hubs = g_ptr_array_new();
    char *text;

    waiting->sources = g_ptr_array_new();
    waiting->lines = g_ptr_array_new_with_free_func(line_free);
    waiting->devices = g_hash_table_new(g_str_hash, g_str_equal);
    for (; *rules; rules++) {
        g_autoptr(Rule) rule = rule_parse(*rules, NULL);
        WaitingLine *line = g_new0(WaitingLine, 1);

        assert_non_null(rule);
        assert_int_equal(rule_udev_matches(rule, "", root_hubs, &line->matches), RULE_UDEV_SAID);
        line->waits = UDEV_WAITS_LEAVING;
        g_ptr_array_add(waiting->lines, line);
    }
    text = udev_rules_print(waiting);
    waiting_free(waiting);
    return text;
}

/* All kinds of words at a time. */
static const char *const all[] = {
    "vendor=046d product!=c31c serial=AB*?",
    "serial=\"x,y={z}#'&<>();:~^!@ _-+./\"",
    "vendor=1 serial=\"\"",
    "port=3-1.2",
    "hub=3-1",
    "class=storage",
    "class=3:*:1",
    "removable=yes speed=2",
    NULL,
};

static void test_text(void **state)
{
    static const char *const none[] = { NULL };
    g_autofree char *empty = print(none), *text = print(all);

    assert_string_equal(empty, "");
    assert_non_null(strstr(text, "\nATTR{idVendor}==\"046d\", ATTR{idProduct}!=\"c31c\", "
                                 "ATTR{serial}==\"AB*?\", ENV{" UDEV_WAITS "}=\"leaving\"\n"));
    /* The property comes from a line, or from the parent, and from nowhere else. */
    assert_non_null(strstr(text, "IMPORT{parent}=\"" UDEV_WAITS "\"\n"));
    assert_null(strstr(text, "RUN"));
    assert_null(strstr(text, "PROGRAM"));
}

static void test_udev_understands_it(void **state)
{
    const char *folder = *state;
    g_autofree char *text = print(all);
    g_autofree char *command =
        g_strdup_printf("if " VERIFY "; then udevadm verify --no-style '%s/" UDEV_RULES_FILE "' '%s'; fi",
                        folder, g_getenv("FERRY_TEST_UDEV_RULES"));
    bool changed = false;

    assert_non_null(g_getenv("FERRY_TEST_UDEV_RULES"));
    assert_true(udev_rules_write(folder, text, &changed, NULL));
    assert_int_equal(system(command), 0);
}

static void assert_file(const char *folder, const char *text)
{
    g_autofree char *path = g_build_filename(folder, UDEV_RULES_FILE, NULL), *there = NULL;
    g_autofree char *left = g_strconcat(path, ".new", NULL);

    (void)g_file_get_contents(path, &there, NULL, NULL);
    assert_string_equal(there ? there : "", text);
    assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
}

static void test_life(void **state)
{
    g_autofree char *folder = g_build_filename(*state, "rules.d", NULL);
    g_autofree char *path = g_build_filename(folder, UDEV_RULES_FILE, NULL);
    g_autofree char *left = g_strconcat(path, ".new", NULL);
    g_autoptr(GError) error = NULL;
    struct stat before, after;
    bool changed = true;

    /* Nothing to say: not even a folder. */
    assert_true(udev_rules_write(folder, "", &changed, &error));
    assert_false(changed);
    assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    assert_true(udev_rules_write(folder, "one\n", &changed, &error));
    assert_true(changed);
    assert_file(folder, "one\n");
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 07777, 0644);
    /* As it should be: it isn't written again. */
    assert_true(udev_rules_write(folder, "one\n", &changed, &error));
    assert_false(changed);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    /* Somebody else wrote it, something was left of a crash. */
    assert_true(g_file_set_contents(path, "RUN+=\"/bin/sh\"\n", -1, NULL));
    assert_int_equal(symlink("/nowhere", left), 0);
    assert_true(udev_rules_write(folder, "two\n", &changed, &error));
    assert_true(changed);
    assert_file(folder, "two\n");
    assert_true(udev_rules_write(folder, "", &changed, &error));
    assert_true(changed);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

/* What can't be is told, and leaves what was there. */
static void test_it_fails(void **state)
{
    g_autofree char *nowhere = g_build_filename(*state, "no", "rules.d", NULL);
    g_autofree char *taken = g_build_filename(*state, UDEV_RULES_FILE, NULL);
    g_autoptr(GError) missing = NULL, is_folder = NULL, in_the_way = NULL;
    bool changed = true;

    assert_false(udev_rules_write(nowhere, "one\n", &changed, &missing));
    assert_non_null(strstr(missing->message, nowhere));
    assert_int_equal(g_mkdir(taken, 0700), 0);
    assert_false(udev_rules_write(*state, "one\n", &changed, &is_folder));
    assert_non_null(is_folder);
    assert_true(changed);
    assert_true(g_file_test(taken, G_FILE_TEST_IS_DIR));
    /* A folder of that name is none of udev's. */
    assert_true(udev_rules_write(*state, "", &changed, &in_the_way));
    assert_false(changed);
}

/* What anybody else did to the file is seen without a look into it. */
static void test_mark(void **state)
{
    g_autofree char *path = g_build_filename(*state, UDEV_RULES_FILE, NULL);
    UdevRulesMark none = udev_rules_mark(*state), ours, again, others;
    bool changed;

    assert_true(udev_rules_write(*state, "one\n", &changed, NULL));
    ours = udev_rules_mark(*state);
    again = udev_rules_mark(*state);
    assert_true(udev_rules_mark_is(&ours, &again));
    assert_false(udev_rules_mark_is(&ours, &none));
    /* As long, and another file. */
    assert_true(g_file_set_contents(path, "two\n", -1, NULL));
    others = udev_rules_mark(*state);
    assert_false(udev_rules_mark_is(&ours, &others));
    assert_int_equal(g_unlink(path), 0);
    ours = udev_rules_mark(*state);
    assert_true(udev_rules_mark_is(&ours, &none));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        TEST(test_udev_understands_it),
        TEST(test_life),
        TEST(test_it_fails),
        TEST(test_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
