/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of a group, read into the choices of the core. */

#include "dbus/objects/group-options.h"

#include "dbus/bus/options.h"

int group_options_read(sd_bus_message *message, GroupOptions *ret_options, sd_bus_error *ret_error)
{
    GroupChoices *choices = &ret_options->choices;
    enum { DESCRIPTION, CLASS, ENABLED, ALLOW_GUEST_RESET, ALLOW_GUEST_RESETS_ALL, PRIORITY };
    Option options[] = {
        [DESCRIPTION] = { "Description", 's', &choices->description },
        [CLASS] = { "Class", 's', &choices->class_name },
        [ENABLED] = { "Enabled", 'b', &ret_options->enabled },
        [ALLOW_GUEST_RESET] = { "AllowGuestReset", 'b', &ret_options->allow_guest_reset },
        [ALLOW_GUEST_RESETS_ALL] = { "AllowGuestResetsAll", 'b', &ret_options->allow_guest_resets_all },
        [PRIORITY] = { "Priority", 'i', &ret_options->priority },
    };
    int r;

    *ret_options = (GroupOptions){};
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (options[ENABLED].given)
        choices->enabled = &ret_options->enabled;
    if (options[ALLOW_GUEST_RESET].given)
        choices->allow_guest_reset = &ret_options->allow_guest_reset;
    if (options[ALLOW_GUEST_RESETS_ALL].given)
        choices->allow_guest_resets_all = &ret_options->allow_guest_resets_all;
    if (options[PRIORITY].given)
        choices->priority = &ret_options->priority;
    return r;
}
