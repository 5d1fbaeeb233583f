/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One assignment. Its text is daemon/config/assignment-text.c. Main thread only. */

#include "daemon/model/assignment.h"

#include <string.h>

#include "daemon/base/text.h"

static const char *const state_names[_ASSIGNMENT_STATE_MAX] = {
    [ASSIGNMENT_STATE_DISABLED] = "disabled",
    [ASSIGNMENT_STATE_WAITING_MACHINE] = "waiting-machine",
    [ASSIGNMENT_STATE_WAITING_DEVICE] = "waiting-device",
    [ASSIGNMENT_STATE_ATTACHING] = "attaching",
    [ASSIGNMENT_STATE_ATTACHED] = "attached",
    [ASSIGNMENT_STATE_PARTIAL] = "partial",
    [ASSIGNMENT_STATE_DETACHING] = "detaching",
    [ASSIGNMENT_STATE_FAILED] = "failed",
    [ASSIGNMENT_STATE_QUARANTINED] = "quarantined",
};

ENUM_TABLE_DEFINE(AssignmentState, assignment_state, state_names, _ASSIGNMENT_STATE_INVALID);

Claim *claim_free(Claim *claim)
{
    if (!claim)
        return NULL;
    g_free(claim->sysname);
    g_clear_error(&claim->error);
    g_free(claim);
    return NULL;
}

void claim_forget_failures(Claim *claim)
{
    claim->failures = 0;
    claim->next_at = 0;
    g_clear_error(&claim->error);
}

static void destroy_claim(gpointer claim)
{
    claim_free(claim);
}

Assignment *assignment_new(const char *id)
{
    Assignment *assignment = g_new0(Assignment, 1);

    assignment->id = g_strdup(id);
    assignment->name = g_strdup("");
    assignment->description = g_strdup("");
    assignment->machine_name = g_strdup("");
    assignment->selector = g_strdup("");
    assignment->quantity = 1;
    assignment->stopped_by = UINT32_MAX;
    assignment->home_socket = g_strdup("");
    assignment->device_text = g_strdup("");
    assignment->reason = g_strdup("");
    assignment->reason_code = "";
    assignment->shown_machine = g_strdup("");
    assignment->device_label = g_strdup("");
    assignment->device_icon = DEVICE_ICON_GENERIC;
    assignment->error = "";
    assignment->persistent = true;
    assignment->wanted = true;
    assignment->state = ASSIGNMENT_STATE_WAITING_MACHINE;
    assignment->pending = true;
    assignment->given_back = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    assignment->claims = g_ptr_array_new_with_free_func(destroy_claim);
    return assignment;
}

Assignment *assignment_free(Assignment *assignment)
{
    if (!assignment)
        return NULL;
    g_free(assignment->id);
    g_free(assignment->name);
    g_free(assignment->description);
    g_free(assignment->machine_uuid);
    g_free(assignment->machine_name);
    g_free(assignment->group);
    g_free(assignment->tenant);
    rule_unref(assignment->rule);
    g_free(assignment->selector);
    g_free(assignment->home_socket);
    g_free(assignment->device_text);
    g_free(assignment->shown_machine);
    g_free(assignment->device_label);
    g_free(assignment->reason);
    g_free(assignment->damage);
    g_array_unref(assignment->given_back);
    g_ptr_array_unref(assignment->claims);
    g_free(assignment);
    return NULL;
}

Assignment *assignment_copy(const Assignment *assignment)
{
    Assignment *copy = assignment_new(assignment->id);

    text_replace(&copy->name, assignment->name);
    text_replace(&copy->description, assignment->description);
    copy->machine_uuid = g_strdup(assignment->machine_uuid);
    text_replace(&copy->machine_name, assignment->machine_name);
    copy->group = g_strdup(assignment->group);
    copy->tenant = g_strdup(assignment->tenant);
    /* What was printed by rule_print() can be read. */
    copy->rule = assignment->rule ? rule_parse(assignment->selector, NULL) : NULL;
    text_replace(&copy->selector, assignment->selector);
    copy->quantity_kind = assignment->quantity_kind;
    copy->quantity = assignment->quantity;
    text_replace(&copy->home_socket, assignment->home_socket);
    copy->twins = assignment->twins;
    text_replace(&copy->device_text, assignment->device_text);
    copy->persistent = assignment->persistent;
    copy->follow = assignment->follow;
    copy->forced = assignment->forced;
    copy->wanted = assignment->wanted;
    copy->replugged = assignment->replugged;
    copy->trial = assignment->trial;
    copy->lease = assignment->lease;
    copy->priority = assignment->priority;
    g_array_append_vals(copy->given_back, assignment->given_back->data, assignment->given_back->len);
    copy->own_guest_reset = assignment->own_guest_reset;
    copy->own_guest_resets_all = assignment->own_guest_resets_all;
    copy->owner = assignment->owner;
    copy->created = assignment->created;
    copy->sequence = assignment->sequence;
    return copy;
}

Claim *assignment_claim(const Assignment *assignment, const char *sysname, uint64_t instance)
{
    for (guint i = 0; i < assignment->claims->len; i++) {
        Claim *one = assignment->claims->pdata[i];

        if (one->instance == instance && g_strcmp0(one->sysname, sysname) == 0)
            return one;
    }
    return NULL;
}

bool assignment_drop_claims(Assignment *assignment, const char *sysname)
{
    guint before = assignment->claims->len;

    for (guint i = before; i > 0; i--)
        if (g_strcmp0(((const Claim *)assignment->claims->pdata[i - 1])->sysname, sysname) == 0)
            g_ptr_array_remove_index(assignment->claims, i - 1);
    return assignment->claims->len < before;
}

int assignment_given_back(const Assignment *assignment, uint64_t instance)
{
    for (guint i = 0; i < assignment->given_back->len; i++)
        if (g_array_index(assignment->given_back, uint64_t, i) == instance)
            return (int)i;
    return -1;
}

bool assignment_was_taken(const Assignment *assignment, uint64_t instance)
{
    return !assignment->expired && !assignment->replugged &&
           (assignment->releasing || !assignment->wanted || assignment_given_back(assignment, instance) >= 0);
}

bool assignment_is_ending(const Assignment *assignment)
{
    return assignment->releasing || assignment->expired;
}

const Term *assignment_term(const Assignment *assignment)
{
    return term_next(&assignment->trial, &assignment->lease);
}

char *assignment_quantity_to_string(const Assignment *assignment)
{
    switch (assignment->quantity_kind) {
    case QUANTITY_COUNT:
        return g_strdup_printf("%u", assignment->quantity);
    case QUANTITY_ALL:
        return g_strdup("all");
    case QUANTITY_SET:
        return g_strdup("set");
    }
    g_return_val_if_reached(g_strdup("1"));
}

bool quantity_parse(const char *text, QuantityKind *ret_kind, unsigned *ret_quantity)
{
    guint64 count = 0;
    bool is_all = strcmp(text, "all") == 0;

    if (is_all || strcmp(text, "set") == 0) {
        *ret_kind = is_all ? QUANTITY_ALL : QUANTITY_SET;
        *ret_quantity = 0;
        return true;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 1, QUANTITY_MAX, &count, NULL))
        return false;
    *ret_kind = QUANTITY_COUNT;
    *ret_quantity = (unsigned)count;
    return true;
}
