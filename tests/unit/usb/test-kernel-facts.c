/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read of a device's folder, and how long its signs last. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "daemon/usb/kernel-facts.h"

typedef struct Folder {
    char *root;
    char *device; /* "1-2" */
} Folder;

static void write_attribute(Folder *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder->device, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* driver: NULL = none. */
static void write_interface(Folder *folder, const char *name, const char *driver)
{
    g_autofree char *path = g_build_filename(folder->device, name, NULL);
    g_autofree char *link = g_build_filename(path, "driver", NULL);
    g_autofree char *target = g_strconcat("../../../../bus/usb/drivers/", driver, NULL);

    assert_int_equal(g_mkdir_with_parents(path, 0700), 0);
    (void)unlink(link);
    if (driver)
        assert_int_equal(symlink(target, link), 0);
}

static int set_up(void **state)
{
    Folder *folder = g_new0(Folder, 1);
    g_autofree char *power = NULL;

    folder->root = g_dir_make_tmp("ferry-facts-XXXXXX", NULL);
    folder->device = g_build_filename(folder->root, "1-2", NULL);
    power = g_build_filename(folder->device, "power", NULL);
    assert_int_equal(g_mkdir_with_parents(power, 0700), 0);
    write_attribute(folder, "authorized", "1\n");
    write_attribute(folder, "power/control", "auto\n");
    write_attribute(folder, "power/runtime_status", "active\n");
    write_attribute(folder, "power/runtime_usage", "0\n");
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    Folder *folder = *state;
    g_autofree char *command = g_strdup_printf("rm -rf %s", folder->root);

    assert_int_equal(system(command), 0);
    g_free(folder->root);
    g_free(folder->device);
    g_free(folder);
    return 0;
}

static KernelFacts read_facts(Folder *folder)
{
    KernelFacts facts;

    kernel_facts_read(folder->device, &facts);
    return facts;
}

static void remove_attribute(Folder *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder->device, name, NULL);

    assert_int_equal(unlink(path), 0);
}

static void test_opens(void **state)
{
    Folder *folder = *state;

    assert_int_equal(read_facts(folder).opens, 0);
    write_attribute(folder, "power/runtime_usage", "2\n");
    assert_int_equal(read_facts(folder).opens, 2);
    /* It may not be suspended, which counts as one. */
    write_attribute(folder, "power/control", "on\n");
    assert_int_equal(read_facts(folder).opens, 1);
    write_attribute(folder, "power/runtime_usage", "0\n");
    assert_int_equal(read_facts(folder).opens, 0);
}

/* A kernel that doesn't count. */
static void test_opens_unknown(void **state)
{
    Folder *folder = *state;

    remove_attribute(folder, "power/runtime_usage");
    assert_int_equal(read_facts(folder).opens, KERNEL_OPENS_UNKNOWN);
    write_attribute(folder, "power/runtime_status", "suspended\n");
    assert_int_equal(read_facts(folder).opens, 0);
    write_attribute(folder, "power/control", "on\n");
    assert_int_equal(read_facts(folder).opens, KERNEL_OPENS_UNKNOWN);
    write_attribute(folder, "power/control", "auto\n");
    write_attribute(folder, "power/runtime_usage", "many\n");
    write_attribute(folder, "power/runtime_status", "active\n");
    assert_int_equal(read_facts(folder).opens, KERNEL_OPENS_UNKNOWN);
}

static void test_interfaces(void **state)
{
    Folder *folder = *state;
    KernelFacts facts;

    write_interface(folder, "1-2:1.0", "usbhid");
    write_interface(folder, "1-2:1.1", "usbfs");
    write_interface(folder, "1-2:1.2", NULL);
    write_interface(folder, "1-2:1.31", NULL);
    /* A hub's own port, and what is plugged in there. */
    write_interface(folder, "1-2.1", "usb");
    write_interface(folder, "1-2:1.99", "usbhid");
    facts = read_facts(folder);
    assert_int_equal(facts.on_host, 1);
    assert_int_equal(facts.on_usbfs, 1);
    assert_int_equal(facts.driverless, 1u << 2 | 1u << 31);
    assert_true(facts.authorized);
}

static void test_authorized(void **state)
{
    Folder *folder = *state;

    write_attribute(folder, "authorized", "0\n");
    assert_false(read_facts(folder).authorized);
    remove_attribute(folder, "authorized");
    assert_true(read_facts(folder).authorized);
}

/* It says nothing, neither good nor bad. */
static void test_gone(void **state)
{
    KernelFacts facts;

    kernel_facts_read("/nowhere/1-2", &facts);
    for (KernelSign sign = 0; sign < _KERNEL_SIGN_MAX; sign++)
        assert_false(kernel_facts_show(&facts, sign));
}

static void test_lasts(void **state)
{
    KernelWord word = {};
    KernelFacts closed = { .authorized = true, .on_host = 1 }, open = { .authorized = true, .opens = 1 };

    assert_true(kernel_word_take(&word, &closed, 1000));
    assert_true(kernel_word_shows(&word, KERNEL_SIGN_CLOSED));
    assert_true(kernel_word_lasts(&word, KERNEL_SIGN_CLOSED, 0));
    assert_false(kernel_word_lasts(&word, KERNEL_SIGN_CLOSED, 1));
    assert_false(kernel_word_take(&word, &closed, 3000));
    assert_true(kernel_word_lasts(&word, KERNEL_SIGN_CLOSED, 2000));
    /* One look without it, and it begins again. */
    assert_true(kernel_word_take(&word, &open, 4000));
    assert_false(kernel_word_shows(&word, KERNEL_SIGN_CLOSED));
    assert_true(kernel_word_take(&word, &closed, 5000));
    assert_false(kernel_word_lasts(&word, KERNEL_SIGN_CLOSED, 1));
    kernel_word_take(&word, &closed, 9000);
    kernel_word_begin_anew(&word, 9000);
    assert_true(kernel_word_shows(&word, KERNEL_SIGN_HOST_DRIVER));
    assert_false(kernel_word_lasts(&word, KERNEL_SIGN_HOST_DRIVER, 1));
    assert_false(kernel_word_shows(&word, KERNEL_SIGN_IN_USE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_opens),      TEST(test_opens_unknown), TEST(test_interfaces),
        TEST(test_authorized), TEST(test_gone),          TEST(test_lasts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
