/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices come and go: what of it the registry gets, and when a device may go anywhere. The monitor and the
 * clock are the test's: the linker wraps their functions. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/log.h"
#include "daemon/base/tuning.h"
#include "daemon/hotplug/hotplug.h"
#include "daemon/hotplug/udev-monitor.h"

/* A device that comes back to its place within this has to be steady for a second. */
#define FLAP_WINDOW_US QUARANTINE_RETURN_US

#define SOCKET "pci-0000:00:14.0/4"

UsbMonitor *__wrap_usb_monitor_new(const UsbMonitorEvents *events, void *userdata, GError **error);
UsbMonitor *__wrap_usb_monitor_free(UsbMonitor *monitor);
bool __wrap_usb_monitor_rescan(UsbMonitor *monitor, unsigned *ret_added, unsigned *ret_removed,
                               GError **error);
gint64 __wrap_g_get_monotonic_time(void);

static struct {
    const UsbMonitorEvents *events;
    void *userdata;
    bool fails;
    unsigned scans;
    gint64 now;
} monitor;

UsbMonitor *__wrap_usb_monitor_new(const UsbMonitorEvents *events, void *userdata, GError **error)
{
    monitor.events = events;
    monitor.userdata = userdata;
    if (!monitor.fails)
        return (UsbMonitor *)&monitor;
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "no udev");
    return NULL;
}

UsbMonitor *__wrap_usb_monitor_free(UsbMonitor *self)
{
    return NULL;
}

/* Finds one more each time. */
bool __wrap_usb_monitor_rescan(UsbMonitor *self, unsigned *ret_added, unsigned *ret_removed, GError **error)
{
    g_autofree char *sysname = NULL;

    if (monitor.fails) {
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "no udev");
        return false;
    }
    sysname = g_strdup_printf("2-%u", ++monitor.scans);
    monitor.events->found(device_new(sysname), monitor.userdata);
    *ret_added = 1;
    if (ret_removed)
        *ret_removed = 0;
    return true;
}

gint64 __wrap_g_get_monotonic_time(void)
{
    return monitor.now;
}

typedef struct Plugged {
    Registry *registry;
    Hotplug *hotplug;
    GString *told; /* "changed(1-4) " */
    GString *reported;
} Plugged;

static void changed(Device *device, void *userdata)
{
    Plugged *self = userdata;

    g_string_append_printf(self->told, "changed(%s) ", device ? device->sysname : "");
}

static void lost(void *userdata)
{
    Plugged *self = userdata;

    g_string_append(self->told, "lost ");
}

static void coming(void *userdata)
{
    Plugged *self = userdata;

    g_string_append(self->told, "coming ");
}

static const HotplugEvents events = { .changed = changed, .coming = coming, .lost = lost };

static void note_change(const Change *change, void *userdata)
{
    static const char *const kinds[] = {
        [CHANGE_ADDED] = "added", [CHANGE_FIELDS] = "facts", [CHANGE_REMOVED] = "removed"
    };
    Plugged *self = userdata;

    assert_int_equal(change->type, OBJECT_DEVICE);
    if (change->kind == CHANGE_FIELDS)
        assert_int_equal(change->fields, DEVICE_FIELD_FACTS);
    g_string_append_printf(self->reported, "%s(%s) ", kinds[change->kind], change->id);
}

static int set_up(void **state)
{
    Plugged *self = g_new0(Plugged, 1);

    monitor.fails = false;
    monitor.scans = 0;
    monitor.now = 100 * G_USEC_PER_SEC;
    self->told = g_string_new(NULL);
    self->reported = g_string_new(NULL);
    self->registry = registry_new("host");
    self->registry->changed = note_change;
    self->registry->changed_userdata = self;
    self->hotplug = hotplug_new(self->registry, &events, self, NULL);
    assert_non_null(self->hotplug);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Plugged *self = *state;

    hotplug_free(self->hotplug);
    self->registry->changed = NULL;
    registry_free(self->registry);
    g_string_free(self->told, TRUE);
    g_string_free(self->reported, TRUE);
    g_free(self);
    return 0;
}

/* As udev finds it. */
static Device *find(const char *sysname, const char *socket, const char *serial, uint64_t instance)
{
    Device *device = device_new(sysname);

    device->vendor_id = 0x1050;
    device->product_id = 0x0407;
    device->instance = instance;
    g_free(device->socket);
    device->socket = g_strdup(socket);
    g_free(device->serial);
    device->serial = g_strdup(serial);
    monitor.events->found(device, monitor.userdata);
    return device;
}

static void lose(const char *sysname)
{
    monitor.events->gone(sysname, monitor.userdata);
}

/* What was told and reported since the last time. */
static void expect(Plugged *self, const char *told, const char *reported)
{
    assert_string_equal(self->told->str, told);
    assert_string_equal(self->reported->str, reported);
    g_string_truncate(self->told, 0);
    g_string_truncate(self->reported, 0);
}

static void a_device_comes_and_goes(void **state)
{
    Plugged *self = *state;
    Device *key = find("1-4", SOCKET, "YK1", 1);

    assert_ptr_equal(registry_device(self->registry, "1-4"), key);
    assert_int_equal(key->steady_at, 0);
    expect(self, "changed(1-4) ", "added(1-4) ");
    lose("1-4");
    assert_null(registry_device(self->registry, "1-4"));
    expect(self, "changed() ", "removed(1-4) ");
    lose("1-4");
    expect(self, "", "");
}

static void what_is_no_device_yet_is_told(void **state)
{
    Plugged *self = *state;

    monitor.events->coming(monitor.userdata);
    expect(self, "coming ", "");
    monitor.events->lost(monitor.userdata);
    expect(self, "lost ", "");
}

static void other_facts_of_the_same_one_are_taken(void **state)
{
    Plugged *self = *state;
    Device *key = find("1-4", SOCKET, "", 1);

    key->state = DEVICE_STATE_ATTACHED;
    expect(self, "changed(1-4) ", "added(1-4) ");
    (void)find("1-4", SOCKET, "YK1", 1);
    assert_ptr_equal(registry_device(self->registry, "1-4"), key);
    assert_string_equal(key->serial, "YK1");
    assert_int_equal(key->state, DEVICE_STATE_ATTACHED);
    assert_int_equal(key->steady_at, 0);
    expect(self, "changed(1-4) ", "facts(1-4) ");
}

/* Its end was not heard. */
static void another_one_of_that_name_ends_the_first(void **state)
{
    Plugged *self = *state;
    Device *second;

    (void)find("1-4", SOCKET, "YK1", 1);
    expect(self, "changed(1-4) ", "added(1-4) ");
    second = find("1-4", SOCKET, "YK1", 2);
    assert_ptr_equal(registry_device(self->registry, "1-4"), second);
    expect(self, "changed() changed(1-4) ", "removed(1-4) added(1-4) ");
    /* It was there a moment ago. */
    assert_int_equal(second->steady_at, monitor.now + STEADY_US);
}

static void who_comes_back_quickly_has_to_be_steady(void **state)
{
    (void)find("1-4", SOCKET, "", 1);
    lose("1-4");
    monitor.now += FLAP_WINDOW_US;
    assert_int_equal(find("1-4", SOCKET, "", 2)->steady_at, monitor.now + STEADY_US);
    lose("1-4");
    monitor.now += FLAP_WINDOW_US + 1;
    assert_int_equal(find("1-4", SOCKET, "", 3)->steady_at, 0);
}

/* A loose plug and a broken cable look the same, whatever hangs on it. */
static void the_place_counts_whoever_it_is(void **state)
{
    (void)find("1-4", SOCKET, "YK1", 1);
    lose("1-4");
    assert_int_equal(find("1-4", SOCKET, "YK2", 2)->steady_at, monitor.now + STEADY_US);
    assert_int_equal(find("1-5", "pci-0000:00:14.0/5", "YK3", 3)->steady_at, 0);
}

static void who_has_a_serial_flaps_elsewhere_as_well(void **state)
{
    (void)find("1-4", SOCKET, "YK1", 1);
    (void)find("1-6", "pci-0000:00:14.0/6", "", 2);
    lose("1-4");
    lose("1-6");
    assert_int_equal(find("1-5", "pci-0000:00:14.0/5", "YK1", 3)->steady_at, monitor.now + STEADY_US);
    /* Without one it could be any. */
    assert_int_equal(find("1-7", "pci-0000:00:14.0/7", "", 4)->steady_at, 0);
}

static const Quarantine *quarantine_of(Plugged *self, const char *sysname)
{
    return quarantines_find(self->registry->quarantines, registry_device(self->registry, sysname),
                            monitor.now);
}

static void who_comes_back_three_times_is_held_back(void **state)
{
    Plugged *self = *state;

    (void)find("1-4", SOCKET, "", 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_null(quarantine_of(self, "1-4"));
        lose("1-4");
        monitor.now += FLAP_WINDOW_US;
        (void)find("1-4", SOCKET, "", 2 + i);
    }
    assert_non_null(quarantine_of(self, "1-4"));
    assert_int_equal(quarantine_of(self, "1-4")->cause, QUARANTINE_FLAPS);
}

/* Somebody plugs it in anew, however often. */
static void who_takes_his_time_is_not(void **state)
{
    Plugged *self = *state;

    for (unsigned i = 0; i < 10; i++) {
        (void)find("1-4", SOCKET, "", 1 + i);
        assert_null(quarantine_of(self, "1-4"));
        lose("1-4");
        monitor.now += FLAP_WINDOW_US + 1;
    }
}

/* A reset takes it away itself, and hubs go nowhere. */
static void what_we_do_ourselves_does_not_count(void **state)
{
    Plugged *self = *state;

    (void)find("1-4.1", SOCKET, "", 1);
    find("1-5", "pci-0000:00:14.0/5", "", 1)->is_hub = true;
    reservations_set(self->registry->reservations, "1-4", NULL, RESERVATION_RESET);
    for (unsigned i = 0; i < 4; i++) {
        Device *hub = device_new("1-5");

        lose("1-4.1");
        (void)find("1-4.1", SOCKET, "", 2 + i);
        lose("1-5");
        hub->is_hub = true;
        hub->instance = 2 + i;
        g_free(hub->socket);
        hub->socket = g_strdup("pci-0000:00:14.0/5");
        monitor.events->found(hub, monitor.userdata);
    }
    assert_null(quarantine_of(self, "1-4.1"));
    assert_null(quarantine_of(self, "1-5"));
}

static void note_plugged(const LogLine *line, void *userdata)
{
    if (line->event == LOG_EVENT_PLUGGED)
        g_string_append_printf(userdata, "%s ", line->device);
}

/* When what is there at the start was plugged in nobody knows. */
static void what_is_there_at_the_start_was_not_plugged_in(void **state)
{
    Plugged *self = *state;
    g_autoptr(GString) plugged = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    unsigned added;

    log_listen(note_plugged, plugged);
    assert_true(hotplug_rescan(self->hotplug, NULL, NULL, NULL));
    assert_non_null(registry_device(self->registry, "2-1"));
    assert_string_equal(plugged->str, "");
    (void)find("1-4", SOCKET, "YK1", 1);
    assert_string_equal(plugged->str, "1-4 ");
    /* an event that was lost */
    assert_true(hotplug_rescan(self->hotplug, &added, NULL, NULL));
    assert_int_equal(added, 1);
    assert_string_equal(plugged->str, "1-4 2-2 ");
    monitor.fails = true;
    assert_false(hotplug_rescan(self->hotplug, &added, NULL, &error));
    assert_true(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_FAILED));
    log_listen(NULL, NULL);
}

static void without_udev_there_is_none(void **state)
{
    g_autoptr(Registry) registry = registry_new("host");
    g_autoptr(GError) error = NULL;

    monitor.fails = true;
    assert_null(hotplug_new(registry, &events, NULL, &error));
    assert_true(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_FAILED));
    assert_null(hotplug_free(NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_device_comes_and_goes),
        TEST(what_is_no_device_yet_is_told),
        TEST(other_facts_of_the_same_one_are_taken),
        TEST(another_one_of_that_name_ends_the_first),
        TEST(who_comes_back_quickly_has_to_be_steady),
        TEST(the_place_counts_whoever_it_is),
        TEST(who_has_a_serial_flaps_elsewhere_as_well),
        TEST(who_comes_back_three_times_is_held_back),
        TEST(who_takes_his_time_is_not),
        TEST(what_we_do_ourselves_does_not_count),
        TEST(what_is_there_at_the_start_was_not_plugged_in),
        cmocka_unit_test(without_udev_there_is_none),
    };

    return cmocka_run_group_tests_name("hotplug", tests, NULL, NULL);
}
