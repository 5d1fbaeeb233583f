/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes and the wires of the bus tier. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/deadline.h"
#include "tests/bus/fixture-internal.h"

#include <errno.h>
#include <ftw.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_US (2 * G_TIME_SPAN_MILLISECOND)

static const char bus_config[] =
    "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
    " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
    "<busconfig><type>system</type><listen>unix:path=%s/bus.sock</listen><auth>EXTERNAL</auth>\n"
    "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"
    "<allow send_destination=\"*\" eavesdrop=\"true\"/><allow send_type=\"signal\"/>\n"
    "<allow send_type=\"method_return\"/><allow send_type=\"error\"/><allow receive_type=\"method_call\"/>\n"
    "<allow receive_type=\"method_return\"/><allow receive_type=\"error\"/><allow receive_type=\"signal\"/>\n"
    "</policy>%s</busconfig>\n";

const char *fixture_bus_limits;
bool fixture_without_umockdev;

/* ------------------------------------------------------------------ processes */

static void give_up(const char *what)
{
    dprintf(STDERR_FILENO, "%s: %m\n", what);
    _exit(EXIT_FAILURE);
}

/* Between fork and exec, with the log as its output. mount(8) would be one more process for each bind, and
 * those took most of the time in which a test gets ready. */
static void child_setup(gpointer userdata)
{
    const Bind *binds = userdata;

    /* Nothing outlives the test program, however that ends. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!binds)
        return;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        give_up("a view of its own");
    for (; binds->place; binds++)
        if (mount(binds->source, binds->place, NULL, MS_BIND, NULL) < 0)
            give_up(binds->place);
}

GPid fixture_spawn(Fixture *fixture, const char *const *argv, char **environment, const Bind *binds,
                   const char *log)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_canonicalize_filename(log, fixture->dir);
    g_auto(GStrv) plain = g_environ_unsetenv(g_get_environ(), "LD_PRELOAD");
    FILE *file = fopen(path, "ae");
    GPid pid = 0;

    assert_non_null(file);
    if (!g_spawn_async_with_fds(NULL, (char **)argv, environment ? environment : plain,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, child_setup, (gpointer)binds,
                                &pid, -1, fileno(file), fileno(file), &error))
        fail_msg("%s: %s", argv[0], error->message);
    fclose(file);
    return pid;
}

int fixture_end_process(GPid *pid, int signal_number)
{
    int status = 0;

    if (!*pid)
        return 0;
    kill(*pid, signal_number);
    while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
        continue;
    *pid = 0;
    return status;
}

/* Until something listens there. */
static int connect_socket(Fixture *fixture, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    gint64 deadline = g_get_monotonic_time() + DEADLINE_US;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    while (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        if (g_get_monotonic_time() > deadline) {
            fixture_print_log(fixture);
            fail_msg("%s: nobody listens", path);
        }
        g_usleep(POLL_US);
    }
    return fd;
}

void fixture_write_text(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void start_bus(Fixture *fixture)
{
    g_autofree char *config =
        g_strdup_printf(bus_config, fixture->bus_dir, fixture_bus_limits ? fixture_bus_limits : "");
    g_autofree char *config_path = g_build_filename(fixture->bus_dir, "bus.conf", NULL);
    g_autofree char *log = g_build_filename(fixture->bus_dir, "bus.log", NULL);
    g_autofree char *config_argument = g_strconcat("--config-file=", config_path, NULL);
    g_autofree char *socket_path = g_build_filename(fixture->bus_dir, "bus.sock", NULL);

    fixture_write_text(fixture->bus_dir, "bus.conf", config);
    fixture->bus_pid = fixture_spawn(
        fixture, (const char *[]){ "dbus-daemon", config_argument, "--nofork", "--nopidfile", NULL }, NULL,
        NULL, log);
    close(connect_socket(fixture, socket_path));
}

/* Beside the folder: the disk that fails (tests/disk/disk-script.h) is none of udev's. */
char *fixture_udev_rules(Fixture *fixture)
{
    return g_strconcat(fixture->dir, "-udev", NULL);
}

static void spawn_daemon(Fixture *fixture)
{
    g_autofree char *state = fixture_state_path(fixture, "");
    g_autofree char *runtime = g_build_filename(fixture->dir, "run", NULL);
    g_autofree char *socket_path = g_build_filename(fixture->dir, "script.sock", NULL);
    g_autofree char *disk = g_build_filename(fixture->dir, "disk-script", NULL);
    g_autofree char *root = umockdev_testbed_get_root_dir(fixture->bed);
    g_autofree char *host = g_build_filename(fixture->dir, "host", NULL);
    g_autofree char *config = g_build_filename(fixture->dir, "usbferry.conf", NULL);
    g_autofree char *udev_rules = fixture_udev_rules(fixture);
    char **environment = g_get_environ();
    const char *sanitizer = g_getenv("ASAN_OPTIONS");
    /* An end that it has found isn't one that the service meant. */
    g_autofree char *sanitizer_options = g_strconcat(sanitizer ? sanitizer : "", ":exitcode=99", NULL);

    environment = g_environ_setenv(environment, "ASAN_OPTIONS", sanitizer_options, TRUE);
    environment = g_environ_setenv(environment, "STATE_DIRECTORY", state, TRUE);
    environment = g_environ_setenv(environment, "RUNTIME_DIRECTORY", runtime, TRUE);
    environment = g_environ_setenv(environment, "FERRY_SCRIPT_SOCKET", socket_path, TRUE);
    environment = g_environ_setenv(environment, "UMOCKDEV_DIR", root, TRUE);
    /* What the host that runs the tests does with its devices is none of theirs. */
    environment = g_environ_setenv(environment, "FERRY_HOST_ROOT", host, TRUE);
    environment = g_environ_setenv(environment, "FERRY_CONFIG", config, TRUE);
    environment = g_environ_setenv(environment, "FERRY_UDEV_RULES", udev_rules, TRUE);
    environment = g_environ_setenv(environment, "G_MESSAGES_DEBUG", "usbferry", TRUE);
    environment = g_environ_setenv(environment, "G_DEBUG", "fatal-criticals", TRUE);
    environment = g_environ_setenv(environment, DISK_SCRIPT_VARIABLE, disk, TRUE);
    if (fixture_without_umockdev)
        environment = g_environ_unsetenv(environment, "LD_PRELOAD");
    (void)g_unlink(socket_path);
    fixture->daemon_pid = fixture_spawn(fixture, (const char *[]){ g_getenv("FERRY_TEST_DAEMON"), NULL },
                                        environment, NULL, "daemon.log");
    g_strfreev(environment);
}

static void connect_daemon(Fixture *fixture)
{
    g_autofree char *socket_path = g_build_filename(fixture->dir, "script.sock", NULL);

    fixture->script = connect_socket(fixture, socket_path);
    /* umockdev writes no udev database, so a device that is there already counts as not ready until it is
     * announced. */
    for (guint i = 0; i < fixture->plugged->len; i++)
        fixture_announce_devpath(fixture, fixture->plugged->pdata[i], "bind");
}

void fixture_start_daemon(Fixture *fixture)
{
    spawn_daemon(fixture);
    connect_daemon(fixture);
}

/* Either it is on the bus, or its process has ended. */
static void wait_start(Fixture *fixture)
{
    enum { MS_PER_S = 1000 };
    struct pollfd fds[] = { { .fd = pidfd_open(fixture->daemon_pid, 0), .events = POLLIN },
                            { .fd = sd_bus_get_fd(fixture->bus), .events = POLLIN } };
    gint64 deadline = g_get_monotonic_time() + DEADLINE_US;

    assert_true(fds[0].fd >= 0);
    while (!(fds[0].revents & POLLIN) && sd_bus_get_name_creds(fixture->bus, FERRY_BUS_NAME, 0, NULL) < 0) {
        fixture_assert(fixture, g_get_monotonic_time() < deadline);
        while (sd_bus_process(fixture->bus, NULL) > 0)
            ;
        assert_true(poll(fds, G_N_ELEMENTS(fds), MS_PER_S) >= 0);
    }
    close(fds[0].fd);
}

bool fixture_try_start_daemon(Fixture *fixture)
{
    int status;

    spawn_daemon(fixture);
    wait_start(fixture);
    if (fixture_daemon_lives(fixture)) {
        connect_daemon(fixture);
        return true;
    }
    assert_int_equal(waitpid(fixture->daemon_pid, &status, 0), fixture->daemon_pid);
    fixture->daemon_pid = 0;
    fixture_assert(fixture,
                   WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == EXIT_FAILURE);
    return false;
}

static void make_disk_script(Fixture *fixture)
{
    g_autofree char *path = g_build_filename(fixture->dir, "disk-script", NULL);

    fixture->disk = disk_script_new(path);
    g_snprintf(fixture->disk->folder, sizeof fixture->disk->folder, "%s/", fixture->dir);
}

void fixture_stop_daemon(Fixture *fixture, int signal_number)
{
    int status;

    if (fixture->script >= 0)
        close(fixture->script);
    fixture->script = -1;
    if (!fixture->daemon_pid)
        return;
    status = fixture_end_process(&fixture->daemon_pid, signal_number);
    /* A script may have killed it just before, or while it stops. */
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return;
    if (signal_number != SIGKILL && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        fixture_print_log(fixture);
        fail_msg("the service ended with status 0x%x", (unsigned)status);
    }
}

/* Leaves the ended process to who waits for it. */
static bool lives(GPid pid, siginfo_t *ret_end)
{
    *ret_end = (siginfo_t){ .si_pid = 0 };
    return pid && waitid(P_PID, (id_t)pid, ret_end, WEXITED | WNOHANG | WNOWAIT) == 0 && ret_end->si_pid == 0;
}

bool fixture_daemon_lives(Fixture *fixture)
{
    siginfo_t end;

    return lives(fixture->daemon_pid, &end);
}

char *fixture_state_path(Fixture *fixture, const char *name)
{
    return g_build_filename(fixture->dir, "state", name, NULL);
}

static void print_file(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *text = NULL;

    if (g_file_get_contents(path, &text, NULL, NULL) && *text)
        fprintf(stderr, "---- %s\n%s----\n", name, text);
}

static void print_end(const char *name, GPid pid)
{
    siginfo_t end;

    if (pid && !lives(pid, &end))
        fprintf(stderr, "---- %s has ended: %s %d\n", name, end.si_code == CLD_EXITED ? "status" : "signal",
                end.si_status);
}

void fixture_print_log(Fixture *fixture)
{
    print_file(fixture->dir, "daemon.log");
    print_file(fixture->bus_dir, "polkit.log");
    print_file(fixture->bus_dir, "bus.log");
    print_end("usbferryd", fixture->daemon_pid);
    print_end("polkitd", fixture->polkit_pid);
    print_end("dbus-daemon", fixture->bus_pid);
}

/* ------------------------------------------------------------------ the hypervisor */

char *fixture_script(Fixture *fixture, const char *format, ...)
{
    char answer[4096];
    gsize length = 0;
    g_autofree char *command = NULL;
    va_list arguments;

    va_start(arguments, format);
    command = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    assert_int_equal(dprintf(fixture->script, "%s\n", command), (int)strlen(command) + 1);
    while (length < sizeof answer - 1) {
        if (read(fixture->script, answer + length, 1) != 1)
            fixture_assert(fixture, !"the service is gone");
        if (answer[length] == '\n')
            break;
        length++;
    }
    answer[length] = '\0';
    if (!g_str_has_prefix(answer, "ok")) {
        fixture_print_log(fixture);
        fail_msg("%s: %s", command, answer);
    }
    return g_strdup(answer[2] ? answer + 3 : "");
}

/* ------------------------------------------------------------------ the bus and polkitd */

/* To start them takes a fifth of a test's time: the next test of this program has them, unless this one did
 * something to them. */
static struct {
    char *dir;
    GPid bus_pid, polkit_pid, owner;
} kept;

void fixture_end_bus_with_test(Fixture *fixture)
{
    fixture->has_own_bus = true;
}

static void end_both(GPid *bus_pid, GPid *polkit_pid, const char *dir)
{
    fixture_end_process(polkit_pid, SIGKILL);
    fixture_end_process(bus_pid, SIGKILL);
    fixture_remove_tree(dir);
}

static void end_kept(void)
{
    /* A child that ends with exit() has none. */
    if (kept.owner != getpid())
        return;
    if (kept.dir)
        end_both(&kept.bus_pid, &kept.polkit_pid, kept.dir);
    g_clear_pointer(&kept.dir, g_free);
}

static void have_both(Fixture *fixture)
{
    /* Until the set-up is through: what failed there may be theirs. */
    fixture->has_own_bus = true;
    if (kept.dir && !fixture_bus_limits) {
        fixture->bus_dir = g_steal_pointer(&kept.dir);
        fixture->bus_pid = kept.bus_pid;
        fixture->polkit_pid = kept.polkit_pid;
        kept.bus_pid = kept.polkit_pid = 0;
    } else {
        fixture->bus_dir = g_dir_make_tmp("ferry-bus-XXXXXX", NULL);
        assert_non_null(fixture->bus_dir);
        /* polkitd and strangers must reach the bus in it. */
        assert_int_equal(chmod(fixture->bus_dir, 0755), 0);
        start_bus(fixture);
    }
    fixture->address = g_strdup_printf("unix:path=%s/bus.sock", fixture->bus_dir);
    assert_true(g_setenv("DBUS_SYSTEM_BUS_ADDRESS", fixture->address, TRUE));
    if (!fixture->polkit_pid) {
        fixture_make_polkit_folders(fixture);
        fixture_make_groups(fixture);
        fixture_spawn_polkit(fixture);
    }
    if (kept.owner != getpid())
        atexit(end_kept);
    kept.owner = getpid();
}

/* The next one is to have the name. False when that can't be said of this bus. */
static bool service_is_gone(Fixture *fixture)
{
    gint64 deadline = g_get_monotonic_time() + DEADLINE_US;
    int r;

    while ((r = sd_bus_get_name_creds(fixture->bus, FERRY_BUS_NAME, 0, NULL)) >= 0 &&
           g_get_monotonic_time() < deadline)
        g_usleep(POLL_US);
    return r == -ENXIO;
}

static bool can_be_kept(Fixture *fixture)
{
    siginfo_t end;

    return !fixture->has_own_bus && !kept.dir && lives(fixture->bus_pid, &end) &&
           lives(fixture->polkit_pid, &end);
}

static void keep_both_or_end(Fixture *fixture)
{
    if (can_be_kept(fixture) && service_is_gone(fixture)) {
        kept.dir = g_steal_pointer(&fixture->bus_dir);
        kept.bus_pid = fixture->bus_pid;
        kept.polkit_pid = fixture->polkit_pid;
    } else {
        end_both(&fixture->bus_pid, &fixture->polkit_pid, fixture->bus_dir);
    }
    g_free(fixture->bus_dir);
}

/* ------------------------------------------------------------------ set-up */

static bool is_settled(Fixture *fixture, void *userdata)
{
    g_autofree char *settling = fixture_get(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling");

    return g_strcmp0(settling, "false") == 0;
}

int fixture_setup(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    *state = fixture;
    fixture->script = -1;
    fixture->next_device_number = 2;
    fixture->plugged = g_ptr_array_new_with_free_func(g_free);
    fixture->dir = g_dir_make_tmp("ferry-bus-XXXXXX", NULL);
    assert_non_null(fixture->dir);
    assert_int_equal(chmod(fixture->dir, 0755), 0);
    make_disk_script(fixture);
    fixture->bed = umockdev_testbed_new();
    fixture_add_controller(fixture);
    have_both(fixture);
    fixture->bus = fixture_connect(fixture, 0);
    fixture_start_daemon(fixture);
    fixture_wait_for(fixture, fixture_polkit_is_there, NULL, "polkitd is on the bus");
    assert_true(
        sd_bus_add_match(fixture->bus, NULL, "type='signal',sender='" FERRY_BUS_NAME "'", NULL, NULL) >= 0);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_for(fixture, is_settled, NULL, "the service has settled");
    fixture->has_own_bus = fixture_bus_limits != NULL;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path);
}

void fixture_remove_tree(const char *path)
{
    enum { FDS = 16 };

    if (nftw(path, remove_one, FDS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        fail_msg("%s can't be removed: %s", path, g_strerror(errno));
}

int fixture_teardown(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *udev_rules = fixture_udev_rules(fixture);

    fixture_stop_daemon(fixture, SIGTERM);
    keep_both_or_end(fixture);
    sd_bus_flush_close_unref(fixture->bus);
    g_clear_object(&fixture->bed);
    g_ptr_array_unref(fixture->plugged);
    disk_script_free(fixture->disk);
    fixture_remove_tree(udev_rules);
    fixture_remove_tree(fixture->dir);
    g_free(fixture->dir);
    g_free(fixture->address);
    g_free(fixture->last_seen);
    g_free(fixture);
    return 0;
}
