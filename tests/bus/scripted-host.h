/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What libvirt sees of the host: the devices in the mocked sysfs. For the scripted hypervisor. */

#include "daemon/hypervisor/hypervisor.h"

/* The device with these numbers is there, and has these ids. */
bool scripted_host_has(const HostdevSpec *spec);
