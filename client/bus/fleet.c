/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread for each host fetches over a connection that was opened before any of them began. It hands both
 * over through the visit, which whoever gives up first leaves to the other. */

#include "client/bus/fleet.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/bus/escape.h"

struct Visit {
    char *host;
    bool follows; /* a follow is what is wanted, not a model alone */
    int fd;
    Client *client; /* the thread's while it runs */
    GMutex lock;    /* for what comes now */
    bool over;
    Follow *follow;
    Model *model;
    GError *error;
};

/* ------------------------------------------------------------------ visits */

static void client_free(Client *client)
{
    if (client)
        client_done(client);
    g_free(client);
}

static void visit_clear(Visit *visit)
{
    g_free(visit->host);
    close(visit->fd);
    follow_free(visit->follow);
    model_free(visit->model);
    client_free(visit->client);
    g_clear_error(&visit->error);
    g_mutex_clear(&visit->lock);
}

void visit_unref(Visit *visit)
{
    g_atomic_rc_box_release_full(visit, (GDestroyNotify)visit_clear);
}

GError *fleet_host_error(const char *host, const GError *error)
{
    g_autofree char *name = escape_text(host);

    return error_with_text(error, g_strdup_printf("%s: %s", name, error->message));
}

/* The lock is held, or nobody else knows of it. */
static void visit_end(Visit *visit, const GError *error)
{
    visit->error = error ? fleet_host_error(visit->host, error) : NULL;
    visit->over = true;
    eventfd_write(visit->fd, 1);
}

static void *visit_run(void *userdata)
{
    Visit *visit = userdata;
    g_autoptr(GError) error = NULL;
    Follow *follow = NULL;
    Model *model = NULL;

    if (visit->follows)
        follow = follow_new(visit->client, NULL, NULL, &error);
    else
        model = model_fetch(visit->client, &error);
    if (follow && !follow_fetch(follow, &error))
        follow = follow_free(follow);

    g_mutex_lock(&visit->lock);
    visit->follow = follow;
    visit->model = model;
    visit_end(visit, error);
    g_mutex_unlock(&visit->lock);
    visit_unref(visit);
    return NULL;
}

/* Opening waits for no answer, the first call does. But it forks, for ssh, and a fork beside threads gives
 * the child their locks as they are, which nobody there ever opens. */
static Visit *visit_open(const char *host, bool follows)
{
    Visit *visit = g_atomic_rc_box_new0(Visit);
    g_autoptr(GError) error = NULL;

    visit->host = g_strdup(host);
    visit->follows = follows;
    visit->fd = eventfd(0, EFD_CLOEXEC);
    g_mutex_init(&visit->lock);
    visit->client = g_new0(Client, 1);
    visit->client->host = g_strdup(host);
    if (!client_connect(visit->client, &error))
        visit_end(visit, error);
    return visit;
}

Visit *visit_new(const char *host)
{
    return visit_open(host, /* follows= */ true);
}

void visit_begin(Visit *visit)
{
    if (!visit->over)
        g_thread_unref(g_thread_new("host", visit_run, g_atomic_rc_box_acquire(visit)));
}

int visit_fd(const Visit *visit)
{
    return visit->fd;
}

bool visit_take(Visit *visit, Client **ret_client, Follow **ret_follow, GError **ret_error)
{
    g_mutex_lock(&visit->lock);
    bool over = visit->over;
    if (over && visit->follow) {
        *ret_client = g_steal_pointer(&visit->client);
        *ret_follow = g_steal_pointer(&visit->follow);
    } else if (over)
        *ret_error = g_steal_pointer(&visit->error);
    g_mutex_unlock(&visit->lock);
    return over;
}

/* ------------------------------------------------------------------ lists */

static int host_seconds(const Client *client)
{
    return client->host_seconds > 0 ? client->host_seconds : FLEET_HOST_SECONDS;
}

GError *fleet_late_error(const Client *client, const char *host)
{
    g_autofree char *name = escape_text(host);

    return g_error_new(CLIENT_ERROR, OUTCOME_FAILED, _("%s: no answer within %d s"), name,
                       host_seconds(client));
}

gint64 fleet_deadline(const Client *client)
{
    return g_get_monotonic_time() + host_seconds(client) * G_TIME_SPAN_SECOND;
}

/* False: it isn't over. */
static bool host_look(FleetHost *host)
{
    g_mutex_lock(&host->visit->lock);
    bool over = host->visit->over;
    if (over) {
        host->model = g_steal_pointer(&host->visit->model);
        host->error = g_steal_pointer(&host->visit->error);
    }
    g_mutex_unlock(&host->visit->lock);
    if (over)
        g_clear_pointer(&host->visit, visit_unref);
    return over;
}

static void host_free(FleetHost *host)
{
    g_clear_pointer(&host->visit, visit_unref);
    model_free(host->model);
    g_clear_error(&host->error);
    g_free(host);
}

bool fleet_is_asked(const Client *client)
{
    return client->hosts && client->hosts[0] && client->hosts[1];
}

GPtrArray *fleet_begin(const Client *client)
{
    GPtrArray *hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);

    for (char **name = client->hosts; *name; name++) {
        FleetHost *host = g_new0(FleetHost, 1);
        host->host = *name;
        host->visit = visit_open(*name, /* follows= */ false);
        g_ptr_array_add(hosts, host);
    }
    for (guint i = 0; i < hosts->len; i++)
        visit_begin(((FleetHost *)hosts->pdata[i])->visit);
    return hosts;
}

/* How many have answered since the last look, and how many haven't. */
static guint look_at_all(GPtrArray *hosts, guint *ret_left)
{
    guint n = 0;

    *ret_left = 0;
    for (guint i = 0; i < hosts->len; i++) {
        FleetHost *host = hosts->pdata[i];
        if (host->visit && host_look(host))
            n++;
        *ret_left += host->visit != NULL;
    }
    return n;
}

static void poll_all(GPtrArray *hosts, gint64 until)
{
    g_autofree struct pollfd *fds = g_new0(struct pollfd, hosts->len);
    gint64 left = MAX(until - g_get_monotonic_time(), 0);

    for (guint i = 0; i < hosts->len; i++) {
        const FleetHost *host = hosts->pdata[i];
        fds[i] = (struct pollfd){ .fd = host->visit ? host->visit->fd : -1, .events = POLLIN };
    }
    (void)poll(fds, hosts->len, (int)((left + G_TIME_SPAN_MILLISECOND - 1) / G_TIME_SPAN_MILLISECOND));
}

bool fleet_wait(GPtrArray *hosts, bool all, gint64 until)
{
    for (;;) {
        guint left, n = look_at_all(hosts, &left);

        if (n > 0 && (!all || left == 0))
            return true;
        if (left == 0 || g_get_monotonic_time() >= until)
            return false;
        poll_all(hosts, until);
    }
}

void fleet_end(const Client *client, GPtrArray *hosts)
{
    for (guint i = 0; i < hosts->len; i++) {
        FleetHost *host = hosts->pdata[i];

        if (!host->visit)
            continue;
        host->error = fleet_late_error(client, host->host);
        g_clear_pointer(&host->visit, visit_unref);
    }
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
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("%s names no hosts, one on each line"), path);
        return NULL;
    }
    g_ptr_array_add(hosts, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&hosts), FALSE);
}
