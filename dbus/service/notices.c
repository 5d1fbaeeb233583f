/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chooses what desktops are told, keeps it until it may be told, and tells it. Called by service.c and
 * changes.c; reads the registry. */

#include "dbus/service/notices.h"

#include "daemon/base/budget.h"
#include "dbus/bus/log-limit.h"
#include "dbus/bus/sd-bus-cleanup.h"
#include "dbus/names.h"
#include "dbus/service/happening.h"
#include "dbus/service/path.h"

/* Of whom it is remembered how often they were told of. */
#define SUBJECTS_MAX 256

typedef struct Notice {
    Happening *happening;
    uint32_t left_out; /* before it */
} Notice;

struct Notices {
    sd_bus *bus;
    Registry *registry;
    GQueue waiting; /* of Notice */
    Budgets *of_one, *of_all;
    LogLimit failures;
    bool begun;
};

static void notice_free(gpointer data)
{
    Notice *notice = data;

    happening_free(notice->happening);
    g_free(notice);
}

Notices *notices_new(sd_bus *bus, Registry *registry)
{
    Notices *self = g_new0(Notices, 1);

    self->bus = sd_bus_ref(bus);
    self->registry = registry;
    g_queue_init(&self->waiting);
    self->of_one = budgets_new(NOTICES_OF_ONE_MAX, SUBJECTS_MAX);
    self->of_all = budgets_new(NOTICES_MAX, 1);
    return self;
}

Notices *notices_free(Notices *self)
{
    if (!self)
        return NULL;
    g_queue_clear_full(&self->waiting, notice_free);
    budgets_free(self->of_one);
    budgets_free(self->of_all);
    sd_bus_unref(self->bus);
    g_free(self);
    return NULL;
}

/* At the start everything goes where it was: that is no news, unless something is wrong. */
static bool is_news(const Notices *self, const Happening *happening)
{
    bool moves = happening->event == LOG_EVENT_ATTACHED || happening->event == LOG_EVENT_HOME;

    return log_event_is_for_desktops(happening->event) && !(moves && self->registry->starting);
}

bool notices_add(Notices *self, const Happening *happening)
{
    const char *one = *happening->device ? happening->device : happening->assignment;
    gint64 now = g_get_monotonic_time();
    unsigned of_one = 0, of_all = 0;
    Notice *notice;

    if (!is_news(self, happening) || !budgets_take(self->of_one, one, now, &of_one) ||
        !budgets_take(self->of_all, "", now, &of_all))
        return false;
    notice = g_new0(Notice, 1);
    notice->happening = happening_copy(happening);
    notice->left_out = of_one + of_all;
    g_queue_push_tail(&self->waiting, notice);
    return true;
}

/* What it is about, of what is there still. New string. */
static char *subject_of(const Notices *self, const Happening *happening)
{
    if (registry_device(self->registry, happening->device))
        return object_path(OBJECT_DEVICE, happening->device);
    if (registry_assignment(self->registry, happening->assignment))
        return object_path(OBJECT_ASSIGNMENT, happening->assignment);
    if (registry_machine(self->registry, happening->machine))
        return object_path(OBJECT_MACHINE, happening->machine);
    return g_strdup(FERRY_PATH_ROOT);
}

static int append(const Notices *self, sd_bus_message *signal, const Notice *notice)
{
    const Happening *happening = notice->happening;
    g_autofree char *subject = subject_of(self, happening);
    int r = sd_bus_message_append(signal, "sos", log_event_word(happening->event), subject, happening->text);

    if (r >= 0)
        r = sd_bus_message_open_container(signal, SD_BUS_TYPE_ARRAY, "{sv}");
    if (r >= 0)
        r = happening_append_details(signal, happening);
    if (r >= 0 && notice->left_out > 0)
        r = happening_append_number(signal, "LeftOut", notice->left_out);
    return r < 0 ? r : sd_bus_message_close_container(signal);
}

static int send_one(const Notices *self, const Notice *notice)
{
    g_autoptr(sd_bus_message) signal = NULL;
    int r = sd_bus_message_new_signal(self->bus, &signal, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Notice");

    if (r >= 0)
        r = append(self, signal, notice);
    return r < 0 ? r : sd_bus_send(self->bus, signal, NULL);
}

void notices_begin(Notices *self)
{
    self->begun = true;
}

void notices_send(Notices *self)
{
    Notice *notice;

    while (self->begun && (notice = g_queue_pop_head(&self->waiting))) {
        int r = send_one(self, notice);

        if (r < 0 && r != -ENOTCONN && r != -ECONNRESET) /* lost(): the service ends anyway */
            log_limited(&self->failures, "a notice could not be sent: %s", g_strerror(-r));
        notice_free(notice);
    }
}
