/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of all verbs, in the order in which the help shows them. A new verb gets a line here. */

#include "client/verbs/verbs.h"

#include <glib/gi18n.h>

#include <string.h>

#include "client/bus/escape.h"
#include "client/verbs/apply.h"
#include "client/verbs/attach.h"
#include "client/verbs/controller.h"
#include "client/verbs/await.h"
#include "client/verbs/enable.h"
#include "client/verbs/explain.h"
#include "client/verbs/give.h"
#include "client/verbs/grant.h"
#include "client/verbs/group.h"
#include "client/verbs/list.h"
#include "client/verbs/log.h"
#include "client/verbs/nearest.h"
#include "client/verbs/overview.h"
#include "client/verbs/passthrough.h"
#include "client/verbs/rescan.h"
#include "client/verbs/reset.h"
#include "client/verbs/rule.h"
#include "client/verbs/set.h"
#include "client/verbs/show.h"
#include "client/verbs/start.h"
#include "client/verbs/take.h"
#include "client/verbs/tenant.h"
#include "client/verbs/trial.h"
#include "client/verbs/watch.h"

static const Verb *const verbs[] = {
    &verb_overview,     &verb_list,          &verb_show,          &verb_give,        &verb_take,
    &verb_detach,       &verb_set,           &verb_attach,        &verb_confirm,     &verb_retry,
    &verb_wait,         &verb_start,         &verb_vm_controller, &verb_reset,       &verb_watch,
    &verb_log,          &verb_explain,       &verb_rescan,        &verb_passthrough, &verb_group,
    &verb_group_show,   &verb_group_add,     &verb_group_set,     &verb_group_rm,    &verb_rule,
    &verb_rule_add,     &verb_rule_set,      &verb_rule_rm,       &verb_rule_test,   &verb_tenant,
    &verb_tenant_show,  &verb_tenant_add,    &verb_tenant_set,    &verb_tenant_rm,   &verb_tenant_machine,
    &verb_tenant_grant, &verb_tenant_revoke, &verb_export,        &verb_apply,       &verb_enable,
    &verb_disable,
};

const Verb *verb_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_strcmp0(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

/* "group", which has "group add" and others */
static bool is_family(const char *name)
{
    gsize length = strlen(name);

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (verbs[i]->name && strncmp(verbs[i]->name, name, length) == 0 && verbs[i]->name[length] == ' ')
            return true;
    return false;
}

static const Verb *find_second(char **words)
{
    g_autofree char *both = g_strdup_printf("%s %s", words[0], words[1]);

    return verb_find(both);
}

/* What other programs call it, which no slip of the hand explains. */
static const char *find_usual(const char *word)
{
    static const struct {
        const char *word, *verb;
    } usual[] = {
        { "assign", "give" },
        { "ls", "list" },
        { "info", "show" },
        { "release", "take" },
        { "status", "list" },
        { "unassign", "take" },
        { "remove", "take" },
        { "rm", "take" },
        { "why", "explain" },
        { "history", "log" },
        { "journal", "log" },
        { "monitor", "watch" },
        { "connect", "give" },
        { "disconnect", "take" },
        { "import", "apply" },
        { "groups", "group" },
        { "rules", "rule" },
        { "tenants", "tenant" },
        { "passthru", "passthrough" },
        { "devices", "list devices" },
        { "vms", "list vms" },
        { "assignments", "list assignments" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(usual); i++)
        if (g_str_equal(usual[i].word, word))
            return usual[i].verb;
    return NULL;
}

/* word: one, or two */
static const char *find_nearest(const char *word)
{
    const char *names[G_N_ELEMENTS(verbs)];
    gsize n = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (verbs[i]->name)
            names[n++] = verbs[i]->name;
    /* "vm" is the begin of one */
    for (gsize i = 0; i < n; i++)
        if (g_str_has_prefix(names[i], word) && names[i][strlen(word)] == ' ')
            return names[i];
    return find_usual(word) ?: nearest_text(word, names, n);
}

static void set_no_verb(const char *first, const char *second, GError **error)
{
    g_autofree char *word = second ? g_strdup_printf("%s %s", first, second) : g_strdup(first);
    g_autofree char *escaped = escape_text(word);
    const char *nearest = g_utf8_validate(word, -1, NULL) ? find_nearest(word) : NULL;

    if (nearest)
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("there is no verb \"%s\"; did you mean \"usbferry %s\"?"), escaped, nearest);
    else
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("there is no verb \"%s\"; see usbferry --help"),
                    escaped);
}

const Verb *verb_find_words(char **words, unsigned *ret_used, GError **error)
{
    bool second = words[0] && words[1] && words[1][0] != '-' && is_family(words[0]);
    /* "group add" as one word is none of ours */
    const Verb *verb = second                                ? find_second(words)
                       : !words[0] || !strchr(words[0], ' ') ? verb_find(words[0])
                                                             : NULL;

    if (!verb) {
        set_no_verb(words[0], second ? words[1] : NULL, error);
        return NULL;
    }
    *ret_used = second ? 2 : words[0] ? 1 : 0;
    return verb;
}

const Verb *const *verbs_all(gsize *ret_n)
{
    *ret_n = G_N_ELEMENTS(verbs);
    return verbs;
}

char *verbs_help(void)
{
    GString *help =
        g_string_new(_("Gives this host's USB devices to its virtual machines (VMs).\n\nVerbs:\n"));

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        g_string_append_printf(help, "  %-14s  %s\n", verbs[i]->name ?: _("(none)"), _(verbs[i]->summary));
    g_string_append(help, _("\nusbferry help VERB tells more, with examples."));
    return g_string_free(help, FALSE);
}
