/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to the bus, and all that hangs on it, from its start to its end. */

#include "dbus/service/service.h"

#include <errno.h>
#include <gio/gio.h>

#include "dbus/bus/door.h"
#include "dbus/service/call.h"
#include "dbus/service/managed-objects.h"
#include "dbus/names.h"
#include "dbus/service/service-state.h"

#define DEFAULT_ADDRESS "unix:path=/run/dbus/system_bus_socket"

/* At the end: how long the bus may take to take the last answers. */
#define FLUSH_TIMEOUT_MS 1000

static bool fail(GError **error, int r, const char *what)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "%s: %s", what, g_strerror(-r));
    return false;
}

/* As sd_bus_open_system() does it, but without file descriptors: no method takes one, and each that a caller
 * sends would be one of ours for as long as his call waits. */
static int open_bus(sd_bus **ret_bus)
{
    g_autoptr(sd_bus) bus = NULL;
    const char *address = g_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    int r = sd_bus_new(&bus);

    if (r >= 0)
        r = sd_bus_set_description(bus, "usbferry");
    if (r >= 0)
        r = sd_bus_set_address(bus, address && *address ? address : DEFAULT_ADDRESS);
    if (r >= 0)
        r = sd_bus_set_bus_client(bus, 1);
    if (r >= 0)
        r = sd_bus_negotiate_fds(bus, 0);
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r >= 0)
        *ret_bus = g_steal_pointer(&bus);
    return r;
}

static void on_lost(int error, void *userdata)
{
    BusService *self = userdata;

    self->lost(error, self->lost_userdata);
}

static void on_change(const Change *change, void *userdata)
{
    BusService *self = userdata;

    changes_record(change, self->changes);
    status_line_look_again(self->status_line);
}

static void on_happening(const Happening *happening, void *userdata)
{
    BusService *self = userdata;

    if (notices_add(self->notices, happening))
        changes_look_again(self->changes);
}

static uint32_t asker(void *userdata)
{
    BusService *self = userdata;
    uint32_t uid;

    return authorize_asker(self->authorizer, &uid) ? uid : HISTORY_NOBODY;
}

static bool service_open(BusService *self, Authority *authority, const ObjectKind *const *kinds,
                         GError **error)
{
    int r = open_bus(&self->bus);

    if (r < 0)
        return fail(error, r, "the system bus can't be reached");
    r = sd_bus_add_filter(self->bus, &self->door, door_check, NULL);
    if (r < 0)
        return fail(error, r, "calls can't be measured");
    r = sd_bus_add_filter(self->bus, &self->managed_objects, managed_objects_check, self->registry);
    if (r < 0)
        return fail(error, r, "answers can't be measured");
    self->source = bus_source_new(self->bus, on_lost, self);
    self->notices = notices_new(self->bus, self->registry);
    self->changes = changes_new(self->bus, kinds, self->notices);
    self->authorizer = authorizer_new(self->bus, authority);
    self->rescans = rescans_new(self->manager, self->changes);
    self->host_sleep = host_sleep_new(self->bus, self->manager);
    self->host_seats = host_seats_new(self->bus, self->manager);
    self->objects = objects_new(self->bus, self->registry, kinds, self, error);
    if (!self->objects)
        return false;

    self->status_line = status_line_new(self->registry);
    self->registry->changed = on_change;
    self->registry->changed_userdata = self;
    history_listen(manager_history(self->manager), on_happening, self);
    manager_set_asker(self->manager, asker, self);
    status_line_look_again(self->status_line);
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
    int r;

    /* A signal ends the wait for the answer, not the question: asked again, the bus may say that it is ours.
     * The main loop does what the signal says. */
    do
        r = sd_bus_request_name(self->bus, FERRY_BUS_NAME, 0);
    while (r == -EINTR);
    if (r >= 0 || r == -EALREADY) {
        notices_begin(self->notices);
        changes_begin(self->changes);
        return true;
    }
    if (r == -EEXIST) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS, "%s is taken: another usbferryd runs",
                    FERRY_BUS_NAME);
        return false;
    }
    return fail(error, r, "the name " FERRY_BUS_NAME " can't be taken");
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
        history_listen(manager_history(self->manager), NULL, NULL);
        manager_set_asker(self->manager, NULL, NULL);
    }
    self->status_line = status_line_free(self->status_line);
    self->rescans = rescans_free(self->rescans);
    self->host_sleep = host_sleep_free(self->host_sleep);
    self->host_seats = host_seats_free(self->host_seats);
    if (self->changes)
        changes_flush(self->changes);
    self->changes = changes_free(self->changes);
    self->notices = notices_free(self->notices);
    self->authorizer = authorizer_free(self->authorizer);
    self->retiring = sd_bus_slot_unref(self->retiring);
    self->objects = objects_free(self->objects);
    self->managed_objects = sd_bus_slot_unref(self->managed_objects);
    self->door = sd_bus_slot_unref(self->door);
    if (self->source) {
        bus_source_flush(self->source, FLUSH_TIMEOUT_MS); /* answers that are on their way */
        g_source_destroy(self->source);
        g_clear_pointer(&self->source, g_source_unref);
    }
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
