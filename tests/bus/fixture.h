/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bus tier: the real service on a private system bus with the real polkitd, USB devices that umockdev
 * makes, and a scripted hypervisor. Every test has a service, devices and a hypervisor of its own, in a
 * folder of its own. Bus and polkitd it has from the test before, unless one of the two wants its own.
 *
 * Nothing here waits for time: fixture_wait_…() wait for what is to happen, until a deadline, and print the
 * service's log when it passes. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <umockdev.h>

#include "dbus/names.h"
#include "tests/disk/disk-script.h"

#define FIXTURE_DESK   "11111111-1111-1111-1111-111111111111"
#define FIXTURE_STUDIO "22222222-2222-2222-2222-222222222222"

/* Uids without any right: nobody, daemon and bin. The bus refuses uids that have no name. For polkitd, daemon
 * is in the group operators, and bin in usbferry and cad. */
#define FIXTURE_STRANGER 65534
#define FIXTURE_OTHER    1
#define FIXTURE_MEMBER   2

typedef struct Fixture {
    char *dir;
    char *bus_dir; /* of the bus and of polkitd, which the next test of the program has as well */
    char *address;
    bool has_own_bus; /* no test after it is to have them: it did something to them, or isn't set up */
    GPid bus_pid;
    GPid polkit_pid;
    GPid daemon_pid;
    UMockdevTestbed *bed;
    sd_bus *bus;      /* root's connection */
    DiskScript *disk; /* of the service */
    int script;       /* the scripted hypervisor's socket */
    unsigned next_device_number;
    char *last_seen;    /* by fixture_wait() */
    GPtrArray *plugged; /* of char *: devpaths */
} Fixture;

/* The bus and polkitd end with this test: it does something to them that they remember. */
void fixture_end_bus_with_test(Fixture *fixture);

/* Limits for the bus, as its configuration has them, in every fixture_setup() from now on; NULL = its own. */
extern const char *fixture_bus_limits;

/* The service sees nothing of the testbed from now on: it hears what this machine's udev says, and no call of
 * it takes what umockdev adds. */
extern bool fixture_without_umockdev;

/* cmocka's setup and teardown. The service runs, connected, with the machines desk (running) and studio
 * (off). */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* A file or a folder with all that is in it; a path that isn't there is fine. */
void fixture_remove_tree(const char *path);

void fixture_start_daemon(Fixture *fixture);
/* False when it was killed, or refused to start, instead of being there for everybody. */
bool fixture_try_start_daemon(Fixture *fixture);
/* SIGTERM: waits for a clean exit. SIGKILL: waits for the end. */
void fixture_stop_daemon(Fixture *fixture, int signal_number);
bool fixture_daemon_lives(Fixture *fixture);
/* The state folder of the service. New string. */
char *fixture_state_path(Fixture *fixture, const char *name);
/* The folder of udev's runtime rules, which the service makes. New string. */
char *fixture_udev_rules(Fixture *fixture);
/* A disk that takes nothing: no change of the service can be stored. And as it was. */
void fixture_break_disk(Fixture *fixture);
void fixture_mend_disk(Fixture *fixture);
void fixture_print_log(Fixture *fixture);

/* polkitd, with these rules (NULL = those of before) once it was stopped. */
void fixture_stop_polkit(Fixture *fixture);
void fixture_start_polkit(Fixture *fixture, const char *rules);
/* Another one takes over from the one that runs. */
void fixture_replace_polkit(Fixture *fixture, const char *rules);

/* A device of the mock controller: sysname "1-2" or "1-3.1"; told to the service as udev does it, with a new
 * device number each time. */
void fixture_plug(Fixture *fixture, const char *sysname, const char *vendor, const char *product,
                  const char *serial, const char *name);
void fixture_plug_hub(Fixture *fixture, const char *sysname);
/* What udevadm info --cleanup-db and udevadm trigger --action=add do to a device: udev's record of it is made
 * anew, and nothing happened to the device. */
void fixture_forget_udev_record(Fixture *fixture, const char *sysname);
/* Overwrites a sysfs attribute with any bytes, and announces the device as enumerated anew. */
void fixture_change(Fixture *fixture, const char *sysname, const char *attribute, const char *bytes);
void fixture_unplug(Fixture *fixture, const char *sysname);
/* udev tells of it, and nothing has changed. */
void fixture_announce(Fixture *fixture, const char *sysname, const char *action);

/* A command for the scripted hypervisor; fails the test unless it answers ok. The answer behind "ok ". New
 * string. */
char *fixture_script(Fixture *fixture, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Another connection, as this user. */
sd_bus *fixture_connect(Fixture *fixture, uid_t uid);

/* Calls on the service. …_ok fails the test on an error; …_error fails it on success or another error name
 * (without the usbferry prefix, or a whole standard name) and gives the error's text. */
sd_bus_message *fixture_call_ok(Fixture *fixture, const char *path, const char *interface, const char *member,
                                const char *types, ...);
char *fixture_call_error(Fixture *fixture, const char *name, const char *path, const char *interface,
                         const char *member, const char *types, ...);

/* Assigns and gives the assignment's path. New string. */
char *fixture_assign(Fixture *fixture, const char *sysname, const char *uuid);
/* The object path of a device or machine. New string. */
char *fixture_device_path(const char *sysname);
char *fixture_machine_path(const char *uuid);

/* A property as text ("" for none of a basic type). New string, NULL when the object or property is not
 * there. */
char *fixture_get(Fixture *fixture, const char *path, const char *interface, const char *property);

/* Waits until the property has this value. */
void fixture_wait(Fixture *fixture, const char *path, const char *interface, const char *property,
                  const char *value);
/* Waits until the object is on the bus, or is not any more. */
void fixture_wait_object(Fixture *fixture, const char *path, const char *interface, bool present);
/* Waits until the predicate holds; it is asked again after every signal of the service and every few ms. */
void fixture_wait_for(Fixture *fixture, bool (*predicate)(Fixture *fixture, void *userdata), void *userdata,
                      const char *what);
/* Looks until it sees the same twice: what a call has begun may end a moment after its answer. New string, as
 * look's. */
char *fixture_wait_steady(Fixture *fixture, char *(*look)(Fixture *fixture, void *userdata), void *userdata);

/* Like assert_true(), with the service's log on failure. */
#define fixture_assert(fixture, condition) \
    do {                                   \
        if (!(condition)) {                \
            fixture_print_log(fixture);    \
            fail_msg("%s", #condition);    \
        }                                  \
    } while (0)
