/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors and timers of libvirt as sources of GLib. Called by libvirt in any thread, and by
 * libvirt-connection.c to open a connection. */

#include "daemon/hypervisor/libvirt-events.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <unistd.h>

#define NO_FD (-1)

/* A descriptor or a timer. */
typedef struct Waiter {
    gatomicrefcount references; /* of the table's, its source's, and of who ends it */
    int id;
    int fd;          /* NO_FD: it is a timer */
    GSource *source; /* NULL while it waits for nothing */
    virEventHandleCallback ready;
    virEventTimeoutCallback due;
    void *opaque;
    virFreeCallback free_opaque; /* by the main loop, never inside remove: libvirt holds locks there */
} Waiter;

static GMutex lock;         /* guards what follows and the sources of waiters */
static GHashTable *waiters; /* id → Waiter, owned */
static int last_id;

/* Set while this thread opens a connection that libvirt isn't to watch: gets a copy of its descriptor. */
static _Thread_local int *unwatched;

static void waiter_unref(gpointer data)
{
    Waiter *waiter = data;

    if (!g_atomic_ref_count_dec(&waiter->references))
        return;
    if (waiter->free_opaque)
        waiter->free_opaque(waiter->opaque);
    g_free(waiter);
}

static gboolean on_ready(gint fd, GIOCondition condition, gpointer data)
{
    Waiter *waiter = data;
    int events = (condition & G_IO_IN ? VIR_EVENT_HANDLE_READABLE : 0) |
                 (condition & G_IO_OUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
                 (condition & (G_IO_ERR | G_IO_NVAL) ? VIR_EVENT_HANDLE_ERROR : 0) |
                 (condition & G_IO_HUP ? VIR_EVENT_HANDLE_HANGUP : 0);

    waiter->ready(waiter->id, fd, events, waiter->opaque);
    return G_SOURCE_CONTINUE;
}

static gboolean on_due(gpointer data)
{
    Waiter *waiter = data;

    waiter->due(waiter->id, waiter->opaque);
    return G_SOURCE_CONTINUE;
}

static GSource *descriptor_source(int fd, int events)
{
    GIOCondition condition = (events & VIR_EVENT_HANDLE_READABLE ? G_IO_IN : 0) |
                             (events & VIR_EVENT_HANDLE_WRITABLE ? G_IO_OUT : 0) |
                             (events & VIR_EVENT_HANDLE_ERROR ? G_IO_ERR : 0) |
                             (events & VIR_EVENT_HANDLE_HANGUP ? G_IO_HUP : 0);

    return condition ? g_unix_fd_source_new(fd, condition) : NULL;
}

/* With the lock; the caller has a reference of its own. */
static void wait_for_nothing(Waiter *waiter)
{
    if (waiter->source)
        g_source_destroy(waiter->source);
    g_clear_pointer(&waiter->source, g_source_unref);
}

/* what: events of a descriptor, milliseconds of a timer or less than none. With the lock. */
static void wait_for(Waiter *waiter, int what)
{
    bool timer = waiter->fd == NO_FD;

    wait_for_nothing(waiter);
    if (!timer)
        waiter->source = descriptor_source(waiter->fd, what);
    else if (what >= 0)
        waiter->source = g_timeout_source_new((guint)what);
    if (!waiter->source)
        return;
    g_atomic_ref_count_inc(&waiter->references);
    g_source_set_callback(waiter->source, timer ? on_due : G_SOURCE_FUNC(on_ready), waiter, waiter_unref);
    g_source_attach(waiter->source, NULL);
}

static int add(Waiter waiter, int what)
{
    Waiter *added = g_memdup2(&waiter, sizeof waiter);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);

    g_atomic_ref_count_init(&added->references);
    added->id = ++last_id;
    g_hash_table_insert(waiters, GINT_TO_POINTER(added->id), added);
    wait_for(added, what);
    return added->id;
}

static void update(int id, int what)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    Waiter *waiter = g_hash_table_lookup(waiters, GINT_TO_POINTER(id));

    if (waiter)
        wait_for(waiter, what);
}

static gboolean forget(gpointer data)
{
    return G_SOURCE_REMOVE;
}

/* What the waiter was given is freed by the main loop, when no callback of it runs any more. */
static int end(int id)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    gpointer waiter = NULL;

    if (!g_hash_table_steal_extended(waiters, GINT_TO_POINTER(id), NULL, &waiter))
        return -1;
    wait_for_nothing(waiter);
    g_idle_add_full(G_PRIORITY_DEFAULT, forget, waiter, waiter_unref);
    return 0;
}

/* True when libvirt isn't to watch it. Without a copy nobody could: then libvirt does. */
static bool refuse(int fd)
{
    int copy = unwatched ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : NO_FD;

    if (copy < 0)
        return false;
    if (*unwatched != NO_FD)
        close(*unwatched);
    *unwatched = copy;
    return true;
}

static int add_handle(int fd, int events, virEventHandleCallback ready, void *opaque,
                      virFreeCallback free_opaque)
{
    if (refuse(fd))
        return -1;
    return add((Waiter){ .fd = fd, .ready = ready, .opaque = opaque, .free_opaque = free_opaque }, events);
}

static int add_timeout(int milliseconds, virEventTimeoutCallback due, void *opaque,
                       virFreeCallback free_opaque)
{
    return add((Waiter){ .fd = NO_FD, .due = due, .opaque = opaque, .free_opaque = free_opaque },
               milliseconds);
}

void libvirt_events_register(void)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);

    if (waiters)
        return;
    waiters = g_hash_table_new(NULL, NULL);
    virEventRegisterImpl(add_handle, update, end, add_timeout, update, end);
}

virConnectPtr libvirt_events_open_unasked(const char *uri, int *ret_fd)
{
    int fd = NO_FD;
    virConnectPtr connect;

    unwatched = &fd;
    connect = virConnectOpen(uri);
    unwatched = NULL;
    if (connect)
        *ret_fd = fd;
    else if (fd != NO_FD)
        close(fd);
    return connect;
}
