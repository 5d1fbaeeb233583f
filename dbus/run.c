/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wires the parts together, and ends them in the right order. */

#include "dbus/run.h"

#include <glib-unix.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/base/tuning.h"
#include "daemon/base/wake.h"
#include "daemon/config/settings.h"
#include "daemon/manager/drop-in-groups.h"
#include "daemon/manager/manager.h"
#include "dbus/names.h"
#include "dbus/objects/objects.h"
#include "dbus/service/service.h"
#include "polkit/authority.h"

#define DEFAULT_URI         "qemu:///system"
#define DEFAULT_STATE_DIR   "/var/lib/usbferry"
#define DEFAULT_RUNTIME_DIR "/run/usbferry"
#define DEFAULT_UDEV_RULES  "/run/udev/rules.d"
/* A test's. */
#define UDEV_RULES_VARIABLE "FERRY_UDEV_RULES"

/* How long the bus may take to take the name back before the service leaves without that. */
#define RETIRE_TIMEOUT_MS 2000

typedef struct Daemon {
    GMainLoop *loop;
    WorkerPool *pool;
    Hypervisor *hypervisor;
    const UsbOps *usb;
    Settings settings;
    Manager *manager;
    Authority *authority;
    BusService *service;
    guint retire_timeout;
    guint patience;       /* source: not waited for machines any longer */
    uint64_t watchdog_us; /* systemd ends a service that says nothing for so long */
    guint keep_alive;     /* source: says it */
    bool stopping;
    int status;
} Daemon;

static void on_queue_idle(const char *queue, void *userdata)
{
    Daemon *self = userdata;

    if (self->manager)
        manager_queue_idle(queue, self->manager);
}

static bool is_ending(const Daemon *self)
{
    return self->stopping || self->status != EXIT_SUCCESS;
}

/* The end, and a new begin by systemd. */
static void fail(Daemon *self)
{
    if (!self->stopping)
        self->status = EXIT_FAILURE;
    g_main_loop_quit(self->loop);
}

/* The log says why already. */
static void on_blind(void *userdata)
{
    fail(userdata);
}

static void on_bus_lost(int error, void *userdata)
{
    log_warning("the connection to the system bus is lost: %s", g_strerror(error));
    fail(userdata);
}

static void on_retired(void *userdata)
{
    Daemon *self = userdata;

    g_main_loop_quit(self->loop);
}

static gboolean on_retire_timeout(gpointer userdata)
{
    Daemon *self = userdata;

    self->retire_timeout = 0;
    g_main_loop_quit(self->loop);
    return G_SOURCE_REMOVE;
}

static gboolean on_stop(gpointer userdata)
{
    Daemon *self = userdata;

    if (self->stopping) { /* asked twice */
        g_main_loop_quit(self->loop);
        return G_SOURCE_CONTINUE;
    }
    self->stopping = true;
    sd_notify(0, "STOPPING=1");
    self->retire_timeout = g_timeout_add(RETIRE_TIMEOUT_MS, on_retire_timeout, self);
    bus_service_retire(self->service, on_retired, self);
    return G_SOURCE_CONTINUE;
}

static void obey(Daemon *self)
{
    tuning_set(&self->settings.tuning);
    manager_set_guards_off(self->manager, self->settings.guards_off);
    manager_set_hands_off(self->manager, self->settings.hands_off_off, self->settings.hands_off_input_off);
}

/* A bad file changes nothing. */
static void read_settings_again(Daemon *self)
{
    g_auto(Settings) settings = {};
    g_autoptr(GError) error = NULL;

    if (!settings_read(&settings, &error)) {
        log_warning("%s; the settings stay as they were", error->message);
        return;
    }
    if (g_strcmp0(settings.hypervisor_uri, self->settings.hypervisor_uri) != 0 ||
        tuning_in_set(&settings.tuning, TUNING_WORKERS) !=
            tuning_in_set(&self->settings.tuning, TUNING_WORKERS))
        log_notice("HypervisorURI and Workers count from the next start of the service on");
    settings_clear(&self->settings);
    self->settings = settings;
    settings = (Settings){};
    obey(self);
}

static gboolean on_reload(gpointer userdata)
{
    Daemon *self = userdata;

    log_notice("reading usbferry.conf and the drop-in folders of groups again");
    read_settings_again(self);
    manager_reload(self->manager);
    return G_SOURCE_CONTINUE;
}

/* From the main loop, so that a main loop that hangs is restarted. About twice as often as systemd wants it.
 */
static gboolean keep_alive(gpointer userdata)
{
    Daemon *self = userdata;
    gint64 at = wake_on_grid(g_get_monotonic_time(), (gint64)self->watchdog_us / 2);

    sd_notify(0, "WATCHDOG=1");
    self->keep_alive = wake_source(at, keep_alive, self);
    return G_SOURCE_REMOVE;
}

static const char *directory(const char *variable, const char *otherwise)
{
    const char *value = g_getenv(variable);

    return value && value[0] != '\0' ? value : otherwise;
}

static gboolean on_patience_over(gpointer userdata)
{
    Daemon *self = userdata;

    self->patience = 0;
    return G_SOURCE_REMOVE;
}

/* So that nobody sees assignments that name machines which come a moment later, or that nobody knows yet
 * where anything is. A hypervisor that takes its time holds nothing up for long. */
static void wait_until_settled(Daemon *self)
{
    if (self->hypervisor->patience_ms > 0)
        self->patience = g_timeout_add(self->hypervisor->patience_ms, on_patience_over, self);
    while (self->patience && manager_settling(self->manager) && !is_ending(self))
        g_main_context_iteration(NULL, TRUE);
    g_clear_handle_id(&self->patience, g_source_remove);
}

/* The name comes last: who sees it sees everything. */
static bool daemon_start(Daemon *self, GError **error)
{
    const ManagerConfig config = {
        .state_dir = directory("STATE_DIRECTORY", DEFAULT_STATE_DIR),
        .runtime_dir = directory("RUNTIME_DIRECTORY", DEFAULT_RUNTIME_DIR),
        .usb = self->usb,
        .udev_rules = directory(UDEV_RULES_VARIABLE, DEFAULT_UDEV_RULES),
        .blind = on_blind,
        .userdata = self,
    };

    self->manager = manager_new(&config, self->pool, self->hypervisor, error);
    if (!self->manager)
        return false;
    obey(self);
    if (!manager_start(self->manager, error))
        return false;
    self->authority = authority_new();
    self->service = bus_service_new(self->manager, self->authority, object_kinds, on_bus_lost, self, error);
    if (!self->service)
        return false;
    wait_until_settled(self);
    if (is_ending(self))
        return true;
    manager_turn_now(self->manager);
    return bus_service_publish(self->service, error);
}

static void daemon_stop(Daemon *self)
{
    if (self->service)
        bus_service_close(self->service);
    self->manager = manager_free(self->manager);
    self->service = bus_service_free(self->service);
    self->authority = authority_free(self->authority);
    self->pool = worker_pool_free(self->pool); /* its jobs use the hypervisor */
    if (self->hypervisor)
        self->hypervisor->ops->free(self->hypervisor);
}

static void daemon_run(Daemon *self)
{
    g_autoptr(GError) error = NULL;

    /* These stay until the process ends: one more signal while it stops must not end it halfway. */
    g_unix_signal_add(SIGTERM, on_stop, self);
    g_unix_signal_add(SIGINT, on_stop, self);
    g_unix_signal_add(SIGHUP, on_reload, self);
    if (!daemon_start(self, &error)) {
        log_event(LOG_EVENT_NOT_STARTED, NULL, NULL, NULL, "usbferryd can't start: %s", error->message);
        self->status = EXIT_FAILURE;
    } else if (!is_ending(self)) {
        log_event(LOG_EVENT_READY, NULL, NULL, NULL,
                  "usbferryd " FERRY_VERSION " is ready as " FERRY_BUS_NAME ", VMs of %s",
                  manager_hypervisor_uri(self->manager));
        sd_notify(0, "READY=1");
        if (sd_watchdog_enabled(0, &self->watchdog_us) > 0)
            (void)keep_alive(self);
        g_main_loop_run(self->loop);
    }
    g_clear_handle_id(&self->retire_timeout, g_source_remove);
    g_clear_handle_id(&self->keep_alive, g_source_remove);
    daemon_stop(self);
}

/* With a bad file it is as without one: every guard is on. */
static bool read_settings(Settings *ret_settings, bool check)
{
    g_autoptr(GError) error = NULL;

    if (settings_read(ret_settings, &error))
        return true;
    if (check)
        log_warning("%s", error->message);
    else
        log_warning("%s; the file is not obeyed, and everything is as usual", error->message);
    return false;
}

int ferry_run(int argc, char **argv, Hypervisor *(*make_hypervisor)(const char *uri, WorkerPool *pool),
              const UsbOps *usb)
{
    g_autofree char *uri = NULL;
    bool settings_ok;
    gboolean version = FALSE, verbose = FALSE, check = FALSE;
    const GOptionEntry entries[] = {
        { "uri", 'c', 0, G_OPTION_ARG_STRING, &uri, "The hypervisor (" DEFAULT_URI ")", "URI" },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Log every decision", NULL },
        { "check", 0, 0, G_OPTION_ARG_NONE, &check,
          "Say what is wrong in usbferry.conf and the files of groups, and end", NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) options =
        g_option_context_new("- gives this host's USB devices to virtual machines");
    g_autoptr(GMainLoop) loop = NULL;
    g_autoptr(GError) error = NULL;
    Daemon self = { .status = EXIT_SUCCESS };

    /* Threads seldom want memory at the same time, and each arena keeps what it once had. */
    mallopt(M_ARENA_MAX, 1);
    text_prepare_numbers();
    setlocale(LC_CTYPE, ""); /* texts are UTF-8, the terminal may be something else */
    g_option_context_add_main_entries(options, entries, NULL);
    if (!g_option_context_parse(options, &argc, &argv, &error)) {
        g_printerr("usbferryd: %s\n", error->message);
        return 2;
    }
    if (argc > 1) {
        g_printerr("usbferryd: %s: no arguments are taken\n", argv[1]);
        return 2;
    }
    if (version) {
        g_print("usbferryd " FERRY_VERSION "\n");
        return EXIT_SUCCESS;
    }
    settings_ok = read_settings(&self.settings, check);
    if (check) {
        settings_clear(&self.settings);
        return drop_in_groups_check() && settings_ok ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (verbose)
        g_setenv("G_MESSAGES_DEBUG", G_LOG_DOMAIN, FALSE);

    self.loop = loop = g_main_loop_new(NULL, FALSE);
    self.usb = usb;
    self.pool =
        worker_pool_new((guint)tuning_in_set(&self.settings.tuning, TUNING_WORKERS), on_queue_idle, &self);
    if (!uri)
        uri = g_strdup(self.settings.hypervisor_uri ? self.settings.hypervisor_uri : DEFAULT_URI);
    self.hypervisor = make_hypervisor(uri, self.pool);
    daemon_run(&self);
    settings_clear(&self.settings);
    return self.status;
}
