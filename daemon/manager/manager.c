/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts and their wiring. */

#include "daemon/manager/internal.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/key-file-reader.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"

#define SETTINGS_ID    "manager"
#define SETTINGS_GROUP "Manager"

/* ------------------------------------------------------------------ the hypervisor's hints */

static void hypervisor_changed(Hypervisor *hypervisor, void *userdata)
{
    Manager *self = userdata;

    reconciler_hypervisor_changed(self->reconciler);
}

static void machine_touched(Hypervisor *hypervisor, const char *uuid, void *userdata)
{
    Manager *self = userdata;

    reconciler_machine_touched(self->reconciler, uuid);
}

static const HypervisorEvents hypervisor_events = {
    .state_changed = hypervisor_changed,
    .machine_touched = machine_touched,
};

void manager_queue_idle(const char *queue, Manager *self)
{
    resets_queue_idle(self->resets, queue);
    reconciler_queue_idle(self->reconciler, queue);
}

/* ------------------------------------------------------------------ storing */

void pending_free(gpointer data)
{
    Pending *pending = data;

    if (pending->free_payload)
        pending->free_payload(pending->payload);
    g_free(pending->id);
    g_free(pending->answer);
    g_free(pending);
}

Pending *pending_new(Manager *self, const char *id,
                     void (*settle)(Manager *self, const Pending *pending, bool stored), ManagerDone done,
                     void *userdata)
{
    Pending *pending = g_new0(Pending, 1);

    pending->manager = self;
    pending->id = g_strdup(id);
    pending->settle = settle;
    pending->done = done;
    pending->userdata = userdata;
    return pending;
}

void pending_stored(const GError *error, void *userdata)
{
    Pending *pending = userdata;

    if (error)
        log_warning("%s cannot be stored: %s", pending->id, error->message);
    pending->settle(pending->manager, pending, !error);
    pending->done(error ? NULL : pending->answer ? pending->answer : pending->id, error, pending->userdata);
    reconciler_kick(pending->manager->reconciler);
    pending_free(pending);
}

bool manager_check_text(const char *what, const char *text, gsize max, GError **error)
{
    if (!text || (strlen(text) <= max && text_is_clean(text)))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME,
                "%s: at most %" G_GSIZE_FORMAT " bytes of valid UTF-8 without control characters", what, max);
    return false;
}

/* ------------------------------------------------------------------ the switch */

static void enabled_settled(Manager *self, const Pending *pending, bool ok)
{
    bool enabled = GPOINTER_TO_INT(pending->payload);

    self->saving_settings = false;
    if (!ok || self->registry->enabled == enabled)
        return;
    self->registry->enabled = enabled;
    log_notice("usbferry is switched %s", enabled ? "on" : "off: nothing more is handed out");
    registry_report(self->registry, OBJECT_MANAGER, "", MANAGER_FIELD_ENABLED);
}

void manager_set_enabled(Manager *self, bool enabled, ManagerDone done, void *userdata)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    Pending *pending;

    if (self->saving_settings) {
        g_autoptr(GError) error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                                                      "another change is still being stored, try again");

        done(NULL, error, userdata);
        return;
    }
    self->saving_settings = true;
    g_key_file_set_boolean(file, SETTINGS_GROUP, "Enabled", enabled);
    pending = pending_new(self, SETTINGS_ID, enabled_settled, done, userdata);
    pending->payload = GINT_TO_POINTER(enabled);
    store_save(self->store, STORE_AREA_STATE, STORE_KIND_SETTINGS, SETTINGS_ID, file, pending_stored, pending,
               pending_free);
}

static bool read_enabled(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, userdata);
}

static bool take_settings(const StoredFile *file, void *userdata, GError **error)
{
    static const KeyFileKey keys[] = { { "Enabled", read_enabled, true }, {} };
    Manager *self = userdata;

    return key_file_read_section(SETTINGS_GROUP, keys, file->text, file->path, &self->registry->enabled,
                                 error);
}

/* ------------------------------------------------------------------ begin and end */

bool manager_rescan(Manager *self, unsigned *ret_added, unsigned *ret_removed, GError **error)
{
    return hotplug_rescan(self->hotplug, ret_added, ret_removed, error);
}

static void kick(void *userdata)
{
    Manager *self = userdata;

    reconciler_kick(self->reconciler);
}

Manager *manager_new(const ManagerConfig *config, WorkerPool *pool, Hypervisor *hypervisor, GError **error)
{
    g_autoptr(Manager) self = g_new0(Manager, 1);
    char node[HOST_NAME_MAX + 1] = "";
    g_autofree char *clean_node = NULL;

    (void)gethostname(node, sizeof node - 1);
    clean_node = text_sanitize(node, HOST_NAME_MAX);
    self->registry = registry_new(clean_node);
    self->hypervisor = hypervisor;
    self->memberships = memberships_new(self->registry);
    self->creating = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->pool = pool;
    self->granting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->jobs = g_hash_table_new_full(NULL, NULL, manager_free_job, NULL);
    self->store = store_new(config->state_dir, config->runtime_dir, error);
    if (!self->store)
        return NULL;
    self->resets = resets_new(self->registry, pool, self->store, config->usb, kick, self);
    self->reconciler = reconciler_new(self->registry, pool, hypervisor, self->resets);
    hypervisor->events = &hypervisor_events;
    hypervisor->events_userdata = self;
    return g_steal_pointer(&self);
}

Manager *manager_free(Manager *self)
{
    if (!self)
        return NULL;
    if (self->hypervisor)
        self->hypervisor->events = NULL;
    hotplug_free(self->hotplug);
    reconciler_free(self->reconciler);
    resets_free(self->resets);
    store_free(self->store);
    memberships_free(self->memberships);
    g_hash_table_unref(self->creating);
    g_hash_table_unref(self->granting);
    g_hash_table_unref(self->jobs);
    registry_free(self->registry);
    g_free(self);
    return NULL;
}

static void look_again(Device *device, void *userdata)
{
    Manager *self = userdata;

    if (device)
        memberships_update_device(self->memberships, device);
    reconciler_kick(self->reconciler);
}

bool manager_start(Manager *self, GError **error)
{
    if (!store_load(self->store, STORE_KIND_SETTINGS, take_settings, self, error) ||
        !manager_load_tenants(self, error) || !manager_load_groups(self, error) ||
        !manager_load_assignments(self, error) || !resets_restore(self->resets, error))
        return false;
    manager_fill_in_tenants(self);
    self->hotplug = hotplug_new(self->registry, look_again, self, error);
    if (!self->hotplug || !hotplug_rescan(self->hotplug, NULL, NULL, error))
        return false;
    self->hypervisor->ops->start(self->hypervisor);
    reconciler_kick(self->reconciler);
    return true;
}

Registry *manager_registry(Manager *self)
{
    return self->registry;
}

const char *manager_hypervisor_uri(Manager *self)
{
    return self->hypervisor->uri;
}

bool manager_settling(Manager *self)
{
    return self->registry->settling;
}
