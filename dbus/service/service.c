/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to the bus, and all that hangs on it, from its start to its end. */

#include "dbus/service/service.h"

#include <errno.h>
#include <gio/gio.h>

#include "dbus/service/call.h"
#include "dbus/names.h"
#include "dbus/service/service-state.h"

static bool fail(GError **error, int r, const char *what)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "%s: %s", what, g_strerror(-r));
    return false;
}

static void on_lost(int error, void *userdata)
{
    BusService *self = userdata;

    self->lost(error, self->lost_userdata);
}

static bool service_open(BusService *self, Authority *authority, const ObjectKind *const *kinds,
                         GError **error)
{
    int r = sd_bus_open_system_with_description(&self->bus, "usbferry");

    if (r < 0)
        return fail(error, r, "the system bus can't be reached");
    self->source = bus_source_new(self->bus, on_lost, self);
    self->changes = changes_new(self->bus, kinds);
    self->authorizer = authorizer_new(self->bus, authority);

    self->objects = objects_new(self->bus, self->registry, kinds, self, error);
    if (!self->objects)
        return false;

    self->registry->changed = changes_record;
    self->registry->changed_userdata = self->changes;
    return true;
}

BusService *bus_service_new(Manager *manager, Authority *authority, const ObjectKind *const *kinds,
                            BusLostFunc lost, void *userdata, GError **error)
{
    g_autoptr(BusService) self = g_new0(BusService, 1);

    self->manager = manager;
    self->registry = manager_registry(manager);
    self->calls = g_hash_table_new(NULL, NULL);
    self->lost = lost;
    self->lost_userdata = userdata;
    if (!service_open(self, authority, kinds, error)) {
        bus_service_close(self);
        return NULL;
    }
    return g_steal_pointer(&self);
}

bool bus_service_publish(BusService *self, GError **error)
{
    int r = sd_bus_request_name(self->bus, FERRY_BUS_NAME, 0);

    if (r == -EEXIST || r == -EALREADY) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS, "%s is taken: another usbferryd runs",
                    FERRY_BUS_NAME);
        return false;
    }
    if (r < 0)
        return fail(error, r, "the name " FERRY_BUS_NAME " can't be taken");
    return true;
}

static int on_released(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    BusService *self = userdata;

    /* What was sent to the name came before this reply, and has been handled. */
    self->retired(self->retired_userdata);
    return 0;
}

void bus_service_retire(BusService *self, void (*done)(void *userdata), void *userdata)
{
    if (self->retiring)
        return;
    self->retired = done;
    self->retired_userdata = userdata;
    if (sd_bus_release_name_async(self->bus, &self->retiring, FERRY_BUS_NAME, on_released, self) < 0)
        done(userdata);
}

void bus_service_close(BusService *self)
{
    if (self->registry) {
        self->registry->changed = NULL;
        self->registry->changed_userdata = NULL;
    }
    if (self->changes)
        changes_flush(self->changes);
    self->changes = changes_free(self->changes);
    self->authorizer = authorizer_free(self->authorizer);
    self->retiring = sd_bus_slot_unref(self->retiring);
    self->objects = objects_free(self->objects);
    if (self->source) {
        g_source_destroy(self->source);
        g_clear_pointer(&self->source, g_source_unref);
    }
    if (self->bus)
        sd_bus_flush(self->bus); /* answers that are on their way; fails at once when the bus is lost */
    sd_bus_close(self->bus);
    self->manager = NULL;
    self->registry = NULL;
}

BusService *bus_service_free(BusService *self)
{
    g_autoptr(GList) calls = NULL;

    if (!self)
        return NULL;
    calls = g_hash_table_get_keys(self->calls);
    for (GList *l = calls; l; l = l->next)
        call_free(l->data);
    g_hash_table_unref(self->calls);
    sd_bus_unref(self->bus);
    g_free(self);
    return NULL;
}
