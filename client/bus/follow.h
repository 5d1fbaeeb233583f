/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Follow: keeps a model true to the service by its signals.
 *
 * Subscribe first, fetch once, then follow: no change is missed between the fetch and the first signal, and
 * none that is older than the fetch is taken for new. Only signals of the connection that answered the fetch
 * count: anybody on the bus can send us signals that look like the service's. */

#include <glib.h>
#include <poll.h>
#include <stdbool.h>

#include "client/bus/client.h"
#include "client/bus/model.h"

typedef struct Follow Follow;

/* One GetManagedObjects and nothing more. */
Model *model_fetch(Client *client, GError **error);

/* Subscribes. func (may be NULL) is told of every change after the first fetch. */
Follow *follow_new(Client *client, ModelFunc func, void *userdata, GError **error);
Follow *follow_free(Follow *follow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Follow, follow_free)

/* Who is told of the changes from now on. */
void follow_tell_to(Follow *follow, ModelFunc func, void *userdata);

/* Fetches, or fetches again: after this the model is as new as any answer that we got before. */
bool follow_fetch(Follow *follow, GError **error);
/* The same without waiting for it: follow_next() has what comes of it. */
bool follow_begin_fetch(Follow *follow, GError **error);

const Model *follow_model(const Follow *follow);

typedef enum FollowResult {
    FOLLOW_ERROR,
    FOLLOW_CHANGED,
    FOLLOW_DEADLINE,
    FOLLOW_GONE, /* the service left the bus; the model stays as it was */
    FOLLOW_BACK, /* a new one is there: fetch again */
} FollowResult;

/* Waits for the next change. deadline: µs of g_get_monotonic_time(), G_MAXINT64 = none. */
FollowResult follow_next(Follow *follow, gint64 deadline, GError **error);

/* What to wait for together with other things, until follow_next() is called; deadline is of
 * g_get_monotonic_time(). */
int follow_poll(const Follow *follow, struct pollfd *ret_pollfd, gint64 *ret_deadline);

/* The error for a service that left while something was awaited of it. */
GError *follow_gone_error(void);
