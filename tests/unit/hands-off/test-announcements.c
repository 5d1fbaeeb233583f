/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When udev has read the rules, and what it is told of devices after that. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/hands-off/announcements.h"
#include "tests/unit/fixture.h"
#include "tests/unit/reconciler/fake-hypervisor.h"

#define RULES_QUEUE "udev-rules"
#define DEVICE      "1-1"
#define OF_DEVICE   "udev-of-" DEVICE

static gint announced; /* by workers */

static bool read_rules(GError **error)
{
    return true;
}

static bool announce(const char *syspath, const char *waits, GError **error)
{
    g_atomic_int_inc(&announced);
    return true;
}

static const UsbOps usb = { .read_rules = read_rules, .announce = announce };

typedef struct Announced {
    Fixture *fixture;
    WorkerPool *pool;
    Announcements *announcements;
    bool changed;
} Announced;

static void note_change(void *userdata)
{
    ((Announced *)userdata)->changed = true;
}

static int set_up(void **state)
{
    Announced *self = g_new0(Announced, 1);
    void *fixture = NULL;

    fixture_setup(&fixture);
    self->fixture = fixture;
    fixture_plug(self->fixture, fixture_make_device(self->fixture, DEVICE, 0x0781, 0x5567, "S-1"));
    self->pool = fake_hypervisor_pool();
    self->announcements = announcements_new(self->fixture->registry, self->pool, &usb, note_change, self);
    g_atomic_int_set(&announced, 0);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Announced *self = *state;
    void *fixture = self->fixture;

    announcements_free(self->announcements);
    worker_pool_free(self->pool);
    fixture_teardown(&fixture);
    g_free(self);
    return 0;
}

static gpointer do_nothing(gpointer input, GError **error)
{
    return NULL;
}

static void note_end(gpointer output, const GError *error, void *userdata)
{
    *(bool *)userdata = true;
}

/* Until all that was pushed to the queue so far has come back. */
static void wait_queue(Announced *self, const char *queue)
{
    enum { LONG_MS = 60000 };
    bool over = false;

    worker_pool_push(
        self->pool,
        &(WorkerJob){
            .queue = queue, .deadline_ms = LONG_MS, .run = do_nothing, .done = note_end, .userdata = &over });
    fake_hypervisor_wait(&over);
}

static int turn(Announced *self)
{
    g_autoptr(Waiting) waiting = NULL;

    fixture_look(self->fixture);
    waiting = waiting_new(self->fixture->allocation, false);
    announcements_turn(self->announcements, self->fixture->allocation, waiting);
    wait_queue(self, OF_DEVICE);
    return g_atomic_int_get(&announced);
}

/* The turn that ends the settling says everything, so that none is asked for before it. */
static void test_while_the_service_settles(void **state)
{
    Announced *self = *state;

    self->fixture->registry->settling = true;
    announcements_rules_changed(self->announcements);
    wait_queue(self, RULES_QUEUE);
    assert_false(self->changed);
    assert_int_equal(turn(self), 0);
    self->fixture->registry->settling = false;
    assert_int_equal(turn(self), 1);
}

static void test_when_it_has_settled(void **state)
{
    Announced *self = *state;

    announcements_rules_changed(self->announcements);
    assert_int_equal(turn(self), 0); /* they are being read: nobody has let that come back */
    fake_hypervisor_wait(&self->changed);
    assert_int_equal(turn(self), 1);
    assert_int_equal(turn(self), 1); /* once */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_while_the_service_settles),
        TEST(test_when_it_has_settled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
