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
#include "tests/bus/scripted-faults.h"
#include "tests/bus/scripted-host.h"
#include "tests/bus/scripted-kernel.h"
#include "tests/bus/scripted-saved.h"
#include "tests/bus/scripted-usb.h"

/* Answered when it is over. */
#define RUN "run "

typedef struct Domain {
    MachineInfo *info;
    bool hangs;
    bool unreadable;
    bool holds;    /* attaches block */
    bool keeps;    /* removals wait */
    bool lazy;     /* its guest configures nothing */
    unsigned numb; /* so many attaches never reach QEMU */
    unsigned failures;
    char *failure_text;
    Faults faults;
    GHashTable *removals; /* aliases that go with let-go */
    ScriptedSaved saved;
} Domain;

typedef struct Script {
    Hypervisor base;
    GMutex lock;
    GCond moved; /* a domain doesn't hang any more */
    GHashTable *domains;
    bool connected;
    bool quiet;
    bool old;   /* knows no guestReset */
    bool looks; /* attaches only what the host has */
    unsigned lives;
    char *list_failure;
    unsigned attaches, detaches, inspects, lists, held;
    int listener;
    FILE *peer;
} Script;

static void domain_free(gpointer data)
{
    Domain *domain = data;

    machine_info_free(domain->info);
    g_hash_table_unref(domain->removals);
    scripted_saved_clear(&domain->saved);
    g_free(domain->failure_text);
    faults_clear(&domain->faults);
    g_free(domain);
}

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

static bool is_active(const MachineInfo *info)
{
    return info->state == MACHINE_STATE_RUNNING || info->state == MACHINE_STATE_PAUSED;
}

static MachineInfo *copy_info(const MachineInfo *info, bool brief)
{
    MachineInfo *copy = machine_info_new(info->uuid);

    g_free(copy->name);
    copy->name = g_strdup(info->name);
    copy->state = info->state;
    copy->domain_id = info->domain_id;
    if (brief)
        return copy;
    for (guint i = 0; i < info->pci->len; i++)
        g_ptr_array_add(copy->pci, g_strdup(info->pci->pdata[i]));
    g_free(copy->usb_controller);
    copy->usb_controller = g_strdup(info->usb_controller);
    copy->free_ports = info->free_ports > info->hostdevs->len ? info->free_ports - info->hostdevs->len : 0;
    copy->ports_known = true;
    copy->snapshots = info->snapshots;
    if (is_active(info)) {
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
            g_ptr_array_add(list, copy_info(((Domain *)value)->info, true));
    }
    g_mutex_unlock(&script->lock);
    return list;
}

static MachineInfo *script_inspect(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    Script *script = (Script *)hypervisor;
    Domain *domain = enter(script, uuid, SCRIPT_CALL_INSPECT, error);
    MachineInfo *info = domain && !domain->unreadable ? copy_info(domain->info, false) : NULL;

    if (domain && !info)
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "the XML cannot be read");
    script->inspects++;
    g_mutex_unlock(&script->lock);
    return info;
}

static gboolean tell_touched(gpointer data);

typedef struct Touch {
    Script *script;
    char *uuid;
} Touch;

/* From any thread. Locked. */
static void touch(Script *script, const char *uuid)
{
    Touch *event;

    if (script->quiet)
        return;
    event = g_new(Touch, 1);
    *event = (Touch){ .script = script, .uuid = g_strdup(uuid) };
    g_idle_add(tell_touched, event);
}

static gboolean tell_touched(gpointer data)
{
    Touch *event = data;
    Hypervisor *hypervisor = &event->script->base;

    if (hypervisor->events)
        hypervisor->events->machine_touched(hypervisor, event->uuid, hypervisor->events_userdata);
    g_free(event->uuid);
    g_free(event);
    return G_SOURCE_REMOVE;
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
    if (!is_active(domain->info)) {
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

static char *show(const Domain *domain);

/* What it has now, for who has to know it after a kill. */
static void log_state(const Domain *domain)
{
    g_autofree char *text = show(domain);

    script_log("state %s %s", domain->info->uuid, text + strlen("ok "));
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
        touch(script, uuid);
        log_state(domain);
        faults_done(SCRIPT_CALL_ATTACH);
        attached = true;
    }
    g_mutex_unlock(&script->lock);
    return attached;
}

/* Devices of other programs aren't QEMU's in the kernel's eyes: nobody attached them here. */
static void release(const Hostdev *hostdev, bool gently)
{
    if (hostdev->assignment_id)
        scripted_kernel_release(hostdev->bus_number, hostdev->device_number, gently);
}

static void remove_alias(Domain *domain, const char *alias)
{
    for (guint i = 0; i < domain->info->hostdevs->len; i++)
        if (g_strcmp0(((Hostdev *)domain->info->hostdevs->pdata[i])->alias, alias) == 0) {
            release(domain->info->hostdevs->pdata[i], true);
            g_ptr_array_remove_index(domain->info->hostdevs, i);
            return;
        }
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
        remove_alias(domain, alias);
        touch(script, uuid);
        log_state(domain);
    }
    if (domain)
        faults_done(SCRIPT_CALL_DETACH);
    g_mutex_unlock(&script->lock);
    return domain != NULL;
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

/* ------------------------------------------------------------------ the script */

static void release_all(Domain *domain, bool gently)
{
    for (guint i = 0; i < domain->info->hostdevs->len; i++)
        release(domain->info->hostdevs->pdata[i], gently);
}

static void drop_hostdevs(Domain *domain, bool gently)
{
    release_all(domain, gently);
    g_ptr_array_set_size(domain->info->hostdevs, 0);
}

static void add_foreign(Domain *domain, char **words)
{
    Hostdev *hostdev = g_new0(Hostdev, 1);

    hostdev->alias = g_strdup("hostdev0");
    hostdev->bus_number = (unsigned)g_ascii_strtoull(words[2], NULL, 10);
    hostdev->device_number = (unsigned)g_ascii_strtoull(words[3], NULL, 10);
    hostdev->vendor_id = (uint16_t)g_ascii_strtoull(words[4], NULL, 16);
    hostdev->product_id = (uint16_t)g_ascii_strtoull(words[5], NULL, 16);
    g_ptr_array_add(domain->info->hostdevs, hostdev);
}

/* As show tells it; the id is the number of the life, or "" for the next one. */
static bool run_with(Script *script, Domain *domain, const char *id, char **hostdevs)
{
    enum { ALIAS, BUS, DEVICE, VENDOR, PRODUCT, GUEST_RESET, N_PARTS };

    domain->info->state = MACHINE_STATE_RUNNING;
    domain->info->domain_id = *id ? (unsigned)g_ascii_strtoull(id, NULL, 10) : ++script->lives;
    script->lives = MAX(script->lives, domain->info->domain_id);
    for (; *hostdevs; hostdevs++) {
        g_auto(GStrv) parts = g_strsplit_set(*hostdevs, "=:", -1);
        Hostdev *hostdev;

        if (g_strv_length(parts) != N_PARTS)
            return false;
        hostdev = g_new0(Hostdev, 1);
        hostdev->alias = g_strdup(parts[ALIAS]);
        hostdev_alias_parse(hostdev->alias, &hostdev->assignment_id, &hostdev->instance, &hostdev->domain_id);
        hostdev->bus_number = (unsigned)g_ascii_strtoull(parts[BUS], NULL, 10);
        hostdev->device_number = (unsigned)g_ascii_strtoull(parts[DEVICE], NULL, 10);
        hostdev->vendor_id = (uint16_t)g_ascii_strtoull(parts[VENDOR], NULL, 16);
        hostdev->product_id = (uint16_t)g_ascii_strtoull(parts[PRODUCT], NULL, 16);
        hostdev->guest_reset = guest_reset_from_string(parts[GUEST_RESET]);
        if (hostdev->assignment_id)
            scripted_kernel_attach(hostdev->bus_number, hostdev->device_number, !domain->lazy);
        g_ptr_array_add(domain->info->hostdevs, hostdev);
    }
    return true;
}

static void remove_foreign(Domain *domain)
{
    for (guint i = domain->info->hostdevs->len; i > 0; i--)
        if (!((Hostdev *)domain->info->hostdevs->pdata[i - 1])->assignment_id)
            g_ptr_array_remove_index(domain->info->hostdevs, i - 1);
}

static void let_go(Domain *domain)
{
    GHashTableIter iter;
    gpointer alias;

    domain->keeps = false;
    g_hash_table_iter_init(&iter, domain->removals);
    while (g_hash_table_iter_next(&iter, &alias, NULL))
        remove_alias(domain, alias);
    g_hash_table_remove_all(domain->removals);
}

static char *show(const Domain *domain)
{
    GString *text = g_string_new("ok ");

    g_string_append_printf(text, "%s %s %u", domain->info->name, machine_state_to_string(domain->info->state),
                           domain->info->domain_id);
    for (guint i = 0; i < domain->info->hostdevs->len; i++) {
        const Hostdev *hostdev = domain->info->hostdevs->pdata[i];

        g_string_append_printf(text, " %s=%u:%u:%04x:%04x:%s", hostdev->alias, hostdev->bus_number,
                               hostdev->device_number, hostdev->vendor_id, hostdev->product_id,
                               guest_reset_to_string(hostdev->guest_reset));
    }
    return g_string_free(text, FALSE);
}

/* Commands about one machine. NULL = unknown. Locked. */
static char *run_domain_command(Script *script, Domain *domain, char **words)
{
    const char *verb = words[0];

    if (strcmp(verb, "show") == 0)
        return show(domain);
    if (strcmp(verb, "saved") == 0 || strcmp(verb, "snapshots") == 0)
        return scripted_saved_command(domain->info, &domain->saved, words);
    if (strcmp(verb, "save") == 0 || strcmp(verb, "revert") == 0)
        release_all(domain, true);
    if ((strcmp(verb, "wake") == 0 && !scripted_saved_wake(domain->info)) ||
        (strcmp(verb, "revert") == 0 && !scripted_saved_revert(domain->info, &domain->saved, words[2])))
        return g_strdup("error it does not start");
    if (strcmp(verb, "start") == 0) {
        drop_hostdevs(domain, true);
        run_with(script, domain, "", words + 2);
    } else if (strcmp(verb, "stop") == 0 || strcmp(verb, "crash") == 0) {
        drop_hostdevs(domain, strcmp(verb, "stop") == 0);
        domain->info->state = MACHINE_STATE_SHUTOFF;
        domain->info->domain_id = 0;
    } else if (strcmp(verb, "pause") == 0 && is_active(domain->info)) {
        domain->info->state = MACHINE_STATE_PAUSED;
    } else if (strcmp(verb, "unpause") == 0 && is_active(domain->info)) {
        domain->info->state = MACHINE_STATE_RUNNING;
    } else if (strcmp(verb, "error") == 0 || strcmp(verb, "delay") == 0 || strcmp(verb, "calm") == 0) {
        return faults_command(&domain->faults, words) ? g_strdup("ok") : NULL;
    } else if (strcmp(verb, "restore") == 0) {
        run_with(script, domain, "", words + 2);
    } else if (strcmp(verb, "wake") == 0 || strcmp(verb, "revert") == 0) {
        /* QEMU opens them once, and then they are dead. */
        for (guint i = 0; i < domain->info->hostdevs->len; i++) {
            const Hostdev *hostdev = domain->info->hostdevs->pdata[i];

            if (hostdev->assignment_id)
                scripted_kernel_attach(hostdev->bus_number, hostdev->device_number, false);
        }
        run_with(script, domain, "", (char *[]){ NULL });
    } else if (strcmp(verb, "carry-on") == 0 && words[2]) {
        drop_hostdevs(domain, true);
        if (!run_with(script, domain, words[2], words + 3))
            return NULL;
    } else if (strcmp(verb, "foreign") == 0) {
        add_foreign(domain, words);
    } else if (strcmp(verb, "unforeign") == 0) {
        remove_foreign(domain);
    } else if (strcmp(verb, "pci") == 0) {
        g_ptr_array_set_size(domain->info->pci, 0);
        if (words[2])
            g_ptr_array_add(domain->info->pci, g_strdup(words[2]));
    } else if (strcmp(verb, "ports") == 0 && words[2]) {
        domain->info->free_ports = (unsigned)g_ascii_strtoull(words[2], NULL, 10);
        g_free(domain->info->usb_controller);
        domain->info->usb_controller = g_strdup(domain->info->free_ports > 0 ? "qemu-xhci" : "");
    } else if (strcmp(verb, "hang") == 0) {
        domain->hangs = true;
        return g_strdup("ok");
    } else if (strcmp(verb, "lazy") == 0) {
        domain->lazy = true;
        return g_strdup("ok");
    } else if (strcmp(verb, "numb") == 0) {
        domain->numb = (unsigned)g_ascii_strtoull(words[2], NULL, 10);
        return g_strdup("ok");
    } else if (strcmp(verb, "unreadable") == 0) {
        domain->unreadable = true;
        return g_strdup("ok");
    } else if (strcmp(verb, "hold") == 0) {
        domain->holds = true;
        return g_strdup("ok");
    } else if (strcmp(verb, "resume") == 0) {
        domain->hangs = domain->holds = false;
        g_cond_broadcast(&script->moved);
        return g_strdup("ok");
    } else if (strcmp(verb, "fail") == 0) {
        domain->failures = (unsigned)g_ascii_strtoull(words[2], NULL, 10);
        g_free(domain->failure_text);
        domain->failure_text = g_strjoinv(" ", words + 3);
        return g_strdup("ok");
    } else if (strcmp(verb, "keep") == 0) {
        domain->keeps = true;
        return g_strdup("ok");
    } else if (strcmp(verb, "let-go") == 0) {
        let_go(domain);
    } else {
        char *answer = scripted_saved_command(domain->info, &domain->saved, words);

        if (!answer)
            return NULL;
        g_free(answer);
    }
    touch(script, words[1]);
    log_state(domain);
    return g_strdup("ok");
}

static void define(Script *script, char **words)
{
    enum { PORTS = 15 };
    Domain *domain = g_new0(Domain, 1);

    domain->info = machine_info_new(words[1]);
    g_free(domain->info->name);
    domain->info->name = g_strdup(words[2]);
    g_free(domain->info->usb_controller);
    domain->info->usb_controller = g_strdup("qemu-xhci");
    domain->info->free_ports = PORTS;
    domain->removals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    scripted_saved_init(&domain->saved);
    g_hash_table_replace(script->domains, domain->info->uuid, domain);
    touch(script, words[1]);
}

/* Locked. *ret_state: what the connection is to become. */
static char *run_command(Script *script, const char *line, HypervisorState *ret_state, char **ret_text)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    guint n = g_strv_length(words);
    Domain *domain = n > 1 ? g_hash_table_lookup(script->domains, words[1]) : NULL;
    char *answer;

    if (n == 3 && strcmp(words[0], "define") == 0) {
        define(script, words);
        return g_strdup("ok");
    }
    if (n == 2 && strcmp(words[0], "undefine") == 0) {
        if (domain)
            drop_hostdevs(domain, true);
        g_hash_table_remove(script->domains, words[1]);
        touch(script, words[1]);
        return g_strdup("ok");
    }
    if (domain && (answer = run_domain_command(script, domain, words)))
        return answer;
    if (n == 1 && (strcmp(words[0], "quiet") == 0 || strcmp(words[0], "loud") == 0)) {
        script->quiet = strcmp(words[0], "quiet") == 0;
        return g_strdup("ok");
    }
    if (n >= 1 && strcmp(words[0], "list") == 0) {
        g_free(script->list_failure);
        script->list_failure = n > 1 ? g_strjoinv(" ", words + 1) : NULL;
        return g_strdup("ok");
    }
    if (n == 1 && strcmp(words[0], "look") == 0) {
        script->looks = true;
        return g_strdup("ok");
    }
    if (faults_service_command(words))
        return g_strdup("ok");
    if (n == 1 && strcmp(words[0], "old") == 0) {
        script->old = true;
        return g_strdup("ok");
    }
    if (n >= 1 && strcmp(words[0], "disconnect") == 0) {
        script->connected = false;
        *ret_state = HYPERVISOR_STATE_CONNECTING;
        *ret_text = g_strjoinv(" ", words + 1);
        return g_strdup("ok");
    }
    if (n == 1 && strcmp(words[0], "connect") == 0) {
        script->connected = true;
        *ret_state = HYPERVISOR_STATE_CONNECTED;
        return g_strdup("ok");
    }
    if (n >= 2 && strcmp(words[0], "usb") == 0)
        return scripted_usb_command(words + 1);
    if (n >= 2 && strcmp(words[0], "kernel") == 0)
        return scripted_kernel_command(words + 1);
    if (n == 1 && strcmp(words[0], "counts") == 0)
        return g_strdup_printf("ok attach=%u detach=%u inspect=%u list=%u held=%u", script->attaches,
                               script->detaches, script->inspects, script->lists, script->held);
    return g_strdup_printf("error unknown: %s", line);
}

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
    answer = run_command(script, line, &state, &text);
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

static const HypervisorOps script_ops = {
    .start = script_start,
    .free = script_free,
    .list = script_list,
    .inspect = script_inspect,
    .attach = script_attach,
    .detach = script_detach,
    .repair_saved = script_repair_saved,
    .repair_snapshots = script_repair_snapshots,
};

Hypervisor *scripted_hypervisor_new(const char *uri, WorkerPool *pool)
{
    static Script script;

    script.base.ops = &script_ops;
    script.base.uri = g_strdup("scripted:///");
    script.base.state = HYPERVISOR_STATE_CONNECTING;
    g_mutex_init(&script.lock);
    g_cond_init(&script.moved);
    script.domains = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, domain_free);
    return &script.base;
}
