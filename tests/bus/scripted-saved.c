/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images and snapshots as libvirt has them, as far as usbferry looks at them. Called by
 * scripted-hypervisor.c, under its lock. */

#include "tests/bus/scripted-saved.h"

#include <string.h>

#include "daemon/base/error.h"

typedef struct Snapshot {
    char *name;
    GPtrArray *hostdevs;
} Snapshot;

static void free_snapshot(gpointer data)
{
    Snapshot *snapshot = data;

    g_free(snapshot->name);
    g_ptr_array_unref(snapshot->hostdevs);
    g_free(snapshot);
}

static void free_hostdev(gpointer hostdev)
{
    hostdev_free(hostdev);
}

void scripted_saved_init(ScriptedSaved *saved)
{
    saved->snapshots = g_ptr_array_new_with_free_func(free_snapshot);
}

void scripted_saved_clear(ScriptedSaved *saved)
{
    g_ptr_array_unref(saved->snapshots);
    g_free(saved->refusal);
}

static gpointer copy_hostdev(gconstpointer source, gpointer userdata)
{
    const Hostdev *hostdev = source;
    Hostdev *copy = g_memdup2(hostdev, sizeof *hostdev);

    copy->alias = g_strdup(hostdev->alias);
    copy->assignment_id = g_strdup(hostdev->assignment_id);
    return copy;
}

GPtrArray *scripted_saved_copy(const GPtrArray *hostdevs)
{
    GPtrArray *copy = g_ptr_array_new_with_free_func(free_hostdev);

    g_ptr_array_extend(copy, (GPtrArray *)hostdevs, copy_hostdev, NULL);
    return copy;
}

GPtrArray *scripted_saved_copy_ours(const GPtrArray *hostdevs)
{
    GPtrArray *copy = scripted_saved_copy(hostdevs);

    for (guint i = copy->len; i > 0; i--)
        if (!((const Hostdev *)copy->pdata[i - 1])->assignment_id)
            g_ptr_array_remove_index(copy, i - 1);
    return copy;
}

static void set_hostdevs(GPtrArray **hostdevs, GPtrArray *newer)
{
    g_ptr_array_unref(*hostdevs);
    *hostdevs = newer;
}

static Snapshot *find(const ScriptedSaved *saved, const char *name)
{
    for (guint i = 0; i < saved->snapshots->len; i++)
        if (strcmp(((Snapshot *)saved->snapshots->pdata[i])->name, name) == 0)
            return saved->snapshots->pdata[i];
    return NULL;
}

static void show_hostdevs(GString *text, const GPtrArray *hostdevs)
{
    for (guint i = 0; i < hostdevs->len; i++) {
        const Hostdev *hostdev = hostdevs->pdata[i];

        g_string_append_printf(text, " %s=%u:%u:%s", hostdev->alias, hostdev->bus_number,
                               hostdev->device_number, hostdev->optional ? "optional" : "mandatory");
    }
}

static void save(MachineInfo *info)
{
    set_hostdevs(&info->saved, scripted_saved_copy(info->hostdevs));
    g_ptr_array_set_size(info->hostdevs, 0);
    info->state = MACHINE_STATE_SHUTOFF;
    info->domain_id = 0;
}

static void snapshot(MachineInfo *info, ScriptedSaved *saved, const char *name)
{
    Snapshot *one = g_new0(Snapshot, 1);

    one->name = g_strdup(name);
    one->hostdevs = scripted_saved_copy(info->hostdevs);
    g_ptr_array_add(saved->snapshots, one);
    info->snapshots = saved->snapshots->len;
}

char *scripted_saved_command(MachineInfo *info, ScriptedSaved *saved, char **words)
{
    const char *verb = words[0];
    GString *text;

    if (strcmp(verb, "save") == 0) {
        save(info);
    } else if (strcmp(verb, "discard") == 0) {
        g_ptr_array_set_size(info->saved, 0);
    } else if (strcmp(verb, "snapshot") == 0 && words[2]) {
        snapshot(info, saved, words[2]);
    } else if (strcmp(verb, "delete") == 0 && words[2] && find(saved, words[2])) {
        g_ptr_array_remove(saved->snapshots, find(saved, words[2]));
        info->snapshots = saved->snapshots->len;
    } else if (strcmp(verb, "refuse-repairs") == 0) {
        g_free(saved->refusal);
        saved->refusal = words[2] ? g_strjoinv(" ", words + 2) : NULL;
    } else if (strcmp(verb, "saved") == 0) {
        text = g_string_new("ok");
        g_string_append_printf(text, " repairs=%u", saved->repairs);
        show_hostdevs(text, info->saved);
        return g_string_free(text, FALSE);
    } else if (strcmp(verb, "snapshots") == 0) {
        text = g_string_new("ok");
        for (guint i = 0; i < saved->snapshots->len; i++) {
            const Snapshot *one = saved->snapshots->pdata[i];

            g_string_append_printf(text, " %s", one->name);
            show_hostdevs(text, one->hostdevs);
        }
        return g_string_free(text, FALSE);
    } else {
        return NULL;
    }
    return g_strdup("ok");
}

static bool take_back(MachineInfo *info, const GPtrArray *hostdevs)
{
    for (guint i = 0; i < hostdevs->len; i++)
        if (!((const Hostdev *)hostdevs->pdata[i])->optional)
            return false;
    set_hostdevs(&info->hostdevs, scripted_saved_copy(hostdevs));
    return true;
}

bool scripted_saved_wake(MachineInfo *info)
{
    bool starts = take_back(info, info->saved);

    if (starts)
        g_ptr_array_set_size(info->saved, 0);
    return starts;
}

bool scripted_saved_revert(MachineInfo *info, const ScriptedSaved *saved, const char *name)
{
    const Snapshot *one = find(saved, name);

    return one && take_back(info, one->hostdevs);
}

static void repair(GPtrArray *hostdevs, const GPtrArray *places, ScriptedSaved *saved)
{
    for (guint i = 0; i < hostdevs->len; i++) {
        Hostdev *hostdev = hostdevs->pdata[i];
        const HostdevPlace *place = hostdev_places_find(places, hostdev->alias);

        if (!hostdev->assignment_id || hostdev_places_fit(places, hostdev))
            continue;
        saved->repairs++;
        hostdev->optional = true;
        hostdev->bus_number = place ? place->bus_number : HOSTDEV_NOWHERE;
        hostdev->device_number = place ? place->device_number : HOSTDEV_NOWHERE;
    }
}

static bool is_refused(const ScriptedSaved *saved, GError **error)
{
    if (saved->refusal)
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, saved->refusal);
    return saved->refusal != NULL;
}

bool scripted_saved_repair(MachineInfo *info, ScriptedSaved *saved, const GPtrArray *places, GError **error)
{
    if (is_refused(saved, error))
        return false;
    repair(info->saved, places, saved);
    return true;
}

GPtrArray *scripted_saved_repair_snapshots(ScriptedSaved *saved, GError **error)
{
    g_autoptr(GPtrArray) nowhere = hostdev_places_new();
    GPtrArray *names;

    if (is_refused(saved, error))
        return NULL;
    names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < saved->snapshots->len; i++) {
        const Snapshot *one = saved->snapshots->pdata[i];

        repair(one->hostdevs, nowhere, saved);
        g_ptr_array_add(names, g_strdup(one->name));
    }
    return names;
}
