/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt: a connection that is kept up, and the calls that workers make on it. Nothing here blocks the main
 * thread: connections are opened by a worker and closed by a thread of their own. */

#include "daemon/hypervisor/libvirt-hypervisor.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/backoff.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/hypervisor/domain-xml.h"
#include "daemon/hypervisor/libvirt-config.h"
#include "daemon/hypervisor/libvirt-connection.h"
#include "daemon/hypervisor/libvirt-health.h"
#include "daemon/hypervisor/libvirt-saved.h"

#define OPEN_QUEUE       "libvirt-open"
#define OPEN_DEADLINE_MS (30 * 1000)
#define PATIENCE_MS      (3 * 1000)

/* A try that failed is repeated after 1, 2, 4, 8, 16 s, then every 30 s. */
static const Backoff retry_backoff = { .first_us = G_USEC_PER_SEC,
                                       .steps = 5,
                                       .slow_us = 30 * G_USEC_PER_SEC };

/* What virDomainGetID() says of a domain that is off. */
#define NO_DOMAIN_ID ((unsigned)-1)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, virDomainFree)

typedef struct LibvirtHypervisor {
    Hypervisor base; /* first: the core knows this only */
    WorkerPool *pool;

    Link *link; /* of the connection that is open or being opened; NULL between two tries */
    guint retry_source;
    unsigned failures; /* one after the other */

    GMutex lock;            /* guards connection, for the workers */
    Connection *connection; /* NULL = not connected */
} LibvirtHypervisor;

typedef struct Opening {
    char *uri;
    Link *link;
} Opening;

static void opening_free(gpointer data)
{
    Opening *opening = data;

    g_free(opening->uri);
    link_unref(opening->link);
    g_free(opening);
}

/* Worker. Gives a Connection. */
static gpointer open_run(gpointer input, GError **error)
{
    const Opening *opening = input;

    return connection_open(opening->uri, opening->link, error);
}

/* Nothing of this connection reaches us from here on. */
static void give_up(LibvirtHypervisor *self)
{
    Connection *connection;

    g_mutex_lock(&self->lock);
    connection = g_steal_pointer(&self->connection);
    g_mutex_unlock(&self->lock);
    if (connection)
        connection_close_elsewhere(connection);
    if (self->link) {
        self->link->owner = NULL;
        g_clear_pointer(&self->link, link_unref);
    }
}

static gboolean retry(gpointer data);

static void schedule_retry(LibvirtHypervisor *self)
{
    gint64 delay = backoff_delay(&retry_backoff, self->failures++);

    self->retry_source = g_timeout_add_seconds((guint)(delay / G_USEC_PER_SEC), retry, self);
}

static void open_done(gpointer output, const GError *error, void *userdata)
{
    Link *link = userdata;
    LibvirtHypervisor *self = link->owner;

    if (!self) {
        /* It was lost again, or the hypervisor ended, before we heard of it. */
        if (output)
            connection_close_elsewhere(output);
    } else if (error) {
        give_up(self);
        schedule_retry(self);
        hypervisor_set_state(&self->base, HYPERVISOR_STATE_FAILED, error->message);
    } else {
        g_mutex_lock(&self->lock);
        self->connection = output;
        g_mutex_unlock(&self->lock);
        self->failures = 0;
        connection_begin(output, self->pool);
        hypervisor_set_state(&self->base, HYPERVISOR_STATE_CONNECTED, NULL);
    }
    link_unref(link);
}

static void on_lost(void *owner, const char *why)
{
    LibvirtHypervisor *self = owner;

    give_up(self);
    schedule_retry(self);
    hypervisor_set_state(&self->base, HYPERVISOR_STATE_CONNECTING, why);
}

static void on_touched(void *owner, const char *uuid)
{
    Hypervisor *hypervisor = &((LibvirtHypervisor *)owner)->base;

    hypervisor->events->machine_touched(hypervisor, uuid, hypervisor->events_userdata);
}

static void try_open(LibvirtHypervisor *self)
{
    static const LinkEvents link_events = { .lost = on_lost, .touched = on_touched };
    Opening *opening = g_new0(Opening, 1);

    self->link = link_new(&link_events, self);
    opening->uri = g_strdup(self->base.uri);
    opening->link = link_ref(self->link);
    worker_pool_push(self->pool, &(WorkerJob){
                                     .queue = OPEN_QUEUE,
                                     .deadline_ms = OPEN_DEADLINE_MS,
                                     .run = open_run,
                                     .input = opening,
                                     .free_input = opening_free,
                                     .free_output = connection_close_elsewhere,
                                     .done = open_done,
                                     .userdata = link_ref(self->link),
                                     .free_userdata = link_unref,
                                 });
}

static gboolean retry(gpointer data)
{
    LibvirtHypervisor *self = data;

    self->retry_source = 0;
    try_open(self);
    return G_SOURCE_REMOVE;
}

/* ------------------------------------------------------------------ calls of the workers */

/* What a call works with, even if the hypervisor drops its connection meanwhile. Declared before the
 * domains that it brings, so that it is given back after them. */
typedef struct LibvirtCall {
    Connection *connection;
    virConnectPtr connect;
} LibvirtCall;

static void call_end(LibvirtCall *call)
{
    if (call->connect)
        connection_give_back(call->connection, call->connect);
    g_clear_pointer(&call->connection, connection_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LibvirtCall, call_end)

static bool call_begin(LibvirtCall *call, Hypervisor *hypervisor, GError **error)
{
    LibvirtHypervisor *self = (LibvirtHypervisor *)hypervisor;

    g_mutex_lock(&self->lock);
    if (self->connection)
        call->connection = connection_ref(self->connection);
    g_mutex_unlock(&self->lock);
    if (!call->connection) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "not connected to libvirt");
        return false;
    }
    call->connect = connection_borrow(call->connection, error);
    return call->connect != NULL;
}

static void prepare(Hypervisor *hypervisor)
{
    g_auto(LibvirtCall) call = { 0 };

    (void)call_begin(&call, hypervisor, NULL);
}

static virDomainPtr find_domain(LibvirtCall *call, Hypervisor *hypervisor, const char *uuid, GError **error)
{
    virDomainPtr domain;

    if (!call_begin(call, hypervisor, error))
        return NULL;
    domain = virDomainLookupByUUIDString(call->connect, uuid);
    if (!domain)
        g_propagate_error(error, connection_take_error());
    return domain;
}

static MachineState state_of(virDomainPtr domain, int state)
{
    if (virDomainGetID(domain) == NO_DOMAIN_ID)
        return MACHINE_STATE_SHUTOFF;
    switch (state) {
    case VIR_DOMAIN_PAUSED:
    case VIR_DOMAIN_PMSUSPENDED:
        return MACHINE_STATE_PAUSED;
    case VIR_DOMAIN_SHUTOFF:
        return MACHINE_STATE_SHUTOFF;
    case VIR_DOMAIN_CRASHED:
        return MACHINE_STATE_CRASHED;
    default:
        return MACHINE_STATE_RUNNING;
    }
}

/* UUID, name, state and domain id. These calls wait for no job of the domain, so a hung QEMU doesn't hold
 * them up. NULL when the domain is gone, or the connection. */
static MachineInfo *read_brief(virDomainPtr domain, GError **error)
{
    g_autoptr(GError) unread = NULL;
    char uuid[VIR_UUID_STRING_BUFLEN];
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
    MachineInfo *info;

    /* Can't fail: the domain knows its UUID. */
    (void)virDomainGetUUIDString(domain, uuid);
    if (virDomainGetState(domain, &state, &reason, 0) < 0)
        unread = connection_take_error();
    /* Where only the state is not to be had, the machine is there all the same: its id says if it is active.
     */
    if (unread && (unread->code == FERRY_ERROR_NO_SUCH_MACHINE ||
                   virConnectIsAlive(virDomainGetConnect(domain)) != 1)) {
        g_propagate_error(error, g_steal_pointer(&unread));
        return NULL;
    }
    info = machine_info_new(uuid);
    g_free(info->name);
    info->name = text_sanitize(virDomainGetName(domain), TEXT_MAX);
    info->state = state_of(domain, state);
    info->trouble = libvirt_health_trouble(state, reason);
    info->changing = libvirt_health_is_changing(state, reason);
    info->domain_id = info->state == MACHINE_STATE_SHUTOFF ? 0 : virDomainGetID(domain);
    return info;
}

static bool read_xml(virDomainPtr domain, MachineInfo *info, GError **error)
{
    char *xml = virDomainGetXMLDesc(domain, 0);
    bool live = false;
    bool ok;

    if (!xml) {
        g_propagate_error(error, connection_take_error());
        return false;
    }
    ok = domain_xml_read(xml, info, &live, error);
    free(xml);
    /* It may have started or stopped since its state was read: what goes with the hostdevs counts. */
    if (ok && !live)
        info->state = MACHINE_STATE_SHUTOFF;
    else if (ok && info->state == MACHINE_STATE_SHUTOFF)
        info->state = MACHINE_STATE_RUNNING;
    return ok;
}

static void destroy_machine_info(gpointer info)
{
    machine_info_free(info);
}

static GPtrArray *list(Hypervisor *hypervisor, GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(GPtrArray) machines = g_ptr_array_new_with_free_func(destroy_machine_info);
    g_autoptr(GError) broken = NULL;
    virDomainPtr *domains = NULL;
    int n_domains;

    if (!call_begin(&call, hypervisor, error))
        return NULL;
    n_domains = virConnectListAllDomains(call.connect, &domains, 0);
    if (n_domains < 0) {
        g_propagate_error(error, connection_take_error());
        return NULL;
    }
    for (int i = 0; i < n_domains; i++) {
        g_autoptr(virDomain) domain = domains[i];
        g_autoptr(GError) domain_error = NULL;
        MachineInfo *info = read_brief(domain, &domain_error);

        if (info)
            g_ptr_array_add(machines, info);
        /* One that has just been undefined is no failure. */
        else if (!broken && !g_error_matches(domain_error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE))
            broken = g_steal_pointer(&domain_error);
    }
    free(domains);
    /* Half a list would look as if the other half were gone. */
    if (broken) {
        g_propagate_error(error, g_steal_pointer(&broken));
        return NULL;
    }
    return g_steal_pointer(&machines);
}

static MachineInfo *inspect(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(virDomain) domain = find_domain(&call, hypervisor, uuid, error);
    g_autoptr(MachineInfo) info = domain ? read_brief(domain, error) : NULL;

    if (!info || !read_xml(domain, info, error))
        return NULL;
    libvirt_saved_read(domain, info);
    libvirt_config_read(domain, info);
    return g_steal_pointer(&info);
}

static bool has_alias(const MachineInfo *info, const char *alias)
{
    for (guint i = 0; i < info->hostdevs->len; i++)
        if (strcmp(((const Hostdev *)info->hostdevs->pdata[i])->alias, alias) == 0)
            return true;
    return false;
}

/* After an attach or detach failed for no clear reason: how the machine looks now says more than libvirt's
 * texts, which come in the language of libvirtd. NULL when it can't be had. */
static MachineInfo *look_closer(virDomainPtr domain, GError *refusal)
{
    g_autoptr(MachineInfo) info = NULL;

    if (refusal->code != FERRY_ERROR_HYPERVISOR || !(info = read_brief(domain, NULL)) ||
        !read_xml(domain, info, NULL))
        return NULL;
    if (info->state == MACHINE_STATE_SHUTOFF)
        refusal->code = FERRY_ERROR_MACHINE_NOT_RUNNING;
    return g_steal_pointer(&info);
}

/* What it is in our words, and what to do; libvirt's go to the log. Takes the text. */
static void say_instead(GError *refusal, const MachineInfo *info, FerryError code, char *text)
{
    log_object(G_LOG_LEVEL_MESSAGE, NULL, info->uuid, NULL, "libvirt: %s", refusal->message);
    refusal->code = (gint)code;
    g_free(refusal->message);
    refusal->message = text;
}

static bool attach(Hypervisor *hypervisor, const char *uuid, const HostdevSpec *spec, GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(virDomain) domain = find_domain(&call, hypervisor, uuid, error);
    g_autofree char *xml = domain_xml_hostdev(spec);
    g_autoptr(MachineInfo) info = NULL;
    g_autoptr(GError) refusal = NULL;
    bool from_parser;
    int code;

    if (!domain)
        return false;
    if (virDomainAttachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE) == 0)
        return true;
    code = virGetLastErrorCode();
    from_parser = virGetLastErrorDomain() == VIR_FROM_DOMAIN;
    refusal = connection_take_error();
    info = look_closer(domain, refusal);
    /* "cannot acquire state change lock (held by …)": it is being saved, migrated, backed up. */
    if (code == VIR_ERR_OPERATION_TIMEOUT && refusal->code == FERRY_ERROR_HYPERVISOR)
        refusal->code = FERRY_ERROR_TIMEOUT;
    if (info && info->state != MACHINE_STATE_SHUTOFF && from_parser) {
        /* "Domain has no USB bus support", "No free USB ports" */
        if (code == VIR_ERR_CONFIG_UNSUPPORTED && !*info->usb_controller)
            say_instead(refusal, info, FERRY_ERROR_NO_CONTROLLER, machine_info_no_controller_text(info));
        else if (code == VIR_ERR_INTERNAL_ERROR && info->free_ports == 0)
            say_instead(refusal, info, FERRY_ERROR_NO_FREE_PORT, machine_info_no_port_text(info, 0));
    }
    g_propagate_error(error, g_steal_pointer(&refusal));
    return false;
}

static bool detach(Hypervisor *hypervisor, const char *uuid, const char *alias, GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(virDomain) domain = find_domain(&call, hypervisor, uuid, error);
    g_autoptr(MachineInfo) info = NULL;
    g_autoptr(GError) refusal = NULL;

    if (!domain)
        return false;
    if (virDomainDetachDeviceAlias(domain, alias, VIR_DOMAIN_AFFECT_LIVE) == 0)
        return true;
    refusal = connection_take_error();
    info = look_closer(domain, refusal);
    /* "no device found with alias": that is what was wanted. */
    if (info && info->state != MACHINE_STATE_SHUTOFF && !has_alias(info, alias))
        return true;
    g_propagate_error(error, g_steal_pointer(&refusal));
    return false;
}

static bool ping(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(virDomain) domain = find_domain(&call, hypervisor, uuid, error);

    return domain && libvirt_health_ping(domain, error);
}

static bool repair_saved(Hypervisor *hypervisor, const char *uuid, const GPtrArray *places, GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(virDomain) domain = find_domain(&call, hypervisor, uuid, error);

    return domain && libvirt_saved_repair(domain, places, error);
}

static GPtrArray *repair_snapshots(Hypervisor *hypervisor, const char *uuid, const GPtrArray *known,
                                   GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(virDomain) domain = find_domain(&call, hypervisor, uuid, error);

    return domain ? libvirt_saved_repair_snapshots(domain, known, error) : NULL;
}

static bool start_machine(Hypervisor *hypervisor, const char *uuid, GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(virDomain) domain = find_domain(&call, hypervisor, uuid, error);

    return domain && libvirt_config_start(domain, error);
}

static bool set_usb_controller(Hypervisor *hypervisor, const char *uuid, const char *model, GError **error)
{
    g_auto(LibvirtCall) call = { 0 };
    g_autoptr(virDomain) domain = find_domain(&call, hypervisor, uuid, error);

    return domain && libvirt_config_set_controller(domain, model, error);
}

static void start(Hypervisor *hypervisor)
{
    try_open((LibvirtHypervisor *)hypervisor);
}

static void libvirt_hypervisor_free(Hypervisor *hypervisor)
{
    static GSList *shells;
    LibvirtHypervisor *self = (LibvirtHypervisor *)hypervisor;

    g_clear_handle_id(&self->retry_source, g_source_remove);
    give_up(self);
    g_clear_pointer(&self->base.uri, g_free);
    g_clear_pointer(&self->base.state_text, g_free);
    /* A job that hangs in a machine may come back at any time, and then looks for the connection: the struct
     * is never freed. */
    shells = g_slist_prepend(shells, self);
}

static const HypervisorOps libvirt_ops = {
    .start = start,
    .free = libvirt_hypervisor_free,
    .prepare = prepare,
    .list = list,
    .inspect = inspect,
    .attach = attach,
    .detach = detach,
    .ping = ping,
    .repair_saved = repair_saved,
    .repair_snapshots = repair_snapshots,
    .start_machine = start_machine,
    .set_usb_controller = set_usb_controller,
};

Hypervisor *libvirt_hypervisor_new(const char *uri, WorkerPool *pool)
{
    LibvirtHypervisor *self = g_new0(LibvirtHypervisor, 1);

    connection_init();
    self->base.ops = &libvirt_ops;
    self->base.uri = g_strdup(uri);
    self->base.patience_ms = PATIENCE_MS;
    self->base.state = HYPERVISOR_STATE_CONNECTING;
    self->base.state_text = g_strdup("connecting");
    self->pool = pool;
    g_mutex_init(&self->lock);
    return &self->base;
}
