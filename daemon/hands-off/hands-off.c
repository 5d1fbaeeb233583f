/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what waits to the file, and from the file to udevd. Called by the manager. */

#include "daemon/hands-off/hands-off.h"

#include "daemon/base/log.h"
#include "daemon/guards/host-use.h"
#include "daemon/hands-off/announcements.h"
#include "daemon/hands-off/udev-rules.h"
#include "daemon/hands-off/waiting.h"

struct HandsOff {
    Registry *registry;
    char *folder; /* NULL = nothing is written */
    bool off, input_off;
    Announcements *announcements;
    Waiting *last; /* no longer valid, but to be compared; NULL = there was none */
    bool said;     /* by the file, and this is its mark: */
    UdevRulesMark mark;
    char *failure;              /* why it couldn't be written the last time; NULL = it could */
    guint n_unsaid, n_left_out; /* as they were told */
};

/* Somebody who sits at the host keeps a keyboard and a pointer, whatever becomes of those that go. */
static bool spares_input(const HandsOff *self, const Allocation *allocation)
{
    g_autoptr(GPtrArray) going = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *device = value;

        if (allocation_want(allocation, device) || allocation_attachment(allocation, device))
            g_ptr_array_add(going, device->syspath);
    }
    return self->registry->host && host_use_spares_input(self->registry->host, going);
}

/* Once, and again only when there are more: devices that come and go would fill the log. */
static void tell_rest(HandsOff *self, const Waiting *waiting)
{
    if (waiting->n_unsaid > self->n_unsaid)
        log_notice("%u rules of what waits for a VM can't be told to udev exactly: what matches them is left "
                   "alone by the host only once it has been seen",
                   waiting->n_unsaid);
    if (waiting->n_left_out > self->n_left_out)
        log_notice("more waits for VMs than udev is told: %u rules are left out", waiting->n_left_out);
    self->n_unsaid = MAX(self->n_unsaid, waiting->n_unsaid);
    self->n_left_out = MAX(self->n_left_out, waiting->n_left_out);
}

/* False when it couldn't, and when it was to be written: then the next turn reads what is there once more, as
 * somebody may have come in between. */
static bool write_rules(HandsOff *self, const char *text)
{
    g_autoptr(GError) error = NULL;
    bool changed = false;

    self->mark = udev_rules_mark(self->folder);
    if (udev_rules_write(self->folder, text, &changed, &error)) {
        if (self->failure)
            log_notice("udev is told again of what waits for a VM");
        g_clear_pointer(&self->failure, g_free);
        if (changed)
            announcements_rules_changed(self->announcements);
        return !changed;
    }
    if (g_strcmp0(self->failure, error->message) != 0)
        log_warning("the host is not kept from using what waits for a VM: %s", error->message);
    g_free(self->failure);
    self->failure = g_strdup(error->message);
    return false;
}

/* And nobody has touched the file since. */
static bool is_said(const HandsOff *self, const Waiting *waiting)
{
    UdevRulesMark mark = udev_rules_mark(self->folder);

    return self->said && waiting_is_same(waiting, self->last) && udev_rules_mark_is(&mark, &self->mark);
}

static void say(HandsOff *self, Waiting *waiting)
{
    g_autofree char *text = NULL;

    if (!self->off) {
        waiting_say(waiting, self->registry);
        tell_rest(self, waiting);
    }
    text = self->off ? g_strdup("") : udev_rules_print(waiting);
    self->said = write_rules(self, text);
}

/* Borrowed; valid until the registry changes. */
static const Waiting *look(HandsOff *self, const Allocation *allocation)
{
    bool input = !self->input_off && spares_input(self, allocation);
    g_autoptr(Waiting) waiting = waiting_new(allocation, input);
    bool said = is_said(self, waiting);

    waiting_free(self->last);
    self->last = g_steal_pointer(&waiting);
    if (!said)
        say(self, self->last);
    return self->last;
}

void hands_off_turned(HandsOff *self, const Allocation *allocation)
{
    const Waiting *waiting = self->folder ? look(self, allocation) : NULL;

    if (waiting && self->off)
        g_hash_table_remove_all(waiting->devices);
    if (waiting)
        announcements_turn(self->announcements, allocation, waiting);
}

void hands_off_look(HandsOff *self)
{
    g_autoptr(Allocation) allocation =
        self->folder && !self->off ? allocation_new(self->registry, g_get_monotonic_time()) : NULL;

    if (allocation)
        (void)look(self, allocation);
}

HandsOff *hands_off_new(const char *folder, Registry *registry, WorkerPool *pool, const UsbOps *usb,
                        void (*changed)(void *userdata), void *userdata)
{
    HandsOff *self = g_new0(HandsOff, 1);

    self->registry = registry;
    self->folder = g_strdup(folder);
    self->announcements = announcements_new(registry, pool, usb, changed, userdata);
    return self;
}

void hands_off_set(HandsOff *self, bool off, bool input_off)
{
    /* What waits may be the same, and what is to be said of it isn't. */
    self->said = self->said && self->off == off && self->input_off == input_off;
    self->off = off;
    self->input_off = input_off;
}

HandsOff *hands_off_free(HandsOff *self)
{
    g_autoptr(GError) error = NULL;
    bool changed = false;

    if (!self)
        return NULL;
    if (self->folder && !udev_rules_write(self->folder, "", &changed, &error) && !self->failure)
        log_warning("%s", error->message);
    announcements_free(self->announcements);
    waiting_free(self->last);
    g_free(self->folder);
    g_free(self->failure);
    g_free(self);
    return NULL;
}
