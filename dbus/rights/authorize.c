/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dbus/rights/authorize.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/log.h"
#include "dbus/rights/authorize-table.h"
#include "dbus/bus/errors.h"
#include "dbus/names.h"
#include "dbus/bus/sd-bus-cleanup.h"

/* A caller with open questions; watched, because nobody must be asked on behalf of one that has gone. */
typedef struct Sender {
    char *name; /* unique bus name */
    guint open;
    sd_bus_slot *watch;
} Sender;

/* In this order; the handler runs where it says so, and nothing else runs it. */
typedef enum QuestionState {
    QUESTION_WHO,     /* the bus is asked who calls */
    QUESTION_KNOWN,   /* it has said so: the handler runs, and polkit is asked */
    QUESTION_ASKED,   /* polkit is asked */
    QUESTION_ALLOWED, /* it has said yes: the handler runs */
} QuestionState;

typedef struct Question {
    Authorizer *authorizer;
    sd_bus_message *message;
    const AuthorizeEntry *entry;
    QuestionState state;
    Sender *sender; /* NULL once answered */

    sd_bus_slot *who_call; /* NULL = answered */
    uint32_t uid;
    GArray *gids; /* of uint32_t */

    /* what polkit is asked */
    bool owned;
    const char *action;
    char **details;
    AuthorityCheck *check; /* NULL = not yet, or answered */
    bool counted;          /* among the open ones */

    guint leftover; /* source: drops the question if nobody takes the answer */
} Question;

struct Authorizer {
    sd_bus *bus;
    Authority *authority;
    GHashTable *questions; /* sd_bus_message * → Question, owned; the question holds the message */
    GHashTable *senders;   /* name → Sender, owned */
    GHashTable *users;     /* uid → number of open questions, as pointers */
    guint open;
};

static void sender_free(Sender *sender)
{
    sd_bus_slot_unref(sender->watch);
    g_free(sender->name);
    g_free(sender);
}

static guint open_of_user(Authorizer *self, uint32_t uid)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->users, GUINT_TO_POINTER(uid)));
}

static void count(Question *question)
{
    Authorizer *self = question->authorizer;
    guint open = open_of_user(self, question->uid);

    question->counted = true;
    self->open++;
    g_hash_table_insert(self->users, GUINT_TO_POINTER(question->uid), GUINT_TO_POINTER(open + 1));
}

static void uncount(Question *question)
{
    Authorizer *self = question->authorizer;
    guint open = open_of_user(self, question->uid);

    if (!question->counted)
        return;
    question->counted = false;
    self->open--;
    if (open > 1)
        g_hash_table_insert(self->users, GUINT_TO_POINTER(question->uid), GUINT_TO_POINTER(open - 1));
    else
        g_hash_table_remove(self->users, GUINT_TO_POINTER(question->uid));
}

/* It counts no longer: what is left is its answer on the way to its call. */
static void question_close(Question *question)
{
    Authorizer *self = question->authorizer;
    Sender *sender = g_steal_pointer(&question->sender);

    uncount(question);
    if (!sender)
        return;
    if (--sender->open == 0)
        g_hash_table_remove(self->senders, sender->name);
}

static void question_free(Question *question)
{
    question_close(question);
    if (question->check)
        authority_check_cancel(question->check);
    if (question->leftover)
        g_source_remove(question->leftover);
    sd_bus_slot_unref(question->who_call);
    g_array_unref(question->gids);
    g_strfreev(question->details);
    sd_bus_message_unref(question->message);
    g_free(question);
}

static void question_drop(Question *question)
{
    g_hash_table_remove(question->authorizer->questions, question->message);
}

Authorizer *authorizer_new(sd_bus *bus, Authority *authority)
{
    Authorizer *self = g_new0(Authorizer, 1);

    self->bus = sd_bus_ref(bus);
    self->authority = authority;
    self->questions = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)question_free);
    self->users = g_hash_table_new(NULL, NULL);
    self->senders = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)sender_free);
    return self;
}

Authorizer *authorizer_free(Authorizer *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->questions);
    g_hash_table_unref(self->senders);
    g_hash_table_unref(self->users);
    sd_bus_unref(self->bus);
    g_free(self);
    return NULL;
}

/* the answer */

static int refuse(Question *question, AuthorityVerdict verdict, const char *text, sd_bus_error *ret_error)
{
    const char *member = question->entry->member, *action = question->action;

    switch (verdict) {
    case AUTHORITY_CHALLENGE:
        if (sd_bus_message_get_allow_interactive_authorization(question->message) > 0)
            return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                     "%s: needs the right %s, and there is no polkit agent to ask for it",
                                     member, action);
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                 "%s: needs the right %s, which has to be asked for: allow interaction",
                                 member, action);
    case AUTHORITY_DISMISSED:
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                 "%s: needs the right %s, and the question for it was dismissed", member,
                                 action);
    case AUTHORITY_FAILED:
        log_warning("polkit could not be asked for %s, so %s is refused: %s", action, member, text);
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                 "%s: needs the right %s, and polkit could not be asked: %s", member, action,
                                 text);
    case AUTHORITY_DENIED:
    case AUTHORITY_ALLOWED:
        break;
    }
    return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "%s: you don't have the right %s", member,
                             action);
}

static gboolean on_leftover(gpointer userdata)
{
    Question *question = userdata;

    question->leftover = 0;
    question_drop(question);
    return G_SOURCE_REMOVE;
}

/* The handler runs again. */
static void question_return(Question *question, QuestionState state)
{
    int r;

    question->state = state;
    r = sd_bus_message_rewind(question->message, true);
    if (r >= 0)
        r = sd_bus_enqueue_for_read(question->authorizer->bus, question->message);
    if (r < 0) {
        sd_bus_reply_method_errno(question->message, r, NULL);
        question_drop(question);
        return;
    }
    /* Below the bus's priority: the call had its turn before this. When its object is gone, the handler
     * doesn't run and the answer is never taken. */
    question->leftover = g_idle_add_full(G_PRIORITY_LOW, on_leftover, question, NULL);
}

static void check(Question *question);

static void on_verdict(AuthorityVerdict verdict, const char *text, void *userdata)
{
    Question *question = userdata;
    const AuthorizeEntry *entry = question->entry;
    bool not_granted = verdict == AUTHORITY_DENIED || verdict == AUTHORITY_CHALLENGE;
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

    question->check = NULL;
    if (verdict == AUTHORITY_ALLOWED) {
        question_close(question);
        question_return(question, QUESTION_ALLOWED);
        return;
    }
    if (not_granted && question->action != entry->action) {
        /* Not as the owner; but perhaps as anybody. */
        question->action = entry->action;
        check(question);
        return;
    }
    refuse(question, verdict, text, &error);
    sd_bus_reply_method_error(question->message, &error);
    question_drop(question);
}

static bool is_there(const char *const *details, const char *key)
{
    for (gsize i = 0; details[i]; i += 2)
        if (g_str_equal(details[i], key))
            return details[i + 1][0] != '\0';
    return false;
}

static const char *question_text(const AuthorizeEntry *entry, const char *const *details)
{
    if (entry->tenant_question && is_there(details, "tenant"))
        return entry->tenant_question;
    if (entry->group_question && is_there(details, "group") &&
        (!is_there(details, "device") || strstr(entry->group_question, "$(device)")))
        return entry->group_question;
    return entry->question;
}

static char **details_with_text(const AuthorizeEntry *entry, const char *const *details)
{
    GPtrArray *all = g_ptr_array_new();

    for (gsize i = 0; details[i]; i++)
        g_ptr_array_add(all, (gpointer)details[i]);
    g_ptr_array_add(all, (gpointer) "polkit.message");
    g_ptr_array_add(all, (gpointer)question_text(entry, details));
    g_ptr_array_add(all, (gpointer) "polkit.gettext_domain");
    g_ptr_array_add(all, (gpointer)GETTEXT_PACKAGE);
    g_ptr_array_add(all, NULL);
    return (char **)g_ptr_array_free(all, FALSE);
}

/* Asks for question->action. */
static void check(Question *question)
{
    g_autofree char **asked = details_with_text(question->entry, (const char *const *)question->details);

    question->check = authority_check(
        question->authorizer->authority, sd_bus_message_get_sender(question->message), question->action,
        (const char *const *)asked, sd_bus_message_get_allow_interactive_authorization(question->message) > 0,
        on_verdict, question);
}

/* 0, or LimitExceeded. */
static int ask_polkit(Question *question, const char *const *details, bool owned, sd_bus_error *ret_error)
{
    Authorizer *self = question->authorizer;
    guint mine = open_of_user(self, question->uid);

    if (self->open >= AUTHORIZE_OPEN_MAX || mine >= AUTHORIZE_OPEN_PER_USER_MAX) {
        bool is_mine = mine >= AUTHORIZE_OPEN_PER_USER_MAX;

        return sd_bus_error_setf(ret_error, FERRY_ERROR_PREFIX "LimitExceeded",
                                 "%u questions for %s are open already: answer or dismiss them",
                                 is_mine ? mine : self->open, is_mine ? "your rights" : "rights");
    }
    count(question);
    question->state = QUESTION_ASKED;
    question->owned = owned;
    question->action = owned ? question->entry->own_action : question->entry->action;
    question->details = g_strdupv((char **)details);
    check(question);
    return 0;
}

/* Without a uid: false. Groups are told by newer buses only. */
static bool read_caller(Question *question, sd_bus_message *reply)
{
    bool has_uid = false;

    if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "{sv}") < 0)
        return false;
    while (sd_bus_message_enter_container(reply, SD_BUS_TYPE_DICT_ENTRY, "sv") > 0) {
        const char *key;
        const void *gids;
        size_t size;
        int r;

        if (sd_bus_message_read(reply, "s", &key) < 0)
            return false;
        if (g_str_equal(key, "UnixUserID")) {
            r = sd_bus_message_read(reply, "v", "u", &question->uid);
            has_uid = r >= 0;
        } else if (g_str_equal(key, "UnixGroupIDs")) {
            r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_VARIANT, "au");
            if (r >= 0)
                r = sd_bus_message_read_array(reply, SD_BUS_TYPE_UINT32, &gids, &size);
            if (r >= 0) {
                g_array_append_vals(question->gids, gids, (guint)(size / sizeof(uint32_t)));
                r = sd_bus_message_exit_container(reply);
            }
        } else
            r = sd_bus_message_skip(reply, "v");
        if (r < 0 || sd_bus_message_exit_container(reply) < 0)
            return false;
    }
    return has_uid;
}

static int on_who(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Question *question = userdata;

    question->who_call = sd_bus_slot_unref(question->who_call);
    if (sd_bus_message_is_method_error(reply, NULL) || !read_caller(question, reply)) {
        /* the bus doesn't know the caller any more */
        sd_bus_reply_method_errorf(question->message, SD_BUS_ERROR_ACCESS_DENIED,
                                   "%s: the bus doesn't say who asks", question->entry->member);
        question_drop(question);
        return 0;
    }
    question_return(question, QUESTION_KNOWN);
    return 0;
}

/* senders */

static int on_sender_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    Authorizer *self = userdata;
    const char *name, *old_owner, *new_owner;
    GHashTableIter iter;
    gpointer value;

    if (sd_bus_message_read(signal, "sss", &name, &old_owner, &new_owner) < 0 || new_owner[0] != '\0')
        return 0;
    g_hash_table_iter_init(&iter, self->questions);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Question *question = value;

        if (g_strcmp0(sd_bus_message_get_sender(question->message), name) == 0)
            g_hash_table_iter_remove(&iter);
    }
    return 0;
}

static int on_watching(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    /* Without an own handler sd-bus would close the connection when the bus has no more room for matches. */
    if (sd_bus_message_is_method_error(reply, NULL))
        log_warning("the bus does not tell when a caller leaves: %s",
                    sd_bus_message_get_error(reply)->message);
    return 0;
}

static Sender *sender_get(Authorizer *self, const char *name)
{
    g_autofree char *match = NULL;
    Sender *sender = g_hash_table_lookup(self->senders, name);

    if (sender)
        return sender;
    sender = g_new0(Sender, 1);
    sender->name = g_strdup(name);
    g_hash_table_insert(self->senders, sender->name, sender);
    match = g_strdup_printf("type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                            "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s'",
                            name);
    sd_bus_add_match_async(self->bus, &sender->watch, match, on_sender_gone, on_watching, self);
    return sender;
}

/* the question */

static int ask_who(Authorizer *self, sd_bus_message *message, const AuthorizeEntry *entry,
                   sd_bus_error *ret_error)
{
    const char *name = sd_bus_message_get_sender(message);
    Question *question;
    Sender *sender;
    int r;

    if (!name)
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "%s: the bus doesn't say who asks",
                                 entry->member);
    sender = sender_get(self, name);
    question = g_new0(Question, 1);
    *question = (Question){
        .authorizer = self,
        .message = sd_bus_message_ref(message),
        .entry = entry,
        .sender = sender,
        .gids = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
    };
    sender->open++;
    g_hash_table_insert(self->questions, message, question);

    /* After the match was added: a caller that left before that is unknown to the bus by now. */
    r = sd_bus_call_method_async(self->bus, &question->who_call, "org.freedesktop.DBus",
                                 "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionCredentials",
                                 on_who, question, "s", name);
    if (r < 0) {
        question_drop(question);
        return r;
    }
    return 0;
}

static bool is_owned(const Question *question, AuthorizeOwned owned, gpointer object)
{
    const Caller caller = {
        .uid = question->uid,
        .gids = (const uint32_t *)(void *)question->gids->data,
        .n_gids = question->gids->len,
    };

    return owned && question->entry->own_action && owned(&caller, object);
}

/* As authorize_owned(), with what is known by now. What is neither < 0 nor > 0 stays open. */
static int go_on(Question *question, const char *const *details, AuthorizeOwned owned, gpointer object,
                 sd_bus_error *ret_error)
{
    const char *member = question->entry->member;
    bool own = is_owned(question, owned, object);

    switch (question->state) {
    case QUESTION_KNOWN:
        if (question->uid == 0)
            return 1;
        return ask_polkit(question, details, own, ret_error);
    case QUESTION_ALLOWED:
        if (question->owned == own && g_strv_equal((const char *const *)question->details, details))
            return 1;
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                 "%s: what it is about changed while the question was open: try again",
                                 member);
    case QUESTION_WHO:
    case QUESTION_ASKED:
        break;
    }
    return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "%s: not answered yet", member);
}

int authorize_owned(Authorizer *self, sd_bus_message *message, const char *const *details,
                    AuthorizeOwned owned, gpointer object, uint32_t *ret_uid, sd_bus_error *ret_error)
{
    const char *interface = sd_bus_message_get_interface(message);
    const char *member = sd_bus_message_get_member(message);
    const AuthorizeEntry *entry = authorize_find(interface, member);
    Question *question = g_hash_table_lookup(self->questions, message);
    int r;

    if (!entry)
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "%s: nobody has a right to that",
                                 member);
    if (!entry->action)
        return 1;
    if (!question)
        return ask_who(self, message, entry, ret_error);

    g_clear_handle_id(&question->leftover, g_source_remove);
    r = go_on(question, details, owned, object, ret_error);
    if (r > 0)
        *ret_uid = question->uid;
    if (r != 0)
        question_drop(question);
    return r;
}

int authorize(Authorizer *self, sd_bus_message *message, const char *const *details, uint32_t *ret_uid,
              sd_bus_error *ret_error)
{
    return authorize_owned(self, message, details, NULL, NULL, ret_uid, ret_error);
}
