/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes the parts, wires them, and starts them in order; keeps the one switch. Includes everything of this
 * folder that has to be loaded or freed, and nothing here includes it. */

#include "daemon/manager/manager.h"

#include "daemon/base/key-file-reader.h"
#include "daemon/base/log.h"
#include "daemon/manager/drop-in-groups.h"
#include "daemon/manager/guards.h"
#include "daemon/manager/homes.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/node.h"
#include "daemon/manager/pending.h"
#include "daemon/manager/revocations.h"
#include "daemon/manager/stored-assignments.h"
#include "daemon/manager/stored-groups.h"
#include "daemon/manager/stored-tenants.h"
#include "daemon/manager/terms.h"
#include "daemon/model/find.h"
#include "daemon/model/tenant-accounts.h"

#define STORE_KIND_SETTINGS "settings"

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

void manager_host_sleeps(Manager *self, bool sleeps)
{
    reconciler_host_sleeps(self->reconciler, sleeps);
}

void manager_seats_changed(Manager *self, const char *const *seats)
{
    guards_seats_changed(self->guards, seats);
}

void manager_queue_idle(const char *queue, Manager *self)
{
    resets_queue_idle(self->resets, queue);
    reconciler_queue_idle(self->reconciler, queue);
}

/* ------------------------------------------------------------------ the switch */

static void settle_enabled(Manager *self, const char *id, gpointer payload, bool stored)
{
    bool enabled = GPOINTER_TO_INT(payload);

    self->saving_settings = false;
    if (!stored || self->registry->enabled == enabled)
        return;
    self->registry->enabled = enabled;
    log_event(LOG_EVENT_SWITCHED, NULL, NULL, NULL, "usbferry is switched %s",
              enabled ? "on" : "off: nothing more is given");
    registry_report(self->registry, OBJECT_MANAGER, "", MANAGER_FIELD_ENABLED);
}

void manager_set_enabled(Manager *self, bool enabled, ManagerDone done, void *userdata)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;

    if (!find_check_saved(self->saving_settings, "property", "Enabled", &error)) {
        done(NULL, error, userdata);
        return;
    }
    self->saving_settings = true;
    g_key_file_set_boolean(file, SETTINGS_GROUP, "Enabled", enabled);
    pending_save(self, STORE_AREA_STATE, STORE_KIND_SETTINGS, file,
                 &(PendingChange){ .id = SETTINGS_ID,
                                   .settle = settle_enabled,
                                   .payload = GINT_TO_POINTER(enabled),
                                   .answer = "",
                                   .done = done,
                                   .userdata = userdata });
}

void manager_hold_home(Manager *self, bool hold, ManagerDone done, void *userdata)
{
    reconciler_hold_home(self->reconciler, hold, done, userdata);
}

static bool read_enabled(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, userdata);
}

static bool take_settings(const StoredFile *file, void *userdata, GError **error)
{
    static const KeyFileKey keys[] = { { "Enabled", read_enabled, true }, {} };
    Manager *self = userdata;
    bool enabled = false;
    bool ok = key_file_read_section(SETTINGS_GROUP, keys, file->text, file->path, &enabled, error);

    /* All of the file, or nobody can say what was decided: see daemon/model/damage.h. */
    self->registry->enabled = ok && enabled;
    return ok;
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

static void udev_lost(void *userdata)
{
    Manager *self = userdata;

    if (self->blind)
        self->blind(self->blind_userdata);
}

/* Whatever gives a device, it is given in a turn. */
static void turning(void *userdata)
{
    Manager *self = userdata;

    guards_glance(self->guards);
}

static void turned(const Allocation *allocation, void *userdata)
{
    Manager *self = userdata;

    terms_look(allocation, self);
    homes_look(allocation, self);
    lent_look(self->lent, allocation);
    guards_turned(self->guards, allocation);
    hands_off_turned(self->hands_off, allocation);
}

Manager *manager_new(const ManagerConfig *config, WorkerPool *pool, Hypervisor *hypervisor, GError **error)
{
    g_autoptr(Manager) self = g_new0(Manager, 1);
    g_autofree char *node = node_read();

    self->registry = registry_new(node);
    self->history = history_new(self->registry);
    self->hypervisor = hypervisor;
    self->memberships = memberships_new(self->registry);
    self->creating_groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->creating_tenants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->pool = pool;
    self->blind = config->blind;
    self->blind_userdata = config->userdata;
    self->granting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->revocations = revocations_new();
    self->store = store_new(config->state_dir, config->runtime_dir, error);
    if (!self->store)
        return NULL;
    self->resets = resets_new(self->registry, pool, self->store, config->usb, kick, self);
    self->reconciler =
        reconciler_new(self->registry, pool, hypervisor, self->resets, config->usb, turning, turned, self);
    self->lent = lent_new(self->registry, self->store, kick, self);
    self->hands_off = hands_off_new(config->udev_rules, self->registry, pool, config->usb, kick, self);
    self->guards = guards_new(self->registry, kick, udev_lost, self);
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
    g_clear_handle_id(&self->homes_retry, g_source_remove);
    terms_clear(self);
    node_unwatch(self);
    guards_free(self->guards);
    hands_off_free(self->hands_off);
    hotplug_free(self->hotplug);
    reconciler_free(self->reconciler);
    resets_free(self->resets);
    lent_free(self->lent);
    store_free(self->store);
    memberships_free(self->memberships);
    g_hash_table_unref(self->creating_groups);
    g_hash_table_unref(self->creating_tenants);
    g_hash_table_unref(self->granting);
    g_hash_table_unref(self->revocations);
    history_free(self->history);
    registry_free(self->registry);
    g_free(self);
    return NULL;
}

static void look_again(Device *device, void *userdata)
{
    Manager *self = userdata;

    if (device) {
        memberships_update_device(self->memberships, device);
        guards_look_at(self->guards, device);
        reconciler_device_touched(self->reconciler, device->sysname);
    }
    reconciler_kick(self->reconciler);
}

static void device_coming(void *userdata)
{
    Manager *self = userdata;

    reconciler_device_comes(self->reconciler);
}

static void device_touched(const char *sysname, void *userdata)
{
    Manager *self = userdata;

    reconciler_device_touched(self->reconciler, sysname);
}

static const HotplugEvents hotplug_events = {
    .changed = look_again,
    .coming = device_coming,
    .touched = device_touched,
    .lost = udev_lost,
};

bool manager_start(Manager *self, GError **error)
{
    if (!store_load(self->store, STORE_KIND_SETTINGS, take_settings, self, error) ||
        !stored_tenants_load(self, error) || !stored_groups_load(self, error))
        return false;
    drop_in_groups_read(self); /* and works out who is in them all */
    if (!stored_assignments_load(self, error) || !resets_restore(self->resets, error) ||
        !lent_restore(self->lent, error))
        return false;
    terms_restore(self);
    guards_look(self->guards);
    self->hotplug = hotplug_new(self->registry, &hotplug_events, self, error);
    if (!self->hotplug || !hotplug_rescan(self->hotplug, NULL, NULL, error))
        return false;
    node_watch(self);
    node_look(self);
    self->hypervisor->ops->start(self->hypervisor);
    reconciler_kick(self->reconciler);
    return true;
}

void manager_turn_now(Manager *self)
{
    reconciler_turn_now(self->reconciler);
}

void manager_set_guards_off(Manager *self, unsigned off)
{
    guards_set_off(self->guards, off);
}

void manager_set_hands_off(Manager *self, bool off, bool input_off)
{
    hands_off_set(self->hands_off, off, input_off);
}

void manager_reload(Manager *self)
{
    node_look(self);
    guards_look(self->guards);
    drop_in_groups_read(self);
    tenant_accounts_look_up(self->pool, self->registry, NULL);
}

Registry *manager_registry(Manager *self)
{
    return self->registry;
}

History *manager_history(Manager *self)
{
    return self->history;
}

void manager_set_asker(Manager *self, uint32_t (*asker)(void *userdata), void *userdata)
{
    self->asker = asker;
    self->asker_userdata = userdata;
}

const char *manager_hypervisor_uri(Manager *self)
{
    return self->hypervisor->uri;
}

bool manager_settling(Manager *self)
{
    return self->registry->settling;
}
