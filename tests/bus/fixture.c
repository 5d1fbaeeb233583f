/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes and the wires of the bus tier. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/fixture.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_US (20 * G_USEC_PER_SEC)
#define POLL_US     (2 * G_TIME_SPAN_MILLISECOND)

/* Groups that the test program may have itself. */
#define NGROUPS_KEPT 64

#define CONTROLLER "/devices/pci0000:00/0000:00:14.0"
#define ROOT_HUB   CONTROLLER "/usb1"

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

/* polkitd reads fixed places: it gets its own view of them. $1: our actions, $2: the test's rules, $3:
 * groups, $4: our catalogues, $5: locales. */
static const char polkit_script[] = "mount --bind \"$1\" /usr/share/polkit-1/actions &&"
                                    " for d in /etc/polkit-1/rules.d /usr/share/polkit-1/rules.d; do"
                                    "  [ ! -d $d ] || mount --bind \"$2\" $d || exit 1; done;"
                                    " mount --bind \"$3\" /etc/group || exit 1;"
                                    " mount --bind \"$4\" /usr/share/locale || exit 1;"
                                    " mount --bind \"$5\" /usr/lib/locale || exit 1;"
                                    " exec /usr/lib/polkit-1/polkitd --no-debug --replace";

/* ------------------------------------------------------------------ processes */

static void child_setup(gpointer userdata)
{
    /* Nothing outlives the test program, however that ends. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* environment: NULL = this one, without umockdev. */
static GPid spawn(Fixture *fixture, const char *const *argv, char **environment, const char *log)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(fixture->dir, log, NULL);
    g_auto(GStrv) plain = g_environ_unsetenv(g_get_environ(), "LD_PRELOAD");
    FILE *file = fopen(path, "ae");
    GPid pid = 0;

    assert_non_null(file);
    if (!g_spawn_async_with_fds(NULL, (char **)argv, environment ? environment : plain,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, child_setup, NULL, &pid, -1,
                                fileno(file), fileno(file), &error))
        fail_msg("%s: %s", argv[0], error->message);
    fclose(file);
    return pid;
}

static int end_process(GPid *pid, int signal_number)
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

static void write_text(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void start_bus(Fixture *fixture)
{
    g_autofree char *config =
        g_strdup_printf(bus_config, fixture->dir, fixture_bus_limits ? fixture_bus_limits : "");
    g_autofree char *config_path = g_build_filename(fixture->dir, "bus.conf", NULL);
    g_autofree char *config_argument = g_strconcat("--config-file=", config_path, NULL);
    g_autofree char *socket_path = g_build_filename(fixture->dir, "bus.sock", NULL);

    write_text(fixture->dir, "bus.conf", config);
    fixture->bus_pid =
        spawn(fixture, (const char *[]){ "dbus-daemon", config_argument, "--nofork", "--nopidfile", NULL },
              NULL, "bus.log");
    close(connect_socket(fixture, socket_path));
    fixture->address = g_strconcat("unix:path=", socket_path, NULL);
    assert_true(g_setenv("DBUS_SYSTEM_BUS_ADDRESS", fixture->address, TRUE));
}

/* Takes the place of one that is there. */
static void start_polkit(Fixture *fixture)
{
    g_autofree char *actions = g_build_filename(fixture->dir, "actions", NULL);
    g_autofree char *rules = g_build_filename(fixture->dir, "rules", NULL);
    g_autofree char *groups = g_build_filename(fixture->dir, "group", NULL);

    fixture->polkit_pid =
        spawn(fixture,
              (const char *[]){ "unshare", "-m", "sh", "-c", polkit_script, "sh", actions, rules, groups,
                                g_getenv("FERRY_TEST_LOCALE"), g_getenv("FERRY_TEST_LOCALES"), NULL },
              NULL, "polkit.log");
}

/* Of the tests. */
static const struct {
    const char *name;
    gid_t gid;
    const char *member;
} groups[] = {
    { "usbferry", 64301, "bin" },
    { "cad", 64302, "bin" },
    { "operators", 64303, "daemon" },
};

/* The host's groups, with those of the tests before any of the same name. */
static void make_groups(Fixture *fixture)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    GString *file = g_string_new(NULL);

    assert_true(g_file_get_contents("/etc/group", &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        g_string_append_printf(file, "%s:x:%u:%s\n", groups[i].name, groups[i].gid, groups[i].member);
    for (char **line = lines; *line; line++)
        if (**line)
            g_string_append_printf(file, "%s\n", *line);
    write_text(fixture->dir, "group", file->str);
    g_string_free(file, TRUE);
}

static void make_polkit_folders(Fixture *fixture)
{
    g_autofree char *actions = g_build_filename(fixture->dir, "actions", NULL);
    g_autofree char *rules = g_build_filename(fixture->dir, "rules", NULL);
    g_autofree char *policy = g_build_filename(actions, "org.usbferry1.policy", NULL);
    g_autofree char *text = NULL;
    const struct passwd *user = getpwnam("polkitd");

    assert_int_equal(g_mkdir(actions, 0755), 0);
    assert_int_equal(g_mkdir(rules, 0755), 0);
    assert_true(g_file_get_contents(g_getenv("FERRY_TEST_POLICY"), &text, NULL, NULL));
    assert_true(g_file_set_contents(policy, text, -1, NULL));
    assert_non_null(user);
    assert_int_equal(chown(rules, user->pw_uid, user->pw_gid), 0);
}

static void announce(Fixture *fixture, const char *devpath, const char *action)
{
    g_autofree char *syspath = g_strconcat("/sys", devpath, NULL);

    umockdev_testbed_uevent(fixture->bed, syspath, action);
}

static void spawn_daemon(Fixture *fixture)
{
    g_autofree char *state = fixture_state_path(fixture, "");
    g_autofree char *runtime = g_build_filename(fixture->dir, "run", NULL);
    g_autofree char *socket_path = g_build_filename(fixture->dir, "script.sock", NULL);
    g_autofree char *disk = g_build_filename(fixture->dir, "disk-script", NULL);
    g_autofree char *root = umockdev_testbed_get_root_dir(fixture->bed);
    char **environment = g_get_environ();
    const char *sanitizer = g_getenv("ASAN_OPTIONS");
    /* An end that it has found isn't one that the service meant. */
    g_autofree char *sanitizer_options = g_strconcat(sanitizer ? sanitizer : "", ":exitcode=99", NULL);

    environment = g_environ_setenv(environment, "ASAN_OPTIONS", sanitizer_options, TRUE);
    environment = g_environ_setenv(environment, "STATE_DIRECTORY", state, TRUE);
    environment = g_environ_setenv(environment, "RUNTIME_DIRECTORY", runtime, TRUE);
    environment = g_environ_setenv(environment, "FERRY_SCRIPT_SOCKET", socket_path, TRUE);
    environment = g_environ_setenv(environment, "UMOCKDEV_DIR", root, TRUE);
    environment = g_environ_setenv(environment, "G_MESSAGES_DEBUG", "usbferry", TRUE);
    environment = g_environ_setenv(environment, "G_DEBUG", "fatal-criticals", TRUE);
    if (fixture->disk)
        environment = g_environ_setenv(environment, DISK_SCRIPT_VARIABLE, disk, TRUE);
    (void)g_unlink(socket_path);
    fixture->daemon_pid =
        spawn(fixture, (const char *[]){ g_getenv("FERRY_TEST_DAEMON"), NULL }, environment, "daemon.log");
    g_strfreev(environment);
}

static void connect_daemon(Fixture *fixture)
{
    g_autofree char *socket_path = g_build_filename(fixture->dir, "script.sock", NULL);

    fixture->script = connect_socket(fixture, socket_path);
    /* umockdev writes no udev database, so a device that is there already counts as not ready until it is
     * announced. */
    for (guint i = 0; i < fixture->plugged->len; i++)
        announce(fixture, fixture->plugged->pdata[i], "bind");
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

void fixture_use_disk_script(Fixture *fixture)
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
    status = end_process(&fixture->daemon_pid, signal_number);
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

static void print_file(Fixture *fixture, const char *name)
{
    g_autofree char *path = g_build_filename(fixture->dir, name, NULL);
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
    print_file(fixture, "daemon.log");
    print_file(fixture, "polkit.log");
    print_file(fixture, "bus.log");
    print_end("usbferryd", fixture->daemon_pid);
    print_end("polkitd", fixture->polkit_pid);
    print_end("dbus-daemon", fixture->bus_pid);
}

/* ------------------------------------------------------------------ devices */

static char *device_devpath(const char *sysname)
{
    /* "1-3.1" is below hub "1-3". */
    g_auto(GStrv) parts = g_strsplit(strchr(sysname, '-') + 1, ".", -1);
    GString *path = g_string_new(ROOT_HUB);
    GString *name = g_string_new(NULL);

    for (char **part = parts; *part; part++) {
        g_string_append_printf(name, "%s%s", part == parts ? "1-" : ".", *part);
        g_string_append_printf(path, "/%s", name->str);
    }
    g_string_free(name, TRUE);
    return g_string_free(path, FALSE);
}

static void add_usb_device(Fixture *fixture, const char *devpath, const char *usb_devpath,
                           const char *class_code, const char *interfaces, const char *vendor,
                           const char *product, const char *serial, const char *name)
{
    unsigned number = fixture->next_device_number++;
    g_autofree char *record = NULL;
    g_autoptr(GError) error = NULL;

    record = g_strdup_printf("P: %s\n"
                             "N: bus/usb/001/%03u\n"
                             "L: driver=../../../../bus/usb/drivers/usb\n"
                             "E: DEVTYPE=usb_device\n"
                             "E: SUBSYSTEM=usb\n"
                             "E: DRIVER=usb\n"
                             "E: BUSNUM=001\n"
                             "E: DEVNUM=%03u\n"
                             "E: USEC_INITIALIZED=%" G_GINT64_FORMAT "\n"
                             "E: ID_USB_INTERFACES=%s\n"
                             "A: idVendor=%s\n"
                             "A: idProduct=%s\n"
                             "A: bDeviceClass=%s\n"
                             "A: busnum=1\n"
                             "A: devnum=%u\n"
                             "A: devpath=%s\n"
                             "A: speed=12\n"
                             "A: removable=removable\n"
                             "A: authorized=1\n"
                             "A: power/control=auto\n"
                             "A: power/runtime_status=active\n"
                             "A: power/runtime_usage=0\n"
                             "A: manufacturer=Lab\n"
                             "A: product=%s\n",
                             devpath, number, number, g_get_monotonic_time(), interfaces, vendor, product,
                             class_code, number, usb_devpath, name);
    if (*serial) {
        char *with_serial = g_strdup_printf("%sA: serial=%s\n", record, serial);

        g_free(record);
        record = with_serial;
    }
    if (!umockdev_testbed_add_from_string(fixture->bed, record, &error))
        fail_msg("%s", error->message);
}

/* One, with a driver of the host. */
static void add_interface(Fixture *fixture, const char *devpath)
{
    g_autofree char *sysname = g_path_get_basename(devpath);
    g_autofree char *record = g_strdup_printf("P: %s/%s:1.0\n"
                                              "L: driver=../../../../../../bus/usb/drivers/usbhid\n"
                                              "E: DEVTYPE=usb_interface\n"
                                              "E: SUBSYSTEM=usb\n"
                                              "E: DRIVER=usbhid\n",
                                              devpath, sysname);
    g_autoptr(GError) error = NULL;

    if (!umockdev_testbed_add_from_string(fixture->bed, record, &error))
        fail_msg("%s", error->message);
}

static void plug(Fixture *fixture, const char *sysname, const char *class_code, const char *interfaces,
                 const char *vendor, const char *product, const char *serial, const char *name)
{
    g_autofree char *devpath = device_devpath(sysname);

    add_usb_device(fixture, devpath, strchr(sysname, '-') + 1, class_code, interfaces, vendor, product,
                   serial, name);
    add_interface(fixture, devpath);
    if (fixture->script >= 0)
        g_free(fixture_script(fixture, "kernel arrive %s", sysname));
    announce(fixture, devpath, "add");
    announce(fixture, devpath, "bind");
    g_ptr_array_add(fixture->plugged, g_steal_pointer(&devpath));
}

void fixture_plug(Fixture *fixture, const char *sysname, const char *vendor, const char *product,
                  const char *serial, const char *name)
{
    plug(fixture, sysname, "00", ":030101:", vendor, product, serial, name);
}

void fixture_plug_hub(Fixture *fixture, const char *sysname)
{
    plug(fixture, sysname, "09", ":090000:", "0409", "55aa", "", "Hub");
}

void fixture_forget_udev_record(Fixture *fixture, const char *sysname)
{
    g_autofree char *devpath = device_devpath(sysname);
    g_autofree char *syspath = g_strconcat("/sys", devpath, NULL);
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, g_get_monotonic_time());

    umockdev_testbed_set_property(fixture->bed, syspath, "USEC_INITIALIZED", now);
    umockdev_testbed_set_property(fixture->bed, syspath, "SYNTH_UUID", "0");
    announce(fixture, devpath, "add");
}

void fixture_change(Fixture *fixture, const char *sysname, const char *attribute, const char *bytes)
{
    unsigned number = fixture->next_device_number++;
    g_autofree char *devpath = device_devpath(sysname);
    g_autofree char *syspath = g_strconcat("/sys", devpath, NULL);
    g_autofree char *devnum = g_strdup_printf("%u", number);
    g_autofree char *property = g_strdup_printf("%03u", number);

    umockdev_testbed_set_attribute_binary(fixture->bed, syspath, attribute, (guint8 *)bytes,
                                          (gint)strlen(bytes));
    umockdev_testbed_set_attribute(fixture->bed, syspath, "devnum", devnum);
    umockdev_testbed_set_property(fixture->bed, syspath, "DEVNUM", property);
    announce(fixture, devpath, "bind");
}

void fixture_unplug(Fixture *fixture, const char *sysname)
{
    g_autofree char *devpath = device_devpath(sysname);
    g_autofree char *syspath = g_strconcat("/sys", devpath, NULL);

    g_autofree char *interface = g_strdup_printf("%s/%s:1.0", syspath, sysname);

    if (fixture->script >= 0)
        g_free(fixture_script(fixture, "kernel depart %s", sysname));
    announce(fixture, devpath, "unbind");
    announce(fixture, devpath, "remove");
    umockdev_testbed_remove_device(fixture->bed, interface);
    umockdev_testbed_remove_device(fixture->bed, syspath);
    for (guint i = 0; i < fixture->plugged->len; i++)
        if (strcmp(fixture->plugged->pdata[i], devpath) == 0) {
            g_ptr_array_remove_index(fixture->plugged, i);
            return;
        }
}

void fixture_announce(Fixture *fixture, const char *sysname, const char *action)
{
    g_autofree char *devpath = device_devpath(sysname);

    announce(fixture, devpath, action);
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

/* ------------------------------------------------------------------ set-up */

static sd_bus *connect_bus(Fixture *fixture)
{
    sd_bus *bus = NULL;
    const char *unique;

    assert_int_equal(sd_bus_new(&bus), 0);
    assert_true(sd_bus_set_address(bus, fixture->address) >= 0);
    assert_true(sd_bus_set_bus_client(bus, 1) >= 0);
    assert_true(sd_bus_start(bus) >= 0);
    /* Waits for Hello, so that the credentials are those of now. */
    assert_true(sd_bus_get_unique_name(bus, &unique) >= 0);
    return bus;
}

/* Which of our groups a user is in. polkit of Debian 12 looks them up by the user's name, that of Debian 13
 * asks the bus for those of the connection. */
static gsize groups_of(uid_t uid, gid_t *ret_groups)
{
    const struct passwd *user = getpwuid(uid);
    gsize n = 0;

    for (gsize i = 0; user && i < G_N_ELEMENTS(groups); i++)
        if (g_str_equal(groups[i].member, user->pw_name))
            ret_groups[n++] = groups[i].gid;
    return n;
}

sd_bus *fixture_connect(Fixture *fixture, uid_t uid)
{
    gid_t all[NGROUPS_KEPT + G_N_ELEMENTS(groups)];
    int n_own = getgroups(NGROUPS_KEPT, all);
    sd_bus *bus;

    /* Those that the test gave itself for this caller, and those that the user has. */
    assert_true(n_own >= 0);
    assert_int_equal(setgroups((size_t)n_own + groups_of(uid, all + n_own), all), 0);
    assert_int_equal(seteuid(uid), 0);
    bus = connect_bus(fixture);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setgroups((size_t)n_own, all), 0);
    return bus;
}

static bool polkit_is_there(Fixture *fixture, void *userdata)
{
    return sd_bus_get_name_creds(fixture->bus, "org.freedesktop.PolicyKit1", 0, NULL) >= 0;
}

static bool polkit_is_gone(Fixture *fixture, void *userdata)
{
    return !polkit_is_there(fixture, NULL);
}

void fixture_stop_polkit(Fixture *fixture)
{
    end_process(&fixture->polkit_pid, SIGKILL);
    fixture_wait_for(fixture, polkit_is_gone, NULL, "polkitd is off the bus");
}

static void write_rules(Fixture *fixture, const char *rules)
{
    g_autofree char *dir = g_build_filename(fixture->dir, "rules", NULL);

    if (rules)
        write_text(dir, "50-test.rules", rules);
}

void fixture_replace_polkit(Fixture *fixture, const char *rules)
{
    GPid old = fixture->polkit_pid;

    write_rules(fixture, rules);
    start_polkit(fixture);
    /* it ends by itself when it has lost its name */
    while (waitpid(old, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void fixture_start_polkit(Fixture *fixture, const char *rules)
{
    write_rules(fixture, rules);
    start_polkit(fixture);
    fixture_wait_for(fixture, polkit_is_there, NULL, "polkitd is on the bus");
}

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
    /* polkitd and strangers must reach the bus in it. */
    assert_int_equal(chmod(fixture->dir, 0755), 0);
    fixture->bed = umockdev_testbed_new();
    add_usb_device(fixture, ROOT_HUB, "0", "09", ":090000:", "1d6b", "0002", "", "xHCI Host Controller");
    start_bus(fixture);
    make_polkit_folders(fixture);
    make_groups(fixture);
    start_polkit(fixture);
    fixture->bus = fixture_connect(fixture, 0);
    fixture_start_daemon(fixture);
    fixture_wait_for(fixture, polkit_is_there, NULL, "polkitd is on the bus");
    assert_true(
        sd_bus_add_match(fixture->bus, NULL, "type='signal',sender='" FERRY_BUS_NAME "'", NULL, NULL) >= 0);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_for(fixture, is_settled, NULL, "the service has settled");
    return 0;
}

static void remove_folder(const char *path)
{
    g_autoptr(GError) error = NULL;

    g_spawn_sync(NULL, (char **)(const char *[]){ "rm", "-rf", path, NULL }, NULL, G_SPAWN_SEARCH_PATH, NULL,
                 NULL, NULL, NULL, NULL, &error);
}

int fixture_teardown(void **state)
{
    Fixture *fixture = *state;

    sd_bus_flush_close_unref(fixture->bus);
    fixture_stop_daemon(fixture, SIGTERM);
    end_process(&fixture->polkit_pid, SIGKILL);
    end_process(&fixture->bus_pid, SIGKILL);
    g_clear_object(&fixture->bed);
    g_ptr_array_unref(fixture->plugged);
    disk_script_free(fixture->disk);
    remove_folder(fixture->dir);
    g_free(fixture->dir);
    g_free(fixture->address);
    g_free(fixture->last_seen);
    g_free(fixture);
    return 0;
}
