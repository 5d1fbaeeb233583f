/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Happenings into messages. Called by notices.c and dbus/objects/history.c; looks at no object. */

#include "dbus/service/happening.h"

int happening_append_text(sd_bus_message *message, const char *key, const char *text)
{
    return sd_bus_message_append(message, "{sv}", key, "s", text);
}

int happening_append_number(sd_bus_message *message, const char *key, uint32_t number)
{
    return sd_bus_message_append(message, "{sv}", key, "u", number);
}

int happening_append_details(sd_bus_message *message, const Happening *happening)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        { "Code", happening->code },
        { "Device", happening->device },
        { "DeviceLabel", happening->device_label },
        { "Machine", happening->machine },
        { "MachineName", happening->machine_name },
        { "Assignment", happening->assignment },
        { "Name", happening->assignment_name },
    };
    int r = sd_bus_message_append(message, "{sv}", "Time", "t", (uint64_t)happening->time);

    for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS(texts); i++)
        r = happening_append_text(message, texts[i].key, texts[i].text);
    return r;
}
