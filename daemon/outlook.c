/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* States and sentences. */

#include "daemon/outlook.h"

#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/membership.h"
#include "daemon/text.h"

static char *describe_machine(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);
    g_autofree char *quoted = text_quote(machine ? machine->info->name : assignment->machine_name);

    return g_strconcat("machine ", quoted, NULL);
}

static char *hypervisor_text(Registry *registry, const Machine *machine)
{
    if (registry->hypervisor_text)
        return g_strdup_printf("the hypervisor is not reachable: %s", registry->hypervisor_text);
    return g_strdup(machine && machine->stuck ? "it does not answer" : "the machines are still being read");
}

char *outlook_verdict_text(Registry *registry, const Desired *desired, const Assignment *assignment,
                           const Device *device, Verdict verdict)
{
    g_autofree char *what = device_describe(device);
    g_autofree char *machine = describe_machine(registry, assignment);

    switch (verdict) {
    case VERDICT_GO:
        return g_strdup_printf("%s goes to %s", what, machine);
    case VERDICT_SUSPENDED:
        return g_strdup_printf("assignment %s is %s", assignment->id,
                               assignment->releasing ? "being released"
                               : !assignment->stored ? "not stored yet"
                                                     : "disabled: its device was taken home");
    case VERDICT_OTHER_DEVICE:
        if (assignment->group && !membership_find(device, assignment->group))
            return g_strdup_printf("%s is not in group %s", what, assignment->group);
        return g_strdup_printf("%s does not match %s", what, assignment->selector);
    case VERDICT_HUB:
        return g_strdup_printf("%s is a hub; hubs are never handed out, the devices behind them are", what);
    case VERDICT_NOT_HOME:
        return g_strdup_printf(
            "several devices match %s, and %s is not in the socket %s of the one that was assigned",
            assignment->selector, what, assignment->home_socket);
    case VERDICT_TAKEN: {
        const Want *want = desired_want(desired, device);

        return g_strdup_printf("assignment %s comes first for %s", want ? want->assignment->id : "?", what);
    }
    case VERDICT_ENOUGH:
        return g_strdup_printf("assignment %s has as many devices as it is to have", assignment->id);
    case VERDICT_SET_INCOMPLETE:
        return g_strdup_printf(
            "assignment %s takes %s only together with the rest of the set, and that is not complete",
            assignment->id, what);
    case VERDICT_GROUP_DISABLED:
        return g_strdup_printf("group %s is disabled and hands nothing out", assignment->group);
    case VERDICT_SWITCHED_OFF:
        return g_strdup("usbferry is switched off and hands nothing out");
    case VERDICT_FOREIGN: {
        const Live *live = desired_live(desired, device);
        g_autofree char *owner = text_quote(live ? live->machine->info->name : "?");

        return g_strdup_printf("%s was given to machine %s by another program; take it away there", what,
                               owner);
    }
    case VERDICT_UNDECIDED:
        return g_strdup_printf("%s waits until every machine that draws from its groups has been looked at",
                               what);
    case VERDICT_HYPERVISOR_AWAY: {
        g_autofree char *why =
            hypervisor_text(registry, registry_machine(registry, assignment->machine_uuid));

        return g_strdup_printf("%s waits for %s: %s", what, machine, why);
    }
    case VERDICT_MACHINE_UNKNOWN:
        return g_strdup_printf("the hypervisor knows no %s (%s)", machine, assignment->machine_uuid);
    case VERDICT_MACHINE_OFF:
        return g_strdup_printf("%s is not running; %s goes there when it starts", machine, what);
    case VERDICT_UNSTEADY:
        return g_strdup_printf("%s came back a moment ago and has to be steady for a second", what);
    case _VERDICT_MAX:
        break;
    }
    g_return_val_if_reached(g_strdup(""));
}

bool outlook_has_live_hostdev(Registry *registry, const Assignment *assignment, const Machine **ret_machine)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Machine *machine = value;

        bool has = machine->in_flight && g_strcmp0(machine->in_flight->assignment_id, assignment->id) == 0;

        for (guint i = 0; !has && i < machine->info->hostdevs->len; i++) {
            const Hostdev *hostdev = machine->info->hostdevs->pdata[i];

            has = g_strcmp0(hostdev->assignment_id, assignment->id) == 0;
        }
        if (has) {
            if (ret_machine)
                *ret_machine = machine;
            return true;
        }
    }
    return false;
}

typedef struct Outlook {
    AssignmentState state;
    char *reason;
    const char *error;
} Outlook;

/* Takes the reason. */
static Outlook say(AssignmentState state, char *reason, const char *error)
{
    return (Outlook){ .state = state, .reason = reason, .error = error };
}

static char *sentence(char *text)
{
    /* The first letter stays as it is: it often begins an id. */
    char *full = g_strconcat(text, ".", NULL);

    g_free(text);
    return full;
}

static const char *error_name(const GError *error)
{
    const char *name = error->domain == FERRY_ERROR ? ferry_error_to_name((FerryError)error->code) : NULL;

    return name ? name : ferry_error_to_name(FERRY_ERROR_HYPERVISOR);
}

static Outlook without_device(Registry *registry, const Desired *desired, const Assignment *assignment)
{
    const GPtrArray *matches = g_hash_table_lookup(desired->matches, assignment->id);
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);
    g_autofree char *machine_text = describe_machine(registry, assignment);
    const char *what = *assignment->device_text ? assignment->device_text : assignment->selector;

    if (matches && matches->len > 0) {
        Device *device = matches->pdata[0];
        Verdict verdict = desired_judge(desired, assignment, device);

        return say(ASSIGNMENT_STATE_WAITING_DEVICE,
                   sentence(outlook_verdict_text(registry, desired, assignment, device, verdict)),
                   verdict == VERDICT_TAKEN ? ferry_error_to_name(FERRY_ERROR_DEVICE_BUSY) : "");
    }
    if (machine && machine_is_active(machine))
        return say(ASSIGNMENT_STATE_WAITING_DEVICE,
                   g_strdup_printf("%s is not plugged in; it goes to %s when it is.", what, machine_text),
                   "");
    return say(ASSIGNMENT_STATE_WAITING_MACHINE,
               g_strdup_printf("%s is not running, and %s is not plugged in.", machine_text, what), "");
}

static Outlook on_its_way(Registry *registry, const Desired *desired, const Want *want)
{
    const Assignment *assignment = want->assignment;
    const Claim *its = assignment_claim(assignment, want->device->sysname, want->device->instance);
    g_autofree char *what = device_describe(want->device);
    g_autofree char *machine_text = describe_machine(registry, assignment);

    if (its && its->error)
        return say(ASSIGNMENT_STATE_FAILED, g_strdup_printf("%s.", its->error->message),
                   error_name(its->error));
    if (want->machine->stuck)
        return say(ASSIGNMENT_STATE_FAILED,
                   g_strdup_printf("%s does not answer; it is tried again as soon as it does.", machine_text),
                   ferry_error_to_name(FERRY_ERROR_TIMEOUT));
    return say(ASSIGNMENT_STATE_ATTACHING, g_strdup_printf("%s is on its way to %s.", what, machine_text),
               "");
}

static bool is_of(const Live *live, const Assignment *assignment)
{
    return live && g_strcmp0(live->hostdev->assignment_id, assignment->id) == 0;
}

/* The one that had it before gives it back first. */
static Outlook still_leaving(const Want *want, const Live *live)
{
    g_autofree char *what = device_describe(want->device);
    g_autofree char *machine = text_quote(live->machine->info->name);

    return say(ASSIGNMENT_STATE_WAITING_DEVICE,
               g_strdup_printf("%s is on its way home from machine %s first.", what, machine),
               ferry_error_to_name(FERRY_ERROR_DEVICE_BUSY));
}

static bool is_attached(const Want *want, const Live *live)
{
    return live && live->machine == want->machine && live->hostdev != live->machine->in_flight &&
           live->hostdev->assignment_id &&
           g_strcmp0(live->hostdev->assignment_id, want->assignment->id) == 0 &&
           !g_hash_table_contains(live->machine->dead_aliases, live->hostdev->alias) &&
           !g_hash_table_contains(live->machine->leaving, live->hostdev->alias);
}

static Outlook with_device(Registry *registry, const Desired *desired, const Want *want)
{
    const Live *live = desired_live(desired, want->device);
    g_autofree char *what = device_describe(want->device);
    g_autofree char *machine_text = describe_machine(registry, want->assignment);
    g_autofree char *away = NULL;
    char *text;

    if (is_attached(want, live)) {
        if (registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED)
            return say(ASSIGNMENT_STATE_ATTACHED,
                       g_strdup_printf("%s is attached to %s.", what, machine_text), "");
        away = hypervisor_text(registry, NULL);
        return say(
            ASSIGNMENT_STATE_ATTACHED,
            g_strdup_printf("%s was attached to %s when it was last seen; %s.", what, machine_text, away),
            "");
    }
    text = sentence(outlook_verdict_text(registry, desired, want->assignment, want->device, want->verdict));
    switch (want->verdict) {
    case VERDICT_GO:
        g_free(text);
        return live && !is_of(live, want->assignment) ? still_leaving(want, live)
                                                      : on_its_way(registry, desired, want);
    case VERDICT_HYPERVISOR_AWAY:
    case VERDICT_MACHINE_UNKNOWN:
    case VERDICT_MACHINE_OFF:
        return say(ASSIGNMENT_STATE_WAITING_MACHINE, text,
                   want->verdict == VERDICT_MACHINE_UNKNOWN ? ferry_error_to_name(FERRY_ERROR_NO_SUCH_MACHINE)
                                                            : "");
    case VERDICT_SWITCHED_OFF:
        return say(ASSIGNMENT_STATE_WAITING_DEVICE, text, ferry_error_to_name(FERRY_ERROR_DISABLED));
    case VERDICT_FOREIGN:
        return say(ASSIGNMENT_STATE_WAITING_DEVICE, text, ferry_error_to_name(FERRY_ERROR_DEVICE_BUSY));
    case VERDICT_UNSTEADY:
    case VERDICT_UNDECIDED:
    case VERDICT_SUSPENDED:
    case VERDICT_ENOUGH:
    case VERDICT_SET_INCOMPLETE:
    case VERDICT_GROUP_DISABLED:
    case VERDICT_OTHER_DEVICE:
    case VERDICT_HUB:
    case VERDICT_NOT_HOME:
    case VERDICT_TAKEN:
    case _VERDICT_MAX:
        break;
    }
    return say(ASSIGNMENT_STATE_WAITING_DEVICE, text, "");
}

/* How many devices make the assignment complete, as far as that is known. */
static guint target_of(const Assignment *assignment, const GPtrArray *wants)
{
    return assignment->quantity_kind == QUANTITY_COUNT ? assignment->quantity : wants->len;
}

static Outlook with_group_devices(Registry *registry, const Desired *desired, const Assignment *assignment,
                                  const GPtrArray *wants)
{
    guint attached = 0, target = target_of(assignment, wants);
    g_autofree char *machine_text = describe_machine(registry, assignment);
    Outlook worst = { ASSIGNMENT_STATE_ATTACHED, NULL, "" };

    for (guint i = 0; i < wants->len; i++) {
        const Want *want = wants->pdata[i];

        if (is_attached(want, desired_live(desired, want->device))) {
            attached++;
        } else if (!worst.reason || worst.state != ASSIGNMENT_STATE_FAILED) {
            g_free(worst.reason);
            worst = with_device(registry, desired, want);
        }
    }
    if (attached == wants->len && attached >= target)
        return say(
            ASSIGNMENT_STATE_ATTACHED,
            g_strdup_printf("%u of group %s attached to %s.", attached, assignment->group, machine_text), "");
    if (attached == 0 && worst.reason)
        return worst;
    if (!worst.reason)
        worst.reason = g_strdup("No more is free.");
    {
        char *reason = g_strdup_printf("%u of %u of group %s attached to %s. %s", attached, target,
                                       assignment->group, machine_text, worst.reason);

        g_free(worst.reason);
        return say(ASSIGNMENT_STATE_PARTIAL, reason, worst.error);
    }
}

/* Others that wait for a device of the same group and come before this one. */
static guint place_in_queue(Registry *registry, const Assignment *assignment)
{
    GHashTableIter iter;
    gpointer value;
    guint place = 1;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *other = value;

        place += other != assignment && other->wanted && !other->releasing &&
                 g_strcmp0(other->group, assignment->group) == 0 &&
                 other->state == ASSIGNMENT_STATE_WAITING_DEVICE &&
                 (other->priority > assignment->priority ||
                  (other->priority == assignment->priority && other->created < assignment->created));
    }
    return place;
}

static Outlook without_group_device(Registry *registry, const Desired *desired, const Assignment *assignment)
{
    const GPtrArray *matches = g_hash_table_lookup(desired->matches, assignment->id);
    const Group *group = registry_group(registry, assignment->group);
    Verdict machine = desired_judge_machine(registry, assignment);
    g_autofree char *machine_text = describe_machine(registry, assignment);

    if (!group)
        return say(ASSIGNMENT_STATE_WAITING_DEVICE,
                   g_strdup_printf("There is no group %s any more.", assignment->group),
                   ferry_error_to_name(FERRY_ERROR_NO_SUCH_GROUP));
    if (machine != VERDICT_GO)
        return say(ASSIGNMENT_STATE_WAITING_MACHINE,
                   g_strdup_printf("%s is not running; it draws from group %s when it does.", machine_text,
                                   assignment->group),
                   machine == VERDICT_MACHINE_UNKNOWN ? ferry_error_to_name(FERRY_ERROR_NO_SUCH_MACHINE)
                                                      : "");
    if (!registry->enabled)
        return say(ASSIGNMENT_STATE_WAITING_DEVICE,
                   g_strdup("usbferry is switched off and hands nothing out."),
                   ferry_error_to_name(FERRY_ERROR_DISABLED));
    if (!group->enabled)
        return say(ASSIGNMENT_STATE_WAITING_DEVICE,
                   g_strdup_printf("group %s is disabled and hands nothing out.", assignment->group),
                   ferry_error_to_name(FERRY_ERROR_DISABLED));
    if (matches->len == 0)
        return say(ASSIGNMENT_STATE_WAITING_DEVICE,
                   g_strdup_printf("No device of group %s is plugged in.", assignment->group), "");
    if (desired_judge(desired, assignment, matches->pdata[0]) == VERDICT_UNDECIDED)
        return say(ASSIGNMENT_STATE_WAITING_DEVICE,
                   sentence(outlook_verdict_text(registry, desired, assignment, matches->pdata[0],
                                                 VERDICT_UNDECIDED)),
                   "");
    if (assignment->quantity_kind == QUANTITY_SET)
        return say(ASSIGNMENT_STATE_WAITING_DEVICE,
                   g_strdup_printf("Not every rule of group %s has a free device: all come, or none.",
                                   assignment->group),
                   "");
    return say(ASSIGNMENT_STATE_WAITING_DEVICE,
               g_strdup_printf("No device of group %s is free; place %u in the queue.", assignment->group,
                               place_in_queue(registry, assignment)),
               "");
}

/* Why libvirt refused to remove something of this assignment; NULL = it didn't. */
static const char *removal_error(const Machine *machine, const Assignment *assignment)
{
    for (guint i = 0; i < machine->info->hostdevs->len; i++) {
        const Hostdev *hostdev = machine->info->hostdevs->pdata[i];
        const Leaving *leaving = g_hash_table_lookup(machine->leaving, hostdev->alias);

        if (leaving && leaving->error && g_strcmp0(hostdev->assignment_id, assignment->id) == 0)
            return leaving->error;
    }
    return NULL;
}

static Outlook look_at(Registry *registry, const Desired *desired, const Assignment *assignment)
{
    const GPtrArray *wants = desired_wants_of(desired, assignment);
    const Machine *machine = NULL;

    if (!assignment->wanted || assignment->releasing) {
        if (outlook_has_live_hostdev(registry, assignment, &machine)) {
            g_autofree char *quoted = text_quote(machine->info->name);
            const char *refusal = removal_error(machine, assignment);

            if (refusal && !machine->stuck)
                return say(
                    ASSIGNMENT_STATE_DETACHING,
                    g_strdup_printf("Machine %s does not give the device back: %s. It is ordered again.",
                                    quoted, refusal),
                    ferry_error_to_name(FERRY_ERROR_HYPERVISOR));
            return say(ASSIGNMENT_STATE_DETACHING,
                       machine->stuck
                           ? g_strdup_printf(
                                 "Machine %s does not answer; the device comes home when it does.", quoted)
                           : g_strdup_printf("The device is on its way home from machine %s.", quoted),
                       machine->stuck ? ferry_error_to_name(FERRY_ERROR_TIMEOUT) : "");
        }
        if (assignment->releasing)
            return say(ASSIGNMENT_STATE_DETACHING, g_strdup("The assignment is being released."), "");
        return say(ASSIGNMENT_STATE_DISABLED,
                   g_strdup("The device was taken home and stays there until it is attached again."), "");
    }
    if (assignment->group)
        return wants->len > 0 ? with_group_devices(registry, desired, assignment, wants)
                              : without_group_device(registry, desired, assignment);
    return wants->len > 0 ? with_device(registry, desired, wants->pdata[0])
                          : without_device(registry, desired, assignment);
}

static DeviceState claim_state(const Assignment *assignment, const Want *want, const Live *live,
                               const Claim *claim)
{
    bool is_in_flight = live && live->hostdev == live->machine->in_flight;

    if (is_of(live, assignment) && !(is_in_flight && want))
        return want && is_attached(want, live) ? DEVICE_STATE_ATTACHED : DEVICE_STATE_DETACHING;
    if (!want)
        return DEVICE_STATE_HOST; /* disabled, and at home */
    if (live && !is_of(live, assignment))
        return DEVICE_STATE_WAITING; /* for the one that had it before */
    return want->verdict == VERDICT_GO && !claim->error && !want->machine->stuck ? DEVICE_STATE_ATTACHING
                                                                                 : DEVICE_STATE_WAITING;
}

static bool is_claimed(const Desired *desired, const Assignment *assignment, const Device *device)
{
    const Live *live = desired_live(desired, device);

    return desired_owner(desired, device) == assignment ||
           (live && g_strcmp0(live->hostdev->assignment_id, assignment->id) == 0);
}

static void destroy_claim(gpointer claim)
{
    claim_free(claim);
}

/* One Claim for each device that the assignment has or is to get. What is remembered of failures stays with
 * the enumeration that it happened to. True when the list or a state in it changed. */
static bool update_claims(Registry *registry, const Desired *desired, Assignment *assignment)
{
    g_autoptr(GPtrArray) devices = registry_sorted(registry->devices);
    GPtrArray *claims = g_ptr_array_new_with_free_func(destroy_claim);
    bool changed = false;

    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];
        const Want *want = desired_want(desired, device);
        Claim *old, *one;
        DeviceState state;

        if (!is_claimed(desired, assignment, device))
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
        state = claim_state(assignment, want && want->assignment == assignment ? want : NULL,
                            desired_live(desired, device), one);
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
    bool bad = assignment->state == ASSIGNMENT_STATE_FAILED;

    log_object(bad ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE, first ? first->sysname : NULL,
               assignment->machine_uuid, assignment->id, "assignment %s is %s: %s", assignment->id,
               assignment_state_to_string(assignment->state), assignment->reason);
}

static void update_assignment(Registry *registry, const Desired *desired, Assignment *assignment)
{
    unsigned fields = update_claims(registry, desired, assignment) ? ASSIGNMENT_FIELD_DEVICES : 0;
    Outlook outlook = look_at(registry, desired, assignment);
    bool tell = false;

    if (assignment->state != outlook.state || !assignment->since) {
        assignment->state = outlook.state;
        assignment->since = g_get_real_time();
        fields |= ASSIGNMENT_FIELD_STATE;
        tell = true;
    }
    if (g_strcmp0(assignment->reason, outlook.reason) != 0) {
        g_free(assignment->reason);
        assignment->reason = g_steal_pointer(&outlook.reason);
        fields |= ASSIGNMENT_FIELD_REASON;
    }
    g_free(outlook.reason);
    if (g_strcmp0(assignment->error, outlook.error) != 0) {
        assignment->error = outlook.error;
        fields |= ASSIGNMENT_FIELD_ERROR;
    }
    if (tell)
        log_assignment(registry, assignment);
    registry_report(registry, OBJECT_ASSIGNMENT, assignment->id, fields);
}

static DeviceState device_outlook(const Desired *desired, const Device *device)
{
    const Live *live = desired_live(desired, device);
    const Want *want = desired_want(desired, device);
    const Claim *its = want ? assignment_claim(want->assignment, device->sysname, device->instance) : NULL;

    if (live && !live->hostdev->assignment_id)
        return DEVICE_STATE_FOREIGN;
    if (live && !(live->hostdev == live->machine->in_flight && its && is_of(live, want->assignment)))
        return want && is_attached(want, live) ? DEVICE_STATE_ATTACHED : DEVICE_STATE_DETACHING;
    return its ? its->state : DEVICE_STATE_HOST;
}

static bool set_text(char **text, const char *value)
{
    if (g_strcmp0(*text, value) == 0)
        return false;
    g_free(*text);
    *text = g_strdup(value);
    return true;
}

static void update_device(Registry *registry, const Desired *desired, Device *device)
{
    const Live *live = desired_live(desired, device);
    const Want *want = desired_want(desired, device);
    const Assignment *owner = desired_owner(desired, device);
    const char *assignment_id = live ? live->hostdev->assignment_id : NULL;
    const char *machine_uuid = live   ? live->machine->info->uuid
                               : want ? want->assignment->machine_uuid
                                      : NULL;
    DeviceState state = device_outlook(desired, device);
    unsigned fields = 0;

    if (!assignment_id && owner)
        assignment_id = owner->id;
    if (assignment_id && !registry_assignment(registry, assignment_id))
        assignment_id = NULL;
    if (device->state != state) {
        device->state = state;
        fields |= DEVICE_FIELD_STATE;
    }
    if (set_text(&device->machine_uuid, machine_uuid))
        fields |= DEVICE_FIELD_MACHINE;
    if (set_text(&device->assignment_id, assignment_id))
        fields |= DEVICE_FIELD_ASSIGNMENT;
    registry_report(registry, OBJECT_DEVICE, device->sysname, fields);
}

static void update_group(Registry *registry, const Desired *desired, Group *group)
{
    g_autoptr(GPtrArray) devices = registry_sorted(registry->devices);
    GPtrArray *members = g_ptr_array_new_with_free_func(g_free);
    unsigned free_devices = 0, fields = 0;
    bool same;

    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];

        if (!membership_find(device, group->name))
            continue;
        g_ptr_array_add(members, g_strdup(device->sysname));
        free_devices += !desired_owner(desired, device) && !desired_live(desired, device);
    }
    same = members->len == group->devices->len;
    for (guint i = 0; same && i < members->len; i++)
        same = strcmp(members->pdata[i], group->devices->pdata[i]) == 0;
    g_ptr_array_unref(group->devices);
    group->devices = members;
    if (!same)
        fields |= GROUP_FIELD_DEVICES;
    if (group->free != free_devices)
        fields |= GROUP_FIELD_FREE;
    group->free = free_devices;
    registry_report(registry, OBJECT_GROUP, group->name, fields);
}

void outlook_update(Registry *registry, const Desired *desired)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        update_assignment(registry, desired, value);
    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        update_device(registry, desired, value);
    g_hash_table_iter_init(&iter, registry->groups);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        update_group(registry, desired, value);
}
