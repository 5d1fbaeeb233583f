/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that wait for an answer: kept, counted, dropped with their callers, and put back into the queue. */

#include "dbus/rights/question.h"

#include "daemon/base/tuning.h"
#include "dbus/bus/door.h"
#include "dbus/bus/errors.h"
#include "dbus/bus/limits.h"
#include "dbus/bus/log-limit.h"

/* A caller with open questions; watched, because nobody must be asked on behalf of one that has gone. */
struct Sender {
    char *name; /* unique bus name */
    guint open;
    sd_bus_slot *watch;
};

struct Questions {
    sd_bus *bus;
    GHashTable *by_message; /* sd_bus_message * → Question, owned; the question holds the message */
    GHashTable *senders;    /* name → Sender, owned */
    GHashTable *users;      /* uid → number of open questions, as pointers */
    guint open;
    guint n_long; /* calls with much text */
    LogLimit unwatched;
};

static void sender_free(Sender *sender)
{
    sd_bus_slot_unref(sender->watch);
    g_free(sender->name);
    g_free(sender);
}

static guint open_of_user(Questions *self, uint32_t uid)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->users, GUINT_TO_POINTER(uid)));
}

int question_open(Question *question, sd_bus_error *ret_error)
{
    Questions *self = question->questions;
    guint mine = open_of_user(self, question->uid);
    bool is_mine = mine >= (guint)tuning_get(TUNING_QUESTIONS_PER_USER);

    if (self->open >= LIMIT_QUESTIONS || is_mine)
        return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED,
                              "%u questions for %s are open already: answer or dismiss them",
                              is_mine ? mine : self->open, is_mine ? "your rights" : "rights");
    question->counted = true;
    self->open++;
    g_hash_table_insert(self->users, GUINT_TO_POINTER(question->uid), GUINT_TO_POINTER(mine + 1));
    return 0;
}

static void uncount(Question *question)
{
    Questions *self = question->questions;
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

void question_close(Question *question)
{
    Questions *self = question->questions;
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
    question->questions->n_long -= question->is_long;
    if (question->check)
        authority_check_cancel(question->check);
    if (question->leftover)
        g_source_remove(question->leftover);
    sd_bus_slot_unref(question->who_call);
    g_array_unref(question->gids);
    g_strfreev(question->details);
    g_clear_pointer(&question->parts, g_ptr_array_unref);
    sd_bus_message_unref(question->message);
    g_free(question);
}

void question_drop(Question *question)
{
    g_hash_table_remove(question->questions->by_message, question->message);
}

Questions *questions_new(sd_bus *bus)
{
    Questions *self = g_new0(Questions, 1);

    self->bus = sd_bus_ref(bus);
    self->by_message = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)question_free);
    self->users = g_hash_table_new(NULL, NULL);
    self->senders = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)sender_free);
    return self;
}

Questions *questions_free(Questions *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->by_message);
    g_hash_table_unref(self->senders);
    g_hash_table_unref(self->users);
    sd_bus_unref(self->bus);
    g_free(self);
    return NULL;
}

Question *questions_find(Questions *self, sd_bus_message *message)
{
    return g_hash_table_lookup(self->by_message, message);
}

/* ------------------------------------------------------------------ senders */

static int on_sender_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    Questions *self = userdata;
    const char *name, *old_owner, *new_owner;
    GHashTableIter iter;
    gpointer value;

    if (sd_bus_message_read(signal, "sss", &name, &old_owner, &new_owner) < 0 || new_owner[0] != '\0')
        return 0;
    g_hash_table_iter_init(&iter, self->by_message);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Question *question = value;

        if (g_strcmp0(sd_bus_message_get_sender(question->message), name) == 0)
            g_hash_table_iter_remove(&iter);
    }
    return 0;
}

static int on_watching(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Questions *self = userdata;

    /* Without an own handler sd-bus would close the connection when the bus has no more room for matches. */
    if (sd_bus_message_is_method_error(reply, NULL))
        log_limited(&self->unwatched, "the bus does not tell when a caller leaves: %s",
                    sd_bus_message_get_error(reply)->message);
    return 0;
}

static Sender *sender_get(Questions *self, const char *name)
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

static int check_room(Questions *self, const char *name, bool is_long, sd_bus_error *ret_error)
{
    const Sender *sender = g_hash_table_lookup(self->senders, name);

    if (sender && sender->open >= LIMIT_CALLS_PER_CONNECTION)
        return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED,
                              "%u calls of yours wait for an answer already: wait for one", sender->open);
    if (is_long && self->n_long >= LIMIT_LONG_CALLS)
        return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED,
                              "%u calls with long texts wait for their rights already: try again",
                              self->n_long);
    return 0;
}

int question_new(Questions *self, Authorizer *authorizer, sd_bus_message *message,
                 const AuthorizeEntry *entry, Question **ret_question, sd_bus_error *ret_error)
{
    const char *name = sd_bus_message_get_sender(message);
    bool is_long = door_is_long(message);
    int r = check_room(self, name, is_long, ret_error);
    Question *question;

    if (r < 0)
        return r;
    question = g_new0(Question, 1);
    *question = (Question){
        .questions = self,
        .authorizer = authorizer,
        .message = sd_bus_message_ref(message),
        .entry = entry,
        .sender = sender_get(self, name),
        .is_long = is_long,
        .gids = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
    };
    question->sender->open++;
    self->n_long += is_long;
    g_hash_table_insert(self->by_message, message, question);
    *ret_question = question;
    return 0;
}

/* ------------------------------------------------------------------ back to the handler */

static gboolean on_leftover(gpointer userdata)
{
    Question *question = userdata;

    question->leftover = 0;
    question_drop(question);
    return G_SOURCE_REMOVE;
}

void question_return(Question *question, QuestionState state)
{
    int r;

    question->state = state;
    r = sd_bus_message_rewind(question->message, true);
    if (r >= 0)
        r = sd_bus_enqueue_for_read(question->questions->bus, question->message);
    if (r < 0) {
        sd_bus_reply_method_errno(question->message, r, NULL);
        question_drop(question);
        return;
    }
    /* Below the bus's priority: the call had its turn before this. When its object is gone, the handler
     * doesn't run and the answer is never taken. */
    question->leftover = g_idle_add_full(G_PRIORITY_LOW, on_leftover, question, NULL);
}

void question_take(Question *question)
{
    g_clear_handle_id(&question->leftover, g_source_remove);
}
