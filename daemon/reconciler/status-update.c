/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes down what status.h says, reports what is different, and logs it. Called by reconciler.c at the end
 * of each turn. */

#include "daemon/reconciler/status-update.h"

#include "daemon/allocation/assignment-labels.h"
#include "daemon/allocation/device-status.h"
#include "daemon/allocation/guest-reset.h"
#include "daemon/allocation/pci-passthrough.h"
#include "daemon/allocation/status.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/model/membership.h"
#include "daemon/model/take.h"

/* Of a device that a machine lists for the assignment that wants it. */
static DeviceState state_in_machine(const Allocation *allocation, const Device *device)
{
    Possession possession = allocation_possession(allocation, device);

    if (allocation_is_attached(allocation, device))
        return DEVICE_STATE_ATTACHED;
    if (attachment_is_settled(allocation_attachment(allocation, device)) &&
        (possession == POSSESSION_UNPROVEN || possession == POSSESSION_SHARED))
        return possession == POSSESSION_UNPROVEN ? DEVICE_STATE_ATTACHING : DEVICE_STATE_WAITING;
    return DEVICE_STATE_DETACHING;
}

static DeviceState claim_state(const Allocation *allocation, const Assignment *assignment, const Want *want,
                               const Attachment *attachment, const Claim *claim)
{
    if (attachment_is_of(attachment, assignment) && !(attachment_is_in_flight(attachment) && want))
        return want ? state_in_machine(allocation, want->device) : DEVICE_STATE_DETACHING;
    if (!want)
        return DEVICE_STATE_HOST; /* disabled, and at home */
    if (attachment && !attachment_is_of(attachment, assignment))
        return DEVICE_STATE_WAITING; /* for the one that had it before */
    if (want->verdict == VERDICT_CONTROLLER_TAKEN || want->verdict == VERDICT_UNAUTHORIZED)
        return DEVICE_STATE_BLOCKED;
    if (want->verdict == VERDICT_QUARANTINED)
        return DEVICE_STATE_QUARANTINED;
    return want->verdict == VERDICT_GO && !claim->error && !want->machine->stuck ? DEVICE_STATE_ATTACHING
                                                                                 : DEVICE_STATE_WAITING;
}

static bool is_claimed(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    const Attachment *attachment = allocation_attachment(allocation, device);

    return allocation_owner(allocation, device) == assignment || attachment_is_of(attachment, assignment);
}

static void destroy_claim(gpointer claim)
{
    claim_free(claim);
}

/* One Claim for each device that the assignment has or is to get. What is remembered of failures stays with
 * the enumeration that it happened to. True when the list or a state in it changed. */
static bool update_claims(Registry *registry, const Allocation *allocation, Assignment *assignment)
{
    g_autoptr(GPtrArray) devices = registry_sorted(registry->devices);
    GPtrArray *claims = g_ptr_array_new_with_free_func(destroy_claim);
    bool changed = false;

    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];
        const Want *want = allocation_want(allocation, device);
        Claim *old, *one;
        DeviceState state;

        if (!is_claimed(allocation, assignment, device))
            continue;
        old = assignment_claim(assignment, device->sysname, device->instance);
        one = g_new0(Claim, 1);
        if (old) {
            *one = *old;
            old->sysname = NULL;
            old->error = NULL;
        } else {
            one->sysname = g_strdup(device->sysname);
            one->instance = device->instance;
        }
        g_ptr_array_add(claims, one);
        state = claim_state(allocation, assignment, want && want->assignment == assignment ? want : NULL,
                            allocation_attachment(allocation, device), one);
        changed |= !old || state != one->state;
        one->state = state;
    }
    changed |= claims->len != assignment->claims->len;
    g_ptr_array_unref(assignment->claims);
    assignment->claims = claims;
    return changed;
}

static void log_assignment(Registry *registry, const Assignment *assignment)
{
    const Claim *first = assignment->claims->len ? assignment->claims->pdata[0] : NULL;
    const char *device = first ? first->sysname : NULL;
    const char *is = assignment_state_to_string(assignment->state);

    if (assignment->state == ASSIGNMENT_STATE_FAILED)
        log_event(LOG_EVENT_ASSIGNMENT_FAILED, device, assignment->machine_uuid, assignment->id,
                  "assignment %s is %s: %s", assignment->id, is, assignment->reason);
    else if (assignment->state == ASSIGNMENT_STATE_ATTACHED)
        log_event(LOG_EVENT_ATTACHED, device, assignment->machine_uuid, assignment->id,
                  "assignment %s is %s: %s", assignment->id, is, assignment->reason);
    else
        log_object(G_LOG_LEVEL_MESSAGE, device, assignment->machine_uuid, assignment->id,
                   "assignment %s is %s: %s", assignment->id, is, assignment->reason);
}

static bool set_text(char **text, const char *value)
{
    if (g_strcmp0(*text, value) == 0)
        return false;
    g_free(*text);
    *text = g_strdup(value);
    return true;
}

static unsigned update_labels(Registry *registry, const Allocation *allocation, Assignment *assignment)
{
    AssignmentLabels labels = assignment_labels_of(registry, allocation, assignment);
    bool names = set_text(&assignment->shown_machine, labels.machine);
    bool counts = TAKE_VALUE(assignment->n_wanted, labels.wanted);

    names |= set_text(&assignment->device_label, labels.device);
    names |= TAKE_VALUE(assignment->device_icon, labels.icon);
    counts |= TAKE_VALUE(assignment->n_has, labels.has);
    g_free(labels.device);
    return (names ? ASSIGNMENT_FIELD_LABELS : 0) | (counts ? ASSIGNMENT_FIELD_COUNTS : 0);
}

static void update_assignment(Registry *registry, const Allocation *allocation, Assignment *assignment)
{
    unsigned fields = update_claims(registry, allocation, assignment) ? ASSIGNMENT_FIELD_DEVICES : 0;
    Status status = status_of(registry, allocation, assignment);
    g_autofree char *reason = text_shorten(status.reason, ASSIGNMENT_REASON_MAX);
    bool tell = false;
    bool guest_reset = guest_reset_allowed(registry, assignment);
    bool guest_resets_all = guest_resets_all_allowed(registry, assignment);

    if (assignment->allow_guest_reset != guest_reset ||
        assignment->allow_guest_resets_all != guest_resets_all)
        fields |= ASSIGNMENT_FIELD_GUEST_RESET;
    assignment->allow_guest_reset = guest_reset;
    assignment->allow_guest_resets_all = guest_resets_all;
    if (assignment->pending != (assignment->saving || !assignment->stored || status.passes)) {
        assignment->pending = !assignment->pending;
        fields |= ASSIGNMENT_FIELD_PENDING;
    }
    if (assignment->state != status.state || !assignment->since) {
        assignment->state = status.state;
        assignment->since = g_get_real_time();
        fields |= ASSIGNMENT_FIELD_STATE;
        tell = true;
    }
    if (g_strcmp0(assignment->reason, reason) != 0 || g_strcmp0(assignment->reason_code, status.code) != 0) {
        g_free(assignment->reason);
        assignment->reason = g_steal_pointer(&reason);
        assignment->reason_code = status.code;
        fields |= ASSIGNMENT_FIELD_REASON;
    }
    g_free(status.reason);
    fields |= update_labels(registry, allocation, assignment);
    if (g_strcmp0(assignment->error, status.error) != 0) {
        assignment->error = status.error;
        fields |= ASSIGNMENT_FIELD_ERROR;
    }
    if (tell)
        log_assignment(registry, assignment);
    registry_report(registry, OBJECT_ASSIGNMENT, assignment->id, fields);
}

static DeviceState device_state(const Allocation *allocation, const Device *device)
{
    const Attachment *attachment = allocation_attachment(allocation, device);
    const Want *want = allocation_want(allocation, device);
    const Claim *its = want ? assignment_claim(want->assignment, device->sysname, device->instance) : NULL;

    if (attachment_is_foreign(attachment))
        return DEVICE_STATE_FOREIGN;
    if (attachment &&
        !(attachment_is_in_flight(attachment) && its && attachment_is_of(attachment, want->assignment)))
        return its && attachment_is_of(attachment, want->assignment) ? its->state : DEVICE_STATE_DETACHING;
    if (pci_passthrough_owner(allocation->registry, device->controller) ||
        allocation_possession(allocation, device) == POSSESSION_UNAUTHORIZED)
        return DEVICE_STATE_BLOCKED;
    if (!its && deal_is_held_back(allocation->deal, device))
        return DEVICE_STATE_QUARANTINED;
    return its ? its->state : DEVICE_STATE_HOST;
}

/* True when it is another reason. */
static bool update_device_reason(Registry *registry, const Allocation *allocation, Device *device)
{
    DeviceStatus status = device_status_of(registry, allocation, device);
    g_autofree char *reason = text_shorten(status.reason, DEVICE_REASON_MAX);
    bool changed = TAKE_VALUE(device->reason_code, status.code);

    g_free(status.reason);
    return set_text(&device->reason, reason) || changed;
}

static void update_device(Registry *registry, const Allocation *allocation, Device *device)
{
    const Attachment *attachment = allocation_attachment(allocation, device);
    const Want *want = allocation_want(allocation, device);
    const Assignment *owner = allocation_owner(allocation, device);
    const char *assignment_id = attachment ? attachment->hostdev->assignment_id : NULL;
    const char *machine_uuid = attachment ? attachment->machine->info->uuid
                               : want     ? want->assignment->machine_uuid
                                          : NULL;
    DeviceState state = device_state(allocation, device);
    unsigned fields = 0;

    if (!assignment_id && owner)
        assignment_id = owner->id;
    if (assignment_id && !registry_assignment(registry, assignment_id))
        assignment_id = NULL;
    if (device->state != state || !device->since) {
        device->state = state;
        device->since = g_get_real_time();
        fields |= DEVICE_FIELD_STATE;
    }
    if (g_strcmp0(device->machine_uuid, machine_uuid) != 0) {
        registry_report_machine_devices(registry, device->machine_uuid);
        registry_report_machine_devices(registry, machine_uuid);
        set_text(&device->machine_uuid, machine_uuid);
        fields |= DEVICE_FIELD_MACHINE;
    }
    if (set_text(&device->assignment_id, assignment_id))
        fields |= DEVICE_FIELD_ASSIGNMENT;
    if (update_device_reason(registry, allocation, device))
        fields |= DEVICE_FIELD_REASON;
    registry_report(registry, OBJECT_DEVICE, device->sysname, fields);
}

/* Takes the newer list. True when the lists differ. */
static bool replace_list(GPtrArray **list, GPtrArray *newer)
{
    bool same = newer->len == (*list)->len;

    for (guint i = 0; same && i < newer->len; i++)
        same = strcmp(newer->pdata[i], (*list)->pdata[i]) == 0;
    g_ptr_array_unref(*list);
    *list = newer;
    return !same;
}

static void update_group(Registry *registry, const Allocation *allocation, Group *group)
{
    g_autoptr(GPtrArray) devices = registry_sorted(registry->devices);
    GPtrArray *members = g_ptr_array_new_with_free_func(g_free);
    unsigned free_devices = 0, fields = 0;

    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];

        if (!membership_find(device, group->name))
            continue;
        g_ptr_array_add(members, g_strdup(device->sysname));
        free_devices += !allocation_owner(allocation, device) && !allocation_attachment(allocation, device);
    }
    if (replace_list(&group->devices, members))
        fields |= GROUP_FIELD_DEVICES;
    if (group->free != free_devices)
        fields |= GROUP_FIELD_FREE;
    group->free = free_devices;
    registry_report(registry, OBJECT_GROUP, group->name, fields);
}

/* devices and groups: all of them, sorted. */
static void update_tenant(Registry *registry, Tenant *tenant, const GPtrArray *devices,
                          const GPtrArray *groups)
{
    GPtrArray *sysnames = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    unsigned fields = 0;

    for (guint i = 0; i < devices->len; i++)
        if (g_strcmp0(((const Device *)devices->pdata[i])->tenant, tenant->name) == 0)
            g_ptr_array_add(sysnames, g_strdup(((const Device *)devices->pdata[i])->sysname));
    for (guint i = 0; i < groups->len; i++)
        if (g_strcmp0(((const Group *)groups->pdata[i])->tenant, tenant->name) == 0)
            g_ptr_array_add(names, g_strdup(((const Group *)groups->pdata[i])->name));
    if (replace_list(&tenant->devices, sysnames))
        fields |= TENANT_FIELD_DEVICES;
    if (replace_list(&tenant->groups, names))
        fields |= TENANT_FIELD_GROUPS;
    registry_report(registry, OBJECT_TENANT, tenant->name, fields);
}

static void update_tenants(Registry *registry)
{
    g_autoptr(GPtrArray) devices = NULL, groups = NULL;
    GHashTableIter iter;
    gpointer tenant;

    if (g_hash_table_size(registry->tenants) == 0)
        return;
    devices = registry_sorted(registry->devices);
    groups = registry_sorted(registry->groups);
    g_hash_table_iter_init(&iter, registry->tenants);
    while (g_hash_table_iter_next(&iter, NULL, &tenant))
        update_tenant(registry, tenant, devices, groups);
}

void status_update(Registry *registry, const Allocation *allocation)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        update_assignment(registry, allocation, value);
    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        update_device(registry, allocation, value);
    g_hash_table_iter_init(&iter, registry->groups);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        update_group(registry, allocation, value);
    update_tenants(registry);
}
