/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which kinds of objects a word of the command line may mean: for target, which finds them, and nearest,
 * which guesses. */

#include "client/bus/model.h"

/* The kinds that are meant, as bits. An assignment may well be called like its group: verbs that do nothing
 * with groups must not refuse it for that. */
typedef enum TargetKinds {
    TARGET_GIVEN = 1 << KIND_DEVICE | 1 << KIND_MACHINE | 1 << KIND_ASSIGNMENT,
    TARGET_GROUPS = 1 << KIND_GROUP,
    TARGET_TENANTS = 1 << KIND_TENANT,
    TARGET_ANY = TARGET_GIVEN | TARGET_GROUPS | TARGET_TENANTS | 1 << KIND_MANAGER,
} TargetKinds;
