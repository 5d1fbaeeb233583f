/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Question: a call that waits for an answer of the bus or of polkit, kept until its handler runs again.
 *
 * Only authorize.c uses it: it asks and decides, while this counts, watches that the caller is still there,
 * and puts the call back into the bus's queue. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "dbus/rights/authorize-table.h"
#include "polkit/authority.h"

typedef struct Authorizer Authorizer;
typedef struct Questions Questions;
typedef struct Sender Sender;

/* In this order; the handler runs where it says so, and nothing else runs it. */
typedef enum QuestionState {
    QUESTION_WHO,     /* the bus is asked who calls */
    QUESTION_KNOWN,   /* it has said so: the handler runs, and polkit is asked */
    QUESTION_ASKED,   /* polkit is asked */
    QUESTION_ALLOWED, /* it has said yes: the handler runs */
} QuestionState;

typedef struct Question {
    Questions *questions;
    Authorizer *authorizer; /* whose question it is; for authorize.c */
    sd_bus_message *message;
    const AuthorizeEntry *entry;
    const AuthorizeEntry *also; /* what is asked for besides, when that is granted; NULL = nothing */
    bool at_also;               /* and that is what is asked for now */
    bool also_challenged;       /* of a trial: what came before wasn't granted without a dialog */
    QuestionState state;
    Sender *sender; /* NULL once answered */
    bool is_long;   /* and counted as such */

    sd_bus_slot *who_call; /* NULL = answered */
    uint32_t uid;
    GArray *gids; /* of uint32_t */

    /* what polkit is asked */
    bool owned;
    const char *action;
    bool quietly; /* without a dialog */
    char **details;
    GPtrArray *parts;     /* of char **: details of what is asked for one by one, before all of it together */
    guint part;           /* of parts, the one that is asked for; all of them = all of it together */
    bool part_challenged; /* some part isn't granted without a dialog */
    bool own_challenged;  /* own_action isn't, of what is asked for now */
    bool part_own_challenged; /* it was so of some part */
    bool trial;               /* nobody is to be asked, and the answer is all that is wanted */
    AuthorityVerdict answer;  /* of a trial */
    AuthorityCheck *check;    /* NULL = not yet, or answered */
    bool counted;             /* among the open ones */

    guint leftover; /* source: drops the question if nobody takes the answer */
} Question;

Questions *questions_new(sd_bus *bus);
/* Withdraws what is open. */
Questions *questions_free(Questions *questions);

/* The one of this call; NULL = none. */
Question *questions_find(Questions *questions, sd_bus_message *message);
/* A new one, in QUESTION_WHO. It is dropped when its caller leaves the bus. 0, or LimitExceeded. */
int question_new(Questions *questions, Authorizer *authorizer, sd_bus_message *message,
                 const AuthorizeEntry *entry, Question **ret_question, sd_bus_error *ret_error);
void question_drop(Question *question);

/* From now on it is one of its user's open ones. 0, or LimitExceeded. */
int question_open(Question *question, sd_bus_error *ret_error);
/* It counts no longer: what is left is its answer on the way to its call. */
void question_close(Question *question);

/* The handler runs again. */
void question_return(Question *question, QuestionState state);
/* For the handler that runs again: it is here, so the answer is not left over. */
void question_take(Question *question);
