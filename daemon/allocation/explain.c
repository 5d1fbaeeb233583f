/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The story of one device, from the same verdicts that decide. Called for Manager.Explain(); works
 * everything out anew and changes nothing. */

#include "daemon/allocation/explain.h"

#include "daemon/allocation/allocation.h"
#include "daemon/allocation/pci-passthrough.h"
#include "daemon/base/text.h"
#include "daemon/model/membership.h"

Explanation *explanation_free(Explanation *explanation)
{
    if (!explanation)
        return NULL;
    g_free(explanation->subject);
    g_free(explanation->text);
    g_free(explanation);
    return NULL;
}

static void destroy(gpointer explanation)
{
    explanation_free(explanation);
}

static Explanation *add(GPtrArray *lines, const char *kind, const char *subject, const char *verdict,
                        const char *code, char *text)
{
    Explanation *line = g_new0(Explanation, 1);

    line->kind = kind;
    line->subject = g_strdup(subject);
    line->verdict = verdict;
    line->code = code;
    line->text = g_strconcat(text, ".", NULL);
    g_free(text);
    g_ptr_array_add(lines, line);
    return line;
}

static void add_place(GPtrArray *lines, const Allocation *allocation, const Device *device)
{
    const Attachment *attachment = allocation_attachment(allocation, device);
    g_autofree char *what = device_describe(device);
    g_autofree char *machine = attachment ? text_quote(attachment->machine->info->name) : NULL;

    if (device->is_hub)
        add(lines, "device", device->sysname, "blocks", verdict_code(VERDICT_HUB),
            allocation_verdict_text(allocation, NULL, device, VERDICT_HUB));
    else if (attachment_is_foreign(attachment))
        add(lines, "device", device->sysname, "blocks", verdict_code(VERDICT_FOREIGN),
            g_strdup_printf("%s was given to VM %s by another program; usbferry leaves it alone", what,
                            machine));
    else if (attachment_is_dead(attachment))
        add(lines, "device", device->sysname, "waits", reason_code_to_string(REASON_DEAD),
            g_strdup_printf("%s is dead in VM %s, which came out of a saved state; it is taken out", what,
                            machine));
    else if (attachment)
        add(lines, "device", device->sysname, "yes", reason_code_to_string(REASON_IN_MACHINE),
            g_strdup_printf("%s is in VM %s now", what, machine));
    else
        add(lines, "device", device->sysname, allocation_want(allocation, device) ? "waits" : "no",
            reason_code_to_string(REASON_HOST), g_strdup_printf("%s is with the host", what));
}

static void add_tenant(GPtrArray *lines, const Device *device)
{
    if (device->tenant)
        add(lines, "tenant", device->tenant, "yes", reason_code_to_string(REASON_OWNED),
            g_strdup_printf("it belongs to tenant %s: only that tenant's VMs can have it", device->tenant));
}

static void add_controller(GPtrArray *lines, Registry *registry, const Device *device)
{
    const Machine *owner = pci_passthrough_owner(registry, device->controller);
    const Machine *machine = owner ? owner : pci_passthrough_claimant(registry, device->controller);
    g_autofree char *name = machine ? text_quote(machine->info->name) : NULL;

    if (machine)
        add(lines, "controller", device->controller, owner ? "blocks" : "waits",
            owner ? verdict_code(VERDICT_CONTROLLER_TAKEN) : reason_code_to_string(REASON_CONTROLLER_CLAIMED),
            g_strdup_printf("VM %s %s its controller %s as a whole", name,
                            owner ? "has" : "is off, and when it starts it takes", device->controller));
}

/* The assignment that has or gets the device comes first, then those that the device matches, then the rest.
 */
static int rank(const Allocation *allocation, const Device *device, const Assignment *assignment)
{
    const Want *want = allocation_want(allocation, device);

    if (want && want->assignment == assignment)
        return 0;
    return allocation_judge(allocation, assignment, device) == VERDICT_OTHER_DEVICE ? 2 : 1;
}

static void add_assignment(GPtrArray *lines, Registry *registry, const Allocation *allocation,
                           const Device *device, const Assignment *assignment)
{
    Verdict verdict = allocation_judge(allocation, assignment, device);
    const Want *want = allocation_want(allocation, device);
    bool winner = want && want->assignment == assignment;
    const char *word = verdict_word(verdict);
    const char *code = verdict_code(verdict);
    char *text;

    /* For the one that comes first the whole state is known, failures included. */
    if (winner) {
        text = g_strdup(assignment->reason);
        code = assignment->reason_code;
        if (g_str_has_suffix(text, "."))
            text[strlen(text) - 1] = '\0';
        if (assignment->state == ASSIGNMENT_STATE_FAILED)
            word = "blocks";
    } else {
        text = allocation_verdict_text(allocation, assignment, device, verdict);
    }
    add(lines, "assignment", assignment->id, word, code, text)->winner = winner;
}

/* Each rule that matches, also one that is disabled or another host's; a group without any in one line. */
static void add_group(GPtrArray *lines, Registry *registry, const Device *device, const Group *group)
{
    bool any = false;

    for (guint i = 0; i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];

        if (!rule_matches(rule->rule, device, registry->node))
            continue;
        any = true;
        add(lines, "rule", group->name, rule->enabled ? "yes" : "blocks",
            reason_code_to_string(rule->enabled ? REASON_RULE_MATCHES : REASON_RULE_DISABLED),
            g_strdup_printf("rule %u of group %s %s: %s", rule->id, group->name,
                            rule->enabled ? "matches" : "would match, but is disabled", rule->text));
    }
    if (!any)
        add(lines, "group", group->name, "no", reason_code_to_string(REASON_NO_RULE_MATCHES),
            g_strdup_printf("no rule of group %s matches", group->name));
    else if (membership_is_withheld(registry, device, group))
        add(lines, "group", group->name, "blocks", verdict_code(VERDICT_NOT_OWNED),
            g_strdup_printf("it belongs to tenant %s, so it is not in group %s", device->tenant,
                            group->name));
    else if (!membership_find(device, group->name))
        add(lines, "group", group->name, "no", reason_code_to_string(REASON_NOT_IN_GROUP),
            g_strdup_printf("it is not in group %s", group->name));
    else
        add(lines, "group", group->name, group->enabled ? "yes" : "blocks",
            group->enabled ? reason_code_to_string(REASON_IN_GROUP) : verdict_code(VERDICT_GROUP_DISABLED),
            g_strdup_printf("it is in group %s%s", group->name,
                            group->enabled ? "" : ", which is disabled and gives nothing"));
}

GPtrArray *explain_device(Registry *registry, const Device *device)
{
    g_autoptr(Allocation) allocation = allocation_new(registry, g_get_monotonic_time());
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);
    g_autoptr(GPtrArray) groups = registry_sorted(registry->groups);
    GPtrArray *lines = g_ptr_array_new_with_free_func(destroy);
    enum { RANKS = 3 };

    add_place(lines, allocation, device);
    add_controller(lines, registry, device);
    for (int step = 0; step < RANKS; step++)
        for (guint i = 0; i < assignments->len; i++)
            if (rank(allocation, device, assignments->pdata[i]) == step)
                add_assignment(lines, registry, allocation, device, assignments->pdata[i]);
    add_tenant(lines, device);
    for (guint i = 0; !device->is_hub && i < groups->len; i++)
        add_group(lines, registry, device, groups->pdata[i]);
    if (registry->held_home)
        add(lines, "service", "", "blocks", verdict_code(VERDICT_HELD_HOME),
            allocation_verdict_text(allocation, NULL, NULL, VERDICT_HELD_HOME));
    if (!registry->enabled)
        add(lines, "service", "", "blocks", verdict_code(VERDICT_SWITCHED_OFF),
            g_strdup("usbferry is switched off and gives nothing more"));
    if (assignments->len == 0)
        add(lines, "device", device->sysname, "no", reason_code_to_string(REASON_NOTHING_ASSIGNED),
            g_strdup("nothing is assigned to any VM"));
    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED)
        add(lines, "hypervisor", "", "waits", verdict_code(VERDICT_HYPERVISOR_AWAY),
            g_strdup_printf("the hypervisor is away%s%s", registry->hypervisor_text ? ": " : "",
                            registry->hypervisor_text ? registry->hypervisor_text : ""));
    return lines;
}
