/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group choices: what a caller may say of a group besides its rules. Of groups and grants, which make groups
 * and change them. Pure. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/group.h"

/* NULL = as it is, or the default for a new group. */
typedef struct GroupChoices {
    const char *description;
    const char *class_name; /* a name of group_class_to_string(), case folded */
    const bool *enabled;
    const bool *allow_guest_reset;
    const bool *allow_guest_resets_all;
    const int32_t *priority;
} GroupChoices;

/* INVALID_OPTION, INVALID_NAME. */
bool group_choices_check(const GroupChoices *choices, GError **error);
/* They were checked. */
void group_choices_apply(const GroupChoices *choices, Group *group);
