/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to a real libvirtd, whose machines are those of libvirt's own test driver: what happens is
 * told, nobody asks whether we are still there, and its end is seen. libvirtd is nobody's, with a folder of
 * its own. */

#include "tests/bus/cmocka-include.h"

#include <fcntl.h>
#include <grp.h>
#include <libvirt/libvirt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/hypervisor/libvirt-events.h"
#include "daemon/hypervisor/libvirt-hypervisor.h"
#include "tests/bus/deadline.h"
#include "tests/bus/fixture.h"
#include "tests/bus/memory-folder.h"

#define NOBODY  65534
#define TEST_VM "test" /* the machine that test:///default has */
#define WORKERS 2
#define POLL_US (10 * G_TIME_SPAN_MILLISECOND)
#define BURST   300
#define ROUNDS  3
/* Any: what counts is whether they can be had at all. */
#define INTERVAL_S 5
#define COUNT      3

typedef struct World {
    char *folder, *socket, *log, *uri;
    GPid libvirtd;
    WorkerPool *pool;
    Hypervisor *hypervisor;
    unsigned touched; /* so many events of machines were told */
    bool late;
} World;

static void state_changed(Hypervisor *hypervisor, void *userdata)
{
}

static void machine_touched(Hypervisor *hypervisor, const char *uuid, void *userdata)
{
    ((World *)userdata)->touched++;
}

/* It ends with the test, however that ends. */
static void become_nobody(gpointer log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    if (dup2(fd, STDERR_FILENO) < 0 || setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 ||
        setuid(NOBODY) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        _exit(EXIT_FAILURE);
}

static void fail_with_log(const World *self, const char *what)
{
    g_autofree char *log = NULL;

    (void)g_file_get_contents(self->log, &log, NULL, NULL);
    fail_msg("in vain: %s; libvirtd's log:\n%s", what, log ? log : "");
}

static void start_libvirtd(World *self)
{
    g_autofree char *run = g_strconcat("XDG_RUNTIME_DIR=", self->folder, NULL);
    g_autofree char *configuration = g_strconcat("XDG_CONFIG_HOME=", self->folder, NULL);
    g_autofree char *cache = g_strconcat("XDG_CACHE_HOME=", self->folder, NULL);
    g_autofree char *home = g_strconcat("HOME=", self->folder, NULL);
    char *environment[] = { run, configuration, cache, home, (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                            NULL };
    char *words[] = { (char *)"/usr/sbin/libvirtd", NULL };
    gint64 end = g_get_monotonic_time() + DEADLINE_US;
    g_autoptr(GError) error = NULL;

    (void)unlink(self->socket);
    if (!g_spawn_async(self->folder, words, environment,
                       G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, become_nobody, self->log,
                       &self->libvirtd, &error))
        fail_msg("libvirtd: %s", error->message);
    while (!g_file_test(self->socket, G_FILE_TEST_EXISTS)) {
        if (waitpid(self->libvirtd, NULL, WNOHANG) != 0)
            fail_with_log(self, "libvirtd goes on");
        if (g_get_monotonic_time() > end)
            fail_with_log(self, "libvirtd listens");
        g_usleep(POLL_US);
    }
}

static void end_libvirtd(World *self)
{
    assert_int_equal(kill(self->libvirtd, SIGKILL), 0);
    assert_int_equal(waitpid(self->libvirtd, NULL, 0), self->libvirtd);
    self->libvirtd = 0;
}

static gboolean too_late(gpointer late)
{
    *(bool *)late = true;
    return G_SOURCE_REMOVE;
}

static bool is_connected(const World *self)
{
    return self->hypervisor->state == HYPERVISOR_STATE_CONNECTED;
}

static bool is_lost(const World *self)
{
    return !is_connected(self);
}

static void run_until(World *self, bool (*holds)(const World *self), const char *what)
{
    guint deadline = g_timeout_add(DEADLINE_MS, too_late, &self->late);

    while (!holds(self) && !self->late)
        g_main_context_iteration(NULL, TRUE);
    if (self->late)
        fail_with_log(self, what);
    g_source_remove(deadline);
}

static int setup(void **state)
{
    static const HypervisorEvents events = { .state_changed = state_changed,
                                             .machine_touched = machine_touched };
    World *self = g_new0(World, 1);

    self->folder = g_dir_make_tmp("ferry-libvirt-XXXXXX", NULL);
    assert_int_equal(chown(self->folder, NOBODY, NOBODY), 0);
    self->socket = g_build_filename(self->folder, "libvirt", "libvirt-sock", NULL);
    self->log = g_build_filename(self->folder, "log", NULL);
    self->uri = g_strconcat("test+unix:///default?socket=", self->socket, NULL);
    start_libvirtd(self);
    self->pool = worker_pool_new(WORKERS, NULL, NULL);
    self->hypervisor = libvirt_hypervisor_new(self->uri, self->pool);
    self->hypervisor->events = &events;
    self->hypervisor->events_userdata = self;
    self->hypervisor->ops->start(self->hypervisor);
    run_until(self, is_connected, "it is connected");
    *state = self;
    return 0;
}

static void disconnect(World *self)
{
    self->pool = worker_pool_free(self->pool);
    if (self->hypervisor)
        self->hypervisor->ops->free(self->hypervisor);
    self->hypervisor = NULL;
}

static int teardown(void **state)
{
    World *self = *state;

    disconnect(self);
    if (self->libvirtd > 0)
        end_libvirtd(self);
    fixture_remove_tree(self->folder);
    g_free(self->folder);
    g_free(self->socket);
    g_free(self->log);
    g_free(self->uri);
    g_free(self);
    return 0;
}

/* Somebody else does it. */
static void suspend_and_resume(const World *self, unsigned times)
{
    virConnectPtr other = virConnectOpen(self->uri);
    virDomainPtr machine = other ? virDomainLookupByName(other, TEST_VM) : NULL;

    assert_non_null(machine);
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(virDomainSuspend(machine), 0);
        assert_int_equal(virDomainResume(machine), 0);
    }
    virDomainFree(machine);
    virConnectClose(other);
}

static bool has_heard_two(const World *self)
{
    return self->touched >= 2;
}

/* One after the other: each time it is listened again. */
static void test_told(void **state)
{
    World *self = *state;

    for (unsigned i = 0; i < ROUNDS; i++) {
        self->touched = 0;
        suspend_and_resume(self, 1);
        run_until(self, has_heard_two, "it is told");
    }
}

static bool has_heard_all(const World *self)
{
    return self->touched >= 2 * BURST;
}

/* Many at once, while the main loop does something else. */
static void test_burst(void **state)
{
    World *self = *state;

    suspend_and_resume(self, BURST);
    run_until(self, has_heard_all, "all of it is told");
    assert_int_equal(self->touched, 2 * BURST);
}

/* libvirt keeps only those alive, from either side, that watch their socket with its event loop. */
static void test_unasked(void **state)
{
    const World *self = *state;
    int fd = -1;
    virConnectPtr unasked = libvirt_events_open_unasked(self->uri, &fd), asked = virConnectOpen(self->uri);

    assert_non_null(unasked);
    assert_true(fd >= 0);
    assert_int_equal(virConnectSetKeepAlive(unasked, INTERVAL_S, COUNT), -1);
    assert_non_null(asked);
    assert_int_equal(virConnectSetKeepAlive(asked, INTERVAL_S, COUNT), 0);
    close(fd);
    virConnectClose(asked);
    virConnectClose(unasked);
}

/* Each time; what happens after it is told again. */
static void test_end(void **state)
{
    World *self = *state;

    for (unsigned i = 0; i < ROUNDS; i++) {
        end_libvirtd(self);
        run_until(self, is_lost, "the end is seen");
        assert_string_equal(self->hypervisor->state_text, "libvirt ended the connection");
        start_libvirtd(self);
        run_until(self, is_connected, "it is connected again");
        self->touched = 0;
        suspend_and_resume(self, 1);
        run_until(self, has_heard_two, "it is told again");
    }
}

/* What happened just before is no reason to miss the end. */
static void test_event_and_end(void **state)
{
    World *self = *state;

    suspend_and_resume(self, 1);
    end_libvirtd(self);
    run_until(self, is_lost, "the end is seen");
}

static bool reads(const World *self)
{
    return !g_main_context_pending(NULL);
}

/* The service ends while a worker waits for a libvirtd that hangs, which goes on later. */
static void test_end_of_ours(void **state)
{
    World *self = *state;

    suspend_and_resume(self, 1);
    assert_int_equal(kill(self->libvirtd, SIGSTOP), 0);
    run_until(self, reads, "a worker reads");
    disconnect(self);
    assert_int_equal(kill(self->libvirtd, SIGCONT), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_end_of_ours), TEST(test_told), TEST(test_burst),
        TEST(test_unasked),     TEST(test_end),  TEST(test_event_and_end),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as GIO's sockets have it in the service */
    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
