/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts, watch and seats together, compared with what the devices in the registry have. Called by manager.c.
 */

#include "daemon/manager/guards.h"

#include "daemon/guards/host-reading.h"
#include "daemon/guards/host-use.h"
#include "daemon/guards/host-watch.h"

/* A test's folder with proc, sys and run. */
#define ROOT_VARIABLE "FERRY_HOST_ROOT"

/* The kernel makes an input device a moment after the USB device. Longer than this it takes for what it has
 * no driver for only. */
#define INPUT_US (3 * G_USEC_PER_SEC)

/* So often it is looked whether a use is over whose end nothing tells, besides in each turn. */
#define UNSEEN_S 10

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
    guint unseen;     /* source: there is such a use */
};

Guards *guards_new(Registry *registry, void (*changed)(void *userdata), void (*lost)(void *userdata),
                   void *userdata)
{
    Guards *self = g_new0(Guards, 1);

    self->registry = registry;
    self->view.kinds = HOST_USE_ALL;
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
    g_clear_handle_id(&self->unseen, g_source_remove);
    host_watch_free(self->watch);
    host_facts_free(self->view.facts);
    g_strfreev(self->view.seats);
    g_ptr_array_unref(self->gone);
    g_hash_table_unref(self->claimed);
    g_free(self->turn);
    g_free(self);
    return NULL;
}

void guards_set_off(Guards *self, unsigned off)
{
    self->view.kinds = HOST_USE_ALL & ~off;
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

/* It can be typed or pointed with, and somebody sits here whose last one it may be. */
static bool needs_input(const Guards *self, const Device *device)
{
    return (self->view.kinds & (1u << HOST_USE_LAST_KEYBOARD | 1u << HOST_USE_LAST_POINTER)) &&
           self->view.seats && *self->view.seats &&
           (device_inputs(device) & (DEVICE_INPUT_KEYBOARD | DEVICE_INPUT_MOUSE));
}

/* True when its input device is there now: from here on the guards see it. */
static bool input_came(const Guards *self, Device *device)
{
    if (!device->input_due_at || !host_use_has_input(&self->view, device->syspath))
        return false;
    device->input_due_at = 0;
    return true;
}

static const char *root_of_host(void)
{
    const char *root = g_getenv(ROOT_VARIABLE);

    return root ? root : "";
}

static void compare(Guards *self);

static gboolean on_unseen(gpointer userdata)
{
    Guards *self = userdata;

    self->unseen = 0;
    (void)host_facts_read_in_use(self->view.facts, root_of_host());
    compare(self); /* and waits once more, if it isn't over */
    return G_SOURCE_REMOVE;
}

static void compare(Guards *self)
{
    g_autoptr(GPtrArray) devices = registry_list(self->registry, self->registry->devices);
    bool changed = false, unseen = false;

    for (guint i = 0; i < devices->len; i++) {
        Device *device = devices->pdata[i];

        changed = update(self, device) || changed;
        changed = input_came(self, device) || changed;
        unseen = unseen || host_use_ends_unseen(device->host_use);
    }
    if (unseen && !self->unseen)
        self->unseen = g_timeout_add_seconds(UNSEEN_S, on_unseen, self);
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
    /* The watch comes first: what happens from now on is a hint. */
    if (!self->watch)
        self->watch = host_watch_new(hinted, watch_lost, self);
    host_facts_free(self->view.facts);
    self->view.facts = host_facts_read(root_of_host());
    compare(self);
}

void guards_glance(Guards *self)
{
    if (self->view.facts && host_facts_read_in_use(self->view.facts, root_of_host()))
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
    if (self->view.facts && needs_input(self, device) && !host_use_has_input(&self->view, device->syspath))
        device->input_due_at = device->came_at + INPUT_US;
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
