/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of a group: of CreateGroup, MakePassthrough and Update. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "daemon/manager/group-choices.h"

typedef struct GroupOptions {
    GroupChoices choices; /* points into this structure and into the message */
    bool enabled;
    bool allow_guest_reset;
    bool allow_guest_resets_all;
    int32_t priority;
} GroupOptions;

/* As options_read(). ret_options must stay where it is. */
int group_options_read(sd_bus_message *message, GroupOptions *ret_options, sd_bus_error *ret_error);
