/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps what the log tells, with what the objects are called at that moment. Called by the log, asked by
 * dbus/; reads the registry and changes nothing. */

#include "daemon/model/history.h"

#include <string.h>

#include "daemon/base/text.h"
#include "daemon/base/tuning.h"

struct History {
    Registry *registry;
    GQueue happenings;    /* of Happening, the oldest first */
    GHashTable *subjects; /* what it is about → GQueue of those links of happenings, the oldest first */
    guint n_over;         /* subjects that have more than their share: mostly nobody has to be searched */
    gsize bytes;
    uint32_t who;
    HistoryListener listener;
    void *userdata;
};

Happening *happening_free(Happening *happening)
{
    if (!happening)
        return NULL;
    g_free(happening->text);
    g_free(happening->device);
    g_free(happening->device_label);
    g_free(happening->machine);
    g_free(happening->machine_name);
    g_free(happening->assignment);
    g_free(happening->assignment_name);
    g_free(happening);
    return NULL;
}

Happening *happening_copy(const Happening *happening)
{
    Happening *copy = g_new(Happening, 1);

    *copy = *happening;
    copy->text = g_strdup(happening->text);
    copy->device = g_strdup(happening->device);
    copy->device_label = g_strdup(happening->device_label);
    copy->machine = g_strdup(happening->machine);
    copy->machine_name = g_strdup(happening->machine_name);
    copy->assignment = g_strdup(happening->assignment);
    copy->assignment_name = g_strdup(happening->assignment_name);
    return copy;
}

static gsize bytes_of(const Happening *happening)
{
    return sizeof(Happening) + strlen(happening->text) + strlen(happening->device) +
           strlen(happening->device_label) + strlen(happening->machine) + strlen(happening->machine_name) +
           strlen(happening->assignment) + strlen(happening->assignment_name);
}

static char *text_or_none(const char *text)
{
    return g_strdup(text ? text : "");
}

/* What device and assignment are called now; by what finds them when they are gone already. */
static char *label_of(const Device *device, const Assignment *assignment, const LogLine *line)
{
    if (device)
        return device_label(device);
    if (assignment)
        return g_strdup(*assignment->device_label ? assignment->device_label : assignment->device_text);
    return text_or_none(line->device);
}

static const char *machine_name_of(const Machine *machine, const Assignment *assignment)
{
    if (machine)
        return machine->info->name;
    return assignment ? assignment->machine_name : NULL;
}

/* Why it is so, of what says it with a reason: the object has it by now. */
static const char *code_of(LogEvent event, const Device *device, const Assignment *assignment)
{
    bool of_device = event == LOG_EVENT_ATTACHED || event == LOG_EVENT_HOME;
    bool of_assignment = event == LOG_EVENT_ASSIGNMENT_FAILED || event == LOG_EVENT_GUARDED ||
                         (event == LOG_EVENT_HOME && assignment && !assignment->group);

    if (of_assignment)
        return assignment ? assignment->reason_code : "";
    return of_device && device ? device->reason_code : "";
}

/* What comes home in a later turn was taken by whoever decided that. */
static uint32_t who_of(const History *self, LogEvent event, const Assignment *assignment,
                       const Device *device)
{
    bool was_taken = assignment && assignment_was_taken(assignment, device ? device->instance : 0);

    return self->who == HISTORY_NOBODY && event == LOG_EVENT_HOME && was_taken ? assignment->stopped_by
                                                                               : self->who;
}

static Happening *happening_new(const History *self, const LogLine *line)
{
    const Device *device = registry_device(self->registry, line->device);
    const Assignment *assignment = registry_assignment(self->registry, line->assignment);
    const Machine *machine = registry_machine(self->registry, line->machine);
    Happening *happening = g_new0(Happening, 1);

    happening->event = line->event;
    happening->time = g_get_real_time();
    happening->text = text_shorten(line->message, HISTORY_TEXT_MAX);
    happening->code = code_of(line->event, device, assignment);
    happening->device = text_or_none(line->device);
    happening->device_label = label_of(device, assignment, line);
    happening->machine = text_or_none(line->machine);
    happening->machine_name = text_or_none(machine_name_of(machine, assignment));
    happening->assignment = text_or_none(line->assignment);
    happening->assignment_name = text_or_none(assignment ? assignment->name : NULL);
    happening->who = who_of(self, line->event, assignment, device);
    happening->owner = assignment ? assignment->owner : HISTORY_NOBODY;
    return happening;
}

/* "" = the service itself. */
static const char *subject_of(const Happening *happening)
{
    return *happening->device       ? happening->device
           : *happening->assignment ? happening->assignment
                                    : happening->machine;
}

static void free_links(gpointer links)
{
    g_queue_free(links);
}

static void remember(History *self, Happening *happening)
{
    const char *subject = subject_of(happening);
    GQueue *links = g_hash_table_lookup(self->subjects, subject);

    if (!links) {
        links = g_queue_new();
        g_hash_table_insert(self->subjects, g_strdup(subject), links);
    }
    g_queue_push_tail(&self->happenings, happening);
    g_queue_push_tail(links, self->happenings.tail);
    self->n_over += links->length == HISTORY_SHARE + 1;
    self->bytes += bytes_of(happening);
}

/* links: of whom. */
static void forget_oldest(History *self, GQueue *links)
{
    GList *link = g_queue_pop_head(links);
    Happening *oldest = link->data;

    self->n_over -= links->length == HISTORY_SHARE;
    self->bytes -= bytes_of(oldest);
    g_queue_delete_link(&self->happenings, link);
    if (links->length == 0)
        g_hash_table_remove(self->subjects, subject_of(oldest));
    happening_free(oldest);
}

/* Who gives way. */
static GQueue *find_largest(const History *self)
{
    GQueue *largest = g_hash_table_lookup(self->subjects, subject_of(self->happenings.head->data));
    guint most = HISTORY_SHARE;
    GHashTableIter iter;
    gpointer links;

    if (self->n_over == 0)
        return largest;
    g_hash_table_iter_init(&iter, self->subjects);
    while (g_hash_table_iter_next(&iter, NULL, &links))
        if (((const GQueue *)links)->length > most) {
            largest = links;
            most = largest->length;
        }
    return largest;
}

/* A LogListener. */
static void heard(const LogLine *line, void *userdata)
{
    History *self = userdata;
    Happening *happening = happening_new(self, line);

    remember(self, happening);
    while (self->happenings.length > (guint)tuning_get(TUNING_HISTORY) || self->bytes > HISTORY_BYTES_MAX)
        forget_oldest(self, find_largest(self));
    if (self->listener)
        self->listener(happening, self->userdata);
}

History *history_new(Registry *registry)
{
    History *self = g_new0(History, 1);

    self->registry = registry;
    self->who = HISTORY_NOBODY;
    g_queue_init(&self->happenings);
    self->subjects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_links);
    log_listen(heard, self);
    return self;
}

History *history_free(History *self)
{
    if (!self)
        return NULL;
    log_listen(NULL, NULL);
    while (self->happenings.length)
        happening_free(g_queue_pop_head(&self->happenings));
    g_hash_table_unref(self->subjects);
    g_free(self);
    return NULL;
}

void history_listen(History *self, HistoryListener listener, void *userdata)
{
    self->listener = listener;
    self->userdata = userdata;
}

void history_set_who(History *self, uint32_t who)
{
    self->who = who;
}

uint32_t history_who(const History *self)
{
    return self->who;
}

const GList *history_last(const History *self, guint max)
{
    guint length = self->happenings.length;

    if (max == 0 || length == 0)
        return NULL;
    return g_queue_peek_nth_link((GQueue *)&self->happenings, max < length ? length - max : 0);
}
