/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to libvirt and the calls on it, with libvirt's own test driver, which runs inside this
 * process. The linker wraps the timer of the next try, and the close callback, of which that driver makes
 * nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "daemon/base/error.h"
#include "daemon/hypervisor/libvirt-hypervisor.h"

#define DEADLINE_S 120

/* The machine that test:///default has. */
#define TEST_NAME "test"

#define NO_FILE "test:///nowhere/ferry.xml"

guint __wrap_g_timeout_add_seconds(guint interval, GSourceFunc function, gpointer data);

int __real_virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned flags);
int __wrap_virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned flags);
virErrorPtr __real_virGetLastError(void);
virErrorPtr __wrap_virGetLastError(void);
int __wrap_virGetLastErrorCode(void);
int __wrap_virGetLastErrorDomain(void);
char *__real_virDomainGetXMLDesc(virDomainPtr domain, unsigned flags);
char *__wrap_virDomainGetXMLDesc(virDomainPtr domain, unsigned flags);

/* What an attach is refused with, and what the machine looks like then; the test driver attaches nothing. */
static struct {
    virError *error;
    const char *xml;
    bool just_now; /* it is what virGetLastError() tells */
} refusal;

int __wrap_virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned flags)
{
    refusal.just_now = true;
    return -1;
}

virErrorPtr __wrap_virGetLastError(void)
{
    return refusal.just_now ? refusal.error : __real_virGetLastError();
}

int __wrap_virGetLastErrorCode(void)
{
    return __wrap_virGetLastError()->code;
}

int __wrap_virGetLastErrorDomain(void)
{
    return __wrap_virGetLastError()->domain;
}

char *__wrap_virDomainGetXMLDesc(virDomainPtr domain, unsigned flags)
{
    refusal.just_now = false;
    return refusal.xml ? strdup(refusal.xml) : __real_virDomainGetXMLDesc(domain, flags);
}

/* The next try, which comes when the test wants it. */
static struct {
    guint delay_s;
    GSourceFunc function;
    gpointer data;
} retry;

guint __wrap_g_timeout_add_seconds(guint interval, GSourceFunc function, gpointer data)
{
    retry.delay_s = interval;
    retry.function = function;
    retry.data = data;
    return g_timeout_add_full(G_PRIORITY_DEFAULT, G_MAXUINT, function, data, NULL);
}

int __wrap_virConnectRegisterCloseCallback(virConnectPtr connect, virConnectCloseFunc function, void *opaque,
                                           virFreeCallback free_opaque);
int __wrap_virConnectUnregisterCloseCallback(virConnectPtr connect, virConnectCloseFunc function);

typedef struct CloseCallback {
    virConnectCloseFunc function;
    void *opaque;
    virFreeCallback free_opaque;
} CloseCallback;

/* A connection is opened by a worker and closed by a thread of its own. */
static struct {
    GMutex lock;
    GHashTable *callbacks; /* virConnectPtr → CloseCallback */
} closing;

int __wrap_virConnectRegisterCloseCallback(virConnectPtr connect, virConnectCloseFunc function, void *opaque,
                                           virFreeCallback free_opaque)
{
    CloseCallback callback = { function, opaque, free_opaque };

    g_mutex_lock(&closing.lock);
    g_hash_table_insert(closing.callbacks, connect, g_memdup2(&callback, sizeof callback));
    g_mutex_unlock(&closing.lock);
    return 0;
}

int __wrap_virConnectUnregisterCloseCallback(virConnectPtr connect, virConnectCloseFunc function)
{
    g_autofree CloseCallback *callback = NULL;

    g_mutex_lock(&closing.lock);
    g_hash_table_steal_extended(closing.callbacks, connect, NULL, (gpointer *)&callback);
    g_mutex_unlock(&closing.lock);
    callback->free_opaque(callback->opaque);
    return 0;
}

/* As libvirt tells it, in whichever thread. */
static void break_connections(void)
{
    GHashTableIter iter;
    gpointer connect, value;

    g_mutex_lock(&closing.lock);
    g_hash_table_iter_init(&iter, closing.callbacks);
    while (g_hash_table_iter_next(&iter, &connect, &value)) {
        const CloseCallback *callback = value;

        callback->function(connect, VIR_CONNECT_CLOSE_REASON_EOF, callback->opaque);
    }
    g_mutex_unlock(&closing.lock);
}

typedef struct Connecting {
    WorkerPool *pool;
    Hypervisor *hypervisor;
    bool late;
} Connecting;

static void state_changed(Hypervisor *hypervisor, void *userdata)
{
}

static void machine_touched(Hypervisor *hypervisor, const char *uuid, void *userdata)
{
}

static const HypervisorEvents events = { .state_changed = state_changed, .machine_touched = machine_touched };

static Connecting *connect_to(const char *uri)
{
    Connecting *self = g_new0(Connecting, 1);

    self->pool = worker_pool_new(2, NULL, NULL);
    self->hypervisor = libvirt_hypervisor_new(uri, self->pool);
    self->hypervisor->events = &events;
    self->hypervisor->events_userdata = self;
    self->hypervisor->ops->start(self->hypervisor);
    return self;
}

static void disconnect(Connecting *self)
{
    worker_pool_free(self->pool);
    self->hypervisor->ops->free(self->hypervisor);
    g_free(self);
}

static gboolean too_late(gpointer late)
{
    *(bool *)late = true;
    return G_SOURCE_REMOVE;
}

static guint begin_deadline(Connecting *self)
{
    GSource *source = g_timeout_source_new_seconds(DEADLINE_S);

    g_source_set_callback(source, too_late, &self->late, NULL);
    return g_source_attach(source, NULL);
}

static void run_until_connected(Connecting *self)
{
    guint deadline = begin_deadline(self);

    while (self->hypervisor->state != HYPERVISOR_STATE_CONNECTED && !self->late)
        g_main_context_iteration(NULL, TRUE);
    if (self->late)
        fail_msg("not connected within %d s", DEADLINE_S);
    g_source_remove(deadline);
}

static void run_until_failed(Connecting *self)
{
    guint deadline = begin_deadline(self);

    retry.function = NULL;
    while (!retry.function && !self->late)
        g_main_context_iteration(NULL, TRUE);
    if (self->late)
        fail_msg("no next try within %d s", DEADLINE_S);
    g_source_remove(deadline);
}

static void tries_come_later_and_later(void **state)
{
    static const guint delays[] = { 1, 2, 4, 8, 16, 30, 30 };
    Connecting *self = connect_to(NO_FILE);

    assert_int_equal(self->hypervisor->state, HYPERVISOR_STATE_CONNECTING);
    for (gsize i = 0; i < G_N_ELEMENTS(delays); i++) {
        run_until_failed(self);
        assert_int_equal(self->hypervisor->state, HYPERVISOR_STATE_FAILED);
        assert_non_null(self->hypervisor->state_text);
        assert_int_equal(retry.delay_s, delays[i]);
        g_source_remove_by_user_data(retry.data);
        retry.function(retry.data);
    }
    run_until_failed(self);
    disconnect(self);
}

static void a_connection_that_breaks_is_made_again(void **state)
{
    Connecting *self = connect_to("test:///default");

    run_until_connected(self);
    break_connections();
    run_until_failed(self);
    assert_int_equal(self->hypervisor->state, HYPERVISOR_STATE_CONNECTING);
    assert_string_equal(self->hypervisor->state_text, "libvirt ended the connection");
    /* It was up: the tries begin anew. */
    assert_int_equal(retry.delay_s, 1);
    g_source_remove_by_user_data(retry.data);
    retry.function(retry.data);
    run_until_connected(self);
    assert_null(self->hypervisor->state_text);
    disconnect(self);
}

static void machines_are_listed_and_read(void **state)
{
    Connecting *self = connect_to("test:///default");
    const HypervisorOps *ops = self->hypervisor->ops;
    g_autoptr(GPtrArray) machines = NULL;
    g_autoptr(MachineInfo) info = NULL;
    g_autoptr(GError) error = NULL;
    const MachineInfo *listed;

    run_until_connected(self);
    machines = ops->list(self->hypervisor, &error);
    assert_null(error);
    assert_int_equal(machines->len, 1);
    listed = machines->pdata[0];
    assert_string_equal(listed->name, TEST_NAME);
    assert_int_equal(listed->state, MACHINE_STATE_RUNNING);
    assert_true(listed->domain_id > 0);
    info = ops->inspect(self->hypervisor, listed->uuid, &error);
    assert_null(error);
    assert_string_equal(info->uuid, listed->uuid);
    assert_int_equal(info->domain_id, listed->domain_id);
    assert_int_equal(info->hostdevs->len, 0);
    disconnect(self);
}

static void stop(const char *uuid)
{
    virConnectPtr connect = virConnectOpen("test:///default");
    virDomainPtr domain = virDomainLookupByUUIDString(connect, uuid);

    assert_int_equal(virDomainDestroy(domain), 0);
    virDomainFree(domain);
    virConnectClose(connect);
}

static void assert_controllers(Hypervisor *hypervisor, const char *uuid, MachineState state, const char *now,
                               const char *pending)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MachineInfo) info = hypervisor->ops->inspect(hypervisor, uuid, &error);

    assert_null(error);
    assert_int_equal(info->state, state);
    assert_string_equal(info->usb_controller, now);
    assert_string_equal(info->pending_controller, pending);
}

/* The test driver keeps what is stored apart from what runs, as others do. */
static void another_controller_comes_with_the_next_start(void **state)
{
    Connecting *self = connect_to("test:///default");
    Hypervisor *hypervisor = self->hypervisor;
    const HypervisorOps *ops = hypervisor->ops;
    g_autoptr(GPtrArray) machines = NULL;
    const char *uuid;

    run_until_connected(self);
    machines = ops->list(hypervisor, NULL);
    uuid = ((const MachineInfo *)machines->pdata[0])->uuid;
    assert_controllers(hypervisor, uuid, MACHINE_STATE_RUNNING, "", "");
    assert_true(ops->set_usb_controller(hypervisor, uuid, "usb-ehci", NULL));
    assert_controllers(hypervisor, uuid, MACHINE_STATE_RUNNING, "", "ich9-ehci1");
    /* It runs. */
    assert_true(ops->start_machine(hypervisor, uuid, NULL));
    assert_controllers(hypervisor, uuid, MACHINE_STATE_RUNNING, "", "ich9-ehci1");
    stop(uuid);
    assert_controllers(hypervisor, uuid, MACHINE_STATE_SHUTOFF, "ich9-ehci1", "");
    assert_true(ops->start_machine(hypervisor, uuid, NULL));
    assert_controllers(hypervisor, uuid, MACHINE_STATE_RUNNING, "ich9-ehci1", "");
    /* More ports are another controller as well. */
    assert_true(ops->set_usb_controller(hypervisor, uuid, "qemu-xhci", NULL));
    assert_controllers(hypervisor, uuid, MACHINE_STATE_RUNNING, "ich9-ehci1", "qemu-xhci");
    assert_true(ops->set_usb_controller(hypervisor, uuid, "usb-ehci", NULL));
    assert_controllers(hypervisor, uuid, MACHINE_STATE_RUNNING, "ich9-ehci1", "");
    disconnect(self);
}

static void what_libvirt_refuses_has_a_code(void **state)
{
    Connecting *self = connect_to("test:///default");
    const HypervisorOps *ops = self->hypervisor->ops;
    g_autoptr(GError) unconnected = NULL;
    g_autoptr(GError) unknown = NULL;

    assert_null(ops->list(self->hypervisor, &unconnected));
    assert_true(g_error_matches(unconnected, FERRY_ERROR, FERRY_ERROR_HYPERVISOR));
    run_until_connected(self);
    assert_null(ops->inspect(self->hypervisor, "11111111-1111-1111-1111-111111111111", &unknown));
    assert_true(g_error_matches(unknown, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE));
    disconnect(self);
}

/* Raw texts of libvirt's are no help to anybody. */
static void what_the_machine_lacks_is_said_in_our_words(void **state)
{
#define DOMAIN(devices) "<domain type='kvm' id='1'><name>test</name><devices>" devices "</devices></domain>"
    static const struct {
        virError error;
        const char *xml;
        FerryError code;
        const char *text;
    } cases[] = {
        { { .code = VIR_ERR_CONFIG_UNSUPPORTED,
            .domain = VIR_FROM_DOMAIN,
            .message = (char *)"Domain has no USB bus support" },
          DOMAIN("<controller type='usb' model='none'/>"),
          FERRY_ERROR_NO_CONTROLLER,
          "VM \"test\" has no USB controller; " },
        { { .code = VIR_ERR_INTERNAL_ERROR,
            .domain = VIR_FROM_DOMAIN,
            .message = (char *)"No free USB ports" },
          DOMAIN("<controller type='usb' index='0' model='from-the-future' ports='1'/>"
                 "<input><address type='usb' bus='0' port='1'/></input>"),
          FERRY_ERROR_NO_FREE_PORT,
          "VM \"test\" has no free USB port; " },
        /* It may be anything else where there is one. */
        { { .code = VIR_ERR_INTERNAL_ERROR, .domain = VIR_FROM_DOMAIN, .message = (char *)"No luck" },
          DOMAIN("<controller type='usb' index='0' model='qemu-xhci'/>"),
          FERRY_ERROR_HYPERVISOR,
          "No luck" },
        { { .code = VIR_ERR_OPERATION_TIMEOUT,
            .domain = VIR_FROM_QEMU,
            .message = (char *)"cannot acquire the lock" },
          DOMAIN("<controller type='usb' index='0' model='qemu-xhci'/>"),
          FERRY_ERROR_TIMEOUT,
          "cannot acquire the lock" },
    };
#undef DOMAIN
    Connecting *self = connect_to("test:///default");
    const HypervisorOps *ops = self->hypervisor->ops;
    g_autoptr(GPtrArray) machines = NULL;
    HostdevSpec spec = { .alias = (char *)"ua-x", .bus_number = 1, .device_number = 5 };

    run_until_connected(self);
    machines = ops->list(self->hypervisor, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        virError its = cases[i].error;

        refusal.error = &its;
        refusal.xml = cases[i].xml;
        assert_false(
            ops->attach(self->hypervisor, ((const MachineInfo *)machines->pdata[0])->uuid, &spec, &error));
        if (!g_error_matches(error, FERRY_ERROR, (gint)cases[i].code) ||
            !g_str_has_prefix(error->message, cases[i].text))
            fail_msg("%s: %s", cases[i].error.message, error->message);
        refusal.just_now = false;
    }
    refusal.xml = NULL;
    disconnect(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tries_come_later_and_later),
        cmocka_unit_test(a_connection_that_breaks_is_made_again),
        cmocka_unit_test(machines_are_listed_and_read),
        cmocka_unit_test(another_controller_comes_with_the_next_start),
        cmocka_unit_test(what_libvirt_refuses_has_a_code),
        cmocka_unit_test(what_the_machine_lacks_is_said_in_our_words),
    };

    closing.callbacks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return cmocka_run_group_tests_name("libvirt-hypervisor", tests, NULL, NULL);
}
