/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resets that do nothing but what the script says. */

#include "tests/bus/scripted-usb.h"

#include <string.h>

#include "daemon/base/error.h"

#define LATE_US (1 * G_TIME_SPAN_SECOND)

static struct {
    GMutex lock;
    GCond moved;
    bool holds, vanishes, comes_late;
    char *failure;
    unsigned resets, held, late, switched_on;
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

/* Locked. */
static void come_late(void)
{
    gint64 until = g_get_monotonic_time() + LATE_US;
    unsigned before = script.switched_on;

    script.comes_late = false;
    script.late++;
    while (script.switched_on == before && g_cond_wait_until(&script.moved, &script.lock, until))
        continue;
    script.late--;
}

static bool switch_port(const char *folder, bool on, GError **error)
{
    bool ok;

    g_mutex_lock(&script.lock);
    if (!on && script.comes_late)
        come_late();
    g_mutex_unlock(&script.lock);
    ok = usb_ops.switch_port(folder, on, error);
    g_mutex_lock(&script.lock);
    script.switched_on += on;
    g_cond_broadcast(&script.moved);
    g_mutex_unlock(&script.lock);
    return ok;
}

const UsbOps scripted_usb_ops = { .reset = fake_reset, .switch_port = switch_port };

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
    } else if (strcmp(words[0], "late") == 0) {
        script.comes_late = true;
    } else if (strcmp(words[0], "fail") == 0) {
        g_free(script.failure);
        script.failure = g_strjoinv(" ", words + 1);
    } else if (strcmp(words[0], "show") == 0) {
        answer = g_strdup_printf("ok resets=%u held=%u last=%u:%u late=%u", script.resets, script.held,
                                 script.last.bus_number, script.last.device_number, script.late);
    } else {
        answer = g_strdup("error unknown");
    }
    g_mutex_unlock(&script.lock);
    return answer ? answer : g_strdup("ok");
}
