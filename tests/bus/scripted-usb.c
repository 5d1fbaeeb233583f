/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resets that do nothing but what the script says. */

#include "tests/bus/scripted-usb.h"

#include <string.h>

#include "daemon/error.h"

static struct {
    GMutex lock;
    GCond moved;
    bool holds, vanishes;
    char *failure;
    unsigned resets, held;
    UsbAddress last;
} script;

static bool fake_reset(const UsbAddress *address, GError **error)
{
    bool ok = false;

    g_mutex_lock(&script.lock);
    script.resets++;
    script.last = *address;
    while (script.holds) {
        script.held++;
        g_cond_wait(&script.moved, &script.lock);
        script.held--;
    }
    if (script.failure)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED, "%s", script.failure);
    else if (script.vanishes)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE, "it is gone");
    else
        ok = true;
    g_clear_pointer(&script.failure, g_free);
    script.vanishes = false;
    g_mutex_unlock(&script.lock);
    return ok;
}

static bool real_switch_port(const char *folder, bool on, GError **error)
{
    return usb_ops.switch_port(folder, on, error);
}

const UsbOps scripted_usb_ops = { .reset = fake_reset, .switch_port = real_switch_port };

char *scripted_usb_command(char **words)
{
    char *answer = NULL;

    g_mutex_lock(&script.lock);
    if (strcmp(words[0], "hold") == 0) {
        script.holds = true;
    } else if (strcmp(words[0], "resume") == 0) {
        script.holds = false;
        g_cond_broadcast(&script.moved);
    } else if (strcmp(words[0], "vanish") == 0) {
        script.vanishes = true;
    } else if (strcmp(words[0], "fail") == 0) {
        g_free(script.failure);
        script.failure = g_strjoinv(" ", words + 1);
    } else if (strcmp(words[0], "show") == 0) {
        answer = g_strdup_printf("ok resets=%u held=%u last=%u:%u", script.resets, script.held,
                                 script.last.bus_number, script.last.device_number);
    } else {
        answer = g_strdup("error unknown");
    }
    g_mutex_unlock(&script.lock);
    return answer ? answer : g_strdup("ok");
}
