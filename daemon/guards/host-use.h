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
    HOST_USE_SECURITY_KEY, /* warns only */
    _HOST_USE_KIND_MAX,
    _HOST_USE_KIND_INVALID = -1,
} HostUseKind;

ENUM_TABLE_DECLARE(HostUseKind, host_use_kind);

/* One bit for each kind. */
#define HOST_USE_ALL ((1u << _HOST_USE_KIND_MAX) - 1)

/* More of one device than this isn't told. */
#define HOST_USES_MAX 16

/* syspath: of a device that is no hub. seats: where somebody sits; NULL = at all, as nobody knows. kinds:
 * bits of those that are asked for. New array of clean texts, in the order of the kinds; NULL = none. */
char **host_use_of(const HostFacts *facts, const char *syspath, const char *const *seats, unsigned kinds);

/* The first one that forbids to give the device; NULL = none does. uses: may be NULL. */
const char *host_use_guard(char *const *uses);
/* "it is the last keyboard of seat0; plug in another one": what and the way out. New string. */
char *host_use_text(const char *use);
