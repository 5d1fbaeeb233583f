/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/verbs.h"

static const Verb verbs[] = {
    { NULL, NULL, "Shows every device, where it is and why", verb_overview },
    { "list", "[devices|machines|assignments]", "Lists devices, VMs or assignments", verb_list },
    { "show", "[DEVICE|ASSIGNMENT|VM …]", "Shows all about it; without one, about the service", verb_show },
    { "give", "DEVICE… VM", "Gives devices to a VM", verb_give },
    { "take", "DEVICE|ASSIGNMENT|VM…", "Takes devices home and ends their assignments", verb_take },
    { "detach", "DEVICE|ASSIGNMENT…", "Takes devices home and keeps their assignments", verb_detach },
    { "attach", "ASSIGNMENT…", "Gives devices again after a detach", verb_attach },
    { "watch", NULL, "Prints a line for every change", verb_watch },
    { "explain", "DEVICE", "Tells why a device is where it is", verb_explain },
    { "rescan", NULL, "Has the service look at the host's devices again", verb_rescan },
};

const Verb *verb_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_strcmp0(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

char *verbs_help(void)
{
    GString *help = g_string_new("Hands this host's USB devices to its virtual machines.\n\nVerbs:\n");

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        g_string_append_printf(help, "  %-9s %s\n", verbs[i].name ?: "(none)", verbs[i].summary);
    g_string_append(help, "\nusbferry VERB --help tells more.");
    return g_string_free(help, FALSE);
}
