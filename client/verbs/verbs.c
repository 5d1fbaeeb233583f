/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/verbs/verbs.h"

#include "client/bus/escape.h"

static const Verb verbs[] = {
    { NULL, NULL, "Shows every device, where it is and why", verb_overview },
    { "list", "[devices|machines|assignments|groups|tenants]", "Lists devices, VMs, assignments and so on",
      verb_list },
    { "show", "[DEVICE|ASSIGNMENT|VM|GROUP|TENANT …]", "Shows all about it; without one, about the service",
      verb_show },
    { "give", "DEVICE|GROUP… VM", "Gives devices to a VM, or lets it draw from a group", verb_give },
    { "take", "DEVICE|ASSIGNMENT|VM…", "Takes devices home and ends their assignments", verb_take },
    { "detach", "DEVICE|ASSIGNMENT…", "Takes devices home and keeps their assignments", verb_detach },
    { "attach", "ASSIGNMENT…", "Gives devices again after a detach", verb_attach },
    { "reset", "DEVICE|ASSIGNMENT", "Resets a device, or the hub that it is plugged into", verb_reset },
    { "watch", NULL, "Prints a line for every change", verb_watch },
    { "explain", "DEVICE", "Tells why a device is where it is", verb_explain },
    { "rescan", NULL, "Has the service look at the host's devices again", verb_rescan },
    { "passthrough", "DEVICE…", "Puts devices into a group, which VMs can draw from", verb_passthrough },
    { "group", NULL, "Lists the groups", verb_group },
    { "group show", "GROUP…", "Shows all about a group", verb_group_show },
    { "group add", "[GROUP]", "Makes a group", verb_group_add },
    { "group set", "GROUP", "Changes a group", verb_group_set },
    { "group rm", "GROUP", "Deletes a group", verb_group_rm },
    { "rule", NULL, "Lists the rules of all groups", verb_rule },
    { "rule add", "GROUP RULE", "Adds a rule to a group", verb_rule_add },
    { "rule set", "GROUP ID [RULE]", "Changes a rule", verb_rule_set },
    { "rule rm", "GROUP ID", "Removes a rule", verb_rule_rm },
    { "rule test", "RULE", "Shows which devices a rule would match, and what would change", verb_rule_test },
    { "tenant", NULL, "Lists the tenants, who own devices and VMs", verb_tenant },
    { "tenant show", "TENANT…", "Shows all about a tenant", verb_tenant_show },
    { "tenant add", "TENANT", "Makes a tenant", verb_tenant_add },
    { "tenant set", "TENANT", "Changes a tenant and its members", verb_tenant_set },
    { "tenant rm", "TENANT", "Deletes a tenant", verb_tenant_rm },
    { "tenant machine", "TENANT VM…", "Gives VMs to a tenant, or takes them from it", verb_tenant_machine },
    { "tenant grant", "TENANT DEVICE…", "Makes devices the tenant's, used or not", verb_tenant_grant },
    { "tenant revoke", "TENANT [DEVICE…]", "Takes devices from the tenant again", verb_tenant_revoke },
    { "export", NULL, "Prints all groups and assignments, for apply", verb_export },
    { "apply", "FILE", "Has groups and assignments be as a file says", verb_apply },
    { "enable", NULL, "Has the service hand out devices", verb_enable },
    { "disable", NULL, "Has it hand out nothing more", verb_disable },
};

const Verb *verb_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_strcmp0(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* "group", which has "group add" and others */
static bool is_family(const char *name)
{
    gsize length = strlen(name);

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (verbs[i].name && strncmp(verbs[i].name, name, length) == 0 && verbs[i].name[length] == ' ')
            return true;
    return false;
}

static const Verb *find_second(char **words)
{
    g_autofree char *both = g_strdup_printf("%s %s", words[0], words[1]);

    return verb_find(both);
}

const Verb *verb_find_words(char **words, unsigned *ret_used, GError **error)
{
    bool second = words[0] && words[1] && words[1][0] != '-' && is_family(words[0]);
    /* "group add" as one word is none of ours */
    const Verb *verb = second                                ? find_second(words)
                       : !words[0] || !strchr(words[0], ' ') ? verb_find(words[0])
                                                             : NULL;

    if (!verb) {
        g_autofree char *name = escape_text(words[0]);
        g_autofree char *rest = escape_text(second ? words[1] : NULL);
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "there is no verb \"%s%s%s\"; see usbferry --help",
                    name, second ? " " : "", rest);
        return NULL;
    }
    *ret_used = second ? 2 : words[0] ? 1 : 0;
    return verb;
}

char *verbs_help(void)
{
    GString *help = g_string_new("Hands this host's USB devices to its virtual machines.\n\nVerbs:\n");

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        g_string_append_printf(help, "  %-14s  %s\n", verbs[i].name ?: "(none)", verbs[i].summary);
    g_string_append(help, "\nusbferry VERB --help tells more.");
    return g_string_free(help, FALSE);
}
