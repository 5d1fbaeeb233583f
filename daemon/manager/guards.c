/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts, watch and seats together, compared with what the devices in the registry have. Called by manager.c.
 */

#include "daemon/manager/guards.h"

#include "daemon/guards/host-reading.h"
#include "daemon/guards/host-use.h"
#include "daemon/guards/host-watch.h"

/* A test's folder with proc, sys and run. */
#define ROOT_VARIABLE "FERRY_HOST_ROOT"

struct Guards {
    Registry *registry;
    unsigned kinds;
    void (*changed)(void *userdata);
    void *userdata;
    HostFacts *facts; /* of the last look; NULL = there was none */
    HostWatch *watch; /* from the first look on */
    char **seats;     /* NULL = not known */
};

Guards *guards_new(Registry *registry, unsigned off, void (*changed)(void *userdata), void *userdata)
{
    Guards *self = g_new0(Guards, 1);

    self->registry = registry;
    self->kinds = HOST_USE_ALL & ~off;
    self->changed = changed;
    self->userdata = userdata;
    return self;
}

Guards *guards_free(Guards *self)
{
    if (!self)
        return NULL;
    host_watch_free(self->watch);
    host_facts_free(self->facts);
    g_strfreev(self->seats);
    g_free(self);
    return NULL;
}

static bool is_same(char *const *one, char *const *other)
{
    if (!one || !other)
        return one == other;
    return g_strv_equal((const char *const *)one, (const char *const *)other);
}

/* True when it is another one. */
static bool update(Guards *self, Device *device)
{
    g_auto(GStrv) uses = device->is_hub ? NULL
                                        : host_use_of(self->facts, device->syspath,
                                                      (const char *const *)self->seats, self->kinds);

    if (is_same(uses, device->host_use))
        return false;
    g_strfreev(device->host_use);
    device->host_use = g_steal_pointer(&uses);
    registry_report(self->registry, OBJECT_DEVICE, device->sysname, DEVICE_FIELD_HOST_USE);
    return true;
}

static void compare(Guards *self)
{
    g_autoptr(GPtrArray) devices = registry_sorted(self->registry->devices);
    bool changed = false;

    for (guint i = 0; i < devices->len; i++)
        changed = update(self, devices->pdata[i]) || changed;
    if (changed)
        self->changed(self->userdata);
}

static void hinted(void *userdata)
{
    guards_look(userdata);
}

void guards_look(Guards *self)
{
    const char *root = g_getenv(ROOT_VARIABLE);

    /* The watch comes first: what happens from now on is a hint. */
    if (!self->watch)
        self->watch = host_watch_new(hinted, self);
    host_facts_free(self->facts);
    self->facts = host_facts_read(root ? root : "");
    compare(self);
}

void guards_look_at(Guards *self, Device *device)
{
    if (self->facts)
        (void)update(self, device);
}

void guards_seats_changed(Guards *self, const char *const *seats)
{
    g_strfreev(self->seats);
    self->seats = g_strdupv((char **)seats);
    if (self->facts)
        compare(self);
}
