/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines with the objects that they are about as fields, for the journal's searches. Events are told to
 * one listener besides. Touches nothing but GLib's log writer; any thread. */

#include "daemon/base/log.h"

#include <stdbool.h>

#include "daemon/base/budget.h"

static const char *priority(GLogLevelFlags level)
{
    /* syslog's numbers */
    if (level & G_LOG_LEVEL_WARNING)
        return "4";
    return level & G_LOG_LEVEL_MESSAGE ? "5" : "7";
}

typedef struct EventRow {
    const char *id; /* MESSAGE_ID */
    GLogLevelFlags level;
    const char *word; /* in the history; NULL = that doesn't have it */
    bool desktop;     /* people are told */
} EventRow;

static const EventRow events[_LOG_EVENT_MAX] = {
    [LOG_EVENT_READY] = { "c977cfcd047d40ed83b273ee3e09ba30", G_LOG_LEVEL_MESSAGE },
    [LOG_EVENT_NOT_STARTED] = { "fe17509654f3492cae61b28afc227e10", G_LOG_LEVEL_WARNING },
    [LOG_EVENT_PLUGGED] = { "d0568e7a6b2b4b8ea4d31285edc5bba8", G_LOG_LEVEL_MESSAGE, "plugged" },
    [LOG_EVENT_UNPLUGGED] = { "191fe924ef76431a8f0f24a733eea703", G_LOG_LEVEL_MESSAGE, "unplugged" },
    [LOG_EVENT_QUARANTINED] = { "9d73a00890de4d09b83076fa242a5ecf", G_LOG_LEVEL_WARNING, "quarantined",
                                true },
    [LOG_EVENT_ASSIGNED] = { "6a3f975983604479947e8ad45a93c940", G_LOG_LEVEL_MESSAGE, "assigned" },
    [LOG_EVENT_CHANGED] = { "8fe2a5dcd5ea4cedb3ad6f0a7f1ba788", G_LOG_LEVEL_MESSAGE, "changed" },
    [LOG_EVENT_RELEASED] = { "819c67cbc21044b5b59e04dca07d2eda", G_LOG_LEVEL_MESSAGE, "released" },
    [LOG_EVENT_ATTACHED] = { "3d62fe936fd84ad1adec6375cff62534", G_LOG_LEVEL_MESSAGE, "attached", true },
    [LOG_EVENT_HOME] = { "74f3cedb2b7a447188d10198df64cd1a", G_LOG_LEVEL_MESSAGE, "home", true },
    [LOG_EVENT_GUARDED] = { "010ff8ec8c9c443c8f2ea382c08f2ece", G_LOG_LEVEL_WARNING, "guarded", true },
    [LOG_EVENT_ASSIGNMENT_FAILED] = { "751d5d6be8204830bfc41a1dcb5a0b51", G_LOG_LEVEL_WARNING, "failed",
                                      true },
    [LOG_EVENT_ATTACH_FAILED] = { "1054c176c80c4c4f9bf52106fc2094b7", G_LOG_LEVEL_WARNING, "attach-failed" },
    [LOG_EVENT_DETACH_FAILED] = { "c638d1c3055d4add97ceacca62bfd9b3", G_LOG_LEVEL_WARNING, "detach-failed",
                                  true },
    [LOG_EVENT_HYPERVISOR] = { "a9a27596ae604faba7e63b966bb60ba6", G_LOG_LEVEL_MESSAGE, "hypervisor" },
    [LOG_EVENT_MACHINE_UNREADABLE] = { "cad615c611e949eda90abbb1c723d8c5", G_LOG_LEVEL_WARNING,
                                       "machine-unreadable" },
    [LOG_EVENT_NOT_STORED] = { "40f81bb824b846b4b470e27cd1278c86", G_LOG_LEVEL_WARNING },
    [LOG_EVENT_DAMAGED] = { "7b27319437ce4b44af6ec9b39766010c", G_LOG_LEVEL_WARNING },
    [LOG_EVENT_GROUP_FILE_REFUSED] = { "eeb4f1c12d0b4f47bda14769f89bca7b", G_LOG_LEVEL_WARNING },
    [LOG_EVENT_RESET_FAILED] = { "3b962c3e76094265baa9cabaf40d36d5", G_LOG_LEVEL_WARNING, "reset-failed" },
    [LOG_EVENT_PORT_OFF] = { "00ccf76f3dca44c2a4f947f315f878e8", G_LOG_LEVEL_WARNING, "port-off", true },
    [LOG_EVENT_SWITCHED] = { "b5069011ccb940d391074887243f7688", G_LOG_LEVEL_MESSAGE, "switched", true },
};

/* Takes one line out of the subject's budget. False when there is none left in this minute. ret_left_out: how
 * many lines weren't written before this one. Any thread. */
static bool take_line(const char *subject, unsigned *ret_left_out)
{
    static GMutex lock;
    static Budgets *budgets; /* of devices and assignments */
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);

    if (!budgets)
        budgets = budgets_new(LOG_LINES_MAX, LOG_SUBJECTS_MAX);
    return budgets_take(budgets, subject, g_get_monotonic_time(), ret_left_out);
}

/* False: it was left out. */
static bool write_line(GLogLevelFlags level, const char *id, const char *device, const char *machine,
                       const char *assignment, const char *message)
{
    const char *subject = device ? device : assignment;
    g_autofree char *whole = NULL;
    GLogField fields[7];
    unsigned left_out = 0;
    gsize n = 0;

    if (subject && level != G_LOG_LEVEL_DEBUG && !take_line(subject, &left_out))
        return false;
    if (left_out > 0)
        message = whole = g_strdup_printf("%s (%u lines about it were left out before)", message, left_out);
    fields[n++] = (GLogField){ "MESSAGE", message, -1 };
    fields[n++] = (GLogField){ "PRIORITY", priority(level), -1 };
    fields[n++] = (GLogField){ "GLIB_DOMAIN", G_LOG_DOMAIN, -1 };
    if (id)
        fields[n++] = (GLogField){ "MESSAGE_ID", id, -1 };
    if (device)
        fields[n++] = (GLogField){ "FERRY_DEVICE", device, -1 };
    if (machine)
        fields[n++] = (GLogField){ "FERRY_MACHINE", machine, -1 };
    if (assignment)
        fields[n++] = (GLogField){ "FERRY_ASSIGNMENT", assignment, -1 };
    g_log_structured_array(level, fields, n);
    return true;
}

void log_object(GLogLevelFlags level, const char *device, const char *machine, const char *assignment,
                const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    (void)write_line(level, NULL, device, machine, assignment, message);
}

static struct {
    LogListener hears;
    void *userdata;
    GThread *thread;
} listener;

void log_listen(LogListener hears, void *userdata)
{
    listener.thread = hears ? g_thread_self() : NULL;
    listener.hears = hears;
    listener.userdata = userdata;
}

const char *log_event_word(LogEvent event)
{
    return events[event].word;
}

bool log_event_is_for_desktops(LogEvent event)
{
    return events[event].desktop;
}

void log_event(LogEvent event, const char *device, const char *machine, const char *assignment,
               const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (write_line(events[event].level, events[event].id, device, machine, assignment, message) &&
        events[event].word && listener.thread == g_thread_self())
        listener.hears(&(LogLine){ event, device, machine, assignment, message }, listener.userdata);
}
