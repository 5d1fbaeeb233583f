/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the store's answer to the caller's, in this order: settle, tell, look again. */

#include "daemon/manager/pending.h"

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

typedef struct Pending {
    Manager *manager;
    PendingChange change; /* its texts are owned here */
    uint32_t who;         /* asked for it */
} Pending;

static void pending_free(gpointer data)
{
    Pending *pending = data;

    if (pending->change.payload && pending->change.free_payload)
        pending->change.free_payload(pending->change.payload);
    g_free((char *)pending->change.id);
    g_free((char *)pending->change.answer);
    g_free(pending);
}

/* Of what follows from a decision: who made that. */
static uint32_t who_asks(const Manager *manager)
{
    uint32_t who = history_who(manager->history);

    return who == HISTORY_NOBODY && manager->asker ? manager->asker(manager->asker_userdata) : who;
}

static Pending *pending_new(Manager *manager, const PendingChange *change)
{
    Pending *pending = g_new(Pending, 1);

    pending->manager = manager;
    pending->change = *change;
    pending->change.id = g_strdup(change->id);
    pending->change.answer = g_strdup(change->answer);
    pending->who = who_asks(manager);
    return pending;
}

static void stored(const GError *error, void *userdata)
{
    Pending *pending = userdata;
    PendingChange *change = &pending->change;
    History *history = pending->manager->history;
    uint32_t who = history_who(history);
    const char *answer = change->answer ? change->answer : change->id;

    if (error)
        log_event(LOG_EVENT_NOT_STORED, NULL, NULL, NULL, "%s cannot be stored: %s", change->id,
                  error->message);
    history_set_who(history, pending->who);
    change->settle(pending->manager, change->id, g_steal_pointer(&change->payload), !error);
    if (!error)
        hands_off_look(pending->manager->hands_off);
    change->done(error ? NULL : answer, error, change->userdata);
    history_set_who(history, who);
    reconciler_kick(pending->manager->reconciler);
    pending_free(pending);
}

void pending_save(Manager *manager, StoreArea area, const char *kind, GKeyFile *file,
                  const PendingChange *change)
{
    store_save(manager->store, area, kind, change->id, file, stored, pending_new(manager, change),
               pending_free);
}

void pending_delete(Manager *manager, StoreArea area, const char *kind, const PendingChange *change)
{
    store_delete(manager->store, area, kind, change->id, stored, pending_new(manager, change), pending_free);
}

void pending_commit(Manager *manager, StoreBatch *batch, const PendingChange *change)
{
    store_commit(manager->store, batch, stored, pending_new(manager, change), pending_free);
}
