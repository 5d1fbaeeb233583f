/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks what a release asks, and does nothing. Called by sd-bus through the vtable in manager.c. */

#include "dbus/objects/check-release.h"

#include "daemon/manager/obstacles.h"
#include "daemon/model/find.h"
#include "dbus/bus/errors.h"
#include "dbus/bus/options.h"
#include "dbus/names.h"
#include "dbus/objects/obstacle-answer.h"
#include "dbus/rights/details.h"
#include "dbus/rights/own.h"
#include "dbus/service/path.h"
#include "dbus/service/service-state.h"

typedef struct Asked {
    char *assignment, *device;
    DeviceRelease release;
} Asked;

static void asked_clear(Asked *asked)
{
    g_free(asked->assignment);
    g_free(asked->device);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

static int read_asked(sd_bus_message *message, Asked *asked, sd_bus_error *ret_error)
{
    Option options[] = { { "Swap", 'b', &asked->release.swap } };
    g_autoptr(GError) error = NULL;
    const char *assignment, *device;
    int r = sd_bus_message_read(message, "oo", &assignment, &device);

    if (r >= 0)
        r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    asked->release.assignment = asked->assignment = object_id(OBJECT_ASSIGNMENT, assignment, &error);
    if (asked->assignment && !g_str_equal(device, "/"))
        asked->release.device = asked->device = object_id(OBJECT_DEVICE, device, &error);
    if (error)
        return bus_error_from_gerror(ret_error, error);
    if (!asked->device && options[0].given)
        return bus_error_setf(ret_error, FERRY_ERROR_INVALID_OPTION, "Swap: it goes with a device");
    return 0;
}

int method_check_release(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_auto(Asked) asked = {};
    g_auto(GStrv) details = NULL;
    g_autoptr(GPtrArray) obstacles = NULL;
    g_autoptr(GError) error = NULL;
    AuthorityVerdict answer;
    Own own = { .registry = service->registry };
    int r = read_asked(message, &asked, ret_error);

    if (r < 0)
        return r;
    obstacles = manager_release_obstacles(service->manager, &asked.release, &error);
    if (!obstacles)
        return bus_error_from_gerror(ret_error, error);
    own.assignment = registry_assignment(service->registry, asked.assignment);
    details = asked.device
                  ? details_for_device_of(service->registry, registry_device(service->registry, asked.device),
                                          own.assignment)
                  : details_for_assignment(service->registry, own.assignment);
    r = authorize_trial(
        service->authorizer, message, FERRY_INTERFACE_ASSIGNMENT, asked.device ? "ReleaseDevice" : "Release",
        &(AuthorizeAbout){ .details = (const char *const *)details, .owned = own_assignment, .object = &own },
        &answer, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */
    return obstacle_answer(message, answer, obstacles);
}
