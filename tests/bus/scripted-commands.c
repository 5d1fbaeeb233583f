/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a test tells the scripted hypervisor, one command a call: scripted-hypervisor.h lists them. */

#include <string.h>

#include "daemon/base/error.h"
#include "tests/bus/scripted-domain.h"
#include "tests/bus/scripted-kernel.h"
#include "tests/bus/scripted-usb.h"

static void release_all(Domain *domain, bool gently)
{
    for (guint i = 0; i < domain->info->hostdevs->len; i++)
        scripted_release(domain->info->hostdevs->pdata[i], gently);
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
        scripted_remove_alias(domain, alias);
    g_hash_table_remove_all(domain->removals);
}

/* How it answers from now on; it has nothing new. False = not one of these. */
static bool set_manner(Script *script, Domain *domain, char **words)
{
    const char *verb = words[0];

    if (strcmp(verb, "hang") == 0) {
        domain->hangs = true;
    } else if (strcmp(verb, "lazy") == 0) {
        domain->lazy = true;
    } else if (strcmp(verb, "numb") == 0) {
        domain->numb = (unsigned)g_ascii_strtoull(words[2], NULL, 10);
    } else if (strcmp(verb, "unreadable") == 0) {
        domain->unreadable = true;
    } else if (strcmp(verb, "hold") == 0) {
        domain->holds = true;
    } else if (strcmp(verb, "resume") == 0) {
        domain->hangs = domain->holds = false;
        g_cond_broadcast(&script->moved);
    } else if (strcmp(verb, "fail") == 0) {
        domain->failures = (unsigned)g_ascii_strtoull(words[2], NULL, 10);
        g_free(domain->failure_text);
        domain->failure_text = g_strjoinv(" ", words + 3);
    } else if (strcmp(verb, "keep") == 0) {
        domain->keeps = true;
    } else {
        return false;
    }
    return true;
}

/* Another life out of an image. QEMU opens its devices once, and then they are dead. */
static void wake_up(Script *script, Domain *domain)
{
    for (guint i = 0; i < domain->info->hostdevs->len; i++) {
        const Hostdev *hostdev = domain->info->hostdevs->pdata[i];

        if (hostdev->assignment_id)
            scripted_kernel_attach(hostdev->bus_number, hostdev->device_number, false);
    }
    run_with(script, domain, "", (char *[]){ NULL });
}

bool scripted_start(Script *script, Domain *domain, GError **error)
{
    if (domain->info->saved->len == 0) {
        drop_hostdevs(domain, true);
        scripted_take_controller(domain);
        run_with(script, domain, "", (char *[]){ NULL });
    } else if (scripted_saved_wake(domain->info)) {
        wake_up(script, domain);
    } else {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "Did not find USB device");
        return false;
    }
    scripted_touch(script, domain->info->uuid);
    scripted_log_state(domain);
    return true;
}

/* Commands about one machine. NULL = unknown. Locked. */
static char *run_domain_command(Script *script, Domain *domain, char **words)
{
    const char *verb = words[0];

    if (strcmp(verb, "show") == 0)
        return scripted_show(domain);
    if (strcmp(verb, "saved") == 0 || strcmp(verb, "snapshots") == 0)
        return scripted_saved_command(domain->info, &domain->saved, words);
    if (strcmp(verb, "error") == 0 || strcmp(verb, "delay") == 0 || strcmp(verb, "calm") == 0)
        return faults_command(&domain->faults, words) ? g_strdup("ok") : NULL;
    if (set_manner(script, domain, words))
        return g_strdup("ok");
    if (strcmp(verb, "save") == 0 || strcmp(verb, "revert") == 0)
        release_all(domain, true);
    if ((strcmp(verb, "wake") == 0 && !scripted_saved_wake(domain->info)) ||
        (strcmp(verb, "revert") == 0 && !scripted_saved_revert(domain->info, &domain->saved, words[2])))
        return g_strdup("error it does not start");
    if (strcmp(verb, "start") == 0) {
        drop_hostdevs(domain, true);
        scripted_take_controller(domain);
        run_with(script, domain, "", words + 2);
    } else if (strcmp(verb, "stop") == 0 || strcmp(verb, "crash") == 0) {
        drop_hostdevs(domain, strcmp(verb, "stop") == 0);
        domain->info->state = MACHINE_STATE_SHUTOFF;
        domain->info->domain_id = 0;
    } else if (strcmp(verb, "pause") == 0 && scripted_is_active(domain->info)) {
        domain->info->state = MACHINE_STATE_PAUSED;
    } else if (strcmp(verb, "ill") == 0 && scripted_is_active(domain->info)) {
        domain->info->state = MACHINE_STATE_PAUSED;
        domain->info->trouble = MACHINE_TROUBLE_IO_ERROR;
    } else if (strcmp(verb, "unpause") == 0 && scripted_is_active(domain->info)) {
        domain->info->state = MACHINE_STATE_RUNNING;
        domain->info->trouble = MACHINE_TROUBLE_NONE;
    } else if (strcmp(verb, "restore") == 0) {
        run_with(script, domain, "", words + 2);
    } else if (strcmp(verb, "wake") == 0 || strcmp(verb, "revert") == 0) {
        wake_up(script, domain);
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
    } else if (strcmp(verb, "title") == 0) {
        g_free(domain->info->title);
        domain->info->title = g_strjoinv(" ", words + 2);
    } else if (strcmp(verb, "controller") == 0 && words[2] && words[3]) {
        g_free(domain->info->usb_controller);
        domain->info->usb_controller = g_strdup(words[2]);
        domain->info->usb_speeds = (unsigned)g_ascii_strtoull(words[3], NULL, 10);
    } else if (strcmp(verb, "let-go") == 0) {
        let_go(domain);
    } else {
        char *answer = scripted_saved_command(domain->info, &domain->saved, words);

        if (!answer)
            return NULL;
        g_free(answer);
    }
    scripted_touch(script, words[1]);
    scripted_log_state(domain);
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
    scripted_touch(script, words[1]);
}

char *scripted_command(Script *script, const char *line, HypervisorState *ret_state, char **ret_text)
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
        scripted_touch(script, words[1]);
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
        return g_strdup_printf("ok attach=%u detach=%u inspect=%u list=%u held=%u prepared=%u",
                               script->attaches, script->detaches, script->inspects, script->lists,
                               script->held, script->prepared);
    return g_strdup_printf("error unknown: %s", line);
}
