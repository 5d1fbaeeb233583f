/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines in a table; a lock, as workers are threads. */

#include "tests/unit/reconciler/fake-hypervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DEADLINE_S 120

static struct {
    GMutex lock;
    GCond called;
    GHashTable *machines; /* uuid → MachineInfo, owned */
    FerryError failing[_FAKE_CALL_MAX];
    GString *log;
} fake;

static const char *const call_names[_FAKE_CALL_MAX] = {
    [FAKE_PREPARE] = "prepare",
    [FAKE_LIST] = "list",
    [FAKE_INSPECT] = "inspect",
    [FAKE_ATTACH] = "attach",
    [FAKE_DETACH] = "detach",
    [FAKE_PING] = "ping",
    [FAKE_REPAIR_SAVED] = "repair-saved",
    [FAKE_REPAIR_SNAPSHOTS] = "repair-snapshots",
};

static void free_info(gpointer info)
{
    machine_info_free(info);
}

void fake_hypervisor_clear(void)
{
    g_clear_pointer(&fake.machines, g_hash_table_unref);
    fake.machines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_info);
    for (int i = 0; i < _FAKE_CALL_MAX; i++)
        fake.failing[i] = _FERRY_ERROR_INVALID;
    if (fake.log)
        g_string_free(fake.log, TRUE);
    fake.log = g_string_new(NULL);
}

void fake_hypervisor_define(const char *uuid, const char *name, MachineState state)
{
    MachineInfo *info = machine_info_new(uuid);

    g_free(info->name);
    info->name = g_strdup(name);
    info->state = state;
    g_mutex_lock(&fake.lock);
    g_hash_table_replace(fake.machines, info->uuid, info);
    g_mutex_unlock(&fake.lock);
}

void fake_hypervisor_undefine(const char *uuid)
{
    g_mutex_lock(&fake.lock);
    g_hash_table_remove(fake.machines, uuid);
    g_mutex_unlock(&fake.lock);
}

void fake_hypervisor_fail(FakeCall call, FerryError code)
{
    g_mutex_lock(&fake.lock);
    fake.failing[call] = code;
    g_mutex_unlock(&fake.lock);
}

char *fake_hypervisor_take_log(void)
{
    char *log;

    g_mutex_lock(&fake.lock);
    log = g_strdup(fake.log->str);
    g_string_truncate(fake.log, 0);
    g_mutex_unlock(&fake.lock);
    return log;
}

void fake_hypervisor_wait_called(const char *call)
{
    gint64 deadline = g_get_monotonic_time() + DEADLINE_S * G_USEC_PER_SEC;
    bool in_time = true;

    g_mutex_lock(&fake.lock);
    while (in_time && !strstr(fake.log->str, call))
        in_time = g_cond_wait_until(&fake.called, &fake.lock, deadline);
    g_mutex_unlock(&fake.lock);
    if (!in_time)
        fail_msg("no %s within %d s", call, DEADLINE_S);
}

/* Locks, whatever it answers. */
static bool begin(FakeCall call, GError **error)
{
    g_mutex_lock(&fake.lock);
    g_string_append_printf(fake.log, "%s%s", fake.log->len ? " " : "", call_names[call]);
    g_cond_broadcast(&fake.called);
    if (fake.failing[call] == _FERRY_ERROR_INVALID)
        return true;
    g_set_error_literal(error, FERRY_ERROR, fake.failing[call], "no luck");
    return false;
}

static MachineInfo *find(const char *uuid, GError **error)
{
    MachineInfo *info = g_hash_table_lookup(fake.machines, uuid);

    if (!info)
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE, "no such VM");
    return info;
}

static Hostdev *make_hostdev(const char *alias, unsigned bus_number, unsigned device_number, GuestReset reset)
{
    Hostdev *hostdev = g_new0(Hostdev, 1);

    hostdev->alias = g_strdup(alias);
    hostdev_alias_parse(alias, &hostdev->assignment_id, &hostdev->instance, &hostdev->domain_id);
    hostdev->bus_number = bus_number;
    hostdev->device_number = device_number;
    hostdev->guest_reset = reset;
    return hostdev;
}

static MachineInfo *copy_info(const MachineInfo *info, bool with_hostdevs)
{
    MachineInfo *copy = machine_info_new(info->uuid);

    g_free(copy->name);
    copy->name = g_strdup(info->name);
    copy->state = info->state;
    for (guint i = 0; with_hostdevs && i < info->hostdevs->len; i++) {
        const Hostdev *hostdev = info->hostdevs->pdata[i];

        g_ptr_array_add(copy->hostdevs, make_hostdev(hostdev->alias, hostdev->bus_number,
                                                     hostdev->device_number, hostdev->guest_reset));
    }
    return copy;
}

static GPtrArray *list(Hypervisor *hypervisor, GError **error)
{
    GPtrArray *infos = NULL;
    GHashTableIter iter;
    gpointer info;

    if (begin(FAKE_LIST, error)) {
        infos = g_ptr_array_new_with_free_func(free_info);
        g_hash_table_iter_init(&iter, fake.machines);
        while (g_hash_table_iter_next(&iter, NULL, &info))
            g_ptr_array_add(infos, copy_info(info, false));
    }
    g_mutex_unlock(&fake.lock);
    return infos;
}

static MachineInfo *inspect(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    const MachineInfo *info = begin(FAKE_INSPECT, error) ? find(uuid, error) : NULL;
    MachineInfo *copy = info ? copy_info(info, true) : NULL;

    g_mutex_unlock(&fake.lock);
    return copy;
}

static bool attach(Hypervisor *hypervisor, const char *uuid, const HostdevSpec *spec, GError **error)
{
    MachineInfo *info = begin(FAKE_ATTACH, error) ? find(uuid, error) : NULL;

    if (info)
        g_ptr_array_add(info->hostdevs,
                        make_hostdev(spec->alias, spec->bus_number, spec->device_number, spec->guest_reset));
    g_mutex_unlock(&fake.lock);
    return info != NULL;
}

static bool detach(Hypervisor *hypervisor, const char *uuid, const char *alias, GError **error)
{
    MachineInfo *info = begin(FAKE_DETACH, error) ? find(uuid, error) : NULL;

    for (guint i = 0; info && i < info->hostdevs->len; i++)
        if (strcmp(((const Hostdev *)info->hostdevs->pdata[i])->alias, alias) == 0)
            g_ptr_array_remove_index(info->hostdevs, i--);
    g_mutex_unlock(&fake.lock);
    return info != NULL;
}

static bool ping(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    bool ok = begin(FAKE_PING, error) && find(uuid, error);

    g_mutex_unlock(&fake.lock);
    return ok;
}

static bool repair_saved(Hypervisor *hypervisor, const char *uuid, const GPtrArray *places, GError **error)
{
    MachineInfo *info = begin(FAKE_REPAIR_SAVED, error) ? find(uuid, error) : NULL;

    for (guint i = 0; info && i < info->saved->len; i++) {
        Hostdev *hostdev = info->saved->pdata[i];
        const HostdevPlace *place = hostdev_places_find(places, hostdev->alias);

        hostdev->optional = true;
        hostdev->bus_number = place ? place->bus_number : HOSTDEV_NOWHERE;
        hostdev->device_number = place ? place->device_number : HOSTDEV_NOWHERE;
    }
    g_mutex_unlock(&fake.lock);
    return info != NULL;
}

static GPtrArray *repair_snapshots(Hypervisor *hypervisor, const char *uuid, const GPtrArray *known,
                                   GError **error)
{
    MachineInfo *info = begin(FAKE_REPAIR_SNAPSHOTS, error) ? find(uuid, error) : NULL;
    GPtrArray *names = info ? g_ptr_array_new_with_free_func(g_free) : NULL;

    for (guint i = 0; info && i < info->snapshots; i++)
        g_ptr_array_add(names, g_strdup_printf("snapshot%u", i));
    g_mutex_unlock(&fake.lock);
    return names;
}

static void prepare(Hypervisor *hypervisor)
{
    (void)begin(FAKE_PREPARE, NULL);
    g_mutex_unlock(&fake.lock);
}

static const HypervisorOps ops = { .prepare = prepare,
                                   .list = list,
                                   .inspect = inspect,
                                   .attach = attach,
                                   .detach = detach,
                                   .ping = ping,
                                   .repair_saved = repair_saved,
                                   .repair_snapshots = repair_snapshots };

Hypervisor fake_hypervisor = { .ops = &ops, .state = HYPERVISOR_STATE_CONNECTED };

static void ignore_idle(const char *queue, void *userdata)
{
}

WorkerPool *fake_hypervisor_pool(void)
{
    enum { THREADS = 2 };

    return worker_pool_new(THREADS, ignore_idle, NULL);
}

static gboolean too_late(gpointer userdata)
{
    fail_msg("nothing came back within %d s", DEADLINE_S);
    return G_SOURCE_REMOVE;
}

void fake_hypervisor_wait(bool *told)
{
    guint deadline = g_timeout_add_seconds(DEADLINE_S, too_late, NULL);

    while (!*told)
        g_main_context_iteration(NULL, TRUE);
    *told = false;
    g_source_remove(deadline);
}
