/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of verdicts: a sentence each, and below them a row each. Called by who explains, shows or waits;
 * reads the registry only. */

#include "daemon/allocation/verdict.h"

#include "daemon/allocation/machine-text.h"
#include "daemon/allocation/pci-passthrough.h"
#include "daemon/allocation/priority.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/usb-speed.h"
#include "daemon/guards/host-use.h"
#include "daemon/model/damage.h"
#include "daemon/model/membership.h"

/* What one types or points with, as HostUse names it. */
#define LAST_ONE "last-"

char *verdict_machine_text(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine_of(registry, assignment);
    g_autofree char *quoted = text_quote(machine ? machine->info->name : assignment->machine_name);

    return g_strconcat("VM ", quoted, NULL);
}

char *verdict_assignment_text(const Assignment *assignment)
{
    g_autofree char *quoted = text_quote(assignment->name);

    return g_strconcat("assignment ", quoted, NULL);
}

char *verdict_hypervisor_text(Registry *registry, const Machine *machine)
{
    if (registry->hypervisor_text)
        return g_strdup_printf("the hypervisor is away: %s", registry->hypervisor_text);
    return g_strdup(machine && machine->stuck ? "it does not answer" : "the VMs are still being read");
}

char *verdict_user_text(const Device *device)
{
    g_autofree char *quoted = device->user ? text_quote(device->user) : NULL;

    return quoted ? g_strdup_printf("the host's program %s", quoted) : g_strdup("a program of the host");
}

/* ------------------------------------------------------------------ sentences */

static char *go_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *machine = verdict_machine_text(about->registry, about->assignment);

    return g_strdup_printf("%s goes to %s", what, machine);
}

static char *suspended_text(const VerdictCase *about)
{
    const Assignment *assignment = about->assignment;

    return g_strdup_printf("assignment %s is %s", assignment->id,
                           assignment_is_ending(assignment) ? "ending"
                           : assignment->replugged
                               ? "held: its device was unplugged and plugged in three times, and stays home"
                               : "disabled: its device was taken home");
}

static char *damaged_text(const VerdictCase *about)
{
    return damage_text(about->registry, about->assignment);
}

static char *may_be_owned_text(const VerdictCase *about)
{
    const Group *group = damage_may_be_of(about->registry, about->device);
    g_autofree char *what = device_describe(about->device);

    return g_strdup_printf(
        "%s may belong to tenant %s, as group %s is damaged (%s); revoke the group, or mend "
        "the file and start the service again",
        what, group ? group->tenant : "?", group ? group->name : "?", group ? group->damage : "?");
}

static char *other_device_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    const Assignment *assignment = about->assignment;

    if (assignment->group && !membership_find(about->device, assignment->group))
        return g_strdup_printf("%s is not in group %s", what, assignment->group);
    return g_strdup_printf("%s does not match %s", what, assignment->selector);
}

static char *hub_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);

    return g_strdup_printf("%s is a hub; hubs are never given to VMs, the devices behind them are", what);
}

static char *not_owned_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *machine = verdict_machine_text(about->registry, about->assignment);
    const char *tenant = about->device->tenant;

    if (tenant && registry_tenant_has(about->registry, tenant, about->assignment->machine_uuid))
        return g_strdup_printf("%s belongs to tenant %s, and assignment %s does not: release it and assign "
                               "the device anew",
                               what, tenant, about->assignment->id);
    if (tenant)
        return g_strdup_printf("%s belongs to tenant %s, and %s does not", what, tenant, machine);
    return g_strdup_printf("%s does not belong to tenant %s any more", what, about->assignment->tenant);
}

static char *not_home_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *meant = about->meant ? device_describe(about->meant) : NULL;
    const Assignment *assignment = about->assignment;

    if (meant)
        return g_strdup_printf("several devices match %s, and the one that was assigned is %s",
                               assignment->selector, meant);
    if (*assignment->home_socket)
        return g_strdup_printf("several devices match %s, and %s may be another one than was assigned, which "
                               "was in the socket %s; plug that in there, or give this one by its port, %s",
                               assignment->selector, what, assignment->home_socket, about->device->sysname);
    return g_strdup_printf("several devices match %s, and nothing tells which one is meant; give %s by its "
                           "port, %s, if it is this one",
                           assignment->selector, what, about->device->sysname);
}

static char *taken_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *first =
        about->first ? verdict_assignment_text(about->first) : g_strdup("another assignment");
    g_autofree char *why = about->first && about->assignment && about->attachments
                               ? priority_why(about->registry, about->attachments, about->device,
                                              about->first, about->assignment)
                               : NULL;

    return g_strdup_printf("%s comes first for %s%s%s", first, what, why ? ": " : "", why ? why : "");
}

static char *enough_text(const VerdictCase *about)
{
    return g_strdup_printf("assignment %s has as many devices as it is to have", about->assignment->id);
}

static char *given_back_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);

    return g_strdup_printf("assignment %s gave %s back, and draws another one in its place",
                           about->assignment->id, what);
}

static char *set_incomplete_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);

    return g_strdup_printf(
        "assignment %s takes %s only together with the rest of the set, and that is not complete",
        about->assignment->id, what);
}

static char *group_disabled_text(const VerdictCase *about)
{
    return g_strdup_printf("group %s is disabled and gives nothing (usbferry group set %s --enable)",
                           about->assignment->group, about->assignment->group);
}

static char *switched_off_text(const VerdictCase *about)
{
    return g_strdup("usbferry is switched off and gives nothing");
}

static char *held_home_text(const VerdictCase *about)
{
    return g_strdup(
        "everything is home because usbferry-guests.service was stopped, as it is when the host shuts "
        "down; start it, and devices are given again");
}

static char *foreign_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *owner = text_quote(about->attachment ? about->attachment->machine->info->name : "?");

    return g_strdup_printf("%s was given to VM %s by another program; take it away there", what, owner);
}

static char *number_listed_text(const VerdictCase *about)
{
    const Machine *machine =
        about->attachments ? attachments_number_is_foreign(about->attachments, about->device) : NULL;
    g_autofree char *what = device_describe(about->device);
    g_autofree char *owner = text_quote(machine ? machine->info->name : "?");

    return g_strdup_printf(
        "VM %s still lists the number of %s, %u:%u, for another program, and then nobody gets "
        "it; take it away there, or plug the device in again",
        owner, what, about->device->bus_number, about->device->device_number);
}

static char *undecided_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);

    return g_strdup_printf("%s waits until every VM that draws from its groups has been looked at", what);
}

static char *hypervisor_away_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *machine = verdict_machine_text(about->registry, about->assignment);
    g_autofree char *why =
        verdict_hypervisor_text(about->registry, registry_machine_of(about->registry, about->assignment));

    return g_strdup_printf("%s waits for %s: %s", what, machine, why);
}

static char *machine_unknown_text(const VerdictCase *about)
{
    g_autofree char *machine = verdict_machine_text(about->registry, about->assignment);

    return machine_text_unknown(about->registry, about->assignment, machine);
}

static char *machine_unwell_text(const VerdictCase *about)
{
    g_autofree char *name = verdict_machine_text(about->registry, about->assignment);

    return machine_text_unwell(registry_machine_of(about->registry, about->assignment), name, about->device);
}

static char *machine_off_text(const VerdictCase *about)
{
    const Machine *its = registry_machine_of(about->registry, about->assignment);
    const char *trouble = its ? its->start_error : NULL;
    g_autofree char *what = device_describe(about->device);
    g_autofree char *machine = verdict_machine_text(about->registry, about->assignment);

    return g_strdup_printf("%s is not running; %s goes there when it starts%s%s", machine, what,
                           trouble ? ". It could not be started: " : "", trouble ? trouble : "");
}

static char *machine_starting_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *machine = verdict_machine_text(about->registry, about->assignment);

    return g_strdup_printf("%s is being started; %s goes there when it runs", machine, what);
}

static char *no_controller_text(const VerdictCase *about)
{
    const Machine *machine = registry_machine_of(about->registry, about->assignment);

    return machine ? machine_info_no_controller_text(machine->info)
                   : verdict_machine_text(about->registry, about->assignment);
}

static char *no_port_text(const VerdictCase *about)
{
    const Machine *machine = registry_machine_of(about->registry, about->assignment);

    return machine ? machine_info_no_port_text(machine->info, about->device ? about->device->speeds : 0)
                   : verdict_machine_text(about->registry, about->assignment);
}

static char *speed_text(const VerdictCase *about)
{
    const Machine *machine = registry_machine_of(about->registry, about->assignment);
    g_autofree char *what = device_describe(about->device);
    g_autofree char *machine_text = verdict_machine_text(about->registry, about->assignment);
    g_autofree char *name = text_quote(machine ? machine->info->name : about->assignment->machine_name);

    return g_strdup_printf("%s needs a USB controller with %s, and that of %s, %s, is none; give it another "
                           "one (usbferry vm controller %s qemu-xhci), shut it down and start it",
                           what, usb_speed_text(about->device->speeds), machine_text,
                           machine ? machine->info->usb_controller : "?", name);
}

static char *storing_text(const VerdictCase *about)
{
    return g_strdup_printf("assignment %s is being stored", about->assignment->id);
}

static char *controller_taken_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    const char *controller = about->device->controller;
    const Machine *owner = pci_passthrough_owner(about->registry, controller);
    g_autofree char *quoted = text_quote(owner ? owner->info->name : "?");

    return g_strdup_printf(
        "%s is on the controller %s, which VM %s has as a whole; take that away from it first", what,
        controller, quoted);
}

static char *unauthorized_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);

    return g_strdup_printf(
        "the host has not authorized %s, so nobody can use it; allow it there (in USBGuard, for instance)",
        what);
}

static char *guarded_text(const VerdictCase *about)
{
    const char *use = about->use ? about->use : host_use_find(about->device->host_use, HOST_USE_GUARDS);
    g_autofree char *what = device_describe(about->device);
    g_autofree char *why = use ? host_use_text(use) : NULL;

    if (!use)
        return g_strdup_printf("%s stays with the host, which needed it until now", what);
    if (g_str_has_prefix(use, LAST_ONE))
        return g_strdup_printf(
            "%s stays with the host (%s): %s, or have it forced, best for a try at first, from which "
            "it comes home by itself",
            what, use, why);
    return g_strdup_printf("%s stays with the host (%s): %s, or have it forced", what, use, why);
}

static char *in_use_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *user = verdict_user_text(about->device);

    return g_strdup_printf("%s uses %s; end it, or wait until it lets go", user, what);
}

static char *looked_at_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);

    return g_strdup_printf("a program of the host looks at %s now", what);
}

static char *resetting_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);
    g_autofree char *machine = verdict_machine_text(about->registry, about->assignment);

    return g_strdup_printf("%s is being reset and goes back to %s then", what, machine);
}

static char *quarantined_text(const VerdictCase *about)
{
    const Quarantine *quarantine = quarantines_find(about->registry->quarantines, about->device, about->now);
    g_autofree char *what = device_describe(about->device);
    g_autofree char *why = quarantine ? quarantine_text(quarantine) : g_strdup("it was held back until now");

    return g_strdup_printf("%s is quarantined: %s; \"usbferry retry %s\" tries at once", what, why,
                           about->assignment ? about->assignment->id : about->device->sysname);
}

static char *unsteady_text(const VerdictCase *about)
{
    g_autofree char *what = device_describe(about->device);

    if (about->device->input_due_at > about->now)
        return g_strdup_printf("%s came a moment ago, and whether it is the host's last one isn't seen yet",
                               what);
    return g_strdup_printf("%s came back a moment ago and has to be steady for a second", what);
}

/* ------------------------------------------------------------------ rows */

#define ATTACHING       ASSIGNMENT_STATE_ATTACHING
#define WAITING_DEVICE  ASSIGNMENT_STATE_WAITING_DEVICE
#define WAITING_MACHINE ASSIGNMENT_STATE_WAITING_MACHINE
#define QUARANTINED     ASSIGNMENT_STATE_QUARANTINED
#define FAILED          ASSIGNMENT_STATE_FAILED
#define NO_ERROR        _FERRY_ERROR_INVALID

/* How long what is in the way stays there by itself. */
typedef enum Passing {
    STAYS,  /* until somebody decides, plugs or starts something */
    PASSES, /* by itself, some time */
    SOON,   /* by itself, in a moment */
} Passing;

/* What becomes of the device in a machine that has it. */
typedef enum Effect {
    LEAVES,    /* it stays there */
    TAKES_OUT, /* it is taken out; an unsteady one isn't meant: what has just come is in no machine yet */
} Effect;

/* clang-format off */
static const struct {
    const char *word;
    AssignmentState state;
    FerryError error;
    ReasonCode code;
    Passing passing;
    Effect effect;
    char *(*text)(const VerdictCase *about);
} rows[_VERDICT_MAX] = {
    [VERDICT_GO]               = { "yes",    ATTACHING,       NO_ERROR,                              REASON_ATTACHING,         PASSES, LEAVES,    go_text },
    [VERDICT_SUSPENDED]        = { "blocks", WAITING_DEVICE,  NO_ERROR,                              REASON_SUSPENDED,         STAYS,  LEAVES,    suspended_text },
    [VERDICT_DAMAGED]          = { "blocks", WAITING_DEVICE,  FERRY_ERROR_STORAGE,                   REASON_DAMAGED,           STAYS,  LEAVES,    damaged_text },
    [VERDICT_MAY_BE_OWNED]     = { "blocks", WAITING_DEVICE,  FERRY_ERROR_NOT_OWNED,                 REASON_MAY_BE_OWNED,      STAYS,  LEAVES,    may_be_owned_text },
    [VERDICT_OTHER_DEVICE]     = { "no",     WAITING_DEVICE,  NO_ERROR,                              REASON_OTHER_DEVICE,      STAYS,  LEAVES,    other_device_text },
    [VERDICT_HUB]              = { "blocks", WAITING_DEVICE,  NO_ERROR,                              REASON_HUB,               STAYS,  LEAVES,    hub_text },
    [VERDICT_NOT_OWNED]        = { "blocks", WAITING_DEVICE,  FERRY_ERROR_NOT_OWNED,                 REASON_NOT_OWNED,         STAYS,  LEAVES,    not_owned_text },
    [VERDICT_NOT_HOME]         = { "blocks", WAITING_DEVICE,  NO_ERROR,                              REASON_NOT_HOME,          STAYS,  LEAVES,    not_home_text },
    [VERDICT_TAKEN]            = { "blocks", WAITING_DEVICE,  FERRY_ERROR_DEVICE_BUSY,               REASON_TAKEN,             STAYS,  LEAVES,    taken_text },
    [VERDICT_ENOUGH]           = { "blocks", WAITING_DEVICE,  NO_ERROR,                              REASON_ENOUGH,            STAYS,  LEAVES,    enough_text },
    [VERDICT_GIVEN_BACK]       = { "no",     WAITING_DEVICE,  NO_ERROR,                              REASON_GIVEN_BACK,        STAYS,  LEAVES,    given_back_text },
    [VERDICT_SET_INCOMPLETE]   = { "waits",  WAITING_DEVICE,  NO_ERROR,                              REASON_SET_INCOMPLETE,    STAYS,  LEAVES,    set_incomplete_text },
    [VERDICT_GROUP_DISABLED]   = { "blocks", WAITING_DEVICE,  FERRY_ERROR_DISABLED,                  REASON_GROUP_DISABLED,    STAYS,  LEAVES,    group_disabled_text },
    [VERDICT_SWITCHED_OFF]     = { "blocks", WAITING_DEVICE,  FERRY_ERROR_DISABLED,                  REASON_SWITCHED_OFF,      STAYS,  LEAVES,    switched_off_text },
    [VERDICT_HELD_HOME]        = { "blocks", WAITING_DEVICE,  FERRY_ERROR_DISABLED,                  REASON_HELD_HOME,         STAYS,  TAKES_OUT, held_home_text },
    [VERDICT_FOREIGN]          = { "blocks", WAITING_DEVICE,  FERRY_ERROR_DEVICE_BUSY,               REASON_FOREIGN,           STAYS,  LEAVES,    foreign_text },
    [VERDICT_NUMBER_LISTED]    = { "waits",  WAITING_DEVICE,  FERRY_ERROR_DEVICE_BUSY,               REASON_NUMBER_LISTED,     STAYS,  LEAVES,    number_listed_text },
    [VERDICT_UNDECIDED]        = { "waits",  WAITING_DEVICE,  NO_ERROR,                              REASON_UNDECIDED,         SOON,   LEAVES,    undecided_text },
    [VERDICT_HYPERVISOR_AWAY]  = { "waits",  WAITING_MACHINE, NO_ERROR,                              REASON_HYPERVISOR_AWAY,   PASSES, LEAVES,    hypervisor_away_text },
    [VERDICT_MACHINE_UNKNOWN]  = { "waits",  WAITING_MACHINE, FERRY_ERROR_NO_SUCH_MACHINE,           REASON_MACHINE_UNKNOWN,   STAYS,  LEAVES,    machine_unknown_text },
    [VERDICT_MACHINE_OFF]      = { "waits",  WAITING_MACHINE, NO_ERROR,                              REASON_MACHINE_OFF,       STAYS,  LEAVES,    machine_off_text },
    [VERDICT_MACHINE_UNWELL]   = { "waits",  WAITING_MACHINE, FERRY_ERROR_TIMEOUT,                   REASON_MACHINE_UNWELL,    STAYS,  TAKES_OUT, machine_unwell_text },
    [VERDICT_MACHINE_STARTING] = { "waits",  WAITING_MACHINE, NO_ERROR,                              REASON_MACHINE_STARTING,  SOON,   LEAVES,    machine_starting_text },
    [VERDICT_NO_CONTROLLER]    = { "blocks", FAILED,          FERRY_ERROR_NO_CONTROLLER,             REASON_NO_CONTROLLER,     STAYS,  LEAVES,    no_controller_text },
    [VERDICT_NO_PORT]          = { "waits",  FAILED,          FERRY_ERROR_NO_FREE_PORT,              REASON_NO_PORT,           STAYS,  LEAVES,    no_port_text },
    [VERDICT_SPEED]            = { "blocks", FAILED,          FERRY_ERROR_SPEED_UNSUPPORTED,         REASON_SPEED,             STAYS,  LEAVES,    speed_text },
    [VERDICT_STORING]          = { "waits",  ATTACHING,       NO_ERROR,                              REASON_STORING,           SOON,   LEAVES,    storing_text },
    [VERDICT_CONTROLLER_TAKEN] = { "blocks", WAITING_DEVICE,  FERRY_ERROR_CONTROLLER_PASSED_THROUGH, REASON_CONTROLLER_TAKEN,  STAYS,  LEAVES,    controller_taken_text },
    [VERDICT_UNAUTHORIZED]     = { "blocks", WAITING_DEVICE,  FERRY_ERROR_DEVICE_BUSY,               REASON_UNAUTHORIZED,      STAYS,  TAKES_OUT, unauthorized_text },
    [VERDICT_GUARDED]          = { "waits",  WAITING_DEVICE,  FERRY_ERROR_DEVICE_IN_USE,             REASON_GUARDED,           STAYS,  LEAVES,    guarded_text },
    [VERDICT_IN_USE]           = { "waits",  WAITING_DEVICE,  FERRY_ERROR_DEVICE_BUSY,               REASON_IN_USE,            STAYS,  LEAVES,    in_use_text },
    [VERDICT_LOOKED_AT]        = { "waits",  WAITING_DEVICE,  NO_ERROR,                              REASON_LOOKED_AT,         SOON,   LEAVES,    looked_at_text },
    [VERDICT_RESETTING]        = { "waits",  WAITING_DEVICE,  NO_ERROR,                              REASON_RESETTING,         SOON,   TAKES_OUT, resetting_text },
    [VERDICT_QUARANTINED]      = { "waits",  QUARANTINED,     NO_ERROR,                              REASON_QUARANTINED,       PASSES, TAKES_OUT, quarantined_text },
    [VERDICT_UNSTEADY]         = { "waits",  WAITING_DEVICE,  NO_ERROR,                              REASON_UNSTEADY,          SOON,   LEAVES,    unsteady_text },
};
/* clang-format on */

const char *verdict_word(Verdict verdict)
{
    return rows[verdict].word;
}

AssignmentState verdict_state(Verdict verdict)
{
    return rows[verdict].state;
}

const char *verdict_error(Verdict verdict)
{
    const char *name = ferry_error_to_name(rows[verdict].error);

    return name ? name : "";
}

const char *verdict_code(Verdict verdict)
{
    return reason_code_to_string(rows[verdict].code);
}

bool verdict_comes_by_itself(Verdict verdict)
{
    return rows[verdict].passing != STAYS;
}

bool verdict_passes_soon(Verdict verdict)
{
    return rows[verdict].passing == SOON;
}

bool verdict_takes_out(Verdict verdict)
{
    return rows[verdict].effect == TAKES_OUT;
}

char *verdict_text(Verdict verdict, const VerdictCase *about)
{
    return rows[verdict].text(about);
}

void verdict_set_error(Verdict verdict, const VerdictCase *about, GError **error)
{
    FerryError code = rows[verdict].error;
    g_autofree char *text = verdict_text(verdict, about);

    g_set_error_literal(error, FERRY_ERROR, code == NO_ERROR ? FERRY_ERROR_DEVICE_BUSY : code, text);
}
