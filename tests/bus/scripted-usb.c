/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resets that do nothing but what the script says. */

#include "tests/bus/scripted-usb.h"

#include <string.h>

#include "daemon/base/error.h"
#include "tests/bus/scripted-kernel.h"

/* Or until a port is switched on. */
#define LATE_US (5 * G_TIME_SPAN_SECOND)

/* Of what was announced so much is kept. */
#define ANNOUNCED_MAX 2000

static struct {
    GMutex lock;
    GCond moved;
    bool holds, vanishes, comes_late;
    char *failure, *user;
    unsigned resets, held, late, switched_on, connects, reads;
    GString *announced;
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

static bool connect_drivers(const UsbAddress *address, uint32_t interfaces, GError **error)
{
    g_mutex_lock(&script.lock);
    script.connects++;
    g_mutex_unlock(&script.lock);
    scripted_kernel_connect(address->bus_number, address->device_number);
    return true;
}

static bool take_back(const UsbAddress *address, uint32_t interfaces, GError **error)
{
    scripted_kernel_take_back(address->bus_number, address->device_number);
    return true;
}

static char *find_users(const UsbAddress *address, bool beside_qemu)
{
    char *user;

    g_mutex_lock(&script.lock);
    user = g_strdup(script.user);
    g_mutex_unlock(&script.lock);
    return user;
}

static bool read_rules(GError **error)
{
    g_mutex_lock(&script.lock);
    script.reads++;
    g_mutex_unlock(&script.lock);
    return true;
}

static bool announce(const char *syspath, const char *waits, GError **error)
{
    g_mutex_lock(&script.lock);
    if (!script.announced)
        script.announced = g_string_new(NULL);
    g_string_append_printf(script.announced, " %s=%s", strrchr(syspath, '/') + 1, waits);
    if (script.announced->len > ANNOUNCED_MAX)
        g_string_erase(script.announced, 0, ANNOUNCED_MAX / 2);
    g_mutex_unlock(&script.lock);
    return true;
}

const UsbOps scripted_usb_ops = {
    .reset = fake_reset,
    .switch_port = switch_port,
    .connect = connect_drivers,
    .take_back = take_back,
    .find_users = find_users,
    .read_rules = read_rules,
    .announce = announce,
};

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
    } else if (strcmp(words[0], "user") == 0) {
        g_free(script.user);
        script.user = g_strdup(words[1]);
    } else if (strcmp(words[0], "announced") == 0) {
        answer =
            g_strdup_printf("ok reads=%u%s", script.reads, script.announced ? script.announced->str : "");
    } else if (strcmp(words[0], "show") == 0) {
        answer =
            g_strdup_printf("ok resets=%u held=%u last=%u:%u late=%u connects=%u", script.resets, script.held,
                            script.last.bus_number, script.last.device_number, script.late, script.connects);
    } else {
        answer = g_strdup("error unknown");
    }
    g_mutex_unlock(&script.lock);
    return answer ? answer : g_strdup("ok");
}
