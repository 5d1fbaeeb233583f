/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What happened, as a{sv}: GetHistory and the signal Notice tell it in the same words. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "daemon/model/history.h"

/* The pairs that both have, into an open a{sv}. */
int happening_append_details(sd_bus_message *message, const Happening *happening);
/* One pair of an open a{sv}. */
int happening_append_text(sd_bus_message *message, const char *key, const char *text);
int happening_append_number(sd_bus_message *message, const char *key, uint32_t number);
