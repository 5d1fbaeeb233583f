/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's event loop as its library sees it: by the functions that libvirt offers to others. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>
#include <libvirt/libvirt.h>

#include "daemon/hypervisor/libvirt-events.h"

#define NEVER (-1)

typedef struct Heard {
    unsigned called;
    int id, fd, events; /* of the last time */
    bool freed;
    int update_to; /* in the timer's callback */
    bool ends;
} Heard;

static void ready(int watch, int fd, int events, void *opaque)
{
    Heard *heard = opaque;

    assert_false(heard->freed);
    heard->called++;
    heard->id = watch;
    heard->fd = fd;
    heard->events = events;
    if (heard->ends)
        assert_int_equal(virEventRemoveHandle(watch), 0);
    assert_false(heard->freed);
}

static void due(int timer, void *opaque)
{
    Heard *heard = opaque;

    heard->called++;
    heard->id = timer;
    virEventUpdateTimeout(timer, heard->update_to);
}

static void free_heard(void *opaque)
{
    ((Heard *)opaque)->freed = true;
}

/* What is due now. */
static void turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void a_descriptor_is_watched_as_long_as_wanted(void **state)
{
    Heard heard = { 0 };
    int ends[2], watch;

    assert_int_equal(pipe(ends), 0);
    watch = virEventAddHandle(ends[0], VIR_EVENT_HANDLE_READABLE, ready, &heard, free_heard);
    assert_true(watch > 0);
    turn();
    assert_int_equal(heard.called, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_true(g_main_context_iteration(NULL, FALSE));
    assert_int_equal(heard.called, 1);
    assert_int_equal(heard.id, watch);
    assert_int_equal(heard.fd, ends[0]);
    assert_int_equal(heard.events, VIR_EVENT_HANDLE_READABLE);

    virEventUpdateHandle(watch, 0);
    turn();
    assert_int_equal(heard.called, 1);
    virEventUpdateHandle(watch, VIR_EVENT_HANDLE_READABLE);
    assert_true(g_main_context_iteration(NULL, FALSE));
    assert_int_equal(heard.called, 2);

    /* What it was given is freed later: libvirt holds its locks while it removes. */
    assert_int_equal(virEventRemoveHandle(watch), 0);
    assert_false(heard.freed);
    turn();
    assert_true(heard.freed);
    assert_int_equal(heard.called, 2);
    assert_int_equal(virEventRemoveHandle(watch), -1);
    virEventUpdateHandle(watch, VIR_EVENT_HANDLE_READABLE);
    turn();
    assert_int_equal(heard.called, 2);
    close(ends[0]);
    close(ends[1]);
}

static void a_descriptor_that_is_hung_up_is_told(void **state)
{
    Heard heard = { .ends = true };
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    close(ends[1]);
    (void)virEventAddHandle(ends[0], VIR_EVENT_HANDLE_READABLE, ready, &heard, free_heard);
    turn();
    assert_int_equal(heard.called, 1);
    assert_int_equal(heard.events, VIR_EVENT_HANDLE_HANGUP);
    assert_true(heard.freed);
    close(ends[0]);
}

static void a_timer_is_due_until_it_is_stopped(void **state)
{
    Heard heard = { .update_to = 0 };
    int timer = virEventAddTimeout(NEVER, due, &heard, free_heard);

    assert_true(timer > 0);
    turn();
    assert_int_equal(heard.called, 0);
    virEventUpdateTimeout(timer, 0);
    assert_true(g_main_context_iteration(NULL, FALSE));
    assert_true(g_main_context_iteration(NULL, FALSE));
    assert_true(heard.called >= 1);
    assert_int_equal(heard.id, timer);
    heard.update_to = NEVER;
    turn();
    heard.called = 0;
    turn();
    assert_int_equal(heard.called, 0);
    assert_int_equal(virEventRemoveTimeout(timer), 0);
    turn();
    assert_true(heard.freed);
}

#define TIMERS 2000

/* Atomic. */
typedef struct Gone {
    gint freed;
    gint refused; /* it couldn't be removed */
} Gone;

static void count_freed(void *opaque)
{
    g_atomic_int_inc(&((Gone *)opaque)->freed);
}

static void nothing(int timer, void *opaque)
{
}

static gpointer come_and_go(gpointer userdata)
{
    Gone *gone = userdata;

    for (unsigned i = 0; i < TIMERS; i++) {
        int timer = virEventAddTimeout(0, nothing, gone, count_freed);

        virEventUpdateTimeout(timer, NEVER);
        virEventUpdateTimeout(timer, 0);
        if (virEventRemoveTimeout(timer) != 0)
            g_atomic_int_inc(&gone->refused);
    }
    return NULL;
}

/* libvirt's calls come in any thread. */
static void another_thread_may_do_all_that(void **state)
{
    Gone gone = { 0 };
    GThread *thread = g_thread_new("come-and-go", come_and_go, &gone);

    while (g_atomic_int_get(&gone.freed) + g_atomic_int_get(&gone.refused) < TIMERS)
        g_main_context_iteration(NULL, TRUE);
    g_thread_join(thread);
    turn();
    assert_int_equal(gone.freed, TIMERS);
}

/* A driver that works in this process needs no descriptor; what it tells comes by a timer. */
static void without_a_socket_there_is_no_descriptor(void **state)
{
    int fd = 0;
    virConnectPtr connect = libvirt_events_open_unasked("test:///default", &fd);

    assert_non_null(connect);
    assert_int_equal(fd, -1);
    virConnectClose(connect);
}

static void what_cannot_be_opened_is_none(void **state)
{
    int fd = 0;

    assert_null(libvirt_events_open_unasked("test:///nowhere/ferry.xml", &fd));
    assert_int_equal(fd, 0);
}

static int register_once(void **state)
{
    libvirt_events_register();
    libvirt_events_register();
    return virInitialize();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_is_watched_as_long_as_wanted),
        cmocka_unit_test(a_descriptor_that_is_hung_up_is_told),
        cmocka_unit_test(a_timer_is_due_until_it_is_stopped),
        cmocka_unit_test(another_thread_may_do_all_that),
        cmocka_unit_test(without_a_socket_there_is_no_descriptor),
        cmocka_unit_test(what_cannot_be_opened_is_none),
    };

    return cmocka_run_group_tests(tests, register_once, NULL);
}
