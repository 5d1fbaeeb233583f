/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes down what status.h says, reports what is different, and has it logged. Called by reconciler.c at the
 * end of each turn. */

#include "daemon/reconciler/status-update.h"

#include "daemon/allocation/assignment-labels.h"
#include "daemon/allocation/device-status.h"
#include "daemon/allocation/given-back.h"
#include "daemon/allocation/guest-reset.h"
#include "daemon/allocation/pci-passthrough.h"
#include "daemon/allocation/status.h"
#include "daemon/base/text.h"
#include "daemon/model/membership.h"
#include "daemon/model/take.h"
#include "daemon/reconciler/status-log.h"

/* What belongs together, from one pass over the devices and groups; each list is sorted as these are. */
typedef struct Lists {
    GHashTable *claimed;        /* Assignment → GPtrArray of the devices that it has or is to get */
    GHashTable *members;        /* Group → GPtrArray of the devices in it */
    GHashTable *tenant_devices; /* name → GPtrArray */
    GHashTable *tenant_groups;  /* name → GPtrArray */
    GPtrArray *none;
} Lists;

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

static void lists_add(GHashTable *lists, gpointer key, gpointer item)
{
    GPtrArray *list = g_hash_table_lookup(lists, key);

    if (!list) {
        list = g_ptr_array_new();
        g_hash_table_insert(lists, key, list);
    }
    g_ptr_array_add(list, item);
}

static const GPtrArray *lists_of(const Lists *lists, GHashTable *table, gconstpointer key)
{
    const GPtrArray *list = g_hash_table_lookup(table, key);

    return list ? list : lists->none;
}

static void list_device(const Lists *lists, Registry *registry, const Allocation *allocation, Device *device)
{
    const Attachment *attachment = allocation_attachment(allocation, device);
    Assignment *owner = allocation_owner(allocation, device);
    Assignment *has = attachment && attachment->hostdev->assignment_id
                          ? registry_assignment(registry, attachment->hostdev->assignment_id)
                          : NULL;

    if (owner)
        lists_add(lists->claimed, owner, device);
    if (has && has != owner)
        lists_add(lists->claimed, has, device);
    if (device->tenant)
        lists_add(lists->tenant_devices, device->tenant, device);
    for (guint i = 0; device->memberships && i < device->memberships->len; i++)
        lists_add(lists->members, ((const Membership *)device->memberships->pdata[i])->group, device);
}

static void lists_init(Lists *lists, Registry *registry, const Allocation *allocation)
{
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);
    g_autoptr(GPtrArray) groups = NULL;

    lists->claimed = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    lists->members = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    lists->tenant_devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_array);
    lists->tenant_groups = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_array);
    lists->none = g_ptr_array_new();
    for (guint i = 0; i < devices->len; i++)
        list_device(lists, registry, allocation, devices->pdata[i]);
    if (g_hash_table_size(registry->tenants) == 0)
        return;
    groups = registry_list(registry, registry->groups);
    for (guint i = 0; i < groups->len; i++)
        if (((const Group *)groups->pdata[i])->tenant)
            lists_add(lists->tenant_groups, ((const Group *)groups->pdata[i])->tenant, groups->pdata[i]);
}

static void lists_clear(Lists *lists)
{
    g_hash_table_unref(lists->claimed);
    g_hash_table_unref(lists->members);
    g_hash_table_unref(lists->tenant_devices);
    g_hash_table_unref(lists->tenant_groups);
    g_ptr_array_unref(lists->none);
}

/* ------------------------------------------------------------------ assignments */

/* Of a device that a machine lists for the assignment that wants it. */
static DeviceState state_in_machine(const Allocation *allocation, const Device *device)
{
    Possession possession = allocation_possession(allocation, device);

    if (allocation_is_attached(allocation, device))
        return DEVICE_STATE_ATTACHED;
    /* It was taken from a machine that hangs, which lists it still. */
    if (possession == POSSESSION_TAKEN_BACK &&
        allocation_want(allocation, device)->verdict == VERDICT_MACHINE_UNWELL)
        return DEVICE_STATE_WAITING;
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

static void destroy_claim(gpointer claim)
{
    claim_free(claim);
}

/* They are for these very enumerations, in this order. */
static bool are_claims_on(const GPtrArray *claims, const GPtrArray *devices)
{
    bool same = claims->len == devices->len;

    for (guint i = 0; same && i < devices->len; i++) {
        const Claim *claim = claims->pdata[i];
        const Device *device = devices->pdata[i];

        same = claim->instance == device->instance && strcmp(claim->sysname, device->sysname) == 0;
    }
    return same;
}

/* What is remembered of failures stays with the enumeration that it happened to. */
static void take_claims(Assignment *assignment, const GPtrArray *devices)
{
    GPtrArray *claims = g_ptr_array_new_with_free_func(destroy_claim);

    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];
        Claim *old = assignment_claim(assignment, device->sysname, device->instance);
        Claim *one = g_new0(Claim, 1);

        if (old) {
            *one = *old;
            old->sysname = NULL;
            old->error = NULL;
        } else {
            one->sysname = g_strdup(device->sysname);
            one->instance = device->instance;
        }
        g_ptr_array_add(claims, one);
    }
    g_ptr_array_unref(assignment->claims);
    assignment->claims = claims;
}

/* One Claim for each device that the assignment has or is to get. True when the list or a state in it
 * changed. */
static bool update_claims(const Allocation *allocation, Assignment *assignment, const GPtrArray *devices)
{
    bool changed = !are_claims_on(assignment->claims, devices);

    if (changed)
        take_claims(assignment, devices);
    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];
        const Want *want = allocation_want(allocation, device);
        Claim *one = assignment->claims->pdata[i];
        DeviceState state =
            claim_state(allocation, assignment, want && want->assignment == assignment ? want : NULL,
                        allocation_attachment(allocation, device), one);

        changed |= state != one->state;
        one->state = state;
    }
    return changed;
}

/* What is on the disk of it goes with the next change: it is over again after a start. */
static void forget_given_back(const Allocation *allocation, Assignment *assignment)
{
    for (guint i = assignment->given_back->len; i > 0; i--)
        if (given_back_is_over(allocation, assignment,
                               g_array_index(assignment->given_back, uint64_t, i - 1)))
            g_array_remove_index(assignment->given_back, i - 1);
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

/* devices: that it has or is to get. */
static void update_assignment(Registry *registry, const Allocation *allocation, Assignment *assignment,
                              const GPtrArray *devices)
{
    unsigned fields = update_claims(allocation, assignment, devices) ? ASSIGNMENT_FIELD_DEVICES : 0;
    Status status = status_of(registry, allocation, assignment);
    g_autofree char *reason = text_shorten(status.reason, ASSIGNMENT_REASON_MAX);
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
        places_note(allocation->places, assignment);
        assignment->since = g_get_real_time();
        fields |= ASSIGNMENT_FIELD_STATE;
        assignment->untold = true;
    }
    if (g_strcmp0(assignment->reason, reason) != 0 || g_strcmp0(assignment->reason_code, status.code) != 0) {
        assignment->untold |= status_log_is_to_be_heard(assignment, status.code);
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
    if (assignment->untold)
        status_log_assignment(registry, assignment);
    registry_report(registry, OBJECT_ASSIGNMENT, assignment->id, fields);
}

/* ------------------------------------------------------------------ devices */

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
    if ((attachments_have_controllers(allocation->attachments) &&
         pci_passthrough_owner(allocation->registry, device->controller)) ||
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
    const char *machine_uuid = attachment              ? attachment->machine->info->uuid
                               : want && want->machine ? want->machine->info->uuid
                                                       : NULL;
    DeviceState state = device_state(allocation, device);
    StatusBefore before = { .state = device->state };
    unsigned fields = 0;

    if (!assignment_id && owner)
        assignment_id = owner->id;
    if (assignment_id && !registry_assignment(registry, assignment_id))
        assignment_id = NULL;
    if (device->state != state || !device->since) {
        before.machine_uuid = g_strdup(device->machine_uuid);
        before.assignment_id = g_strdup(device->assignment_id);
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
    if (fields & DEVICE_FIELD_STATE)
        status_log_move(registry, device, &before, attachment != NULL);
    g_free(before.machine_uuid);
    g_free(before.assignment_id);
    registry_report(registry, OBJECT_DEVICE, device->sysname, fields);
}

/* ------------------------------------------------------------------ groups and tenants */

static const char *sysname_of(gconstpointer device)
{
    return ((const Device *)device)->sysname;
}

static const char *group_name_of(gconstpointer group)
{
    return ((const Group *)group)->name;
}

/* The ids of the newer ones. True when the lists differ. */
static bool update_ids(GPtrArray **ids, const GPtrArray *newer, const char *(*id_of)(gconstpointer object))
{
    bool same = newer->len == (*ids)->len;

    for (guint i = 0; same && i < newer->len; i++)
        same = strcmp(id_of(newer->pdata[i]), (*ids)->pdata[i]) == 0;
    if (same)
        return false;
    g_ptr_array_unref(*ids);
    *ids = g_ptr_array_new_full(newer->len, g_free);
    for (guint i = 0; i < newer->len; i++)
        g_ptr_array_add(*ids, g_strdup(id_of(newer->pdata[i])));
    return true;
}

static void update_group(Registry *registry, const Allocation *allocation, Group *group,
                         const GPtrArray *members)
{
    unsigned free_devices = 0, fields = 0;

    for (guint i = 0; i < members->len; i++)
        free_devices += !allocation_owner(allocation, members->pdata[i]) &&
                        !allocation_attachment(allocation, members->pdata[i]);
    if (update_ids(&group->devices, members, sysname_of))
        fields |= GROUP_FIELD_DEVICES;
    if (group->free != free_devices)
        fields |= GROUP_FIELD_FREE;
    group->free = free_devices;
    registry_report(registry, OBJECT_GROUP, group->name, fields);
}

static void update_tenant(Registry *registry, Tenant *tenant, const GPtrArray *devices,
                          const GPtrArray *groups)
{
    unsigned fields = 0;

    if (update_ids(&tenant->devices, devices, sysname_of))
        fields |= TENANT_FIELD_DEVICES;
    if (update_ids(&tenant->groups, groups, group_name_of))
        fields |= TENANT_FIELD_GROUPS;
    registry_report(registry, OBJECT_TENANT, tenant->name, fields);
}

void status_update(Registry *registry, const Allocation *allocation)
{
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);
    g_autoptr(GPtrArray) groups = registry_list(registry, registry->groups);
    g_autoptr(GPtrArray) tenants = registry_list(registry, registry->tenants);
    Lists lists;

    lists_init(&lists, registry, allocation);
    for (guint i = 0; i < assignments->len; i++)
        update_assignment(registry, allocation, assignments->pdata[i],
                          lists_of(&lists, lists.claimed, assignments->pdata[i]));
    for (guint i = 0; i < devices->len; i++)
        update_device(registry, allocation, devices->pdata[i]);
    /* not before it was told who took them */
    for (guint i = 0; i < assignments->len; i++)
        forget_given_back(allocation, assignments->pdata[i]);
    for (guint i = 0; i < groups->len; i++)
        update_group(registry, allocation, groups->pdata[i],
                     lists_of(&lists, lists.members, groups->pdata[i]));
    for (guint i = 0; i < tenants->len; i++) {
        const char *name = ((const Tenant *)tenants->pdata[i])->name;

        update_tenant(registry, tenants->pdata[i], lists_of(&lists, lists.tenant_devices, name),
                      lists_of(&lists, lists.tenant_groups, name));
    }
    lists_clear(&lists);
}
