/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host of the bus tier, as the service reads it: files of /proc, /sys and udev's database in the
 * fixture's folder, a logind that says who sits where, and the hint to look. For tests of what the host uses.
 */

#include "tests/bus/fixture.h"

/* cmocka's setup: fixture_setup(), and a logind by which somebody sits at seat0. */
int host_setup(void **state);

/* A file of the host, whole: "/proc/swaps". NULL removes it. */
void host_put(Fixture *fixture, const char *path, const char *text);
/* The USB device has such a thing: "block" "sda1", "net" "eth1", "hidraw" "hidraw0". New string: its folder.
 */
char *host_put_class(Fixture *fixture, const char *sysname, const char *class_name, const char *name);
/* A disk with this number, "8:1", and what is mounted from disks. NULL = nothing. */
void host_put_disk(Fixture *fixture, const char *sysname, const char *name, const char *number);
void host_mount(Fixture *fixture, const char *number, const char *target);
/* All keys, and events by this name: "input5". */
void host_put_keyboard(Fixture *fixture, const char *sysname, const char *name);
/* The kernel has it no more. */
void host_remove_keyboard(Fixture *fixture, const char *name);

/* Where somebody sits from now on: NULL = nowhere; and logind says so. */
void host_sit(Fixture *fixture, const char *seat);
/* udev tells that a device of the host changed. */
void host_hint(Fixture *fixture);
