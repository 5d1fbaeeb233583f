/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects what changed and tells it: first what has come, then what is otherwise, then the notices, then
 * what has gone. So
 * nothing names an object that isn't there yet, or any more. Called by the registry, by call.c and by the
 * main loop. */

#include "dbus/service/changes.h"

#include <errno.h>
#include <stdbool.h>

#include "daemon/base/log.h"
#include "dbus/bus/sd-bus-cleanup.h"
#include "dbus/names.h"
#include "dbus/service/path.h"

/* Signals of one turn. sd-bus queues them, and draining a long queue is dear. */
#define SIGNALS_PER_TURN 2048

typedef enum Step {
    STEP_ADDED, /* with all its properties, whatever changes besides */
    STEP_FIELDS,
    STEP_REMOVED,
    _STEP_MAX,
} Step;

typedef struct Pending {
    ObjectType type;
    char *id;
    Step step;
    unsigned fields;
} Pending;

/* Of objects that come at the same time, those that others name come first. */
static const ObjectType order_of_adding[] = { OBJECT_MANAGER, OBJECT_MACHINE, OBJECT_DEVICE,
                                              OBJECT_TENANT,  OBJECT_GROUP,   OBJECT_ASSIGNMENT };

G_STATIC_ASSERT(G_N_ELEMENTS(order_of_adding) == _OBJECT_TYPE_MAX);

struct Changes {
    sd_bus *bus;
    const ObjectKind *const *kinds;
    Notices *notices;
    GHashTable *pending[_OBJECT_TYPE_MAX]; /* id → Pending, borrowed */
    GQueue added[_OBJECT_TYPE_MAX]; /* of Pending, owned, as are the others; each in the order of reports */
    GQueue fields, removed;
    guint source;
    bool begun;
};

static void pending_free(Pending *pending)
{
    g_free(pending->id);
    g_free(pending);
}

Changes *changes_new(sd_bus *bus, const ObjectKind *const *kinds, Notices *notices)
{
    Changes *self = g_new0(Changes, 1);

    self->bus = sd_bus_ref(bus);
    self->kinds = kinds;
    self->notices = notices;
    g_queue_init(&self->fields);
    g_queue_init(&self->removed);
    for (gsize i = 0; i < _OBJECT_TYPE_MAX; i++) {
        g_queue_init(&self->added[i]);
        self->pending[i] = g_hash_table_new(g_str_hash, g_str_equal);
    }
    return self;
}

Changes *changes_free(Changes *self)
{
    if (!self)
        return NULL;
    if (self->source)
        g_source_remove(self->source);
    for (gsize i = 0; i < _OBJECT_TYPE_MAX; i++) {
        g_hash_table_unref(self->pending[i]);
        g_queue_clear_full(&self->added[i], (GDestroyNotify)pending_free);
    }
    g_queue_clear_full(&self->fields, (GDestroyNotify)pending_free);
    g_queue_clear_full(&self->removed, (GDestroyNotify)pending_free);
    sd_bus_unref(self->bus);
    g_free(self);
    return NULL;
}

static void report_failure(int r, const char *signal, const char *path)
{
    if (r >= 0)
        return;
    if (r == -ENOTCONN || r == -ECONNRESET) /* lost(): the service ends anyway */
        return;
    /* A name that the vtable lacks, an object that is gone, a text that isn't UTF-8: ours to repair. */
    if (r == -ENOENT || r == -ENXIO || r == -EDOM || r == -EINVAL)
        g_critical("%s of %s could not be sent: %s", signal, path, g_strerror(-r));
    else
        log_warning("%s of %s could not be sent: %s", signal, path, g_strerror(-r));
}

static void emit_fields(Changes *self, const ObjectKind *kind, const char *path, unsigned fields)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    int r;

    for (const FieldProperty *p = kind->properties; p->property; p++)
        if (p->field & fields)
            g_ptr_array_add(names, (gpointer)p->property);
    if (names->len == 0)
        return;
    g_ptr_array_add(names, NULL);
    r = sd_bus_emit_properties_changed_strv(self->bus, path, kind->interface, (char **)names->pdata);
    report_failure(r, "PropertiesChanged", path);
}

/* By hand: it can't be found any more, and sd-bus leaves our interface out then, and calls that a success.
 * The others are those of its InterfacesAdded. */
static int emit_removed(sd_bus *bus, const char *path, const char *interface)
{
    g_autoptr(sd_bus_message) signal = NULL;
    int r = sd_bus_message_new_signal(bus, &signal, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager",
                                      "InterfacesRemoved");

    if (r >= 0)
        r = sd_bus_message_append(signal, "oas", path, 4, "org.freedesktop.DBus.Peer",
                                  "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Properties",
                                  interface);
    return r < 0 ? r : sd_bus_send(bus, signal, NULL);
}

static void emit(Changes *self, const Pending *pending)
{
    const ObjectKind *kind = self->kinds[pending->type];
    g_autofree char *path = object_path(pending->type, pending->id);

    switch (pending->step) {
    case STEP_ADDED:
        report_failure(sd_bus_emit_object_added(self->bus, path), "InterfacesAdded", path);
        break;
    case STEP_FIELDS:
        emit_fields(self, kind, path, pending->fields);
        break;
    case STEP_REMOVED:
        report_failure(emit_removed(self->bus, path, kind->interface), "InterfacesRemoved", path);
        break;
    case _STEP_MAX:
        break;
    }
}

static void drop(Changes *self, Pending *pending)
{
    g_hash_table_remove(self->pending[pending->type], pending->id);
    pending_free(pending);
}

/* What is to be told next; NULL = nothing. */
static GQueue *next_queue(Changes *self)
{
    for (gsize i = 0; i < _OBJECT_TYPE_MAX; i++)
        if (!g_queue_is_empty(&self->added[order_of_adding[i]]))
            return &self->added[order_of_adding[i]];
    if (!g_queue_is_empty(&self->fields))
        return &self->fields;
    return g_queue_is_empty(&self->removed) ? NULL : &self->removed;
}

static void flush_some(Changes *self, guint limit)
{
    GQueue *queue;

    for (guint n = 0; n < limit && (queue = next_queue(self)); n++) {
        Pending *pending;

        if (queue == &self->removed)
            notices_send(self->notices);
        pending = g_queue_pop_head(queue);
        emit(self, pending);
        drop(self, pending);
    }
    if (!next_queue(self))
        notices_send(self->notices);
}

static gboolean on_turn(gpointer userdata)
{
    Changes *self = userdata;

    flush_some(self, SIGNALS_PER_TURN);
    if (next_queue(self))
        return G_SOURCE_CONTINUE;
    self->source = 0;
    return G_SOURCE_REMOVE;
}

void changes_flush(Changes *self)
{
    flush_some(self, G_MAXUINT);
}

static GQueue *queue_of(Changes *self, const Pending *pending)
{
    switch (pending->step) {
    case STEP_ADDED:
        return &self->added[pending->type];
    case STEP_REMOVED:
        return &self->removed;
    case STEP_FIELDS:
    case _STEP_MAX:
        break;
    }
    return &self->fields;
}

static Pending *note(Changes *self, const Change *change, Step step)
{
    Pending *pending = g_new0(Pending, 1);

    pending->type = change->type;
    pending->id = g_strdup(change->id);
    pending->step = step;
    g_hash_table_insert(self->pending[change->type], pending->id, pending);
    g_queue_push_tail(queue_of(self, pending), pending);
    return pending;
}

/* It named what has gone, perhaps, and nothing of it can be read any more once it has gone itself. */
static bool has_to_be_told_first(const Changes *self, const Pending *pending)
{
    return pending && pending->step == STEP_FIELDS && !g_queue_is_empty((GQueue *)&self->removed);
}

static void note_removed(Changes *self, const Change *change)
{
    Pending *pending = g_hash_table_lookup(self->pending[change->type], change->id);
    bool untold = pending && pending->step == STEP_ADDED;

    if (has_to_be_told_first(self, pending)) {
        changes_flush(self);
        pending = NULL;
    }
    if (pending) {
        g_queue_remove(queue_of(self, pending), pending);
        drop(self, pending);
    }
    if (!untold)
        note(self, change, STEP_REMOVED);
}

/* One that had the same path is gone; or others came that will name this one once it is there, and that it
 * will name: they are told as they are without it. Those of its own type don't. */
static bool has_to_be_told_before(const Changes *self, const Change *change, const Pending *same)
{
    if (same && same->step == STEP_REMOVED)
        return true;
    for (gsize i = 0; i < _OBJECT_TYPE_MAX; i++)
        if (i != change->type && !g_queue_is_empty((GQueue *)&self->added[i]))
            return true;
    return false;
}

void changes_look_again(Changes *self)
{
    if (self->source)
        return;
    /* At the bus's own priority: a lower one would wait for as long as there are calls. */
    self->source = g_idle_add_full(G_PRIORITY_DEFAULT, on_turn, self, NULL);
    g_source_set_name_by_id(self->source, "changes");
}

void changes_begin(Changes *self)
{
    self->begun = true;
    changes_look_again(self);
}

void changes_record(const Change *change, void *userdata)
{
    Changes *self = userdata;
    Pending *pending;

    if (!self->begun)
        return;
    pending = g_hash_table_lookup(self->pending[change->type], change->id);
    if (change->kind == CHANGE_ADDED && has_to_be_told_before(self, change, pending)) {
        changes_flush(self);
        pending = NULL;
    }
    switch (change->kind) {
    case CHANGE_ADDED:
        note(self, change, STEP_ADDED);
        break;
    case CHANGE_FIELDS:
        pending = pending ? pending : note(self, change, STEP_FIELDS);
        pending->fields |= change->fields;
        break;
    case CHANGE_REMOVED:
        note_removed(self, change);
        break;
    }

    changes_look_again(self);
}
