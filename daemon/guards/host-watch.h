/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HostWatch: says when the facts of host-facts.h may be others: mounts and swap (the kernel's files wake up),
 * disks, input devices and network interfaces (udev), routes (rtnetlink). Hints only, and before anything
 * else that waits in the main loop. For the manager's guards; main thread only. */

#include <glib.h>

typedef struct HostWatch HostWatch;

/* changed: look again. lost: udev's connection broke, and nothing more comes from it. What can't be watched
 * is logged, and the rest is. */
HostWatch *host_watch_new(void (*changed)(void *userdata), void (*lost)(void *userdata), void *userdata);
HostWatch *host_watch_free(HostWatch *watch);
/* Of somebody who knows that something has come. */
void host_watch_hint(HostWatch *watch);
