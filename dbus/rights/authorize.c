/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the bus who calls, then polkit whether he may, and decides. */

#include "dbus/rights/authorize.h"

#include <inttypes.h>
#include <string.h>

#include "dbus/bus/sd-bus-cleanup.h"
#include "dbus/bus/log-limit.h"
#include "dbus/rights/details.h"
#include "dbus/rights/question.h"

struct Authorizer {
    sd_bus *bus;
    Authority *authority;
    Questions *questions;
    LogLimit failures; /* of polkit */
};

Authorizer *authorizer_new(sd_bus *bus, Authority *authority)
{
    Authorizer *self = g_new0(Authorizer, 1);

    self->bus = sd_bus_ref(bus);
    self->authority = authority;
    self->questions = questions_new(bus);
    return self;
}

Authorizer *authorizer_free(Authorizer *self)
{
    if (!self)
        return NULL;
    self->questions = questions_free(self->questions);
    sd_bus_unref(self->bus);
    g_free(self);
    return NULL;
}

/* ------------------------------------------------------------------ the answer of polkit */

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
        log_limited(&question->authorizer->failures,
                    "polkit could not be asked for %s, so %s of uid %" PRIu32 " is refused: %s", action,
                    member, question->uid, text);
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

static void check(Question *question);

/* What is asked next, when this was the answer: one's own first, then what everybody may ask for; and both
 * without a dialog before one is opened, so that nobody types a password for what a rule gives him. False:
 * nothing more. */
static bool ask_next(Question *question, AuthorityVerdict verdict)
{
    const AuthorizeEntry *entry = question->entry;
    bool as_owner = question->action != entry->action;
    bool challenged = verdict == AUTHORITY_CHALLENGE;

    if (verdict != AUTHORITY_DENIED && !challenged)
        return false;
    if (as_owner && !challenged) {
        question->action = entry->action;
        question->quietly = false;
    } else if (as_owner && question->quietly) {
        question->action = entry->action;
    } else if (question->quietly) {
        question->action = entry->own_action;
        question->quietly = false;
    } else {
        return false;
    }
    check(question);
    return true;
}

static void on_verdict(AuthorityVerdict verdict, const char *text, void *userdata)
{
    Question *question = userdata;
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

    question->check = NULL;
    if (verdict == AUTHORITY_ALLOWED) {
        question_close(question);
        question_return(question, QUESTION_ALLOWED);
        return;
    }
    if (ask_next(question, verdict))
        return;
    refuse(question, verdict, text, &error);
    sd_bus_reply_method_error(question->message, &error);
    question_drop(question);
}

static char **details_with_text(const AuthorizeEntry *entry, const char *const *details)
{
    GPtrArray *all = g_ptr_array_new();

    for (gsize i = 0; details[i]; i++)
        g_ptr_array_add(all, (gpointer)details[i]);
    g_ptr_array_add(all, (gpointer) "polkit.message");
    g_ptr_array_add(all, (gpointer)details_pick_question(entry->questions, details));
    g_ptr_array_add(all, (gpointer) "polkit.gettext_domain");
    g_ptr_array_add(all, (gpointer)GETTEXT_PACKAGE);
    g_ptr_array_add(all, NULL);
    return (char **)g_ptr_array_free(all, FALSE);
}

/* Asks for question->action. */
static void check(Question *question)
{
    g_autofree char **asked = details_with_text(question->entry, (const char *const *)question->details);
    bool interactive =
        !question->quietly && sd_bus_message_get_allow_interactive_authorization(question->message) > 0;

    question->check =
        authority_check(question->authorizer->authority, sd_bus_message_get_sender(question->message),
                        question->action, (const char *const *)asked, interactive, on_verdict, question);
}

/* 0, or LimitExceeded. */
static int ask_polkit(Question *question, const char *const *details, bool owned, sd_bus_error *ret_error)
{
    int r = question_open(question, ret_error);

    if (r < 0)
        return r;
    question->state = QUESTION_ASKED;
    question->owned = question->quietly = owned;
    question->action = owned ? question->entry->own_action : question->entry->action;
    question->details = g_strdupv((char **)details);
    check(question);
    return 0;
}

/* ------------------------------------------------------------------ who calls */

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

static int ask_who(Authorizer *self, sd_bus_message *message, const AuthorizeEntry *entry,
                   sd_bus_error *ret_error)
{
    const char *name = sd_bus_message_get_sender(message);
    Question *question = NULL;
    int r;

    if (!name)
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "%s: the bus doesn't say who asks",
                                 entry->member);
    r = question_new(self->questions, self, message, entry, &question, ret_error);
    if (r < 0)
        return r;
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

/* ------------------------------------------------------------------ the decision */

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

bool authorize_caller(Authorizer *self, sd_bus_message *message, uint32_t *ret_uid)
{
    const Question *question = questions_find(self->questions, message);

    if (!question || question->state == QUESTION_WHO)
        return false;
    *ret_uid = question->uid;
    return true;
}

/* member: the method's, or what it is called in the table with an option that needs more. */
static int authorize_member(Authorizer *self, sd_bus_message *message, const char *member,
                            const char *const *details, AuthorizeOwned owned, gpointer object,
                            uint32_t *ret_uid, sd_bus_error *ret_error)
{
    const AuthorizeEntry *entry = authorize_find(sd_bus_message_get_interface(message), member);
    Question *question = questions_find(self->questions, message);
    int r;

    if (!entry)
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "%s: nobody has a right to that",
                                 member);
    if (!entry->action)
        return 1;
    if (!question)
        return ask_who(self, message, entry, ret_error);

    question_take(question);
    r = go_on(question, details, owned, object, ret_error);
    if (r > 0)
        *ret_uid = question->uid;
    if (r != 0)
        question_drop(question);
    return r;
}

int authorize_owned(Authorizer *self, sd_bus_message *message, const char *const *details,
                    AuthorizeOwned owned, gpointer object, uint32_t *ret_uid, sd_bus_error *ret_error)
{
    return authorize_member(self, message, sd_bus_message_get_member(message), details, owned, object,
                            ret_uid, ret_error);
}

int authorize_force(Authorizer *self, sd_bus_message *message, const char *const *details, uint32_t *ret_uid,
                    sd_bus_error *ret_error)
{
    g_autofree char *member = g_strdup_printf("%s(Force)", sd_bus_message_get_member(message));

    return authorize_member(self, message, member, details, NULL, NULL, ret_uid, ret_error);
}

int authorize(Authorizer *self, sd_bus_message *message, const char *const *details, uint32_t *ret_uid,
              sd_bus_error *ret_error)
{
    return authorize_owned(self, message, details, NULL, NULL, ret_uid, ret_error);
}
