/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reason codes: what every sentence of the service says, in one word that stays the same, so that front ends
 * say it in their own language. verdict.c has one for each verdict, status.c and its neighbours those for the
 * rest. dbus/org.usbferry1.Assignment.xml documents each, and a test compares. Pure; any thread. */

#include "daemon/base/enum-table.h"

typedef enum ReasonCode {
    /* what is in the way, or nothing is: one for each verdict */
    REASON_ATTACHING,
    REASON_SUSPENDED,
    REASON_DAMAGED,
    REASON_MAY_BE_OWNED,
    REASON_OTHER_DEVICE,
    REASON_HUB,
    REASON_NOT_OWNED,
    REASON_NOT_HOME,
    REASON_TAKEN,
    REASON_ENOUGH,
    REASON_GIVEN_BACK,
    REASON_SET_INCOMPLETE,
    REASON_GROUP_DISABLED,
    REASON_SWITCHED_OFF,
    REASON_HELD_HOME,
    REASON_FOREIGN,
    REASON_NUMBER_LISTED,
    REASON_UNDECIDED,
    REASON_HYPERVISOR_AWAY,
    REASON_MACHINE_UNKNOWN,
    REASON_MACHINE_OFF,
    REASON_MACHINE_UNWELL,
    REASON_MACHINE_STARTING,
    REASON_NO_CONTROLLER,
    REASON_NO_PORT,
    REASON_SPEED,
    REASON_STORING,
    REASON_CONTROLLER_TAKEN,
    REASON_UNAUTHORIZED,
    REASON_GUARDED,
    REASON_IN_USE,
    REASON_LOOKED_AT,
    REASON_RESETTING,
    REASON_QUARANTINED,
    REASON_UNSTEADY,

    /* where an assignment or a device stands besides */
    REASON_ATTACHED,
    REASON_HOST,
    REASON_NOT_PLUGGED_IN,
    REASON_BOTH_MISSING,
    REASON_NONE_PLUGGED_IN,
    REASON_NONE_FREE,
    REASON_NO_GROUP,
    REASON_ATTACH_FAILED,
    REASON_MACHINE_STUCK,
    REASON_LEAVING,
    REASON_SHARED,
    REASON_REATTACHING,
    REASON_DETACHING,
    REASON_DETACH_REFUSED,
    REASON_RELEASING,
    REASON_DISABLED,
    REASON_REPLUGGED,
    REASON_EXPIRED,

    /* what explanations, previews and checks say besides */
    REASON_IN_MACHINE,
    REASON_DEAD,
    REASON_OWNED,
    REASON_CONTROLLER_CLAIMED,
    REASON_RULE_MATCHES,
    REASON_RULE_DISABLED,
    REASON_NO_RULE_MATCHES,
    REASON_IN_GROUP,
    REASON_NOT_IN_GROUP,
    REASON_NOTHING_ASSIGNED,
    REASON_ALREADY_ASSIGNED,
    REASON_LIMIT,
    REASON_MACHINE_ON,
    _REASON_CODE_MAX,
    _REASON_CODE_INVALID = -1,
} ReasonCode;

ENUM_TABLE_DECLARE(ReasonCode, reason_code);
