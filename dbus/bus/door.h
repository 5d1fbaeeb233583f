/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The door: every call is measured here before anything else is done with it, by one table of limits.
 *
 * The service adds it to its bus as the first filter; so it comes before the methods of the contract and
 * before those that sd-bus has itself, before a right is asked for and before anything is copied or quoted.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

/* An sd-bus filter. LimitExceeded for a call that brings too much; every other message passes. */
int door_check(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);

/* Whether the texts of a call that has passed have more than LIMIT_TEXT bytes together: one that is not to be
 * kept in any number. Its reader begins anew after this. */
bool door_is_long(sd_bus_message *message);
