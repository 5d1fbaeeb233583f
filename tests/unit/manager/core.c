/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A manager with a store and nothing else that is real. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/manager/core.h"

#include <string.h>

#include "daemon/base/text.h"
#include "daemon/manager/internal.h"

/* Longer than any disk takes. */
#define DEADLINE_S 120

static void add_machine(Core *core, const char *uuid, const char *name)
{
    MachineInfo *info = machine_info_new(uuid);

    text_replace(&info->name, name);
    registry_add_machine(core->registry, machine_new(info));
}

int core_setup(void **state)
{
    static const HypervisorOps no_ops = {};
    static const UsbOps no_usb = {};
    Core *core = g_new0(Core, 1);
    g_autofree char *state_dir = NULL, *runtime_dir = NULL, *groups = NULL;
    g_autoptr(GError) error = NULL;

    *state = core;
    core->folder = g_dir_make_tmp("ferry-core-XXXXXX", NULL);
    state_dir = g_build_filename(core->folder, "state", NULL);
    runtime_dir = g_build_filename(core->folder, "run", NULL);
    groups = g_build_filename(core->folder, "groups.d", NULL);
    g_setenv("FERRY_GROUPS_PATH", groups, TRUE);
    core->hypervisor.ops = &no_ops;
    core->pool = worker_pool_new(1, NULL, NULL);
    core->manager =
        manager_new(&(ManagerConfig){ .state_dir = state_dir, .runtime_dir = runtime_dir, .usb = &no_usb },
                    core->pool, &core->hypervisor, &error);
    assert_null(error);
    core->registry = manager_registry(core->manager);
    core->registry->machines_known = true;
    add_machine(core, DESK, "desk");
    add_machine(core, STUDIO, "studio");
    return 0;
}

int core_teardown(void **state)
{
    Core *core = *state;
    const char *const command[] = { "rm", "-rf", core->folder, NULL };

    manager_free(core->manager);
    worker_pool_free(core->pool);
    g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(core->folder);
    g_free(core->id);
    g_free(core);
    return 0;
}

void core_done(const char *id, const GError *error, void *userdata)
{
    Core *core = userdata;

    core->answers++;
    g_free(core->id);
    core->id = g_strdup(id);
    core->code = error ? (FerryError)error->code : _FERRY_ERROR_INVALID;
}

static gboolean too_late(gpointer userdata)
{
    fail_msg("there was no answer");
    return G_SOURCE_REMOVE;
}

void core_run_while(const bool *busy)
{
    guint deadline = g_timeout_add_seconds(DEADLINE_S, too_late, NULL);

    while (*busy)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(deadline);
}

void core_wait(Core *core)
{
    guint deadline = g_timeout_add_seconds(DEADLINE_S, too_late, NULL);

    for (unsigned before = core->answers; core->answers == before;)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(deadline);
}

Device *core_plug(Core *core, const char *sysname, uint16_t vendor, const char *serial)
{
    Device *device = device_new(sysname);

    device->vendor_id = vendor;
    device->product_id = 1;
    device->class_name = "storage";
    text_replace(&device->serial, serial);
    g_free(device->socket);
    device->socket = g_strdup_printf("pci-0000:00:14.0/%s", strchr(sysname, '-') + 1);
    registry_add_device(core->registry, device);
    memberships_update_device(core->manager->memberships, device);
    return device;
}

char *core_file(Core *core, const char *path)
{
    g_autofree char *whole = g_build_filename(core->folder, path, NULL);
    char *text = NULL;

    return g_file_get_contents(whole, &text, NULL, NULL) ? text : NULL;
}
