/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of org.usbferry1.Manager that only look: handlers for the vtable in manager.c. They are open to
 * everybody and change nothing. */

#include <systemd/sd-bus.h>

int method_get_device(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_group(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_assignment(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_tenant(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_machine(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_test_rule(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_preview_rule(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_explain(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
