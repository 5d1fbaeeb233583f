/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread for each host: it opens its connection, fetches, and closes it. Who is too slow is left behind. */

#include "client/bus/fleet.h"

#include <string.h>

#include "client/bus/escape.h"
#include "client/bus/follow.h"

/* Longer than any host that works takes over ssh; one that is down mostly doesn't even refuse. */
#define PATIENCE_USEC (10 * G_TIME_SPAN_SECOND)

/* Outlives whoever gives up first: the thread or the one who waits. */
typedef struct Visit {
    char *host;
    GMutex lock;
    GCond done;
    bool over;
    Model *model;
    GError *error;
} Visit;

static void visit_clear(Visit *visit)
{
    g_free(visit->host);
    model_free(visit->model);
    g_clear_error(&visit->error);
    g_mutex_clear(&visit->lock);
    g_cond_clear(&visit->done);
}

static void visit_unref(Visit *visit)
{
    g_atomic_rc_box_release_full(visit, (GDestroyNotify)visit_clear);
}

static void *visit_run(void *userdata)
{
    Visit *visit = userdata;
    Client client = { .host = g_strdup(visit->host) };
    GError *error = NULL;
    Model *model = model_fetch(&client, &error);

    client_done(&client);
    g_mutex_lock(&visit->lock);
    visit->model = model;
    visit->error = error;
    visit->over = true;
    g_cond_signal(&visit->done);
    g_mutex_unlock(&visit->lock);
    visit_unref(visit);
    return NULL;
}

static Visit *visit_begin(const char *host)
{
    Visit *visit = g_atomic_rc_box_new0(Visit);

    visit->host = g_strdup(host);
    g_mutex_init(&visit->lock);
    g_cond_init(&visit->done);
    g_thread_unref(g_thread_new("host", visit_run, g_atomic_rc_box_acquire(visit)));
    return visit;
}

static void visit_end(Visit *visit, gint64 deadline, FleetHost *host)
{
    g_autofree char *name = escape_text(visit->host);
    GError *error = NULL;

    g_mutex_lock(&visit->lock);
    while (!visit->over && g_cond_wait_until(&visit->done, &visit->lock, deadline))
        ;
    if (visit->over) {
        host->model = g_steal_pointer(&visit->model);
        error = g_steal_pointer(&visit->error);
    } else
        error = g_error_new(CLIENT_ERROR, OUTCOME_FAILED, "no answer within %d s",
                            (int)(PATIENCE_USEC / G_TIME_SPAN_SECOND));
    g_mutex_unlock(&visit->lock);
    visit_unref(visit);
    if (!error)
        return;
    host->error = error_with_text(error, g_strdup_printf("%s: %s", name, error->message));
    g_error_free(error);
}

static void host_free(FleetHost *host)
{
    model_free(host->model);
    g_clear_error(&host->error);
    g_free(host);
}

bool fleet_is_asked(const Client *client)
{
    return client->hosts && client->hosts[0] && client->hosts[1];
}

GPtrArray *fleet_fetch(const Client *client)
{
    GPtrArray *hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);
    g_autoptr(GPtrArray) visits = g_ptr_array_new();
    gint64 deadline = g_get_monotonic_time() + PATIENCE_USEC;

    for (char **host = client->hosts; *host; host++)
        g_ptr_array_add(visits, visit_begin(*host));
    for (guint i = 0; i < visits->len; i++) {
        FleetHost *host = g_new0(FleetHost, 1);
        host->host = client->hosts[i];
        visit_end(visits->pdata[i], deadline, host);
        g_ptr_array_add(hosts, host);
    }
    return hosts;
}

char **fleet_read_hosts(GError **error)
{
    g_autofree char *path = g_build_filename(g_get_user_config_dir(), "usbferry", "hosts", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(g_free);

    if (!g_file_get_contents(path, &text, NULL, NULL))
        text = g_strdup("");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        (*line)[strcspn(*line, "#")] = '\0';
        if (*g_strstrip(*line))
            g_ptr_array_add(hosts, g_strdup(*line));
    }
    if (hosts->len == 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "%s names no hosts, one on each line", path);
        return NULL;
    }
    g_ptr_array_add(hosts, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&hosts), FALSE);
}
