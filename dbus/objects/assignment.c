/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usbferry1.Assignment: that a device, or devices of a group, belong to a machine. */

#include "daemon/manager/assignments.h"
#include "daemon/manager/release-device.h"
#include "daemon/manager/resets.h"
#include "dbus/service/call.h"
#include "dbus/rights/details.h"
#include "dbus/objects/start-right.h"
#include "dbus/rights/own.h"
#include "dbus/bus/errors.h"
#include "dbus/names.h"
#include "dbus/objects/chapters.h"
#include "dbus/service/path.h"
#include "dbus/service/properties.h"
#include "dbus/bus/options.h"
#include "dbus/service/service-state.h"

/* ------------------------------------------------------------------ properties */

static int property_get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", "usb");
}

static int property_get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const AssignmentState *state = userdata;

    return sd_bus_message_append(reply, "s", assignment_state_to_string(*state));
}

static int property_get_quantity(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    g_autofree char *quantity = assignment_quantity_to_string(userdata);

    return sd_bus_message_append(reply, "s", quantity);
}

static int property_get_error(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Assignment *assignment = userdata;
    const char *last = assignment->error;
    g_autofree char *name = last && last[0] != '\0' ? g_strconcat(FERRY_ERROR_PREFIX, last, NULL) : NULL;

    return sd_bus_message_append(reply, "s", name);
}

static int property_get_trial(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Assignment *assignment = userdata;

    return sd_bus_message_append(reply, "b", assignment->trial.seconds != 0);
}

static int property_get_expires(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Term *term = assignment_term(userdata);

    return sd_bus_message_append(reply, "t", term ? (uint64_t)term->ends_clock : UINT64_C(0));
}

static int property_get_expires_in(sd_bus *bus, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Term *term = assignment_term(userdata);

    return sd_bus_message_append(reply, "u", term ? term_seconds_left(term, term_now()) : 0);
}

static int property_get_devices(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Assignment *assignment = userdata;
    int r;

    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(os)");
    for (guint i = 0; r >= 0 && i < assignment->claims->len; i++) {
        const Claim *claim = assignment->claims->pdata[i];
        g_autofree char *device = object_path(OBJECT_DEVICE, claim->sysname);

        r = sd_bus_message_append(reply, "(os)", device, device_state_to_string(claim->state));
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ------------------------------------------------------------------ methods */

/* > 0: yes; else what the handler returns, see authorize(). owned: of dbus/rights/own.h, or NULL for what is
 * an administrator's to say, whose ever it is. */
static int may_as(BusService *service, sd_bus_message *message, const Assignment *assignment,
                  AuthorizeOwned owned, sd_bus_error *ret_error)
{
    g_auto(GStrv) details = details_for_assignment(service->registry, assignment);
    Own own = { .registry = service->registry, .assignment = assignment };
    uint32_t uid;

    return authorize_owned(service->authorizer, message, (const char *const *)details, owned, &own, &uid,
                           ret_error);
}

static int may(BusService *service, sd_bus_message *message, const Assignment *assignment,
               sd_bus_error *ret_error)
{
    return may_as(service, message, assignment, own_assignment, ret_error);
}

static int method_release(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    Assignment *assignment = userdata;
    bool start = false;
    Option options[] = { { "StartMachine", 'b', &start } };
    Own own = { .registry = service->registry, .assignment = assignment };
    g_auto(GStrv) details = NULL;
    g_autoptr(GError) error = NULL;
    AuthorizeAbout what;
    uint32_t uid;
    int r;

    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (!manager_check_release(service->manager, assignment->id, &error))
        return bus_error_from_gerror(ret_error, error);
    details = details_for_assignment(service->registry, assignment);
    what =
        (AuthorizeAbout){ .details = (const char *const *)details,
                          .owned = own_assignment,
                          .object = &own,
                          .also = start ? start_right(service->registry, assignment->machine_uuid) : NULL };
    r = authorize_several(service->authorizer, message, &what, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    /* Only with the right to; what stops running from now on was not asked about. */
    (what.also ? manager_release_and_start : manager_release)(service->manager, assignment->id, call_done,
                                                              call_new(service, message));
    return 1;
}

static int method_release_device(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Assignment *assignment = userdata;
    DeviceRelease release = { .assignment = assignment->id };
    Option options[] = { { "Swap", 'b', &release.swap } };
    Own own = { .registry = service->registry, .assignment = assignment };
    g_auto(GStrv) details = NULL;
    g_autofree char *sysname = NULL;
    g_autoptr(GError) error = NULL;
    const char *path;
    uint32_t uid;
    int r;

    r = sd_bus_message_read(message, "o", &path);
    if (r < 0)
        return r;
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    release.device = sysname = object_id(OBJECT_DEVICE, path, &error);
    if (!sysname || !manager_check_release_device(service->manager, &release, &error))
        return bus_error_from_gerror(ret_error, error);
    details =
        details_for_device_of(service->registry, registry_device(service->registry, sysname), assignment);
    r = authorize_owned(service->authorizer, message, (const char *const *)details, own_assignment, &own,
                        &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_release_device(service->manager, &release, call_done, call_new(service, message));
    return 1;
}

static int set_wanted(sd_bus_message *message, Assignment *assignment, bool wanted, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GError) error = NULL;
    int r;

    if (!manager_check_change(service->manager, assignment->id, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may_as(service, message, assignment, wanted ? own_to_attach : own_assignment, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_set_wanted(service->manager, assignment->id, wanted, call_done, call_new(service, message));
    return 1;
}

static int method_attach(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return set_wanted(message, userdata, true, ret_error);
}

static int method_detach(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return set_wanted(message, userdata, false, ret_error);
}

static int method_retry(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Assignment *assignment = userdata;
    g_autoptr(GError) error = NULL;
    int r;

    if (!manager_check_change(service->manager, assignment->id, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may_as(service, message, assignment, own_to_attach, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_retry(service->manager, assignment->id, call_done, call_new(service, message));
    return 1;
}

static int method_confirm(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Assignment *assignment = userdata;
    g_autoptr(GError) error = NULL;
    int r;

    if (!manager_check_change(service->manager, assignment->id, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may(service, message, assignment, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_confirm(service->manager, assignment->id, call_done, call_new(service, message));
    return 1;
}

static void free_details(gpointer details)
{
    g_strfreev(details);
}

/* It is taken from one machine and given to another: both count, and the question is about the other one. */
static int may_move(BusService *service, sd_bus_message *message, const Assignment *assignment,
                    const char *machine_uuid, AuthorizeOwned owned, sd_bus_error *ret_error)
{
    const Machine *machine = registry_machine(service->registry, machine_uuid);
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(free_details);
    g_auto(GStrv) details = details_for_move(service->registry, assignment, machine, parts);
    Own own = { .registry = service->registry, .assignment = assignment };
    uint32_t uid;

    return authorize_several(
        service->authorizer, message,
        &(AuthorizeAbout){
            .details = (const char *const *)details, .parts = parts, .owned = owned, .object = &own },
        &uid, ret_error);
}

/* What Update says. */
typedef struct Said {
    AssignmentUpdate update;
    char *machine;
    int32_t priority;
    uint32_t lease_for;
    bool guest_reset, guest_resets_all, follow;
} Said;

static int read_update(sd_bus_message *message, Said *said, sd_bus_error *ret_error)
{
    AssignmentUpdate *update = &said->update;
    const char *machine = NULL;
    enum { NAME, DESCRIPTION, MACHINE, PRIORITY, GUEST_RESET, GUEST_RESETS_ALL, FOLLOW, LEASE_FOR };
    Option options[] = {
        [NAME] = { "Name", 's', &update->name },
        [DESCRIPTION] = { "Description", 's', &update->description },
        [MACHINE] = { "Machine", 'o', &machine },
        [PRIORITY] = { "Priority", 'i', &said->priority },
        [GUEST_RESET] = { "AllowGuestReset", 'b', &said->guest_reset },
        [GUEST_RESETS_ALL] = { "AllowGuestResetsAll", 'b', &said->guest_resets_all },
        [FOLLOW] = { "Follow", 'b', &said->follow },
        [LEASE_FOR] = { "LeaseFor", 'u', &said->lease_for },
    };
    g_autoptr(GError) error = NULL;
    int r = options_read(message, options, G_N_ELEMENTS(options), ret_error);

    if (r < 0)
        return r;
    if (machine)
        update->machine_uuid = said->machine = object_id(OBJECT_MACHINE, machine, &error);
    if (error)
        return bus_error_from_gerror(ret_error, error);
    if (options[PRIORITY].given)
        update->priority = &said->priority;
    if (options[GUEST_RESET].given)
        update->allow_guest_reset = &said->guest_reset;
    if (options[GUEST_RESETS_ALL].given)
        update->allow_guest_resets_all = &said->guest_resets_all;
    if (options[FOLLOW].given)
        update->follow = &said->follow;
    if (options[LEASE_FOR].given)
        update->lease_for = &said->lease_for;
    return 0;
}

static void said_clear(Said *said)
{
    g_free(said->machine);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Said, said_clear)

static int method_update(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    Assignment *assignment = userdata;
    g_auto(Said) said = {};
    const AssignmentUpdate *update = &said.update;
    g_autoptr(GError) error = NULL;
    bool moves, is_own;
    int r = read_update(message, &said, ret_error);

    if (r < 0)
        return r;
    if (!manager_check_update(service->manager, assignment->id, update, &error))
        return bus_error_from_gerror(ret_error, error);
    moves = update->machine_uuid && !g_str_equal(update->machine_uuid, assignment->machine_uuid);
    /* What an administrator refuses, or shares out among several, nobody lifts for himself. A tenant's stays
     * with the tenant's machines, which the manager has checked. */
    is_own = !update->priority && !update->allow_guest_reset && !update->allow_guest_resets_all &&
             !update->follow && !update->lease_for && (!moves || assignment->tenant);
    r = moves ? may_move(service, message, assignment, update->machine_uuid, is_own ? own_assignment : NULL,
                         ret_error)
              : may_as(service, message, assignment, is_own ? own_assignment : NULL, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_update(service->manager, assignment->id, update, call_done, call_new(service, message));
    return 1;
}

static int reset(sd_bus_message *message, const Assignment *assignment, bool hub, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GError) error = NULL;
    int r;

    r = options_read(message, NULL, 0, ret_error);
    if (r < 0)
        return r;
    if (!manager_check_reset(service->manager, assignment->id, hub, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may(service, message, assignment, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_reset(service->manager, assignment->id, hub, call_done, call_new(service, message));
    return 1;
}

static int method_reset(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return reset(message, userdata, false, ret_error);
}

static int method_reset_all(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return reset(message, userdata, true, ret_error);
}

#define FIXED(name, type, get, field) \
    SD_BUS_PROPERTY(name, type, get, offsetof(Assignment, field), SD_BUS_VTABLE_PROPERTY_CONST)
#define MOVING(name, type, get, field) \
    SD_BUS_PROPERTY(name, type, get, offsetof(Assignment, field), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable assignment_vtable[] = {
    SD_BUS_VTABLE_START(0),
    MOVING("Name", "s", NULL, name),
    MOVING("Description", "s", NULL, description),
    SD_BUS_PROPERTY("Type", "s", property_get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    MOVING("Machine", "o", property_get_machine_path, machine_uuid),
    MOVING("MachineName", "s", NULL, shown_machine),
    MOVING("DeviceLabel", "s", NULL, device_label),
    MOVING("DeviceIcon", "s", NULL, device_icon),
    MOVING("Wanted", "u", NULL, n_wanted),
    MOVING("Has", "u", NULL, n_has),
    MOVING("Group", "o", property_get_group_path, group),
    MOVING("Selector", "s", NULL, selector),
    SD_BUS_PROPERTY("Quantity", "s", property_get_quantity, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    MOVING("Persistent", "b", property_get_bool, persistent),
    MOVING("Follow", "b", property_get_bool, follow),
    MOVING("Forced", "b", property_get_bool, forced),
    MOVING("Priority", "i", NULL, priority),
    MOVING("AllowGuestReset", "b", property_get_bool, allow_guest_reset),
    MOVING("AllowGuestResetsAll", "b", property_get_bool, allow_guest_resets_all),
    FIXED("Owner", "u", NULL, owner),
    MOVING("State", "s", property_get_state, state),
    MOVING("Pending", "b", property_get_bool, pending),
    MOVING("Reason", "s", NULL, reason),
    MOVING("ReasonCode", "s", NULL, reason_code),
    SD_BUS_PROPERTY("Error", "s", property_get_error, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Devices", "a(os)", property_get_devices, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    FIXED("Created", "t", NULL, created),
    MOVING("Since", "t", NULL, since),
    SD_BUS_PROPERTY("Trial", "b", property_get_trial, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    MOVING("TryFor", "u", NULL, trial.seconds),
    MOVING("LeaseFor", "u", NULL, lease.seconds),
    SD_BUS_PROPERTY("Expires", "t", property_get_expires, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ExpiresIn", "u", property_get_expires_in, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_release,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ReleaseDevice", SD_BUS_ARGS("o", device, "a{sv}", options), SD_BUS_NO_RESULT,
                            method_release_device, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Attach", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_attach,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Detach", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_detach,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Confirm", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_confirm,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Retry", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_retry,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Update", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_update,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Reset", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_reset,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ResetAll", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_reset_all,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const FieldProperty assignment_properties[] = {
    { ASSIGNMENT_FIELD_STATE, "State" },
    { ASSIGNMENT_FIELD_STATE, "Since" },
    { ASSIGNMENT_FIELD_PENDING, "Pending" },
    { ASSIGNMENT_FIELD_MACHINE, "Machine" },
    { ASSIGNMENT_FIELD_LABELS, "MachineName" },
    { ASSIGNMENT_FIELD_LABELS, "DeviceLabel" },
    { ASSIGNMENT_FIELD_LABELS, "DeviceIcon" },
    { ASSIGNMENT_FIELD_COUNTS, "Wanted" },
    { ASSIGNMENT_FIELD_COUNTS, "Has" },
    { ASSIGNMENT_FIELD_REASON, "Reason" },
    { ASSIGNMENT_FIELD_REASON, "ReasonCode" },
    { ASSIGNMENT_FIELD_ERROR, "Error" },
    { ASSIGNMENT_FIELD_DEVICES, "Devices" },
    { ASSIGNMENT_FIELD_NAME, "Name" },
    { ASSIGNMENT_FIELD_DESCRIPTION, "Description" },
    { ASSIGNMENT_FIELD_PRIORITY, "Priority" },
    { ASSIGNMENT_FIELD_GROUP, "Group" },
    { ASSIGNMENT_FIELD_SELECTOR, "Selector" },
    { ASSIGNMENT_FIELD_QUANTITY, "Quantity" },
    { ASSIGNMENT_FIELD_PERSISTENT, "Persistent" },
    { ASSIGNMENT_FIELD_FOLLOW, "Follow" },
    { ASSIGNMENT_FIELD_FORCED, "Forced" },
    { ASSIGNMENT_FIELD_TERMS, "Trial" },
    { ASSIGNMENT_FIELD_TERMS, "TryFor" },
    { ASSIGNMENT_FIELD_TERMS, "LeaseFor" },
    { ASSIGNMENT_FIELD_TERMS, "Expires" },
    { ASSIGNMENT_FIELD_TERMS, "ExpiresIn" },
    { ASSIGNMENT_FIELD_GUEST_RESET, "AllowGuestReset" },
    { ASSIGNMENT_FIELD_GUEST_RESET, "AllowGuestResetsAll" },
    {},
};

const ObjectKind assignment_object = {
    .type = OBJECT_ASSIGNMENT,
    .interface = FERRY_INTERFACE_ASSIGNMENT,
    .vtable = assignment_vtable,
    .properties = assignment_properties,
    .table = offsetof(Registry, assignments),
};
