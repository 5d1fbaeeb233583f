/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects what changed and tells it. */

#include "dbus/service/changes.h"

#include <errno.h>
#include <stdbool.h>

#include "daemon/base/log.h"
#include "dbus/service/path.h"

/* Signals of one turn. sd-bus queues them, and draining a long queue is dear. */
#define SIGNALS_PER_TURN 2048

typedef struct Pending {
    ObjectType type;
    char *id;
    bool added;
    unsigned fields;
} Pending;

struct Changes {
    sd_bus *bus;
    const ObjectKind *const *kinds;
    GHashTable *pending[_OBJECT_TYPE_MAX]; /* id → Pending, borrowed */
    GQueue order;                          /* of Pending, owned: told in the order they were reported in */
    guint source;
};

static void pending_free(Pending *pending)
{
    g_free(pending->id);
    g_free(pending);
}

Changes *changes_new(sd_bus *bus, const ObjectKind *const *kinds)
{
    Changes *self = g_new0(Changes, 1);

    self->bus = sd_bus_ref(bus);
    self->kinds = kinds;
    g_queue_init(&self->order);
    for (gsize i = 0; i < _OBJECT_TYPE_MAX; i++)
        self->pending[i] = g_hash_table_new(g_str_hash, g_str_equal);
    return self;
}

Changes *changes_free(Changes *self)
{
    if (!self)
        return NULL;
    if (self->source)
        g_source_remove(self->source);
    for (gsize i = 0; i < _OBJECT_TYPE_MAX; i++)
        g_hash_table_unref(self->pending[i]);
    g_queue_clear_full(&self->order, (GDestroyNotify)pending_free);
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

static void emit(Changes *self, const Pending *pending)
{
    const ObjectKind *kind = self->kinds[pending->type];
    g_autofree char *path = object_path(pending->type, pending->id);

    if (pending->added)
        report_failure(sd_bus_emit_object_added(self->bus, path), "InterfacesAdded", path);
    else
        emit_fields(self, kind, path, pending->fields);
}

static void drop(Changes *self, Pending *pending)
{
    g_hash_table_remove(self->pending[pending->type], pending->id);
    pending_free(pending);
}

static void flush_some(Changes *self, guint limit)
{
    for (guint n = 0; n < limit && !g_queue_is_empty(&self->order); n++) {
        Pending *pending = g_queue_pop_head(&self->order);

        emit(self, pending);
        drop(self, pending);
    }
}

static gboolean on_turn(gpointer userdata)
{
    Changes *self = userdata;

    flush_some(self, SIGNALS_PER_TURN);
    if (!g_queue_is_empty(&self->order))
        return G_SOURCE_CONTINUE;
    self->source = 0;
    return G_SOURCE_REMOVE;
}

void changes_flush(Changes *self)
{
    flush_some(self, G_MAXUINT);
}

static void tell_removed(Changes *self, const Change *change)
{
    g_autofree char *path = object_path(change->type, change->id);
    Pending *pending = g_hash_table_lookup(self->pending[change->type], change->id);

    if (pending) {
        bool untold = pending->added;

        g_queue_remove(&self->order, pending);
        drop(self, pending);
        if (untold)
            return;
    }
    /* Now, while it can still be found: sd-bus leaves our interface out otherwise, and calls that a success.
     */
    report_failure(sd_bus_emit_object_removed(self->bus, path), "InterfacesRemoved", path);
}

void changes_record(const Change *change, void *userdata)
{
    Changes *self = userdata;
    Pending *pending;

    if (change->kind == CHANGE_REMOVED) {
        tell_removed(self, change);
        return;
    }

    pending = g_hash_table_lookup(self->pending[change->type], change->id);
    if (!pending) {
        pending = g_new0(Pending, 1);
        pending->type = change->type;
        pending->id = g_strdup(change->id);
        g_hash_table_insert(self->pending[change->type], pending->id, pending);
        g_queue_push_tail(&self->order, pending);
    }
    pending->added |= change->kind == CHANGE_ADDED;
    pending->fields |= change->fields;

    /* At the bus's own priority: a lower one would wait for as long as there are calls. */
    if (self->source == 0) {
        self->source = g_idle_add_full(G_PRIORITY_DEFAULT, on_turn, self, NULL);
        g_source_set_name_by_id(self->source, "changes");
    }
}
