/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hosts are reached beside each other, and none of them from a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client/bus/fleet.h"

#define DEADLINE_MS (120 * 1000)

/* What the library's function is replaced by. */
int __wrap_sd_bus_open_system_remote(sd_bus **ret, const char *host);

static unsigned opened, opened_beside_threads;

static bool has_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned n = 0;

    assert_non_null(tasks);
    for (const struct dirent *task; (task = readdir(tasks));)
        n += task->d_name[0] != '.';
    closedir(tasks);
    return n > 1;
}

/* "refused" says so at once; of all others it comes out with the first call, as they are connected to nobody.
 */
int __wrap_sd_bus_open_system_remote(sd_bus **ret, const char *host)
{
    opened++;
    opened_beside_threads += gettid() != getpid() || has_threads();
    return strcmp(host, "refused") == 0 ? -ECONNRESET : sd_bus_new(ret);
}

/* Those of the test before may not have ended. */
static int setup(void **state)
{
    gint64 deadline = g_get_monotonic_time() + DEADLINE_MS * G_TIME_SPAN_MILLISECOND;

    while (has_threads() && g_get_monotonic_time() < deadline)
        g_thread_yield();
    opened = opened_beside_threads = 0;
    return 0;
}

static void assert_starts(const GError *error, const char *start)
{
    assert_non_null(error);
    if (!g_str_has_prefix(error->message, start))
        fail_msg("\"%s\" doesn't begin with \"%s\"", error->message, start);
}

static void test_lists(void **state)
{
    char *names[] = { (char *)"far", (char *)"refused", (char *)"near", NULL };
    Client client = { .hosts = names };
    g_autoptr(GPtrArray) hosts = fleet_begin(&client);

    assert_true(fleet_wait(hosts, true, g_get_monotonic_time() + DEADLINE_MS * G_TIME_SPAN_MILLISECOND));
    assert_int_equal(opened, 3);
    assert_int_equal(opened_beside_threads, 0);
    for (guint i = 0; i < hosts->len; i++) {
        const FleetHost *host = hosts->pdata[i];
        g_autofree char *start = g_strdup_printf("%s: no connection to the bus of %s", names[i], names[i]);

        assert_null(host->model);
        assert_starts(host->error, start);
    }
}

/* One that was over before it began is over all the same, once. */
static void test_visits(void **state)
{
    static const char *const names[] = { "far", "refused" };
    Visit *visits[] = { visit_new(names[0]), visit_new(names[1]) };

    assert_int_equal(opened, 2);
    assert_int_equal(opened_beside_threads, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(visits); i++)
        visit_begin(visits[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(visits); i++) {
        struct pollfd pollfd = { .fd = visit_fd(visits[i]), .events = POLLIN };
        g_autofree char *start = g_strdup_printf("%s: no connection to the bus of ", names[i]);
        g_autoptr(GError) error = NULL;
        Client *client = NULL;
        Follow *follow = NULL;

        assert_int_equal(poll(&pollfd, 1, DEADLINE_MS), 1);
        assert_true(visit_take(visits[i], &client, &follow, &error));
        assert_null(client);
        assert_starts(error, start);
        visit_unref(visits[i]);
    }
}

/* Nobody waits for what was given up before it began. */
static void test_given_up(void **state)
{
    visit_unref(visit_new("far"));
    visit_unref(visit_new("refused"));
    assert_int_equal(opened, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lists, setup),
        cmocka_unit_test_setup(test_visits, setup),
        cmocka_unit_test_setup(test_given_up, setup),
    };

    return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
