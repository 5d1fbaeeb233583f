/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Wait: until what was ordered has happened. For the verbs that give and take; it follows the model and calls
 * nothing that changes anything. */

#include <glib.h>
#include <glib/gi18n.h>
#include <stdbool.h>

#include "client/bus/follow.h"
#include "client/bus/model.h"

/* How long to wait: the options of every verb that does. */
typedef struct WaitOptions {
    int seconds; /* 0 = not at all */
    gboolean no_wait;
} WaitOptions;

#define WAIT_OPTIONS_DEFAULT \
    (WaitOptions)            \
    {                        \
        .seconds = 20        \
    }
#define WAIT_OPTION_ENTRIES(options)                                                                         \
    { "no-wait", 0, 0, G_OPTION_ARG_NONE, &(options).no_wait, N_("Return as soon as it is ordered"), NULL }, \
    {                                                                                                        \
        "wait", 0, 0, G_OPTION_ARG_INT, &(options).seconds, N_("Wait so long at most (default: 20)"),        \
            "SECONDS"                                                                                        \
    }

/* After the parsing. */
bool wait_options_check(WaitOptions *options, GError **error);

typedef enum WaitGoal {
    WAIT_ATTACHED,
    WAIT_DETACHED, /* home, and the assignment is kept */
    WAIT_RELEASED, /* home, and the assignment is gone */
} WaitGoal;

typedef enum WaitVerdict {
    WAIT_GOES_ON, /* at the end: the time was up */
    WAIT_DONE,
    WAIT_RESTS, /* it will happen by itself once the device or the VM is there */
    WAIT_FAILED,
} WaitVerdict;

/* What an assignment (NULL = gone) is on the way to its goal, by its State, which counts as soon as it isn't
 * Pending: the service says itself what passes by itself. Pure. */
WaitVerdict wait_judge(WaitGoal goal, const Object *assignment);

/* One assignment that is waited for, and how it ended. */
typedef struct WaitItem {
    char *assignment; /* path; NULL = a device that is home already: nothing is waited for */
    char *name;       /* of the assignment, and of its VM: not escaped, "" = none */
    char *vm;
    char *group;        /* name of the group that it draws from; NULL = it is for one device */
    GPtrArray *devices; /* of char *: paths of those that it had or was to get; without a group one at most */
    char *label;        /* as messages name it, escaped */
    bool already;       /* was so before */
    bool alone;         /* one device of several, which leaves; the assignment goes on */
    bool kept;          /* of others, who have not given the right to end it: detached, whatever the goal */

    WaitVerdict verdict;
} WaitItem;

/* Of WaitItem. */
GPtrArray *wait_list_new(void);

bool wait_list_has(const GPtrArray *items, const char *assignment);

/* An assignment that is in the list already is not added again. */
void wait_list_add(GPtrArray *items, const Model *model, const char *assignment);
/* One that was there already, whose goal is reached perhaps. */
void wait_list_add_already(GPtrArray *items, const Model *model, const char *assignment);
void wait_list_add_kept(GPtrArray *items, const Model *model, const char *assignment);

/* One device that its assignment gives back, and keeps the others. */
void wait_list_add_alone(GPtrArray *items, const Model *model, const Object *device);

/* What is waited for, when this is the goal of the others. */
WaitGoal wait_item_goal(const WaitItem *item, WaitGoal goal);

/* A device that nothing has to be done for, but that is to be told about. */
void wait_list_add_home(GPtrArray *items, const Object *device);

/* Waits until all are over or the time is up; 0 seconds: looks once and judges nothing. False and an error
 * when nothing more can be learnt. */
bool wait_for(Follow *follow, WaitGoal goal, GPtrArray *items, unsigned seconds, GError **error);
