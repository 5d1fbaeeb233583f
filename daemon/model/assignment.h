/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assignment: a decision that a device, or devices of a group, belong to a machine.
 *
 * What was decided is stored and survives everything; where it stands is worked out anew by
 * daemon/allocation/status.c whenever something changes. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/usb/device.h"
#include "daemon/base/enum-table.h"
#include "daemon/model/term.h"
#include "daemon/rules/rule.h"

typedef enum AssignmentState {
    ASSIGNMENT_STATE_DISABLED,        /* kept, but the device was taken home: Attach() goes on with it */
    ASSIGNMENT_STATE_WAITING_MACHINE, /* the machine isn't running, unknown, or the hypervisor is away */
    ASSIGNMENT_STATE_WAITING_DEVICE,  /* the device isn't plugged in, or not free */
    ASSIGNMENT_STATE_ATTACHING,
    ASSIGNMENT_STATE_ATTACHED,
    ASSIGNMENT_STATE_PARTIAL, /* some of several devices */
    ASSIGNMENT_STATE_DETACHING,
    ASSIGNMENT_STATE_FAILED, /* tried, refused; Reason says why and it is tried again at the next change */
    ASSIGNMENT_STATE_QUARANTINED,
    _ASSIGNMENT_STATE_MAX,
    _ASSIGNMENT_STATE_INVALID = -1,
} AssignmentState;

ENUM_TABLE_DECLARE(AssignmentState, assignment_state);

/* How many devices of a group: a number, all that match now or later, or one for each rule of the group, all
 * or nothing. */
typedef enum QuantityKind {
    QUANTITY_COUNT,
    QUANTITY_ALL,
    QUANTITY_SET,
} QuantityKind;

/* The most devices that one assignment may count. */
#define QUANTITY_MAX 127

/* The longest name, in bytes. */
#define ASSIGNMENT_NAME_MAX 128
/* Room for it is reserved in what all objects are together. */
#define ASSIGNMENT_REASON_MAX 1024
/* Likewise for what its device is called. */
#define ASSIGNMENT_LABEL_MAX 128

/* Out of reach for counting, but not for a file. */
#define ASSIGNMENT_SEQUENCE_MAX G_MAXINT64

/* A setting of an assignment that may be left to its group. */
typedef enum Choice {
    CHOICE_OPEN,
    CHOICE_NO,
    CHOICE_YES,
} Choice;

/* One device of an assignment: that it has, or that it is to get. */
typedef struct Claim {
    char *sysname;
    uint64_t instance; /* of the device: another enumeration is another claim */
    DeviceState state; /* WAITING, ATTACHING, ATTACHED, DETACHING, or HOST while it is disabled */

    /* tries that failed */
    unsigned failures;
    gint64 next_at; /* no further try before this: µs, CLOCK_MONOTONIC */
    GError *error;  /* why the last one failed; NULL = none did */
} Claim;

Claim *claim_free(Claim *claim);
/* The next try is made at once, and counts as the first one. */
void claim_forget_failures(Claim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Claim, claim_free)

typedef struct Assignment {
    /* what was decided: in the store */
    char *id;
    char *name; /* never "" */
    char *description;
    char *machine_uuid;
    char *machine_name; /* its last one, for machines that are gone */
    char *group;        /* the pool that it draws from; NULL = one pinned device */
    char *tenant;       /* whose device or group it is, by assigning or granting it; NULL = nobody's */
    Rule *rule;         /* the pinned device; with a group: only these of its devices, NULL = any */
    char *selector;     /* rule_print(rule), "" for none */
    QuantityKind quantity_kind;
    unsigned quantity; /* for COUNT: 1…QUANTITY_MAX */
    char *device_text; /* what the device was called: for texts while it is away */
    bool persistent;   /* survives a reboot of the host */
    bool follow;       /* of one device: see daemon/model/following.h */
    bool forced;       /* of one device: given although the host uses it */
    bool wanted;       /* false after Detach() */
    bool replugged; /* not wanted because of daemon/model/replugs.h; nothing of it is told while it is wanted
                     */
    Term trial;     /* it ends unless it is confirmed before: then there is none any more */
    Term lease;     /* it ends then */
    int32_t priority;
    GArray *given_back;     /* of uint64_t: instances of devices that were given back alone, see
                             * daemon/allocation/given-back.h */
    Choice own_guest_reset; /* see daemon/allocation/guest-reset.h */
    Choice own_guest_resets_all;
    uint32_t owner;   /* uid */
    int64_t created;  /* µs, CLOCK_REALTIME: a fact for people, and no order */
    int64_t sequence; /* of two assignments the older one has the smaller: registry_next_sequence() */

    /* what was seen of the pinned device, and is in the store as well: see daemon/allocation/pinned.c */
    char *home_socket; /* where it was used last, or assigned */
    bool twins;        /* several that match were plugged in at the same time */
    bool unsaved;      /* this isn't on the disk yet */

    char *damage; /* why its file makes no sense, see daemon/model/damage.h; NULL = it does */

    /* its way in and out */
    bool stored;         /* durable: before that nothing is ordered for it */
    bool saving;         /* a change is on its way to the disk; no other one may begin */
    bool releasing;      /* released and durable so: goes away once its device is home */
    bool expired;        /* its trial or lease is over: it has nothing any more, and is being released */
    uint32_t stopped_by; /* who took it home; UINT32_MAX = nobody did, or that was before a restart */

    /* where it stands: set by daemon/reconciler/status-update.c */
    AssignmentState state;
    bool untold;             /* the log doesn't have it yet: see status-log.h */
    bool pending;            /* not durable, or not compared with what is since the last change */
    char *reason;            /* a sentence, never NULL; at most ASSIGNMENT_REASON_MAX bytes */
    const char *reason_code; /* static: the reason in a word, "" before the first look; for front ends */
    const char *error;       /* static error name, "" = none */
    char *shown_machine;     /* what its machine is called now, never NULL */
    char *device_label; /* what its device or group is called, never NULL; at most ASSIGNMENT_LABEL_MAX */
    const char *device_icon; /* static: what to draw for it, also while it isn't plugged in */
    unsigned n_wanted;       /* how many devices it is to have */
    unsigned n_has;          /* and how many are attached */
    GPtrArray *claims;       /* of Claim, sorted by sysname */
    bool allow_guest_reset;  /* daemon/allocation/guest-reset.h, with its group's say */
    bool allow_guest_resets_all;
    int64_t since; /* when state was entered: µs, CLOCK_REALTIME */

    /* what daemon/model/registry.c found of it last; good as long as the registry's epoch is this one */
    struct {
        uint64_t epoch;
        struct Machine *machine;
        struct Group *group;
    } found;
} Assignment;

Assignment *assignment_new(const char *id);
Assignment *assignment_free(Assignment *assignment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Assignment, assignment_free)

/* What was decided, and the id. */
Assignment *assignment_copy(const Assignment *assignment);

/* The claim on this enumeration of the device; NULL = none. */
Claim *assignment_claim(const Assignment *assignment, const char *sysname, uint64_t instance);

/* The claims on a device that is gone. False when there are none. */
bool assignment_drop_claims(Assignment *assignment, const char *sysname);

/* Where the instance is in given_back; -1 = it isn't. */
int assignment_given_back(const Assignment *assignment, uint64_t instance);
/* Somebody ordered this instance home, or all of it. */
bool assignment_was_taken(const Assignment *assignment, uint64_t instance);

/* It gives nothing any more, and goes away once its device is home. */
bool assignment_is_ending(const Assignment *assignment);

/* The term that ends it next; NULL = none that has begun. */
const Term *assignment_term(const Assignment *assignment);

/* "1", "3", "all", "set". New string. */
char *assignment_quantity_to_string(const Assignment *assignment);
/* False when the text is none of them. */
bool quantity_parse(const char *text, QuantityKind *ret_kind, unsigned *ret_quantity);
