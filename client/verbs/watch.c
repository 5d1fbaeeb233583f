/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watch: follows the service of one host or several and prints a line for every change, or a table that is
 * always true, until it is stopped. One loop waits for all of them; only the first fetch, which may hang, is
 * done by threads. */

#include "client/verbs/watch.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "client/bus/client.h"
#include "client/bus/fleet.h"
#include "client/bus/follow.h"
#include "client/verbs/hosts.h"
#include "client/verbs/options.h"
#include "client/verbs/overview.h"
#include "client/verbs/target.h"
#include "client/verbs/watch-print.h"
#include "client/view/failure.h"
#include "client/view/overview.h"

typedef struct Watch {
    Client *client;
    char **words; /* what is watched, borrowed; none = everything */
    bool table;
    GPtrArray *stations;
    gint64 late; /* who isn't there then is told of; G_MAXINT64 = all are told of */
    gint64 due;  /* something was changed, and the table is shown then; G_MAXINT64 = nothing was */
} Watch;

/* One host that is watched. */
typedef struct Station {
    Watch *watch;
    const char *name; /* as -H has it, borrowed; NULL = the only one */
    Visit *visit;     /* of several: on the way to it */
    Client *client;   /* NULL = not there yet, or over */
    bool owns_client;
    Follow *follow;
    GPtrArray *paths; /* of what was named, owned */
} Station;

static void station_close(Station *station)
{
    g_clear_pointer(&station->visit, visit_unref);
    g_clear_pointer(&station->follow, follow_free);
    if (station->client && station->owns_client) {
        client_done(station->client);
        g_free(station->client);
    }
    station->client = NULL;
}

static void station_free(Station *station)
{
    station_close(station);
    g_ptr_array_unref(station->paths);
    g_free(station);
}

static Station *station_add(Watch *watch, const char *name)
{
    Station *station = g_new0(Station, 1);

    station->watch = watch;
    station->name = name;
    station->paths = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(watch->stations, station);
    return station;
}

static void watch_clear(Watch *watch)
{
    g_clear_pointer(&watch->stations, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Watch, watch_clear)

/* ------------------------------------------------------------------ what is watched */

/* The path stands somewhere in it. */
static bool has_path(GVariant *value, const char *path)
{
    bool found = g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH) &&
                 g_str_equal(g_variant_get_string(value, NULL), path);

    for (gsize i = 0; !found && g_variant_is_container(value) && i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        found = has_path(child, path);
    }
    return found;
}

/* It is what was named, or a device or assignment of that, or was before. */
static bool concerns(const Object *object, GHashTable *before, const char *path)
{
    GHashTableIter iter;
    void *value;

    if (g_str_equal(object->path, path))
        return true;
    if (object->kind != KIND_DEVICE && object->kind != KIND_ASSIGNMENT)
        return false;
    g_hash_table_iter_init(&iter, object->values);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (has_path(value, path))
            return true;
    if (!before)
        return false;
    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (has_path(value, path))
            return true;
    return false;
}

static bool is_watched(const Station *station, const Object *object, GHashTable *before)
{
    for (guint i = 0; i < station->paths->len; i++)
        if (concerns(object, before, station->paths->pdata[i]))
            return true;
    return station->paths->len == 0;
}

/* All words are good, or nothing is watched. */
static bool find_watched(Station *station, GError **error)
{
    for (char **word = station->watch->words; *word; word++) {
        const Object *object =
            target_find(station->client, follow_model(station->follow), TARGET_ANY, *word, error);
        if (!object)
            return false;
        g_ptr_array_add(station->paths, g_strdup(object->path));
    }
    return true;
}

/* ------------------------------------------------------------------ lines */

static WatchSource station_source(const Station *station, const Model *model)
{
    return (WatchSource){ .host = object_name(model_manager(model)),
                          .several = station->name != NULL,
                          .json = station->watch->client->json };
}

static void on_change(const Model *model, ModelEvent event, const Object *object, GHashTable *before,
                      void *userdata)
{
    const Station *station = userdata;
    WatchSource source = station_source(station, model);

    if (!station->watch->table && is_watched(station, object, before))
        watch_print_change(&source, model, event, object, before);
}

static void print_service(const Station *station, const char *event, const char *text)
{
    WatchSource source = station_source(station, follow_model(station->follow));

    watch_print_service(&source, event, text);
}

/* ------------------------------------------------------------------ the board */

/* What happens at once is shown at once. */
#define BOARD_DELAY_USEC (100 * G_TIME_SPAN_MILLISECOND)

static GPtrArray *board_rows(const Station *station)
{
    g_autoptr(GPtrArray) all = overview_rows(follow_model(station->follow));
    GPtrArray *rows = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++)
        if (is_watched(station, all->pdata[i], NULL))
            g_ptr_array_add(rows, all->pdata[i]);
    return rows;
}

static void print_board(const Watch *watch)
{
    g_autoptr(GPtrArray) models = g_ptr_array_new();
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%F %T");

    for (guint i = 0; i < watch->stations->len; i++) {
        const Station *station = watch->stations->pdata[i];
        if (!station->follow)
            continue;
        g_ptr_array_add(models, (void *)follow_model(station->follow));
        g_ptr_array_add(rows, board_rows(station));
    }
    /* in a pipe one board follows the other */
    fputs(isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "", stdout);
    puts(time);
    if (fleet_is_asked(watch->client))
        hosts_print_overview(models, rows);
    else if (models->len > 0)
        overview_print(models->pdata[0], rows->pdata[0]);
    putchar('\n');
    fflush(stdout);
}

/* ------------------------------------------------------------------ the loop */

/* It is there, fetched and told to nobody yet. False: a word means nothing there. */
static bool station_begin(Station *station, GError **error)
{
    if (!find_watched(station, error))
        return false;
    follow_tell_to(station->follow, on_change, station);
    if (station->watch->table)
        station->watch->due = 0;
    else
        print_service(station, "watching", _("watching for changes"));
    return true;
}

/* The others go on. False: this was the only one, or the last. */
static bool station_fail(Station *station, GError *failure, GError **error)
{
    Watch *watch = station->watch;

    if (!station->name) {
        g_propagate_error(error, failure);
        return false;
    }
    failure_print(watch->client, failure);
    g_error_free(failure);
    station_close(station);
    for (guint i = 0; i < watch->stations->len; i++) {
        const Station *other = watch->stations->pdata[i];
        if (other->visit || other->follow)
            return true;
    }
    return false;
}

/* The same, of an error that doesn't name the host yet. */
static bool station_fail_named(Station *station, GError *failure, GError **error)
{
    if (!station->name)
        return station_fail(station, failure, error);

    g_autoptr(GError) unnamed = failure;
    return station_fail(station, fleet_host_error(station->name, unnamed), error);
}

static bool station_arrive(Station *station, GError **error)
{
    GError *failure = NULL;

    if (!visit_take(station->visit, &station->client, &station->follow, &failure))
        return true;
    g_clear_pointer(&station->visit, visit_unref);
    if (failure)
        return station_fail(station, failure, error);
    station->owns_client = true;
    return station_begin(station, &failure) || station_fail_named(station, failure, error);
}

/* So much of one host at a time: one that never stops talking keeps nobody from the others. */
#define TURN_MAX 64

/* Tells what has happened there. False as of station_fail(). */
static bool station_read(Station *station, GError **error)
{
    Watch *watch = station->watch;
    GError *failure = NULL;

    for (unsigned i = 0; i < TURN_MAX; i++)
        switch (follow_next(station->follow, 0, &failure)) {
        case FOLLOW_DEADLINE:
            return true;
        case FOLLOW_ERROR:
            return station_fail_named(station, failure, error);
        case FOLLOW_GONE:
            print_service(station, "gone", _("the service left the bus"));
            break;
        case FOLLOW_BACK:
            print_service(station, "back", _("the service is back"));
            /* what changed meanwhile is told as changes */
            if (!follow_begin_fetch(station->follow, &failure))
                return station_fail_named(station, failure, error);
            break;
        case FOLLOW_CHANGED:
            watch->due = MIN(watch->due, g_get_monotonic_time() + BOARD_DELAY_USEC);
            break;
        }
    return true;
}

static void tell_late(Watch *watch)
{
    for (guint i = 0; i < watch->stations->len; i++) {
        const Station *station = watch->stations->pdata[i];
        if (!station->visit)
            continue;
        g_autoptr(GError) late = fleet_late_error(watch->client, station->name);
        failure_print(watch->client, late);
    }
    watch->late = G_MAXINT64;
}

/* What happens next anywhere, or that it is time. */
static bool wait_for_any(const Watch *watch, GError **error)
{
    g_autofree struct pollfd *fds = g_new0(struct pollfd, watch->stations->len);
    gint64 until = MIN(watch->late, watch->table ? watch->due : G_MAXINT64);

    for (guint i = 0; i < watch->stations->len; i++) {
        const Station *station = watch->stations->pdata[i];
        gint64 deadline = G_MAXINT64;
        int r = 0;

        fds[i].fd = -1;
        if (station->visit)
            fds[i] = (struct pollfd){ .fd = visit_fd(station->visit), .events = POLLIN };
        else if (station->follow)
            r = follow_poll(station->follow, &fds[i], &deadline);
        /* follow_next() finds out itself what is wrong with it */
        until = MIN(until, r < 0 ? 0 : deadline);
    }

    gint64 left = until == G_MAXINT64 ? -1 : MAX(until - g_get_monotonic_time(), 0);
    struct timespec time = { .tv_sec = left / G_USEC_PER_SEC, .tv_nsec = left % G_USEC_PER_SEC * 1000 };
    if (ppoll(fds, watch->stations->len, left < 0 ? NULL : &time, NULL) < 0 && errno != EINTR) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("cannot wait: %s"), g_strerror(errno));
        return false;
    }
    return true;
}

static Outcome watch_loop(Watch *watch, GError **error)
{
    for (;;) {
        for (guint i = 0; i < watch->stations->len; i++) {
            Station *station = watch->stations->pdata[i];
            if (station->visit && !station_arrive(station, error))
                return OUTCOME_FAILED;
            if (station->follow && !station_read(station, error))
                return OUTCOME_FAILED;
        }
        if (g_get_monotonic_time() >= watch->late)
            tell_late(watch);
        if (watch->table && g_get_monotonic_time() >= watch->due) {
            watch->due = G_MAXINT64;
            print_board(watch);
        }
        if (!wait_for_any(watch, error))
            return OUTCOME_FAILED;
    }
}

/* ------------------------------------------------------------------ the verb */

static bool begin_one(Watch *watch, GError **error)
{
    Station *station = station_add(watch, NULL);

    station->client = watch->client;
    station->follow = follow_new(watch->client, NULL, NULL, error);
    return station->follow && follow_fetch(station->follow, error) && station_begin(station, error);
}

static void begin_several(Watch *watch)
{
    watch->late = fleet_deadline(watch->client);
    for (char **host = watch->client->hosts; *host; host++)
        station_add(watch, *host)->visit = visit_new(*host);
    for (guint i = 0; i < watch->stations->len; i++)
        visit_begin(((Station *)watch->stations->pdata[i])->visit);
}

static Outcome watch_all(Client *client, char **words, GError **error)
{
    gboolean table = FALSE;
    const GOptionEntry entries[] = {
        { "table", 0, 0, G_OPTION_ARG_NONE, &table, N_("A table that is always as it is now"), NULL },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 0, -1, error);
    if (!rest)
        return OUTCOME_USAGE;
    if (table && client->json) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--table is for people, --json for programs"));
        return OUTCOME_USAGE;
    }
    g_auto(Watch) watch = { .client = client,
                            .words = rest,
                            .table = table,
                            .stations = g_ptr_array_new_with_free_func((GDestroyNotify)station_free),
                            .late = G_MAXINT64,
                            .due = G_MAXINT64 };
    /* a line is there when it is printed, also in a pipe */
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fleet_is_asked(client))
        begin_several(&watch);
    else if (!begin_one(&watch, error))
        return OUTCOME_FAILED;
    return watch_loop(&watch, error);
}

const Verb verb_watch = { "watch", "[DEVICE|ASSIGNMENT|VM|GROUP …]", N_("Prints a line for every change"),
                          watch_all, .takes_hosts = true };
