/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Managed objects: a last look before all objects are sent in one message. What is decided stays far below
 * the limit of the bus (daemon/manager/object-bytes.h); but devices and machines come by themselves, each is
 * told with its groups, and the bus would cut the service off. The service adds it to its bus as a filter. */

#include <systemd/sd-bus.h>

/* An sd-bus filter; userdata: the Registry. LimitExceeded for GetManagedObjects when the answer would be too
 * large; every other message passes. */
int managed_objects_check(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
