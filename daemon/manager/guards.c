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
    HostView view;       /* the registry's as well */
    GPtrArray *gone;     /* syspaths of devices that machines have; owned */
    GHashTable *claimed; /* set of sysnames: of devices that a program has; owned */
    char *turn;          /* both, as of the last turn; NULL = there was none */
    void (*changed)(void *userdata);
    void (*lost)(void *userdata);
    void *userdata;
    HostWatch *watch; /* from the first look on */
};

Guards *guards_new(Registry *registry, unsigned off, void (*changed)(void *userdata),
                   void (*lost)(void *userdata), void *userdata)
{
    Guards *self = g_new0(Guards, 1);

    self->registry = registry;
    self->view.kinds = HOST_USE_ALL & ~off;
    self->gone = g_ptr_array_new_with_free_func(g_free);
    self->claimed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    registry->host = &self->view;
    self->changed = changed;
    self->lost = lost;
    self->userdata = userdata;
    return self;
}

Guards *guards_free(Guards *self)
{
    if (!self)
        return NULL;
    self->registry->host = NULL;
    host_watch_free(self->watch);
    host_facts_free(self->view.facts);
    g_strfreev(self->view.seats);
    g_ptr_array_unref(self->gone);
    g_hash_table_unref(self->claimed);
    g_free(self->turn);
    g_free(self);
    return NULL;
}

static bool is_same(char *const *one, char *const *other)
{
    if (!one || !other)
        return one == other;
    return g_strv_equal((const char *const *)one, (const char *const *)other);
}

/* As host_use_of() has it. */
static const char *claimed_by(const Guards *self, const Device *device)
{
    if (!g_hash_table_contains(self->claimed, device->sysname))
        return NULL;
    return device->user ? device->user : "";
}

/* True when it is another one. */
static bool update(Guards *self, Device *device)
{
    g_auto(GStrv) uses =
        device->is_hub ? NULL
                       : host_use_of(&self->view, device->syspath, self->gone, claimed_by(self, device));

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

static void watch_lost(void *userdata)
{
    Guards *self = userdata;

    self->lost(self->userdata);
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
        self->watch = host_watch_new(hinted, watch_lost, self);
    host_facts_free(self->view.facts);
    self->view.facts = host_facts_read(root ? root : "");
    compare(self);
}

void guards_turned(Guards *self, const Allocation *allocation)
{
    g_autoptr(GString) turn = g_string_new(NULL);
    GHashTableIter iter;
    gpointer value;

    g_ptr_array_set_size(self->gone, 0);
    g_hash_table_remove_all(self->claimed);
    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *device = value;

        if (allocation_attachment(allocation, device)) {
            g_ptr_array_add(self->gone, g_strdup(device->syspath));
            g_string_append_printf(turn, "%s gone\n", device->sysname);
        } else if (allocation_possession(allocation, device) == POSSESSION_IN_USE &&
                   kernel_word_shows(&device->kernel, KERNEL_SIGN_CLAIMED)) {
            g_hash_table_add(self->claimed, g_strdup(device->sysname));
            g_string_append_printf(turn, "%s %s\n", device->sysname, device->user ? device->user : "");
        }
    }
    /* There are many turns, and few that change anything here. */
    if (g_strcmp0(self->turn, turn->str) == 0)
        return;
    g_free(self->turn);
    self->turn = g_strdup(turn->str);
    compare(self);
}

void guards_look_at(Guards *self, Device *device)
{
    if (self->view.facts)
        (void)update(self, device);
    /* What it has brought may be there already: that is read before the next turn gives it away. */
    if (self->watch)
        host_watch_hint(self->watch);
}

void guards_seats_changed(Guards *self, const char *const *seats)
{
    g_strfreev(self->view.seats);
    self->view.seats = g_strdupv((char **)seats);
    if (self->view.facts)
        compare(self);
}
