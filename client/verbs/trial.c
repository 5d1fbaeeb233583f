/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seconds on a terminal, Enter and Ctrl-C; and Confirm() by itself. The service keeps the time: what is shown
 * here is counted down from what it said. */

#include "client/verbs/trial.h"

#include <glib/gi18n.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "client/bus/call.h"
#include "client/bus/path.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/view/failure.h"
#include "client/view/json.h"
#include "dbus/names.h"

/* How often the terminal is looked at and written to. */
#define TICK_MS 250

/* Of assignments that ended so many can be asked for by their ids. */
#define ID_LENGTH 8

bool trial_can_ask(const Client *client)
{
    return !client->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO) &&
           tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static bool order(Client *client, const char *assignment, const char *member, GError **error)
{
    if (g_str_equal(member, "Release"))
        return call_options(client, assignment, FERRY_INTERFACE_ASSIGNMENT, member,
                            g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0), error);
    g_autoptr(GVariant) reply =
        call_change(client, assignment, FERRY_INTERFACE_ASSIGNMENT, member, NULL, "()", error);
    return reply;
}

/* All of them; the first failure is the outcome. Each is one that is tried still. */
static Outcome order_all(Client *client, const GPtrArray *assignments, const char *member)
{
    Outcome outcome = OUTCOME_DONE;

    for (guint i = 0; i < assignments->len; i++) {
        g_autoptr(GError) error = NULL;

        if (order(client, assignments->pdata[i], member, &error))
            continue;
        failure_print(client, error);
        if (outcome == OUTCOME_DONE)
            outcome = (Outcome)error->code;
    }
    return outcome;
}

/* ------------------------------------------------------------------ the countdown */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    interrupted = 1;
}

/* One that is tried, and since when we know how much is left. */
typedef struct Countdown {
    const Model *model;
    GPtrArray *tried;  /* of char *, paths, borrowed */
    GHashTable *ends;  /* path → when it ends, by our clock (gint64 *) */
    GHashTable *known; /* path → the Expires that this was worked out from (guint64 *) */
} Countdown;

static void note_end(Countdown *self, const Object *assignment, gint64 now)
{
    const char *path = assignment->path;
    guint64 expires = object_number(assignment, "Expires");
    const guint64 *known = g_hash_table_lookup(self->known, path);
    gint64 end = now + (gint64)object_number(assignment, "ExpiresIn") * G_USEC_PER_SEC;

    if (known && *known == expires)
        return;
    g_hash_table_replace(self->known, g_strdup(path), g_memdup2(&expires, sizeof expires));
    g_hash_table_replace(self->ends, g_strdup(path), g_memdup2(&end, sizeof end));
}

/* What somebody else has confirmed, or taken home, is decided. */
static const Object *still_tried(const Countdown *self, const char *path)
{
    const Object *assignment = model_get(self->model, path, KIND_ASSIGNMENT);

    return assignment && object_flag(assignment, "Trial") &&
                   !g_str_equal(object_string(assignment, "State"), "detaching")
               ? assignment
               : NULL;
}

/* Paths, borrowed. New array. */
static GPtrArray *all_still_tried(const Countdown *self)
{
    GPtrArray *paths = g_ptr_array_new();

    for (guint i = 0; i < self->tried->len; i++)
        if (still_tried(self, self->tried->pdata[i]))
            g_ptr_array_add(paths, self->tried->pdata[i]);
    return paths;
}

/* What is being tried still; of those the seconds until the first one ends. */
static guint look(Countdown *self, unsigned *ret_seconds)
{
    g_autoptr(GPtrArray) tried = all_still_tried(self);
    gint64 now = g_get_monotonic_time(), first = G_MAXINT64;

    for (guint i = 0; i < tried->len; i++) {
        const char *path = tried->pdata[i];

        note_end(self, still_tried(self, path), now);
        first = MIN(first, *(const gint64 *)g_hash_table_lookup(self->ends, path));
    }
    *ret_seconds =
        first > now && tried->len ? (unsigned)((first - now + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC) : 0;
    return tried->len;
}

/* True when a line came. Its end, too, is nobody's word. */
static bool read_enter(bool *is_open)
{
    struct pollfd in = { .fd = *is_open ? STDIN_FILENO : -1, .events = POLLIN };
    char text[256];
    ssize_t n;

    if (poll(&in, 1, TICK_MS) <= 0 || !(in.revents & (POLLIN | POLLHUP)))
        return false;
    n = read(STDIN_FILENO, text, sizeof text);
    *is_open = n > 0;
    return n > 0;
}

/* Enter keeps, Ctrl-C takes home: what is tried still, and nothing that was decided meanwhile. */
static Outcome decide(Client *client, const Countdown *self, bool keep)
{
    g_autoptr(GPtrArray) tried = all_still_tried(self);
    Outcome outcome = order_all(client, tried, keep ? "Confirm" : "Release");

    if (outcome != OUTCOME_DONE)
        return outcome;
    puts(keep ? _("It stays with the VM.") : _("Taken home."));
    return keep ? OUTCOME_DONE : OUTCOME_FAILED;
}

/* It was decided by somebody else, or by the time. */
static Outcome tell_decided(const Countdown *self)
{
    for (guint i = 0; i < self->tried->len; i++) {
        const Object *assignment = model_get(self->model, self->tried->pdata[i], KIND_ASSIGNMENT);

        if (!assignment || object_flag(assignment, "Trial")) {
            puts(_("Nobody kept it: it comes home."));
            return OUTCOME_FAILED;
        }
    }
    puts(_("It was confirmed, and stays with the VM."));
    return OUTCOME_DONE;
}

/* Follows until it is decided: by Enter, by Ctrl-C, by somebody else, or by the time. */
static Outcome run_down(Client *client, Follow *follow, Countdown *self)
{
    bool in_is_open = true;
    unsigned seconds;

    /* What was typed before the question is no answer to it. */
    (void)tcflush(STDIN_FILENO, TCIFLUSH);
    while (look(self, &seconds) > 0) {
        g_autoptr(GError) error = NULL;
        FollowResult result;
        bool entered;

        fputc('\r', stderr);
        fprintf(stderr, _("Press Enter to keep what is tried, Ctrl-C to take it home now: home in %u s. "),
                seconds);
        fputs("\033[K", stderr);
        entered = read_enter(&in_is_open);
        /* What is there by now: nothing is waited for, the keys have been. */
        do
            result = follow_next(follow, g_get_monotonic_time(), &error);
        while (result == FOLLOW_CHANGED);
        if (result == FOLLOW_DEADLINE && !entered && !interrupted)
            continue;
        fputs("\r\033[K", stderr);
        if (result == FOLLOW_DEADLINE && look(self, &seconds) > 0)
            return decide(client, self, /* keep= */ entered);
        if (result == FOLLOW_DEADLINE)
            return tell_decided(self);
        if (!error)
            error = follow_gone_error();
        failure_print(client, error);
        return (Outcome)error->code;
    }
    fputs("\r\033[K", stderr);
    return tell_decided(self);
}

/* Those whose time runs; the others are told about. */
static GPtrArray *running(const Model *model, const GPtrArray *assignments)
{
    GPtrArray *tried = g_ptr_array_new();

    for (guint i = 0; i < assignments->len; i++) {
        const Object *assignment = model_get(model, assignments->pdata[i], KIND_ASSIGNMENT);

        if (!assignment || !object_flag(assignment, "Trial"))
            continue;
        if (object_number(assignment, "Expires") > 0) {
            g_ptr_array_add(tried, assignments->pdata[i]);
            continue;
        }
        g_autofree char *id = object_id(assignment);
        printf(_("The try begins when the device is in the VM; usbferry confirm %s keeps it, then or now.\n"),
               id);
    }
    return tried;
}

Outcome trial_count_down(Client *client, Follow *follow, GPtrArray *assignments)
{
    g_autoptr(GError) error = NULL;

    /* how much is left, as of now */
    if (!follow_fetch(follow, &error)) {
        failure_print(client, error);
        return (Outcome)error->code;
    }
    g_autoptr(GPtrArray) tried = running(follow_model(follow), assignments);
    g_autoptr(GHashTable) ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    Countdown countdown = { .model = follow_model(follow), .tried = tried, .ends = ends, .known = known };
    struct sigaction act = { .sa_handler = on_interrupt }, before;

    if (tried->len == 0)
        return OUTCOME_DONE;
    (void)sigaction(SIGINT, &act, &before);
    Outcome outcome = run_down(client, follow, &countdown);
    (void)sigaction(SIGINT, &before, NULL);
    return outcome;
}

/* ------------------------------------------------------------------ confirm */

/* One that isn't there any more, perhaps because its try ended: the service says so. */
static char *path_of_ended(const char *word)
{
    for (const char *c = word; *c; c++)
        if (!g_ascii_isalnum(*c) || g_ascii_isupper(*c))
            return NULL;
    return strlen(word) == ID_LENGTH ? path_of_assignment(word) : NULL;
}

static void print_confirmed(GVariantBuilder *records, const Client *client, const Object *assignment)
{
    g_autofree char *id = object_id(assignment);
    g_autofree char *text = object_describe(assignment);

    if (client->json)
        g_variant_builder_add_value(
            records, g_variant_new_parsed("{'assignment-id': <%s>, 'assignment': <%s>, 'path': <%s>,"
                                          " 'result': <'confirmed'>}",
                                          id, object_name(assignment), assignment->path));
    else
        printf(_("%c%s stays.\n"), g_ascii_toupper(*text), text + 1);
}

/* What the words mean; without any, all that is being tried. Of Object, borrowed; NULL after an error. */
static GPtrArray *find_all(Client *client, const Model *model, char **words, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    g_autoptr(GPtrArray) all = model_sorted(model, KIND_ASSIGNMENT);

    for (guint i = 0; !*words && i < all->len; i++)
        if (object_flag(all->pdata[i], "Trial"))
            g_ptr_array_add(found, all->pdata[i]);
    for (; *words; words++) {
        g_autoptr(GError) local = NULL;
        const Object *assignment = target_find_assignment(client, model, *words, &local);
        g_autofree char *ended = assignment ? NULL : path_of_ended(*words);

        if (assignment) {
            if (!g_ptr_array_find(found, assignment, NULL))
                g_ptr_array_add(found, (void *)assignment);
            continue;
        }
        if (!ended || local->code != OUTCOME_NOT_FOUND || order(client, ended, "Confirm", error))
            g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&found);
}

static Outcome confirm(Client *client, char **words, GError **error)
{
    Outcome outcome = OUTCOME_DONE;

    g_auto(GStrv) rest = options_parse(
        client, words, NULL,
        _("Without one: all that are being tried. A DEVICE stands for its assignment.\n"), 0, -1, error);
    if (!rest)
        return OUTCOME_USAGE;
    g_autoptr(Model) model = model_fetch(client, error);
    g_autoptr(GPtrArray) found = model ? find_all(client, model, rest, error) : NULL;
    if (!found)
        return OUTCOME_FAILED;

    g_auto(GVariantBuilder) records = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < found->len; i++) {
        const Object *assignment = found->pdata[i];
        g_autoptr(GError) local = NULL;

        if (order(client, assignment->path, "Confirm", &local)) {
            print_confirmed(&records, client, assignment);
            continue;
        }
        failure_print(client, local);
        if (outcome == OUTCOME_DONE)
            outcome = (Outcome)local->code;
    }
    if (client->json)
        json_print(g_variant_builder_end(&records));
    else if (found->len == 0)
        puts(_("Nothing is being tried."));
    return outcome;
}

const Verb verb_confirm = { "confirm", "[ASSIGNMENT|DEVICE…]", N_("Keeps what was given for a try"),
                            confirm };
