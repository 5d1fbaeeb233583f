/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that close nodes: files in a folder of the test. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "daemon/usb/node-watch.h"

typedef struct Nodes {
    char *folder;
    NodeWatch *watch;
    GString *heard; /* "1:7 " */
} Nodes;

static void closed(unsigned bus_number, unsigned device_number, void *userdata)
{
    Nodes *nodes = userdata;

    g_string_append_printf(nodes->heard, "%u:%u ", bus_number, device_number);
}

/* Also opens and closes it. */
static void touch(Nodes *nodes, const char *name)
{
    g_autofree char *path = g_build_filename(nodes->folder, name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    FILE *file;

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    file = fopen(path, "ae");
    assert_non_null(file);
    fclose(file);
}

static void assert_heard(Nodes *nodes, const char *heard)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    assert_string_equal(nodes->heard->str, heard);
    g_string_truncate(nodes->heard, 0);
}

static int set_up(void **state)
{
    Nodes *nodes = g_new0(Nodes, 1);

    nodes->folder = g_dir_make_tmp("ferry-nodes-XXXXXX", NULL);
    nodes->heard = g_string_new(NULL);
    nodes->watch = node_watch_new(nodes->folder, closed, nodes);
    assert_non_null(nodes->watch);
    touch(nodes, "001/007");
    touch(nodes, "002/003");
    *state = nodes;
    return 0;
}

static int tear_down(void **state)
{
    Nodes *nodes = *state;
    g_autofree char *command = g_strdup_printf("rm -rf %s", nodes->folder);

    node_watch_free(nodes->watch);
    g_string_free(nodes->heard, TRUE);
    assert_int_equal(system(command), 0);
    g_free(nodes->folder);
    g_free(nodes);
    return 0;
}

static void test_closed(void **state)
{
    Nodes *nodes = *state;

    node_watch_add(nodes->watch, 1, 7);
    node_watch_add(nodes->watch, 1, 7);
    touch(nodes, "001/007");
    touch(nodes, "002/003");
    assert_heard(nodes, "1:7 ");
    node_watch_remove(nodes->watch, 1, 7);
    node_watch_remove(nodes->watch, 1, 7);
    touch(nodes, "001/007");
    assert_heard(nodes, "");
}

/* The device goes, and another one gets its numbers. */
static void test_node_that_goes(void **state)
{
    Nodes *nodes = *state;
    g_autofree char *path = g_build_filename(nodes->folder, "001", "007", NULL);

    node_watch_add(nodes->watch, 1, 7);
    assert_int_equal(g_unlink(path), 0);
    assert_heard(nodes, "");
    touch(nodes, "001/007");
    node_watch_add(nodes->watch, 1, 7);
    touch(nodes, "001/007");
    assert_heard(nodes, "1:7 ");
}

static void test_no_node(void **state)
{
    Nodes *nodes = *state;

    node_watch_add(nodes->watch, 1, 8);
    node_watch_remove(nodes->watch, 1, 8);
    node_watch_add(NULL, 1, 7);
    node_watch_remove(NULL, 1, 7);
    assert_heard(nodes, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_closed), TEST(test_node_that_goes), TEST(test_no_node) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
