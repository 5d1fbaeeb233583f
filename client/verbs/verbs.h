/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verbs: one function for each. It gets the words behind the verb, does the work, and returns the exit
 * status; when it sets the error, that is printed and its code is the status. */

#include <glib.h>

#include "client/bus/client.h"

struct Verb {
    const char *name;      /* NULL: what is done without a verb; one word, or two: "group add" */
    const char *arguments; /* as the help shows them */
    const char *summary;
    Outcome (*run)(Client *client, char **words, GError **error);
};

/* NULL = there is none; the one without a name is found by NULL. */
const Verb *verb_find(const char *name);

/* The verb that the words begin with, and how many of them are its name. USAGE when there is none. */
const Verb *verb_find_words(char **words, unsigned *ret_used, GError **error);

/* All of them, for the help. New string. */
char *verbs_help(void);

Outcome verb_overview(Client *client, char **words, GError **error);
Outcome verb_list(Client *client, char **words, GError **error);
Outcome verb_show(Client *client, char **words, GError **error);
Outcome verb_give(Client *client, char **words, GError **error);
Outcome verb_take(Client *client, char **words, GError **error);
Outcome verb_attach(Client *client, char **words, GError **error);
Outcome verb_detach(Client *client, char **words, GError **error);
Outcome verb_watch(Client *client, char **words, GError **error);
Outcome verb_explain(Client *client, char **words, GError **error);
Outcome verb_rescan(Client *client, char **words, GError **error);
Outcome verb_export(Client *client, char **words, GError **error);
Outcome verb_apply(Client *client, char **words, GError **error);
Outcome verb_enable(Client *client, char **words, GError **error);
Outcome verb_disable(Client *client, char **words, GError **error);
Outcome verb_reset(Client *client, char **words, GError **error);
Outcome verb_passthrough(Client *client, char **words, GError **error);
Outcome verb_group(Client *client, char **words, GError **error);
Outcome verb_group_show(Client *client, char **words, GError **error);
Outcome verb_group_add(Client *client, char **words, GError **error);
Outcome verb_group_set(Client *client, char **words, GError **error);
Outcome verb_group_rm(Client *client, char **words, GError **error);
Outcome verb_rule(Client *client, char **words, GError **error);
Outcome verb_rule_add(Client *client, char **words, GError **error);
Outcome verb_rule_set(Client *client, char **words, GError **error);
Outcome verb_rule_rm(Client *client, char **words, GError **error);
Outcome verb_rule_test(Client *client, char **words, GError **error);
Outcome verb_tenant(Client *client, char **words, GError **error);
Outcome verb_tenant_show(Client *client, char **words, GError **error);
Outcome verb_tenant_add(Client *client, char **words, GError **error);
Outcome verb_tenant_set(Client *client, char **words, GError **error);
Outcome verb_tenant_rm(Client *client, char **words, GError **error);
Outcome verb_tenant_machine(Client *client, char **words, GError **error);
Outcome verb_tenant_grant(Client *client, char **words, GError **error);
Outcome verb_tenant_revoke(Client *client, char **words, GError **error);
