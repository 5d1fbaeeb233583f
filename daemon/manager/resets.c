/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may have what reset, and what that is. The reset itself is daemon/reset's. */

#include "daemon/manager/resets.h"

#include "daemon/allocation/guest-reset.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/manager/internal.h"
#include "daemon/model/find.h"

/* Several resets that are answered as one. */
typedef struct SeveralResets {
    char *id;
    unsigned open;
    GError *error; /* the first one's */
    ManagerDone done;
    void *userdata;
} SeveralResets;

static void several_drop(gpointer data)
{
    SeveralResets *several = data;

    if (--several->open > 0)
        return;
    g_clear_error(&several->error);
    g_free(several->id);
    g_free(several);
}

static void several_done(const GError *error, void *userdata)
{
    SeveralResets *several = userdata;

    if (error && !several->error)
        several->error = g_error_copy(error);
    if (several->open == 1)
        several->done(several->error ? NULL : several->id, several->error, several->userdata);
    several_drop(several);
}

static void begin_all(Manager *self, const char *id, const GPtrArray *targets, ResetMethod method,
                      ManagerDone done, void *userdata)
{
    SeveralResets *several = g_new0(SeveralResets, 1);

    several->id = g_strdup(id);
    several->open = targets->len;
    several->done = done;
    several->userdata = userdata;
    for (guint i = 0; i < targets->len; i++)
        resets_begin(self->resets, targets->pdata[i], method, several_done, several, several_drop);
}

/* The hub that the device is plugged into. */
static Device *hub_of(Manager *self, const Device *device, GError **error)
{
    Device *hub = registry_device(self->registry, device->hub);

    if (hub && hub->hub)
        return hub;
    {
        g_autofree char *what = device_describe(device);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED,
                    "%s is plugged into the host itself, with no hub in between; reset the device alone",
                    what);
        return NULL;
    }
}

/* ------------------------------------------------------------------ by the user of a machine */

/* Or is just taken out of it to be put in again. */
static bool is_in_machine(Manager *self, const Device *device)
{
    const Assignment *its = registry_assignment(self->registry, device->assignment_id);

    return device->state == DEVICE_STATE_ATTACHED || device->state == DEVICE_STATE_ATTACHING ||
           (device->state == DEVICE_STATE_DETACHING && its && its->wanted && !its->releasing);
}

/* Whether the user of this assignment's machine may have that device reset along with it. One that is at home
 * is the host's, assigned or not. */
static bool may_reset_too(Manager *self, const Assignment *assignment, const Device *device)
{
    const Assignment *its =
        is_in_machine(self, device) ? registry_assignment(self->registry, device->assignment_id) : NULL;

    return device->is_hub ||
           (its && (its == assignment || (g_strcmp0(its->machine_uuid, assignment->machine_uuid) == 0 &&
                                          guest_resets_all_allowed(self->registry, its))));
}

static char *whose(Manager *self, const Device *device)
{
    bool is_home = !is_in_machine(self, device) && device->state != DEVICE_STATE_DETACHING &&
                   device->state != DEVICE_STATE_FOREIGN;
    const Machine *machine = is_home ? NULL : registry_machine(self->registry, device->machine_uuid);
    const Assignment *assignment =
        is_home ? NULL : registry_assignment(self->registry, device->assignment_id);
    g_autofree char *what = device_describe(device);
    g_autofree char *name = text_quote(machine      ? machine->info->name
                                       : assignment ? assignment->machine_name
                                                    : "?");

    return machine || assignment ? g_strdup_printf("%s is VM %s's", what, name)
                                 : g_strdup_printf("%s is the host's", what);
}

static bool check_others(Manager *self, const Assignment *assignment, const Device *hub, GError **error)
{
    g_autoptr(GPtrArray) behind = resets_behind(self->registry, hub);
    g_autoptr(GString) others = g_string_new(NULL);
    g_autofree char *what = device_describe(hub);

    for (guint i = 0; i < behind->len; i++) {
        g_autofree char *text = NULL;

        if (may_reset_too(self, assignment, behind->pdata[i]))
            continue;
        text = whose(self, behind->pdata[i]);
        g_string_append_printf(others, "%s%s", others->len ? ", " : "", text);
    }
    if (others->len == 0)
        return true;
    g_set_error(
        error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
        "%s has devices of others behind it: %s; only an administrator can reset it (Device.ResetHub)", what,
        others->str);
    return false;
}

static void add_target(GPtrArray *targets, Device *device)
{
    /* Hubs come before what is behind them when these are sorted, but may be found in any order. */
    for (guint i = targets->len; i > 0; i--) {
        const Device *other = targets->pdata[i - 1];

        if (other == device || device_is_behind(device->sysname, other->sysname))
            return;
        if (device_is_behind(other->sysname, device->sysname))
            g_ptr_array_remove_index(targets, i - 1);
    }
    g_ptr_array_add(targets, device);
}

/* The devices of the assignment that its machine has now, or the hubs that they are plugged into. */
static GPtrArray *find_targets(Manager *self, const char *id, bool hub, GError **error)
{
    const Assignment *assignment = registry_assignment(self->registry, id);
    g_autoptr(GPtrArray) targets = g_ptr_array_new();

    for (guint i = 0; i < assignment->claims->len; i++) {
        const Claim *claim = assignment->claims->pdata[i];
        Device *device = registry_device(self->registry, claim->sysname);

        /* One that is being reset is refused by name. */
        if (!device ||
            (claim->state != DEVICE_STATE_ATTACHED && !resets_is_open(self->registry, device->sysname)))
            continue;
        if (hub && !(device = hub_of(self, device, error)))
            return NULL;
        add_target(targets, device);
    }
    if (targets->len > 0)
        return g_steal_pointer(&targets);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED,
                "assignment %s: no device of it is attached now, so there is nothing to reset", id);
    return NULL;
}

static bool check_allowed(Manager *self, const char *id, bool hub, GError **error)
{
    const Assignment *assignment = registry_assignment(self->registry, id);
    const char *setting = hub ? "AllowGuestResetsAll" : "AllowGuestReset";

    if (hub ? guest_resets_all_allowed(self->registry, assignment)
            : guest_reset_allowed(self->registry, assignment))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_GUEST_RESET_DENIED,
                "assignment %s: its %s is off%s; who manages it can switch that on", id, setting,
                assignment->group ? ", here and in its group" : "");
    return false;
}

/* What is to be reset; NULL with error when that can't be. */
static GPtrArray *check_assignment(Manager *self, const char *id, bool hub, GError **error)
{
    g_autoptr(GPtrArray) targets = NULL;

    if (!find_changeable_assignment(self->registry, id, error) || !check_allowed(self, id, hub, error))
        return NULL;
    targets = find_targets(self, id, hub, error);
    for (guint i = 0; targets && i < targets->len; i++)
        if ((hub && !check_others(self, registry_assignment(self->registry, id), targets->pdata[i], error)) ||
            !resets_check(self->resets, targets->pdata[i], RESET_METHOD_RESET, error))
            return NULL;
    return g_steal_pointer(&targets);
}

bool manager_check_reset(Manager *self, const char *id, bool hub, GError **error)
{
    g_autoptr(GPtrArray) targets = check_assignment(self, id, hub, error);

    return targets != NULL;
}

void manager_reset(Manager *self, const char *id, bool hub, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) targets = check_assignment(self, id, hub, &error);

    if (targets)
        begin_all(self, id, targets, RESET_METHOD_RESET, done, userdata);
    else
        done(NULL, error, userdata);
}

/* ------------------------------------------------------------------ by an administrator */

static Device *check_device(Manager *self, const char *sysname, const ResetChoices *choices,
                            ResetMethod *ret_method, GError **error)
{
    Device *device = find_plugged_device(self->registry, sysname, error);
    ResetMethod method = choices->method ? reset_method_from_string(choices->method) : RESET_METHOD_RESET;

    if (!device)
        return NULL;
    if (method == _RESET_METHOD_INVALID) {
        g_autofree char *quoted = text_quote(choices->method);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION, "Method: reset or power-cycle, not %s",
                    quoted);
        return NULL;
    }
    if (choices->hub && !(device = hub_of(self, device, error)))
        return NULL;
    *ret_method = method;
    return resets_check(self->resets, device, method, error) ? device : NULL;
}

bool manager_check_reset_device(Manager *self, const char *sysname, const ResetChoices *choices,
                                GError **error)
{
    ResetMethod method;

    return check_device(self, sysname, choices, &method, error) != NULL;
}

void manager_reset_device(Manager *self, const char *sysname, const ResetChoices *choices, ManagerDone done,
                          void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) targets = g_ptr_array_new();
    ResetMethod method;
    Device *device = check_device(self, sysname, choices, &method, &error);

    if (!device) {
        done(NULL, error, userdata);
        return;
    }
    g_ptr_array_add(targets, device);
    begin_all(self, sysname, targets, method, done, userdata);
}
