/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what a turn saw to terms that begin, assignments that end, and devices that are held. Called by
 * manager.c; writes assignments, the store by way of stored-assignments.c, and one timer. */

#include "daemon/manager/terms.h"

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/stored-assignments.h"

/* A release that could not be stored is tried again after this time. */
#define RETRY_US (30 * G_USEC_PER_SEC)
/* The longest that the timer is set to: then it is set anew. */
#define TIMER_MAX_US (24 * 3600 * (gint64)G_USEC_PER_SEC)

#define US_PER_MS 1000

static bool is_over(const Assignment *assignment, int64_t now)
{
    return term_is_over(&assignment->trial, now) || term_is_over(&assignment->lease, now);
}

void terms_restore(Manager *self)
{
    int64_t now = term_now();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Assignment *assignment = value;

        assignment->expired = !assignment->damage && is_over(assignment, now);
    }
}

/* ------------------------------------------------------------------ begin */

static void begin(Manager *self, Assignment *assignment)
{
    bool tried = term_is_to_begin(&assignment->trial), leased = term_is_to_begin(&assignment->lease);

    if (assignment->n_has == 0 || (!tried && !leased))
        return;
    if (tried)
        term_begin(&assignment->trial);
    if (leased)
        term_begin(&assignment->lease);
    assignment->unsaved = true;
    registry_report(self->registry, OBJECT_ASSIGNMENT, assignment->id, ASSIGNMENT_FIELD_TERMS);
    reconciler_kick(self->reconciler); /* its Reason is another one */
}

/* ------------------------------------------------------------------ end */

static void released(const char *id, const GError *error, void *userdata)
{
    Manager *self = userdata;

    /* pending.c has told why. */
    if (error)
        self->terms_retry_at = term_now() + RETRY_US;
}

/* It loses the device at once, whether the disk takes the release or not. */
static void end(Manager *self, Assignment *assignment, int64_t now)
{
    bool tried = term_is_over(&assignment->trial, now);

    if (!assignment->expired) {
        assignment->expired = true;
        log_object(G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
                   "assignment %s: %s, and its device comes home", assignment->id,
                   tried ? "its try was not confirmed" : "its lease is over");
        registry_mark_pending(self->registry, assignment);
        reconciler_kick(self->reconciler);
    }
    if (self->terms_retry_at > now)
        return;
    registry_note_ended(self->registry, assignment->id,
                        tried
                            ? "its try ended without a confirmation, and its device came home; give it again"
                            : "its lease is over, and its device came home; give it again");
    stored_assignments_delete(self, assignment, /* start= */ false, released, self);
}

/* ------------------------------------------------------------------ held */

/* False while it can't be decided. A pool may have drawn another device meanwhile: then this one is home. */
static bool hold(const char *id, const char *sysname, void *userdata)
{
    Manager *self = userdata;
    Assignment *assignment = registry_assignment(self->registry, id);
    const Device *device = registry_device(self->registry, sysname);

    if (!assignment || !device || !assignment->wanted || assignment_is_ending(assignment) ||
        assignment->damage || g_strcmp0(device->assignment_id, id) != 0)
        return true;
    if (assignment->saving)
        return false;
    assignment->wanted = false;
    assignment->replugged = true;
    assignment->unsaved = true;
    log_object(
        G_LOG_LEVEL_MESSAGE, sysname, assignment->machine_uuid, id,
        "assignment %s: its device was unplugged and plugged in three times, and stays home until it is "
        "attached again",
        id);
    registry_mark_pending(self->registry, assignment);
    reconciler_kick(self->reconciler);
    return true;
}

/* ------------------------------------------------------------------ the timer */

static gboolean timer_fired(gpointer userdata)
{
    Manager *self = userdata;

    self->terms_timer = 0;
    reconciler_kick(self->reconciler);
    return G_SOURCE_REMOVE;
}

/* left: µs from now; 0 = nothing is to come. */
static void arm_timer(Manager *self, gint64 left)
{
    g_clear_handle_id(&self->terms_timer, g_source_remove);
    if (left)
        self->terms_timer =
            g_timeout_add((guint)(CLAMP(left, 0, TIMER_MAX_US) / US_PER_MS + 1), timer_fired, self);
}

static void come_sooner(gint64 *left, gint64 other)
{
    if (*left == 0 || other < *left)
        *left = MAX(other, 1);
}

void terms_look(const Allocation *allocation, Manager *self)
{
    int64_t now = term_now();
    gint64 left = 0, wake = 0;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Assignment *assignment = value;
        const Term *term;

        /* What is being stored of it may end its term, and is looked at when that is over. */
        if (!assignment->stored || assignment->saving || assignment->releasing || assignment->damage)
            continue;
        begin(self, assignment);
        term = assignment_term(assignment);
        if (is_over(assignment, now))
            end(self, assignment, now);
        if (assignment->expired && self->terms_retry_at > now)
            come_sooner(&left, self->terms_retry_at - now);
        else if (!assignment->expired && term)
            come_sooner(&left, term->ends_at - now);
    }
    replugs_take_due(self->registry->replugs, g_get_monotonic_time(), &wake, hold, self);
    if (wake)
        come_sooner(&left, wake - g_get_monotonic_time());
    arm_timer(self, left);
}

void terms_clear(Manager *self)
{
    g_clear_handle_id(&self->terms_timer, g_source_remove);
}
