/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HostUse: what the host needs one device for, as Device.HostUse has it: "kind:detail". A pure function of
 * host-facts.h; the manager's guards call it, allocation's judge asks what of it forbids. Any thread. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/base/enum-table.h"
#include "daemon/guards/host-facts.h"

typedef enum HostUseKind {
    HOST_USE_LAST_KEYBOARD, /* of a seat where somebody sits */
    HOST_USE_LAST_POINTER,
    HOST_USE_ROOT,
    HOST_USE_MOUNTED,
    HOST_USE_SWAP,
    HOST_USE_HOLDER,
    HOST_USE_DEFAULT_ROUTE,
    HOST_USE_CLAIMED,      /* by a program: who looks at devices knows it, not the facts */
    HOST_USE_SECURITY_KEY, /* warns only */
    _HOST_USE_KIND_MAX,
    _HOST_USE_KIND_INVALID = -1,
} HostUseKind;

ENUM_TABLE_DECLARE(HostUseKind, host_use_kind);

/* One bit for each kind. */
#define HOST_USE_ALL ((1u << _HOST_USE_KIND_MAX) - 1)
/* Those that forbid to give the device. */
#define HOST_USE_GUARDS (HOST_USE_ALL & ~(1u << HOST_USE_SECURITY_KEY))
/* What it is worked out of. */
typedef struct HostView {
    HostFacts *facts; /* NULL = not read yet: nothing is used */
    char **seats;     /* where somebody sits; NULL = at all, as nobody knows */
    unsigned kinds;   /* bits of those that are asked for */
} HostView;

/* More of one device than this isn't told. */
#define HOST_USES_MAX 16

/* syspath: of a device that is no hub. gone: syspaths of devices that the host has no more, whatever the
 * kernel says yet. claimed: the program that has it, "" when nobody knows its name; NULL = none. New array of
 * clean texts, in the order of the kinds; NULL = none. */
char **host_use_of(const HostView *view, const char *syspath, const GPtrArray *gone, const char *claimed);

/* Whether somebody at a seat could use it to type or point. */
bool host_use_has_input(const HostView *view, const char *syspath);
/* Which last one it is when the others of gone are no more; NULL = none. New clean text. */
char *host_use_last(const HostView *view, const char *syspath, const GPtrArray *gone);

/* Wherever somebody sits there are a keyboard and a pointer beside those of the devices of gone. */
bool host_use_spares_input(const HostView *view, const GPtrArray *gone);

/* The first one of these kinds; NULL = none. uses: may be NULL. */
const char *host_use_find(char *const *uses, unsigned kinds);
/* One of them is of the kind whose end nothing tells: it has to be looked at again. */
bool host_use_ends_unseen(char *const *uses);
/* "it is the last keyboard of seat0; plug in another one": what and the way out. New string. */
char *host_use_text(const char *use);
