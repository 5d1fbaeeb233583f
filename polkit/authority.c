/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks polkit over its own connection, and waits for answers without blocking. */

#include "polkit/authority.h"

/* polkit keeps the agent half of its interface behind this; the half that is used here is stable. */
#define POLKIT_I_KNOW_API_IS_SUBJECT_TO_CHANGE
#include <polkit/polkit.h>

/* polkitd may be restarted while it asks somebody; the question is put once more then. */
#define TRIES_MAX 2

/* When nobody is to be asked, the answer is due by then. A rule may run programs, which polkit allows 10 s;
 * and polkit 122 sometimes doesn't notice that its rules are through, and waits 15 s before it answers all
 * the same.
 */
#define ANSWER_DEADLINE_S 20

/* When one polkitd has taken over from another, GLib sends to the one that is gone until the new one has told
 * its properties, which takes it as long as its start. It is looked again after this, so often. */
#define TAKE_OVER_MS  100
#define TAKE_OVER_MAX 50

struct Authority {
    GCancellable *connecting; /* NULL = not trying to connect */
    PolkitAuthority *polkit;  /* NULL until connected */
    GHashTable *checks;       /* set of AuthorityCheck: those that still have to be answered */
};

struct AuthorityCheck {
    Authority *authority; /* NULL: nobody waits for the answer any more */
    char *sender;
    char *action;
    PolkitDetails *details;
    bool interactive;
    AuthorityDone done;
    void *userdata;

    unsigned tries;
    unsigned pauses;
    guint pause;               /* source; 0 = a call is running */
    GCancellable *cancellable; /* of the running call; it also makes polkit close the dialog */
    guint deadline;            /* source; 0 = somebody may be asked, and takes as long as he takes */
};

static void check_free(AuthorityCheck *check)
{
    g_free(check->sender);
    g_free(check->action);
    g_clear_object(&check->details);
    g_clear_object(&check->cancellable);
    g_free(check);
}

/* Nobody waits for its answer any more. */
static void check_forget(AuthorityCheck *check)
{
    g_hash_table_remove(check->authority->checks, check);
    check->authority = NULL;
    g_clear_handle_id(&check->deadline, g_source_remove);
    if (check->cancellable && !check->pause) {
        g_cancellable_cancel(check->cancellable); /* check_answered() frees it */
        return;
    }
    g_clear_handle_id(&check->pause, g_source_remove);
    check_free(check);
}

static void check_finish(AuthorityCheck *check, AuthorityVerdict verdict, const char *text)
{
    g_hash_table_remove(check->authority->checks, check);
    g_clear_handle_id(&check->deadline, g_source_remove);
    check->done(verdict, text, check->userdata);
    check_free(check);
}

static gboolean check_is_late(gpointer userdata)
{
    AuthorityCheck *check = userdata;
    AuthorityDone done = check->done;
    void *its_userdata = check->userdata;

    check->deadline = 0;
    check_forget(check);
    done(AUTHORITY_FAILED, "it does not answer", its_userdata);
    return G_SOURCE_REMOVE;
}

static AuthorityVerdict verdict_of(PolkitAuthorizationResult *result)
{
    if (polkit_authorization_result_get_is_authorized(result))
        return AUTHORITY_ALLOWED;
    if (polkit_authorization_result_get_is_challenge(result))
        return AUTHORITY_CHALLENGE;
    if (polkit_authorization_result_get_dismissed(result))
        return AUTHORITY_DISMISSED;
    return AUTHORITY_DENIED;
}

static void check_ask(AuthorityCheck *check);

static gboolean check_pause_is_over(gpointer userdata)
{
    AuthorityCheck *check = userdata;

    check->pause = 0;
    check_ask(check);
    return G_SOURCE_REMOVE;
}

/* The call went to a polkitd that has left the bus, and there is another one. */
static bool is_being_taken_over(PolkitAuthority *polkit, const GError *error)
{
    g_autofree char *owner = polkit_authority_get_owner(polkit);

    return owner && g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN);
}

static void check_answered(GObject *source, GAsyncResult *async, gpointer userdata)
{
    AuthorityCheck *check = userdata;
    g_autoptr(GError) error = NULL;
    g_autoptr(PolkitAuthorizationResult) result =
        polkit_authority_check_authorization_finish(POLKIT_AUTHORITY(source), async, &error);

    if (!check->authority) {
        check_free(check);
        return;
    }
    if (result) {
        check_finish(check, verdict_of(result), NULL);
        return;
    }
    if (is_being_taken_over(check->authority->polkit, error) && check->pauses < TAKE_OVER_MAX) {
        check->pauses++;
        check->tries--; /* nobody was there to be asked */
        check->pause = g_timeout_add(TAKE_OVER_MS, check_pause_is_over, check);
        return;
    }
    /* POLKIT_ERROR is polkitd's own answer, all others say that it gave none. */
    if (error->domain != POLKIT_ERROR && check->tries < TRIES_MAX) {
        check_ask(check);
        return;
    }
    g_dbus_error_strip_remote_error(error);
    check_finish(check, AUTHORITY_FAILED, error->message);
}

static void check_ask(AuthorityCheck *check)
{
    g_autoptr(PolkitSubject) subject = polkit_system_bus_name_new(check->sender);

    check->tries++;
    g_clear_object(&check->cancellable);
    check->cancellable = g_cancellable_new();
    polkit_authority_check_authorization(check->authority->polkit, subject, check->action, check->details,
                                         check->interactive
                                             ? POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION
                                             : POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE,
                                         check->cancellable, check_answered, check);
}

/* Asks or refuses everything that waited for the connection. */
static void authority_connected(Authority *self, const char *failure)
{
    g_autoptr(GList) checks = g_hash_table_get_keys(self->checks);

    g_clear_object(&self->connecting);
    for (GList *l = checks; l; l = l->next) {
        AuthorityCheck *check = l->data;

        /* done() of an earlier one may have cancelled this one */
        if (!g_hash_table_contains(self->checks, check) || check->cancellable)
            continue;
        if (failure)
            check_finish(check, AUTHORITY_FAILED, failure);
        else
            check_ask(check);
    }
}

static void authority_got_polkit(GObject *source, GAsyncResult *async, gpointer userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(PolkitAuthority) polkit = polkit_authority_get_finish(async, &error);
    g_autoptr(GCancellable) connecting = userdata;
    Authority *self = g_object_get_data(G_OBJECT(connecting), "authority");

    if (!self) /* freed meanwhile */
        return;
    self->polkit = g_steal_pointer(&polkit);
    authority_connected(self, error ? error->message : NULL);
}

static void authority_got_bus(GObject *source, GAsyncResult *async, gpointer userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = g_bus_get_finish(async, &error);
    g_autoptr(GCancellable) connecting = userdata;
    Authority *self = g_object_get_data(G_OBJECT(connecting), "authority");

    if (!self)
        return;
    if (!bus) {
        authority_connected(self, error->message);
        return;
    }
    /* By default GLib kills the process when this connection is lost. That decision is the service's. */
    g_dbus_connection_set_exit_on_close(bus, FALSE);
    polkit_authority_get_async(NULL, authority_got_polkit, g_steal_pointer(&connecting));
}

static void authority_connect(Authority *self)
{
    self->connecting = g_cancellable_new();
    g_object_set_data(G_OBJECT(self->connecting), "authority", self);
    g_bus_get(G_BUS_TYPE_SYSTEM, NULL, authority_got_bus, g_object_ref(self->connecting));
}

Authority *authority_new(void)
{
    Authority *self = g_new0(Authority, 1);

    self->checks = g_hash_table_new(NULL, NULL);
    authority_connect(self);
    return self;
}

Authority *authority_free(Authority *self)
{
    g_autoptr(GList) checks = NULL;

    if (!self)
        return NULL;
    checks = g_hash_table_get_keys(self->checks);
    for (GList *l = checks; l; l = l->next)
        authority_check_cancel(l->data);
    if (self->connecting)
        g_object_set_data(G_OBJECT(self->connecting), "authority", NULL);
    g_clear_object(&self->connecting);
    g_clear_object(&self->polkit);
    g_hash_table_unref(self->checks);
    g_free(self);
    return NULL;
}

AuthorityCheck *authority_check(Authority *self, const char *sender, const char *action,
                                const char *const *details, bool interactive, AuthorityDone done,
                                void *userdata)
{
    AuthorityCheck *check = g_new0(AuthorityCheck, 1);

    *check = (AuthorityCheck){
        .authority = self,
        .sender = g_strdup(sender),
        .action = g_strdup(action),
        .details = polkit_details_new(),
        .interactive = interactive,
        .done = done,
        .userdata = userdata,
    };
    for (gsize i = 0; details[i]; i += 2)
        polkit_details_insert(check->details, details[i], details[i + 1]);
    g_hash_table_add(self->checks, check);
    if (!interactive)
        check->deadline = g_timeout_add_seconds(ANSWER_DEADLINE_S, check_is_late, check);

    if (self->polkit)
        check_ask(check);
    else if (!self->connecting)
        authority_connect(self);
    return check;
}

void authority_check_cancel(AuthorityCheck *check)
{
    check_forget(check);
}
