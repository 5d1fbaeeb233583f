/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Choices of a caller, checked and put into a group that is to be stored. */

#include "daemon/manager/group-choices.h"

#include "daemon/base/error.h"
#include "daemon/base/text.h"

bool group_choices_check(const GroupChoices *choices, GError **error)
{
    if (choices->class_name && group_class_from_string(choices->class_name) == _GROUP_CLASS_INVALID) {
        g_autoptr(GString) names = g_string_new(NULL);

        for (int i = 0; i < _GROUP_CLASS_MAX; i++)
            g_string_append_printf(names, "%s%s", i ? ", " : "", group_class_to_string((GroupClass)i));
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION, "Class: one of %s", names->str);
        return false;
    }
    return text_check("Description", choices->description, TEXT_MAX, error);
}

void group_choices_apply(const GroupChoices *choices, Group *group)
{
    if (choices->description)
        text_replace(&group->description, choices->description);
    if (choices->class_name)
        group->class_value = group_class_from_string(choices->class_name);
    if (choices->enabled)
        group->enabled = *choices->enabled;
    if (choices->allow_guest_reset)
        group->allow_guest_reset = *choices->allow_guest_reset;
    if (choices->allow_guest_resets_all)
        group->allow_guest_resets_all = *choices->allow_guest_resets_all;
    if (choices->priority)
        group->priority = *choices->priority;
}
