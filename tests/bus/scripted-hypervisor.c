/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scripted hypervisor. The script runs in the main thread, the worker calls in any: one lock for all. */

#include "tests/bus/scripted-hypervisor.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "tests/bus/scripted-clock.h"
#include "tests/bus/scripted-domain.h"
#include "tests/bus/scripted-host.h"
#include "tests/bus/scripted-kernel.h"

/* Answered when it is over. */
#define RUN "run "

/* ------------------------------------------------------------------ worker calls */

/* Locked on return, also on failure. */
static Domain *enter(Script *script, const char *uuid, ScriptCall call, GError **error)
{
    bool attaches = call == SCRIPT_CALL_ATTACH;
    Domain *domain;

    g_mutex_lock(&script->lock);
    domain = g_hash_table_lookup(script->domains, uuid);
    if (domain)
        faults_delay(&domain->faults, call, &script->lock);
    while ((domain = g_hash_table_lookup(script->domains, uuid)) &&
           (domain->hangs || (attaches && domain->holds))) {
        script->held += attaches;
        g_cond_wait(&script->moved, &script->lock);
        script->held -= attaches;
    }
    if (!script->connected) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "client socket is closed");
        return NULL;
    }
    if (!domain)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE, "no domain with uuid %s", uuid);
    return domain && !faults_fail(&domain->faults, call, error) ? domain : NULL;
}

static MachineInfo *copy_info(const Domain *domain, bool brief)
{
    const MachineInfo *info = domain->info;
    MachineInfo *copy = machine_info_new(info->uuid);

    g_free(copy->name);
    copy->name = g_strdup(info->name);
    copy->state = info->state;
    copy->domain_id = info->domain_id;
    copy->trouble = info->trouble;
    if (brief)
        return copy;
    for (guint i = 0; i < info->pci->len; i++)
        g_ptr_array_add(copy->pci, g_strdup(info->pci->pdata[i]));
    g_free(copy->usb_controller);
    copy->usb_controller = g_strdup(info->usb_controller);
    g_free(copy->title);
    copy->title = g_strdup(info->title);
    copy->usb_speeds = info->usb_speeds;
    if (domain->stored_controller) {
        g_free(copy->pending_controller);
        copy->pending_controller = g_strdup(domain->stored_controller);
    }
    copy->free_ports = info->free_ports > info->hostdevs->len ? info->free_ports - info->hostdevs->len : 0;
    copy->ports_known = true;
    copy->snapshots = info->snapshots;
    if (scripted_is_active(info)) {
        g_ptr_array_unref(copy->hostdevs);
        copy->hostdevs = scripted_saved_copy(info->hostdevs);
    } else {
        g_ptr_array_unref(copy->saved);
        copy->saved = scripted_saved_copy_ours(info->saved);
    }
    return copy;
}

static void free_info(gpointer info)
{
    machine_info_free(info);
}

static GPtrArray *script_list(Hypervisor *hypervisor, GError **error)
{
    Script *script = (Script *)hypervisor;
    GPtrArray *list = NULL;
    GHashTableIter iter;
    gpointer value;

    g_mutex_lock(&script->lock);
    script->lists++;
    if (!script->connected) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "client socket is closed");
    } else if (script->list_failure) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, script->list_failure);
    } else {
        list = g_ptr_array_new_with_free_func(free_info);
        g_hash_table_iter_init(&iter, script->domains);
        while (g_hash_table_iter_next(&iter, NULL, &value))
            g_ptr_array_add(list, copy_info(value, true));
    }
    g_mutex_unlock(&script->lock);
    return list;
}

static MachineInfo *script_inspect(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    Script *script = (Script *)hypervisor;
    Domain *domain = enter(script, uuid, SCRIPT_CALL_INSPECT, error);
    MachineInfo *info = domain && !domain->unreadable ? copy_info(domain, false) : NULL;

    if (domain && !info)
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "the XML cannot be read");
    script->inspects++;
    g_mutex_unlock(&script->lock);
    return info;
}

static const Domain *owner_of(Script *script, unsigned bus_number, unsigned device_number)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, script->domains);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Domain *domain = value;

        for (guint i = 0; i < domain->info->hostdevs->len; i++) {
            const Hostdev *hostdev = domain->info->hostdevs->pdata[i];

            if (hostdev->bus_number == bus_number && hostdev->device_number == device_number)
                return domain;
        }
    }
    return NULL;
}

static bool refuse_attach(Script *script, Domain *domain, const HostdevSpec *spec, GError **error)
{
    const Domain *owner = owner_of(script, spec->bus_number, spec->device_number);

    if (domain->failures > 0) {
        domain->failures--;
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, domain->failure_text);
        return true;
    }
    if (domain->info->free_ports <= domain->info->hostdevs->len) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "internal error: No free USB ports");
        return true;
    }
    if (!scripted_is_active(domain->info)) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_MACHINE_NOT_RUNNING, "domain is not running");
        return true;
    }
    if (owner) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                    "USB device %03u:%03u is in use by driver QEMU, domain %s", spec->bus_number,
                    spec->device_number, owner->info->name);
        return true;
    }
    if (script->looks && !scripted_host_has(spec)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                    "Did not find USB device %04x:%04x bus:%u device:%u", spec->vendor_id, spec->product_id,
                    spec->bus_number, spec->device_number);
        return true;
    }
    return false;
}

static bool script_attach(Hypervisor *hypervisor, const char *uuid, const HostdevSpec *spec, GError **error)
{
    Script *script = (Script *)hypervisor;
    bool attached = false;
    Domain *domain;

    script_log("attach %s %s %u %u %04x %04x", uuid, spec->alias, spec->bus_number, spec->device_number,
               spec->vendor_id, spec->product_id);
    domain = enter(script, uuid, SCRIPT_CALL_ATTACH, error);
    script->attaches++;
    if (domain && !refuse_attach(script, domain, spec, error)) {
        Hostdev *hostdev = g_new0(Hostdev, 1);

        hostdev->alias = g_strdup(spec->alias);
        hostdev_alias_parse(spec->alias, &hostdev->assignment_id, &hostdev->instance, &hostdev->domain_id);
        hostdev->bus_number = spec->bus_number;
        hostdev->device_number = spec->device_number;
        hostdev->vendor_id = spec->vendor_id;
        hostdev->product_id = spec->product_id;
        hostdev->guest_reset = script->old ? GUEST_RESET_DEFAULT : spec->guest_reset;
        g_ptr_array_add(domain->info->hostdevs, hostdev);
        if (domain->numb > 0)
            domain->numb--;
        else
            scripted_kernel_attach(spec->bus_number, spec->device_number, !domain->lazy);
        scripted_touch(script, uuid);
        scripted_log_state(domain);
        faults_done(SCRIPT_CALL_ATTACH, &script->lock);
        attached = true;
    }
    g_mutex_unlock(&script->lock);
    return attached;
}

static bool script_detach(Hypervisor *hypervisor, const char *uuid, const char *alias, GError **error)
{
    Script *script = (Script *)hypervisor;
    Domain *domain;

    script_log("detach %s %s", uuid, alias);
    domain = enter(script, uuid, SCRIPT_CALL_DETACH, error);
    script->detaches++;
    if (domain && domain->keeps) {
        g_hash_table_add(domain->removals, g_strdup(alias));
    } else if (domain) {
        scripted_remove_alias(domain, alias);
        scripted_touch(script, uuid);
        scripted_log_state(domain);
    }
    if (domain)
        faults_done(SCRIPT_CALL_DETACH, &script->lock);
    g_mutex_unlock(&script->lock);
    return domain != NULL;
}

static bool script_ping(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    Script *script = (Script *)hypervisor;
    bool answered = enter(script, uuid, _SCRIPT_CALL_INVALID, error) != NULL;

    g_mutex_unlock(&script->lock);
    return answered;
}

static bool script_repair_saved(Hypervisor *hypervisor, const char *uuid, const GPtrArray *places,
                                GError **error)
{
    Script *script = (Script *)hypervisor;
    Domain *domain = enter(script, uuid, _SCRIPT_CALL_INVALID, error);
    bool repaired = domain && scripted_saved_repair(domain->info, &domain->saved, places, error);

    g_mutex_unlock(&script->lock);
    return repaired;
}

static GPtrArray *script_repair_snapshots(Hypervisor *hypervisor, const char *uuid, const GPtrArray *known,
                                          GError **error)
{
    Script *script = (Script *)hypervisor;
    Domain *domain = enter(script, uuid, _SCRIPT_CALL_INVALID, error);
    GPtrArray *names = domain ? scripted_saved_repair_snapshots(&domain->saved, error) : NULL;

    g_mutex_unlock(&script->lock);
    return names;
}

static bool script_start_machine(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    Script *script = (Script *)hypervisor;
    Domain *domain = enter(script, uuid, SCRIPT_CALL_START, error);
    bool runs;

    script_log("start %s", uuid);
    runs = domain && (scripted_is_active(domain->info) || scripted_start(script, domain, error));
    g_mutex_unlock(&script->lock);
    return runs;
}

static bool script_set_usb_controller(Hypervisor *hypervisor, const char *uuid, const char *model,
                                      GError **error)
{
    Script *script = (Script *)hypervisor;
    Domain *domain = enter(script, uuid, SCRIPT_CALL_DEFINE, error);

    if (domain) {
        g_free(domain->stored_controller);
        domain->stored_controller = g_strdup(model);
        if (!scripted_is_active(domain->info))
            scripted_take_controller(domain);
        scripted_touch(script, uuid);
    }
    g_mutex_unlock(&script->lock);
    return domain != NULL;
}

/* ------------------------------------------------------------------ the script */

static void on_run(void *userdata)
{
    Script *script = userdata;

    if (script->peer)
        (void)fputs("ok\n", script->peer);
}

static gboolean read_command(int fd, GIOCondition condition, gpointer data)
{
    Script *script = data;
    char line[4096];
    HypervisorState state = _HYPERVISOR_STATE_INVALID;
    g_autofree char *text = NULL;
    g_autofree char *answer = NULL;

    if (!fgets(line, sizeof line, script->peer)) {
        g_clear_pointer(&script->peer, fclose);
        return G_SOURCE_REMOVE;
    }
    line[strcspn(line, "\n")] = '\0';
    if (g_str_has_prefix(line, RUN)) {
        scripted_clock_run(g_ascii_strtoll(line + strlen(RUN), NULL, 10) * G_TIME_SPAN_MILLISECOND, on_run,
                           script);
        return G_SOURCE_CONTINUE;
    }
    g_mutex_lock(&script->lock);
    answer = scripted_command(script, line, &state, &text);
    g_mutex_unlock(&script->lock);
    if (state != _HYPERVISOR_STATE_INVALID)
        hypervisor_set_state(&script->base, state, text);
    fprintf(script->peer, "%s\n", answer);
    fflush(script->peer);
    return G_SOURCE_CONTINUE;
}

static gboolean accept_peer(int fd, GIOCondition condition, gpointer data)
{
    Script *script = data;
    int peer = accept(fd, NULL, NULL);

    g_clear_pointer(&script->peer, fclose);
    script->peer = fdopen(peer, "r+");
    /* One command, one answer: nothing may be left in a buffer that the loop doesn't see. */
    setvbuf(script->peer, NULL, _IONBF, 0);
    g_unix_fd_add(peer, G_IO_IN | G_IO_HUP, read_command, script);
    return G_SOURCE_CONTINUE;
}

static void script_start(Hypervisor *hypervisor)
{
    Script *script = (Script *)hypervisor;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = g_getenv("FERRY_SCRIPT_SOCKET");

    g_strlcpy(address.sun_path, path ? path : "", sizeof address.sun_path);
    scripted_kernel_begin();
    script->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)unlink(address.sun_path);
    if (bind(script->listener, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(script->listener, 1) < 0)
        g_error("%s: cannot listen", address.sun_path);
    g_unix_fd_add(script->listener, G_IO_IN, accept_peer, script);
}

static void script_free(Hypervisor *hypervisor)
{
    /* A worker may hang in here on purpose: the process ends now, so nothing is taken from under it. */
}

static void script_prepare(Hypervisor *hypervisor)
{
    Script *script = (Script *)hypervisor;

    g_mutex_lock(&script->lock);
    script->prepared++;
    g_mutex_unlock(&script->lock);
}

static const HypervisorOps script_ops = {
    .start = script_start,
    .free = script_free,
    .prepare = script_prepare,
    .list = script_list,
    .inspect = script_inspect,
    .attach = script_attach,
    .detach = script_detach,
    .ping = script_ping,
    .repair_saved = script_repair_saved,
    .repair_snapshots = script_repair_snapshots,
    .start_machine = script_start_machine,
    .set_usb_controller = script_set_usb_controller,
};

Hypervisor *scripted_hypervisor_new(const char *uri, WorkerPool *pool)
{
    static Script script;

    script.base.ops = &script_ops;
    script.base.uri = g_strdup("scripted:///");
    /* Most tests connect when the service is on the bus. */
    if (g_getenv("FERRY_SCRIPT_PATIENCE_MS"))
        script.base.patience_ms = (unsigned)g_ascii_strtoull(g_getenv("FERRY_SCRIPT_PATIENCE_MS"), NULL, 10);
    script.base.state = HYPERVISOR_STATE_CONNECTING;
    g_mutex_init(&script.lock);
    g_cond_init(&script.moved);
    script.domains = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, scripted_domain_free);
    return &script.base;
}
