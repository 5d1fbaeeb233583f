/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host uses stays with the host: told as HostUse, refused by name, waited for, and forced. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/group-calls.h"
#include "tests/bus/host-calls.h"
#include "tests/bus/memory-folder.h"

#define STICK    "1-2"
#define KEYBOARD "1-3"
#define SECOND   "1-4"
#define NUMBERS  "1 3" /* the stick's */

/* ------------------------------------------------------------------ the stage */

static int set_up(void **state)
{
    Fixture *fixture;

    if (host_setup(state) != 0)
        return -1;
    fixture = *state;
    groups_plug(fixture, STICK, "0781:5567", "S-1");
    groups_plug(fixture, KEYBOARD, "046d:c31c", "K-1");
    groups_plug(fixture, SECOND, "046d:c31c", "K-2");
    host_put_disk(fixture, STICK, "sda1", "8:1\n");
    host_put_keyboard(fixture, KEYBOARD, "input5");
    return 0;
}

static void wait_use(Fixture *fixture, const char *sysname, const char *uses)
{
    g_autofree char *path = fixture_device_path(sysname);

    wait_list(fixture, path, FERRY_INTERFACE_DEVICE, "HostUse", uses);
}

static void look(Fixture *fixture)
{
    host_hint(fixture);
    wait_use(fixture, KEYBOARD, "last-keyboard:seat0");
}

static void wait_state(Fixture *fixture, const char *assignment, const char *state)
{
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

/* It waits for the host, and says so. */
static void wait_guarded(Fixture *fixture, const char *assignment, const char *use)
{
    g_autofree char *reason = NULL;

    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "guarded");
    wait_state(fixture, assignment, "waiting-device");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "DeviceInUse");
    reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    assert_says(reason, use);
}

static void refuse(Fixture *fixture, const char *sysname, const char *text)
{
    g_autofree char *device = fixture_device_path(sysname);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *said = fixture_call_error(fixture, "DeviceInUse", FERRY_PATH_ROOT,
                                               FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", device, desk, 0);

    assert_says(said, text);
}

/* New string: the assignment. */
static char *force(Fixture *fixture, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    sd_bus_message *reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                                            "ooa{sv}", device, desk, 1, "Force", "b", 1);
    const char *path;
    char *copy;

    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

static void mount_stick(Fixture *fixture)
{
    host_mount(fixture, "8:1", "/home");
    host_hint(fixture);
    wait_use(fixture, STICK, "mounted:/home");
}

static void unmount_stick(Fixture *fixture)
{
    host_mount(fixture, "8:1", NULL);
    host_hint(fixture);
}

static void start_studio(Fixture *fixture)
{
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
}

static bool log_says(Fixture *fixture, void *userdata)
{
    g_autofree char *path = g_build_filename(fixture->dir, "daemon.log", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, userdata);
}

/* ------------------------------------------------------------------ disks */

static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    guint *changes = userdata;
    const char *interface;

    if (sd_bus_message_read(message, "s", &interface) >= 0 &&
        strcmp(interface, FERRY_INTERFACE_DEVICE) == 0 &&
        sd_bus_message_enter_container(message, 'a', "{sv}") > 0)
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
            const char *name;

            assert_true(sd_bus_message_read(message, "s", &name) >= 0);
            *changes += strcmp(name, "HostUse") == 0;
            assert_true(sd_bus_message_skip(message, "v") >= 0);
            assert_true(sd_bus_message_exit_container(message) >= 0);
        }
    return 0;
}

static bool was_told(Fixture *fixture, void *userdata)
{
    return *(guint *)userdata > 0;
}

static void test_refused(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path(STICK);
    g_autofree char *assignment = NULL, *reason = NULL;
    guint changes = 0;
    sd_bus_slot *slot = NULL;

    assert_true(sd_bus_match_signal(fixture->bus, &slot, FERRY_BUS_NAME, device,
                                    "org.freedesktop.DBus.Properties", "PropertiesChanged", on_changed,
                                    &changes) >= 0);
    mount_stick(fixture);
    fixture_wait_for(fixture, was_told, &changes, "a signal with HostUse");
    sd_bus_slot_unref(slot);
    refuse(fixture, STICK, "the host has it mounted at /home; unmount that");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "ReasonCode", "guarded");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    unmount_stick(fixture);
    wait_use(fixture, STICK, "");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "ReasonCode", "host");
    assignment = fixture_assign(fixture, STICK, FIXTURE_DESK);
    wait_state(fixture, assignment, "attached");
}

/* In a container, without a hint: it is seen when it is to be given, and when it is over. */
static void test_mounted_elsewhere(void **state)
{
    const char *file = "/sys/fs/btrfs/11111111-1111/devices/sda1";
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    look(fixture);
    host_put(fixture, file, "");
    refuse(fixture, STICK, "stays with the host (mounted): a file system of it is in use");
    wait_use(fixture, STICK, "mounted");
    host_put(fixture, file, NULL);
    g_free(fixture_script(fixture, "run 12000"));
    wait_use(fixture, STICK, "");
    assignment = fixture_assign(fixture, STICK, FIXTURE_STUDIO);
    wait_state(fixture, assignment, "waiting-machine");
    host_put(fixture, file, "");
    start_studio(fixture);
    wait_guarded(fixture, assignment, "(mounted)");
    host_put(fixture, file, NULL);
    g_free(fixture_script(fixture, "run 12000"));
    wait_state(fixture, assignment, "attached");
    /* Whatever it is that gives it. */
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    wait_state(fixture, assignment, "disabled");
    host_put(fixture, file, "");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    wait_guarded(fixture, assignment, "(mounted)");
}

static void test_what_became_guarded_waits(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = fixture_assign(fixture, STICK, FIXTURE_STUDIO);

    wait_state(fixture, assignment, "waiting-machine");
    mount_stick(fixture);
    start_studio(fixture);
    wait_guarded(fixture, assignment, "mounted:/home");
    unmount_stick(fixture);
    wait_state(fixture, assignment, "attached");
}

/* Some program is said to have mounted what the VM has: that is between those two. */
static void test_what_a_vm_has_stays_there(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = fixture_assign(fixture, STICK, FIXTURE_DESK);

    wait_state(fixture, assignment, "attached");
    mount_stick(fixture);
    g_free(force(fixture, KEYBOARD)); /* a turn later */
    wait_state(fixture, assignment, "attached");
}

static void test_swap_and_holders(void **state)
{
    Fixture *fixture = *state;

    host_put(fixture, "/proc/swaps", "Filename Type Size Used Priority\n/dev/sda1 partition 1 0 -2\n");
    host_hint(fixture);
    wait_use(fixture, STICK, "swap");
    refuse(fixture, STICK, "swapoff");
    host_put(fixture, "/proc/swaps", "");
    host_put(fixture, "/sys/devices/pci0000:00/0000:00:14.0/usb1/" STICK "/block/sda1/holders/dm-0", "");
    host_hint(fixture);
    wait_use(fixture, STICK, "holder:dm-0");
    refuse(fixture, STICK, "the host has dm-0 on it");
}

static void test_default_route(void **state)
{
    Fixture *fixture = *state;

    g_free(host_put_class(fixture, STICK, "net", "eth1"));
    host_put(fixture, "/proc/self/net/route", "eth1\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
    host_hint(fixture);
    wait_use(fixture, STICK, "default-route:eth1");
    refuse(fixture, STICK, "the host's default route goes by its eth1");
}

/* ------------------------------------------------------------------ keyboards */

/* Until the service knows it: the first one isn't the last any more. */
static void plug_second_keyboard(Fixture *fixture)
{
    look(fixture);
    host_put_keyboard(fixture, SECOND, "input6");
    host_hint(fixture);
    wait_use(fixture, KEYBOARD, "");
}

static void test_the_last_keyboard(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    look(fixture);
    refuse(fixture, KEYBOARD, "it is the last keyboard of seat0");
    /* Nobody is there who could miss it. */
    host_sit(fixture, NULL);
    wait_use(fixture, KEYBOARD, "");
    host_sit(fixture, "seat0");
    wait_use(fixture, KEYBOARD, "last-keyboard:seat0");
    plug_second_keyboard(fixture);
    assignment = fixture_assign(fixture, KEYBOARD, FIXTURE_DESK);
    /* The kernel takes its time to say so. */
    refuse(fixture, SECOND, "it is the last keyboard of seat0");
    wait_state(fixture, assignment, "attached");
    wait_use(fixture, SECOND, "last-keyboard:seat0");
}

/* Its input device is there before any event says so. */
static void test_what_a_new_one_brings(void **state)
{
    Fixture *fixture = *state;

    look(fixture);
    host_put_keyboard(fixture, "1-5", "input8");
    groups_plug(fixture, "1-5", "046d:c31c", "K-3");
    wait_use(fixture, KEYBOARD, "");
}

/* It is wanted as it is plugged in, and its input device comes a moment later. */
static void test_input_that_comes_later(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *counts = NULL;

    /* Without a driver there is none: that isn't waited for. */
    look(fixture);
    assignment = fixture_assign(fixture, SECOND, FIXTURE_DESK);
    wait_state(fixture, assignment, "attached");
    fixture_unplug(fixture, SECOND);
    wait_state(fixture, assignment, "waiting-device");
    host_remove_keyboard(fixture, "input5");
    host_hint(fixture);
    wait_use(fixture, KEYBOARD, "");
    groups_plug(fixture, SECOND, "046d:c31c", "K-2");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "unsteady");
    host_put_keyboard(fixture, SECOND, "input9");
    host_hint(fixture);
    wait_guarded(fixture, assignment, "it is the last keyboard of seat0");
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, g_str_has_prefix(counts, "attach=1 "));
}

/* Both were wanted before the VM began; each is no last one as long as the other one is there. */
static void test_two_in_one_turn(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = NULL, *second = NULL;

    plug_second_keyboard(fixture);
    first = fixture_assign(fixture, KEYBOARD, FIXTURE_STUDIO);
    second = fixture_assign(fixture, SECOND, FIXTURE_STUDIO);
    wait_state(fixture, second, "waiting-machine");
    start_studio(fixture);
    wait_state(fixture, first, "attached");
    wait_guarded(fixture, second, "last-keyboard:seat0");
    /* The first one comes home: there are two again. */
    sd_bus_message_unref(fixture_call_ok(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    wait_state(fixture, second, "attached");
}

static void test_a_pool_leaves_one(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *pool = group_create_with(fixture, "keyboards", "vendor=046d");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *assignment = NULL;

    plug_second_keyboard(fixture);
    assignment = group_assign(fixture, pool, FIXTURE_DESK, "all", NULL);
    wait_state(fixture, assignment, "partial");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "guarded");
    wait_use(fixture, SECOND, "last-keyboard:seat0");
    /* A third one: then the second one goes as well. */
    host_put_keyboard(fixture, STICK, "input7");
    host_hint(fixture);
    wait_state(fixture, assignment, "attached");
}

/* ------------------------------------------------------------------ who decides otherwise */

static void test_forced(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    mount_stick(fixture);
    assignment = force(fixture, STICK);
    wait_state(fixture, assignment, "attached");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Forced", "true");
    fixture_assert(fixture, log_says(fixture, (gpointer) "uid 0 gives 0781:5567"));
    fixture_assert(fixture, log_says(fixture, (gpointer) "uses it for: mounted:/home"));
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Forced", "true");
}

static void test_a_member_may_not_force(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path(STICK);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    sd_bus *root = fixture->bus, *member = fixture_connect(fixture, FIXTURE_MEMBER);

    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, "polkit.addRule(function (action, subject) {\n"
                                  "    if (action.id == 'org.usbferry1.assign' && subject.user == 'bin')\n"
                                  "        return polkit.Result.YES;\n"
                                  "    return polkit.Result.NO;\n"
                                  "});\n");
    mount_stick(fixture);
    fixture->bus = member;
    g_free(fixture_call_error(fixture, "DeviceInUse", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                              "ooa{sv}", device, desk, 0));
    g_free(fixture_call_error(fixture, "org.freedesktop.DBus.Error.AccessDenied", FERRY_PATH_ROOT,
                              FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", device, desk, 1, "Force", "b",
                              1));
    fixture->bus = root;
    unmount_stick(fixture);
    wait_use(fixture, STICK, "");
    fixture->bus = member;
    g_free(fixture_assign(fixture, STICK, FIXTURE_DESK));
    fixture->bus = root;
    sd_bus_flush_close_unref(member);
}

static void test_apply(void **state)
{
    static const char text[] = "[Assignment]\nName=x\nMachine=desk\nSelector=serial=S-1\n";
    Fixture *fixture = *state;
    g_autofree char *again = NULL;

    mount_stick(fixture);
    apply_refuse(fixture, text, false, "DeviceInUse", "host.conf:1:");
    unmount_stick(fixture);
    wait_use(fixture, STICK, "");
    g_free(apply(fixture, text));
    /* What is there stays. */
    mount_stick(fixture);
    again = apply(fixture, text);
    assert_string_equal(again, "");
}

/* A program has it: that is told, and waited for. Nobody takes it from the program, not even by force. */
static void test_claimed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    g_free(fixture_script(fixture, "usb user pcscd"));
    g_free(fixture_script(fixture, "kernel opens " NUMBERS " 1"));
    g_free(fixture_script(fixture, "kernel driver " NUMBERS " usbfs"));
    fixture_announce(fixture, STICK, "change");
    wait_use(fixture, STICK, "claimed:pcscd");
    refuse(fixture, STICK, "a program of the host (pcscd) has it");
    assignment = force(fixture, STICK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "in-use");
    g_free(fixture_script(fixture, "kernel driver " NUMBERS " none"));
    g_free(fixture_script(fixture, "kernel opens " NUMBERS " 0"));
    wait_state(fixture, assignment, "attached");
    wait_use(fixture, STICK, "");
}

static void test_a_security_key_warns_only(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *key = host_put_class(fixture, STICK, "hidraw", "hidraw0");
    g_autofree char *number = g_strconcat(key, "/dev", NULL);
    g_autofree char *assignment = NULL;

    host_put(fixture, number, "243:0\n");
    host_put(fixture, "/run/udev/data/c243:0", "E:ID_SECURITY_TOKEN=1\n");
    host_hint(fixture);
    wait_use(fixture, STICK, "security-key");
    assignment = fixture_assign(fixture, STICK, FIXTURE_DESK);
    wait_state(fixture, assignment, "attached");
}

/* ------------------------------------------------------------------ usbferry.conf */

static void restart_with(Fixture *fixture, const char *config)
{
    g_autofree char *path = g_build_filename(fixture->dir, "usbferry.conf", NULL);

    assert_true(g_file_set_contents(path, config, -1, NULL));
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
}

static void test_turned_off(void **state)
{
    Fixture *fixture = *state;

    host_mount(fixture, "8:1", "/home");
    restart_with(fixture, "[Guards]\nLastKeyboard=false\n");
    wait_use(fixture, STICK, "mounted:/home");
    wait_use(fixture, KEYBOARD, "");
    /* Nobody can say what a bad file means: everything is as usual. */
    restart_with(fixture, "[Guards]\nLastKeyboard=false\nMountd=false\n");
    wait_use(fixture, KEYBOARD, "last-keyboard:seat0");
    fixture_assert(fixture, log_says(fixture, (gpointer) "the file is not obeyed"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused),
        TEST(test_mounted_elsewhere),
        TEST(test_what_became_guarded_waits),
        TEST(test_what_a_vm_has_stays_there),
        TEST(test_swap_and_holders),
        TEST(test_default_route),
        TEST(test_the_last_keyboard),
        TEST(test_what_a_new_one_brings),
        TEST(test_input_that_comes_later),
        TEST(test_two_in_one_turn),
        TEST(test_a_pool_leaves_one),
        TEST(test_forced),
        TEST(test_a_member_may_not_force),
        TEST(test_apply),
        TEST(test_claimed),
        TEST(test_a_security_key_warns_only),
        TEST(test_turned_off),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
