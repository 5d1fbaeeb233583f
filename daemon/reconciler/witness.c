/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to look at a device, and what of a look is kept. Called by reconciler.c in every turn, by hints, and
 * by its own timer; writes Device.kernel and the Presence of machines. */

#include "daemon/reconciler/witness.h"

#include "daemon/base/log.h"
#include "daemon/base/wake.h"
#include "daemon/reconciler/retry.h"
#include "daemon/usb/node-watch.h"

enum { US_PER_MS = 1000 };

/* After a hint; the first one is at once. */
enum { BURST_LONG = 3 }; /* the first one of a second */
static const gint64 burst[] = { 0, 100 * US_PER_MS, 300 * US_PER_MS, 1 * G_USEC_PER_SEC, 2 * G_USEC_PER_SEC };

/* What machines have, without any hint. */
#define SLOW_US WAKE_GRID_US

/* A device that is looked at. */
typedef struct Watch {
    uint64_t instance;
    unsigned bus_number, device_number;
    bool listed; /* as ours, in the last turn */
    bool slowly; /* it is looked at without a hint, too */
    gint64 hinted_at;
    gsize step;            /* the next one of the burst */
    gint64 next_at;        /* the next look; 0 = none */
    bool heard;            /* an event since the last look that made no look due */
    Possession possession; /* as who changed() was told for knows it */
} Watch;

struct Witness {
    Registry *registry;
    void (*changed)(void *userdata);
    void *userdata;
    GHashTable *watches; /* sysname → Watch */
    NodeWatch *nodes;    /* of devices that programs of the host have; NULL = nothing can be heard */
    guint timer;
    gint64 timer_at;
};

static void arm(Witness *self);

/* ------------------------------------------------------------------ one look */

/* An interface that has had no driver for so long, before any machine had the device, isn't to have one. */
#define WITHOUT_DRIVER_US (1 * G_USEC_PER_SEC)

static void look(Device *device, gint64 now, bool *ret_changed)
{
    KernelFacts facts;

    kernel_facts_read(device->syspath, &facts);
    *ret_changed = kernel_word_take(&device->kernel, &facts, now);
    if (!kernel_word_shows(&device->kernel, KERNEL_SIGN_UNCLAIMED))
        device->unbound = false;
    if (!device->ours && kernel_word_lasts(&device->kernel, KERNEL_SIGN_UNCLAIMED, WITHOUT_DRIVER_US) &&
        kernel_word_shows(&device->kernel, KERNEL_SIGN_CLOSED))
        device->driverless_at_home = facts.driverless;
}

/* The host has it as it had it before. */
static bool is_home(const Device *device)
{
    const KernelWord *word = &device->kernel;

    return kernel_word_lasts(word, KERNEL_SIGN_CLOSED, WITHOUT_DRIVER_US) &&
           !(word->facts.driverless & ~device->driverless_at_home);
}

/* What stays known of a hostdev as long as it is listed. */
static void note_presence(const Attachment *attachment, const Device *device, Possession possession)
{
    const KernelWord *word = &device->kernel;
    bool disturbed = kernel_word_shows(word, KERNEL_SIGN_HOST_DRIVER) ||
                     kernel_word_shows(word, KERNEL_SIGN_CLOSED) ||
                     kernel_word_shows(word, KERNEL_SIGN_SHARED);
    Presence *presence = attachment && !attachment_is_in_flight(attachment)
                             ? g_hash_table_lookup(attachment->machine->presences, attachment->hostdev->alias)
                             : NULL;

    if (!presence || !word->seen_at)
        return;
    if (possession == POSSESSION_THERE && !disturbed)
        presence->confirmed = true;
    if (!disturbed && !kernel_word_shows(word, KERNEL_SIGN_UNCLAIMED)) {
        if (!presence->configured && kernel_word_shows(word, KERNEL_SIGN_CLAIMED)) {
            presence->configured = true;
            log_object(G_LOG_LEVEL_DEBUG, device->sysname, attachment->machine->info->uuid,
                       attachment->hostdev->assignment_id, "%s is configured by its guest", device->sysname);
        }
        presence->shared = false;
    }
    if (possession == POSSESSION_SHARED)
        presence->shared = true;
}

static void plan(Witness *self, Watch *watch, const Attachments *attachments, const Device *device,
                 gint64 now)
{
    while (watch->step < G_N_ELEMENTS(burst) && watch->hinted_at + burst[watch->step] <= now)
        watch->step++;
    watch->next_at = watch->step < G_N_ELEMENTS(burst) ? watch->hinted_at + burst[watch->step] : 0;
    wake_at(&watch->next_at, possession_look_again_at(self->registry, attachments, device));
    if (watch->slowly)
        wake_at(&watch->next_at, wake_on_grid(now, SLOW_US));
}

/* True when the possession isn't what it was. */
static bool look_and_plan(Witness *self, Watch *watch, const Attachments *attachments, Device *device,
                          gint64 now)
{
    Possession before = watch->possession;
    bool changed;

    watch->heard = false;
    look(device, now, &changed);
    if (changed && now - watch->hinted_at >= burst[BURST_LONG]) {
        /* Nobody said that something happens there: it is a hint itself. */
        watch->hinted_at = now;
        watch->step = 0;
    }
    watch->possession = possession_of(self->registry, attachments, device);
    if (before == POSSESSION_IN_USE && watch->possession != before)
        retry_at_once(self->registry, NULL, RETRY_HOLDER);
    note_presence(attachments_find(attachments, device), device, watch->possession);
    plan(self, watch, attachments, device, now);
    return watch->possession != before;
}

/* ------------------------------------------------------------------ hints */

static void hint(Watch *watch, gint64 now)
{
    watch->hinted_at = now;
    watch->step = 0;
    watch->next_at = now;
}

/* Events come as fast as strangers make them: more than one hint until the next look of the burst makes no
 * turn. A turn that comes for another reason looks, before it gives what may be another's by now. */
static void hint_by_event(Watch *watch, gint64 now)
{
    if (now - watch->hinted_at >= burst[1])
        hint(watch, now);
    else
        watch->heard = true;
}

void witness_hint(Witness *self, const char *sysname)
{
    Watch *watch = g_hash_table_lookup(self->watches, sysname);
    Device *device = registry_device(self->registry, sysname);
    gint64 now = g_get_monotonic_time();
    bool changed = false;

    if (watch && (!device || watch->instance == device->instance)) {
        hint_by_event(watch, now);
        arm(self);
    } else if (device) {
        /* Nobody wants it, so it is enough to know what it is like now. */
        look(device, now, &changed);
    }
    if (changed)
        self->changed(self->userdata);
}

void witness_hint_machine(Witness *self, const char *uuid)
{
    gint64 now = g_get_monotonic_time();
    GHashTableIter iter;
    gpointer sysname, watch;

    g_hash_table_iter_init(&iter, self->watches);
    while (g_hash_table_iter_next(&iter, &sysname, &watch)) {
        const Device *device = registry_device(self->registry, sysname);

        if (device && g_strcmp0(device->machine_uuid, uuid) == 0)
            hint_by_event(watch, now);
    }
    arm(self);
}

void witness_hint_all(Witness *self)
{
    gint64 now = g_get_monotonic_time();
    GHashTableIter iter;
    gpointer watch;

    g_hash_table_iter_init(&iter, self->watches);
    while (g_hash_table_iter_next(&iter, NULL, &watch))
        hint_by_event(watch, now);
    arm(self);
}

/* ------------------------------------------------------------------ the timer */

static gboolean timer_fired(gpointer userdata)
{
    Witness *self = userdata;
    g_autoptr(Attachments) attachments = attachments_new(self->registry);
    gint64 now = g_get_monotonic_time();
    GHashTableIter iter;
    gpointer sysname, value;
    bool changed = false;

    self->timer = 0;
    g_hash_table_iter_init(&iter, self->watches);
    while (g_hash_table_iter_next(&iter, &sysname, &value)) {
        Watch *watch = value;
        Device *device = registry_device(self->registry, sysname);

        if (!device)
            watch->next_at = 0; /* until the turn that follows */
        else if (watch->next_at && watch->next_at <= now)
            changed |= look_and_plan(self, watch, attachments, device, now);
    }
    arm(self);
    if (changed)
        self->changed(self->userdata);
    return G_SOURCE_REMOVE;
}

static void arm(Witness *self)
{
    GHashTableIter iter;
    gpointer watch;
    gint64 wake = 0;

    g_hash_table_iter_init(&iter, self->watches);
    while (g_hash_table_iter_next(&iter, NULL, &watch))
        wake_at(&wake, ((const Watch *)watch)->next_at);
    if (self->timer && self->timer_at == wake)
        return;
    g_clear_handle_id(&self->timer, g_source_remove);
    self->timer_at = wake;
    if (wake)
        self->timer = wake_source(wake, timer_fired, self);
}

/* ------------------------------------------------------------------ the turn */

static bool is_ours(const Attachment *attachment)
{
    return attachment && !attachment_is_foreign(attachment) && !attachment_is_in_flight(attachment);
}

static Watch *follow(Witness *self, const Device *device)
{
    Watch *watch = g_hash_table_lookup(self->watches, device->sysname);

    if (watch && watch->instance == device->instance)
        return watch;
    watch = g_new0(Watch, 1);
    watch->instance = device->instance;
    watch->bus_number = device->bus_number;
    watch->device_number = device->device_number;
    g_hash_table_replace(self->watches, g_strdup(device->sysname), watch);
    return watch;
}

/* True when a look was due and has shown something new. held_back: is_held_back(). */
static bool follow_device(Witness *self, const Allocation *allocation, Device *device, bool held_back,
                          gint64 now)
{
    bool listed = is_ours(allocation_attachment(allocation, device));
    Watch *watch = follow(self, device);
    bool is_new = !watch->hinted_at, changed = false, used, slowly;

    watch->possession = allocation_possession(allocation, device);
    used = held_back || watch->possession == POSSESSION_SHARED;
    slowly = used || listed;
    if (watch->listed != listed)
        kernel_word_begin_anew(&device->kernel, now);
    if (is_new || watch->listed != listed)
        hint(watch, now);
    if (slowly && !watch->slowly)
        hint(watch, now); /* what was seen last may be long ago */
    watch->listed = listed;
    watch->slowly = slowly;
    device->ours |= listed;
    if (used)
        node_watch_add(self->nodes, device->bus_number, device->device_number);
    else
        node_watch_remove(self->nodes, device->bus_number, device->device_number);
    if (watch->heard || (watch->next_at && watch->next_at <= now))
        changed = look_and_plan(self, watch, allocation->attachments, device, now);
    else
        plan(self, watch, allocation->attachments, device, now);
    return changed;
}

/* A program of the host has claimed it, which Device.HostUse tells whoever wants it; or has it open, and
 * nothing else keeps it from an assignment, be it the device's own or one that draws from a group. Nobody
 * tells when that ends. */
static bool is_held_back(const Allocation *allocation, const Device *device)
{
    Possession possession = allocation_possession(allocation, device);
    GHashTableIter iter;
    gpointer assignment;

    if (possession != POSSESSION_IN_USE && possession != POSSESSION_CLAIMED)
        return false;
    if (kernel_word_shows(&device->kernel, KERNEL_SIGN_CLAIMED))
        return true;
    g_hash_table_iter_init(&iter, allocation->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &assignment)) {
        Verdict verdict = allocation_judge(allocation, assignment, device);

        if (verdict == VERDICT_IN_USE || verdict == VERDICT_LOOKED_AT)
            return true;
    }
    return false;
}

/* True when what was heard before shows something new: nobody looks there any more. */
static bool forget_others(Witness *self, GHashTable *followed, gint64 now)
{
    GHashTableIter iter;
    gpointer sysname, value;
    bool changed = false;

    g_hash_table_iter_init(&iter, self->watches);
    while (g_hash_table_iter_next(&iter, &sysname, &value)) {
        const Watch *watch = value;

        Device *device = registry_device(self->registry, sysname);
        bool is_new = false;

        if (g_hash_table_contains(followed, sysname))
            continue;
        if (watch->heard && device && device->instance == watch->instance)
            look(device, now, &is_new);
        changed |= is_new;
        node_watch_remove(self->nodes, watch->bus_number, watch->device_number);
        g_hash_table_iter_remove(&iter);
    }
    return changed;
}

bool witness_turn(Witness *self, const Allocation *allocation, gint64 now)
{
    g_autoptr(GHashTable) followed = g_hash_table_new(g_str_hash, g_str_equal);
    bool changed = false;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;
        bool held_back = is_held_back(allocation, device);

        if (device->ours && !allocation_attachment(allocation, device) && is_home(device))
            device->ours = false;
        if (!device->ours && !allocation_want(allocation, device) &&
            !is_ours(allocation_attachment(allocation, device)) && !held_back)
            continue;
        g_hash_table_add(followed, device->sysname);
        changed |= follow_device(self, allocation, device, held_back, now);
    }
    changed |= forget_others(self, followed, now);
    arm(self);
    return changed;
}

/* A program of the host let go of a device. */
static void node_closed(unsigned bus_number, unsigned device_number, void *userdata)
{
    Witness *self = userdata;
    gint64 now = g_get_monotonic_time();
    GHashTableIter iter;
    gpointer sysname, watch;

    g_hash_table_iter_init(&iter, self->watches);
    while (g_hash_table_iter_next(&iter, &sysname, &watch)) {
        const Device *device = registry_device(self->registry, sysname);

        if (device && device->bus_number == bus_number && device->device_number == device_number)
            hint_by_event(watch, now);
    }
    arm(self);
}

Witness *witness_new(Registry *registry, void (*changed)(void *userdata), void *userdata)
{
    Witness *self = g_new0(Witness, 1);

    self->registry = registry;
    self->changed = changed;
    self->userdata = userdata;
    self->watches = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->nodes = node_watch_new(NODE_WATCH_FOLDER, node_closed, self);
    return self;
}

Witness *witness_free(Witness *self)
{
    if (!self)
        return NULL;
    g_clear_handle_id(&self->timer, g_source_remove);
    node_watch_free(self->nodes);
    g_hash_table_unref(self->watches);
    g_free(self);
    return NULL;
}
