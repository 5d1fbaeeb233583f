/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Descriptors: what a device's own descriptors say about the controllers that it works with. For
 * daemon/hotplug/udev-reading.c. Pure; any thread. They are the device's, so nothing in them is believed:
 * whatever they hold, reading them ends. */

#include <glib.h>
#include <stdint.h>

/* The speeds (daemon/base/usb-speed.h) at which QEMU attaches the device: its own, and slower ones as far as
 * its endpoints allow. bytes: as sysfs has them, of all configurations; NULL = not known. own: its own speed,
 * one bit. */
unsigned descriptors_speeds(const uint8_t *bytes, gsize n_bytes, unsigned own);
