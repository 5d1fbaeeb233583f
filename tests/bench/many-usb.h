/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* USB devices that nobody has to make in /sys, so that there can be 10,000: this takes the place of the udev
 * monitor and of the kernel's part when the service is linked for benchmarks. As many as $FERRY_MANY_DEVICES
 * says are there at the start, numbered from 0. The script's commands (tests/bus/scripted-hypervisor.h):
 *
 *   usb plug N, usb unplug N    device number N
 *   usb storm N MS              N devices from number 900000 on come within so many ms, and all but the last
 *                               50 of them leave again, each 50 plugs later
 *   usb storm-left              ok EVENTS, how many of the storm are still to come
 *
 * Device N has the serial SN and its number in six digits. Main thread only. */

#define MANY_STORM_FIRST 900000
#define MANY_STORM_STAY  50
