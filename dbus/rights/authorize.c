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

    sd_bus_message *allowed; /* the last call that was; NULL = none */
    uint32_t allowed_uid;
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
    sd_bus_message_unref(self->allowed);
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
                                     "this needs the right %s, and there is no polkit agent to ask for it",
                                     action);
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                 "this needs the right %s, which has to be asked for: allow interaction",
                                 action);
    case AUTHORITY_DISMISSED:
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                 "this needs the right %s, and the question for it was dismissed", action);
    case AUTHORITY_FAILED:
        log_limited(&question->authorizer->failures,
                    "polkit could not be asked for %s, so %s of uid %" PRIu32 " is refused: %s", action,
                    member, question->uid, text);
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                 "this needs the right %s, and polkit could not be asked: %s", action, text);
    case AUTHORITY_DENIED:
    case AUTHORITY_ALLOWED:
        break;
    }
    return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "you don't have the right %s for this",
                             action);
}

static void check(Question *question);
static void ask_also(Question *question, AuthorityVerdict verdict);

static bool is_part(const Question *question)
{
    return question->part < question->parts->len;
}

/* What is asked first, of one thing. */
static void begin_to_ask(Question *question)
{
    question->own_challenged = false;
    question->action = question->owned ? question->entry->own_action : question->entry->action;
    question->quietly = question->owned;
    check(question);
}

/* Several things, of which some are to be asked for: as the first of those would be. */
static void ask_for_all(Question *question)
{
    question->action = question->part_own_challenged ? question->entry->own_action : question->entry->action;
    question->quietly = true;
    check(question);
}

/* Of something that nobody is asked for: one's own first, then what everybody may ask for. */
static bool ask_next_quietly(Question *question, AuthorityVerdict verdict)
{
    if (question->action == question->entry->action ||
        (verdict != AUTHORITY_DENIED && verdict != AUTHORITY_CHALLENGE))
        return false;
    question->own_challenged = verdict == AUTHORITY_CHALLENGE;
    question->action = question->entry->action;
    check(question);
    return true;
}

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

static void finish(Question *question, AuthorityVerdict verdict, const char *text)
{
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    bool so_far = verdict == AUTHORITY_ALLOWED || (question->trial && verdict == AUTHORITY_CHALLENGE);

    if (question->also && !question->at_also && so_far) {
        ask_also(question, verdict);
        return;
    }
    if (question->also_challenged && verdict == AUTHORITY_ALLOWED)
        verdict = AUTHORITY_CHALLENGE;
    if (verdict == AUTHORITY_ALLOWED || question->trial) {
        question->answer = verdict;
        question_close(question);
        question_return(question, QUESTION_ALLOWED);
        return;
    }
    refuse(question, verdict, text, &error);
    sd_bus_reply_method_error(question->message, &error);
    question_drop(question);
}

/* One of several things is decided, as far as that goes without a dialog. */
static void end_part(Question *question, AuthorityVerdict verdict, const char *text)
{
    if (verdict != AUTHORITY_ALLOWED && verdict != AUTHORITY_CHALLENGE) {
        finish(question, verdict, text);
        return;
    }
    if (verdict == AUTHORITY_CHALLENGE) {
        question->part_challenged = true;
        question->part_own_challenged |= question->own_challenged;
    }
    question->part++;
    if (is_part(question))
        begin_to_ask(question);
    else if (!question->part_challenged)
        finish(question, AUTHORITY_ALLOWED, NULL);
    else if (question->trial)
        finish(question, AUTHORITY_CHALLENGE, NULL);
    else
        ask_for_all(question);
}

static void refuse_all(Question *question)
{
    sd_bus_reply_method_errorf(question->message, SD_BUS_ERROR_ACCESS_DENIED,
                               "%s: needs the right %s for one of them by itself: ask for them one at a time",
                               question->entry->member, question->action);
    question_drop(question);
}

/* Whoever grants all of it without a dialog has not seen what he doesn't grant alone. */
static void end_all(Question *question, AuthorityVerdict verdict, const char *text)
{
    if (question->quietly && verdict == AUTHORITY_CHALLENGE) {
        question->quietly = false;
        check(question);
    } else if (question->quietly && verdict == AUTHORITY_ALLOWED) {
        refuse_all(question);
    } else {
        finish(question, verdict, text);
    }
}

static void on_verdict(AuthorityVerdict verdict, const char *text, void *userdata)
{
    Question *question = userdata;
    bool of_all = question->parts->len > 0 && !is_part(question);
    bool silent = is_part(question) || question->trial;

    question->check = NULL;
    if (question->at_also) {
        finish(question, verdict, text);
        return;
    }
    if (of_all) {
        end_all(question, verdict, text);
        return;
    }
    if (verdict != AUTHORITY_ALLOWED &&
        (silent ? ask_next_quietly(question, verdict) : ask_next(question, verdict)))
        return;
    if (silent && verdict == AUTHORITY_DENIED && question->own_challenged)
        verdict = AUTHORITY_CHALLENGE;
    if (is_part(question))
        end_part(question, verdict, text);
    else
        finish(question, verdict, text);
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
    char **details = is_part(question) ? question->parts->pdata[question->part] : question->details;
    const AuthorizeEntry *entry = question->at_also ? question->also : question->entry;
    g_autofree char **asked = details_with_text(entry, (const char *const *)details);
    bool interactive = !question->quietly && !question->trial && !is_part(question) &&
                       sd_bus_message_get_allow_interactive_authorization(question->message) > 0;

    question->check =
        authority_check(question->authorizer->authority, sd_bus_message_get_sender(question->message),
                        question->action, (const char *const *)asked, interactive, on_verdict, question);
}

/* The second right, of all of it. */
static void ask_also(Question *question, AuthorityVerdict verdict)
{
    question->also_challenged = verdict == AUTHORITY_CHALLENGE;
    question->at_also = true;
    question->part = question->parts->len;
    question->action = question->also->action;
    question->quietly = false;
    check(question);
}

/* 0, or LimitExceeded. */
static int ask_polkit(Question *question, const AuthorizeAbout *about, bool owned, sd_bus_error *ret_error)
{
    int r = question_open(question, ret_error);

    if (r < 0)
        return r;
    question->state = QUESTION_ASKED;
    question->owned = owned;
    question->also = about->also;
    question->details = g_strdupv((char **)about->details);
    question->parts = about->parts ? g_ptr_array_ref(about->parts) : g_ptr_array_new();
    begin_to_ask(question);
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

/* The answer is for what is asked for now. */
static bool is_about(const Question *question, const AuthorizeAbout *about)
{
    guint n = about->parts ? about->parts->len : 0;

    if (!g_strv_equal((const char *const *)question->details, about->details) || question->parts->len != n)
        return false;
    for (guint i = 0; i < n; i++)
        if (!g_strv_equal(question->parts->pdata[i], about->parts->pdata[i]))
            return false;
    return true;
}

/* As authorize_several(), with what is known by now. What is neither < 0 nor > 0 stays open. */
static int go_on(Question *question, const AuthorizeAbout *about, sd_bus_error *ret_error)
{
    const char *member = question->entry->member;
    bool own = is_owned(question, about->owned, about->object);

    switch (question->state) {
    case QUESTION_KNOWN:
        if (question->uid == 0)
            return 1; /* a trial's answer as well: ALLOWED */
        return ask_polkit(question, about, own, ret_error);
    case QUESTION_ALLOWED:
        if (question->owned == own && is_about(question, about) &&
            (!about->also || question->also == about->also))
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

int authorize_who(Authorizer *self, sd_bus_message *message, uint32_t *ret_uid, sd_bus_error *ret_error)
{
    const AuthorizeEntry *entry =
        authorize_find(sd_bus_message_get_interface(message), sd_bus_message_get_member(message));
    Question *question = questions_find(self->questions, message);

    if (!question)
        return ask_who(self, message, entry, ret_error);
    question_take(question);
    *ret_uid = question->uid;
    question_drop(question);
    return 1;
}

static void note_allowed(Authorizer *self, sd_bus_message *message, uint32_t uid)
{
    sd_bus_message_unref(self->allowed);
    self->allowed = sd_bus_message_ref(message);
    self->allowed_uid = uid;
}

bool authorize_asker(Authorizer *self, uint32_t *ret_uid)
{
    if (!self->allowed || sd_bus_get_current_message(self->bus) != self->allowed)
        return false;
    *ret_uid = self->allowed_uid;
    return true;
}

/* As authorize_several(); entry: of the method that rights are asked for. ret_answer: of a trial, else NULL.
 */
static int decide(Authorizer *self, sd_bus_message *message, const AuthorizeEntry *entry,
                  const AuthorizeAbout *about, AuthorityVerdict *ret_answer, uint32_t *ret_uid,
                  sd_bus_error *ret_error)
{
    Question *question = questions_find(self->questions, message);
    int r;

    if (!question)
        return ask_who(self, message, entry, ret_error);

    question_take(question);
    question->trial = ret_answer != NULL;
    r = go_on(question, about, ret_error);
    if (r > 0 && ret_uid)
        *ret_uid = question->uid;
    if (r > 0 && !ret_answer)
        note_allowed(self, message, question->uid);
    if (r > 0 && ret_answer)
        *ret_answer = question->answer;
    if (r != 0)
        question_drop(question);
    return r;
}

/* member: the method's, or what it is called in the table with an option that needs more. */
static int authorize_member(Authorizer *self, sd_bus_message *message, const char *member,
                            const AuthorizeAbout *about, uint32_t *ret_uid, sd_bus_error *ret_error)
{
    const AuthorizeEntry *entry = authorize_find(sd_bus_message_get_interface(message), member);

    if (!entry)
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_ACCESS_DENIED, "%s: nobody has a right to that",
                                 member);
    return entry->action ? decide(self, message, entry, about, NULL, ret_uid, ret_error) : 1;
}

int authorize_several(Authorizer *self, sd_bus_message *message, const AuthorizeAbout *about,
                      uint32_t *ret_uid, sd_bus_error *ret_error)
{
    return authorize_member(self, message, sd_bus_message_get_member(message), about, ret_uid, ret_error);
}

int authorize_force(Authorizer *self, sd_bus_message *message, const AuthorizeAbout *about, uint32_t *ret_uid,
                    sd_bus_error *ret_error)
{
    g_autofree char *member = g_strdup_printf("%s(Force)", sd_bus_message_get_member(message));

    return authorize_member(self, message, member, about, ret_uid, ret_error);
}

int authorize_trial(Authorizer *self, sd_bus_message *message, const char *interface, const char *member,
                    const AuthorizeAbout *about, AuthorityVerdict *ret_answer, sd_bus_error *ret_error)
{
    return decide(self, message, authorize_find(interface, member), about, ret_answer, NULL, ret_error);
}

int authorize_owned(Authorizer *self, sd_bus_message *message, const char *const *details,
                    AuthorizeOwned owned, gpointer object, uint32_t *ret_uid, sd_bus_error *ret_error)
{
    return authorize_several(self, message,
                             &(AuthorizeAbout){ .details = details, .owned = owned, .object = object },
                             ret_uid, ret_error);
}

int authorize(Authorizer *self, sd_bus_message *message, const char *const *details, uint32_t *ret_uid,
              sd_bus_error *ret_error)
{
    return authorize_owned(self, message, details, NULL, NULL, ret_uid, ret_error);
}
