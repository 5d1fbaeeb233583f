/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The story of one device, assignment, group or machine, from the same verdicts that decide. Called for
 * Manager.Explain(); works everything out anew and changes nothing. */

#include "daemon/allocation/explain.h"

#include "daemon/allocation/allocation.h"
#include "daemon/allocation/pci-passthrough.h"
#include "daemon/allocation/priority.h"
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

static bool has_or_gets(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    const Want *want = allocation_want(allocation, device);

    return want && want->assignment == assignment;
}

/* Of an assignment the whole state is known, failures included. */
static char *reason_text(const Assignment *assignment)
{
    g_autofree char *name = text_quote(assignment->name);
    g_autofree char *reason = g_strdup(assignment->reason);

    if (g_str_has_suffix(reason, "."))
        reason[strlen(reason) - 1] = '\0';
    return g_strdup_printf("%s: %s", name, reason);
}

static void add_assignment(GPtrArray *lines, const Allocation *allocation, const Device *device,
                           const Assignment *assignment)
{
    Verdict verdict = allocation_judge(allocation, assignment, device);
    g_autofree char *name = text_quote(assignment->name);
    g_autofree char *text = NULL;

    if (has_or_gets(allocation, assignment, device)) {
        const char *word = assignment->state == ASSIGNMENT_STATE_FAILED ? "blocks" : verdict_word(verdict);
        add(lines, "assignment", assignment->id, word, assignment->reason_code, reason_text(assignment))
            ->winner = true;
        return;
    }
    text = allocation_verdict_text(allocation, assignment, device, verdict);
    add(lines, "assignment", assignment->id, verdict_word(verdict), verdict_code(verdict),
        g_strdup_printf("%s: %s", name, text));
}

/* The assignment that has or gets the device comes first, then those that it could go to. What is for other
 * devices is left out: there is nothing to be learnt from it. */
static void add_assignments(GPtrArray *lines, Registry *registry, const Allocation *allocation,
                            const Device *device)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);
    guint before = lines->len;

    for (int step = 0; step < 2; step++)
        for (guint i = 0; i < assignments->len; i++)
            if (has_or_gets(allocation, assignments->pdata[i], device) == (step == 0) &&
                (step == 0 ||
                 allocation_judge(allocation, assignments->pdata[i], device) != VERDICT_OTHER_DEVICE))
                add_assignment(lines, allocation, device, assignments->pdata[i]);
    if (lines->len == before)
        add(lines, "device", device->sysname, "no", reason_code_to_string(REASON_NOTHING_ASSIGNED),
            g_strdup("no assignment is for it"));
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

/* What keeps the service from its work. */
static void add_service(GPtrArray *lines, Registry *registry, const Allocation *allocation)
{
    if (registry->held_home)
        add(lines, "service", "", "blocks", verdict_code(VERDICT_HELD_HOME),
            allocation_verdict_text(allocation, NULL, NULL, VERDICT_HELD_HOME));
    if (!registry->enabled)
        add(lines, "service", "", "blocks", verdict_code(VERDICT_SWITCHED_OFF),
            g_strdup("usbferry is switched off and gives nothing more"));
    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED)
        add(lines, "hypervisor", "", "waits", verdict_code(VERDICT_HYPERVISOR_AWAY),
            g_strdup_printf("the hypervisor is away%s%s", registry->hypervisor_text ? ": " : "",
                            registry->hypervisor_text ? registry->hypervisor_text : ""));
}

GPtrArray *explain_device(Registry *registry, const Device *device)
{
    g_autoptr(Allocation) allocation = allocation_new(registry, g_get_monotonic_time());
    g_autoptr(GPtrArray) groups = registry_sorted(registry->groups);
    GPtrArray *lines = g_ptr_array_new_with_free_func(destroy);

    add_place(lines, allocation, device);
    add_controller(lines, registry, device);
    if (!device->is_hub)
        add_assignments(lines, registry, allocation, device);
    add_tenant(lines, device);
    for (guint i = 0; !device->is_hub && i < groups->len; i++)
        add_group(lines, registry, device, groups->pdata[i]);
    add_service(lines, registry, allocation);
    return lines;
}

/* ------------------------------------------------------------------ what isn't a device */

/* Where an assignment stands, by itself. */
static const char *word_of(const Assignment *assignment)
{
    static const char *const words[_ASSIGNMENT_STATE_MAX] = {
        [ASSIGNMENT_STATE_DISABLED] = "blocks",
        [ASSIGNMENT_STATE_FAILED] = "blocks",
        [ASSIGNMENT_STATE_ATTACHING] = "yes",
        [ASSIGNMENT_STATE_ATTACHED] = "yes",
    };

    return words[assignment->state] ? words[assignment->state] : "waits";
}

static void add_whole(GPtrArray *lines, const Assignment *assignment)
{
    add(lines, "assignment", assignment->id, word_of(assignment), assignment->reason_code,
        reason_text(assignment));
}

/* A device that the assignment has, gets, or could get. */
static void add_candidate(GPtrArray *lines, const Allocation *allocation, const Assignment *assignment,
                          const Device *device)
{
    Verdict verdict = allocation_judge(allocation, assignment, device);
    const Attachment *attachment = allocation_attachment(allocation, device);
    bool winner = has_or_gets(allocation, assignment, device);

    if (winner && attachment && !attachment_is_foreign(attachment)) {
        add_place(lines, allocation, device);
        ((Explanation *)lines->pdata[lines->len - 1])->winner = true;
        return;
    }
    add(lines, "device", device->sysname, verdict_word(verdict), verdict_code(verdict),
        allocation_verdict_text(allocation, assignment, device, verdict))
        ->winner = winner;
}

GPtrArray *explain_assignment(Registry *registry, const Assignment *assignment)
{
    g_autoptr(Allocation) allocation = allocation_new(registry, g_get_monotonic_time());
    const GPtrArray *devices = candidates_of(allocation->candidates, assignment);
    const Group *group = registry_group_of(registry, assignment);
    GPtrArray *lines = g_ptr_array_new_with_free_func(destroy);

    add_whole(lines, assignment);
    for (int step = 0; step < 2; step++)
        for (guint i = 0; i < devices->len; i++)
            if (has_or_gets(allocation, assignment, devices->pdata[i]) == (step == 0))
                add_candidate(lines, allocation, assignment, devices->pdata[i]);
    if (group && !group->enabled)
        add(lines, "group", group->name, "blocks", verdict_code(VERDICT_GROUP_DISABLED),
            allocation_verdict_text(allocation, assignment, NULL, VERDICT_GROUP_DISABLED));
    add_service(lines, registry, allocation);
    return lines;
}

static int compare_places(const void *a, const void *b, void *registry)
{
    return priority_compare_sets(registry, *(const Assignment *const *)b, *(const Assignment *const *)a);
}

GPtrArray *explain_group(Registry *registry, const Group *group)
{
    g_autoptr(Allocation) allocation = allocation_new(registry, g_get_monotonic_time());
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);
    g_autoptr(GPtrArray) devices = registry_sorted(registry->devices);
    GPtrArray *lines = g_ptr_array_new_with_free_func(destroy);
    guint n_devices = 0, n_assignments = 0;

    if (!group->enabled)
        add(lines, "group", group->name, "blocks", verdict_code(VERDICT_GROUP_DISABLED),
            g_strdup_printf("group %s is disabled and gives nothing (usbferry group set %s --enable)",
                            group->name, group->name));
    /* in the order in which they come when nothing else decides */
    g_ptr_array_sort_with_data(assignments, compare_places, registry);
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];

        if (g_strcmp0(assignment->group, group->name) != 0)
            continue;
        add_whole(lines, assignment);
        n_assignments++;
    }
    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];

        if (!membership_find(device, group->name))
            continue;
        add_place(lines, allocation, device);
        n_devices++;
    }
    if (n_assignments == 0)
        add(lines, "group", group->name, "no", reason_code_to_string(REASON_NOTHING_ASSIGNED),
            g_strdup_printf("no VM draws from group %s", group->name));
    if (n_devices == 0)
        add(lines, "group", group->name, "waits", reason_code_to_string(REASON_NONE_PLUGGED_IN),
            g_strdup_printf("no device of group %s is plugged in", group->name));
    add_service(lines, registry, allocation);
    return lines;
}

GPtrArray *explain_machine(Registry *registry, const Machine *machine)
{
    g_autoptr(Allocation) allocation = allocation_new(registry, g_get_monotonic_time());
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);
    g_autoptr(GPtrArray) devices = registry_sorted(registry->devices);
    GPtrArray *lines = g_ptr_array_new_with_free_func(destroy);
    const char *uuid = machine->info->uuid;
    g_autofree char *name = text_quote(machine->info->name);
    bool active = machine_is_active(machine);
    guint before;

    add(lines, "machine", uuid, active ? "yes" : "waits",
        reason_code_to_string(active ? REASON_MACHINE_ON : REASON_MACHINE_OFF),
        g_strdup_printf("VM %s is %s", name, active ? "running" : "not running"));
    before = lines->len;
    for (guint i = 0; i < assignments->len; i++)
        if (g_str_equal(((const Assignment *)assignments->pdata[i])->machine_uuid, uuid))
            add_whole(lines, assignments->pdata[i]);
    if (lines->len == before)
        add(lines, "machine", uuid, "no", reason_code_to_string(REASON_NOTHING_ASSIGNED),
            g_strdup_printf("nothing is assigned to VM %s", name));
    for (guint i = 0; i < devices->len; i++) {
        const Attachment *attachment = allocation_attachment(allocation, devices->pdata[i]);

        if (attachment && attachment->machine == machine)
            add_place(lines, allocation, devices->pdata[i]);
    }
    add_service(lines, registry, allocation);
    return lines;
}
