/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection to libvirt and its callbacks. Domain events come in the main thread; the close callback comes
 * in whichever thread happens to read the socket. */

#include "daemon/hypervisor/libvirt-connection.h"

#include <glib-unix.h>
#include <libvirt/virterror.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/hypervisor/libvirt-events.h"

/* A libvirtd that says nothing for 20 s to a connection for calls is given up. The one that only listens
 * isn't kept alive, by neither side: libvirt is on this host, and the end of its process ends the connection.
 */
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT      3
#define READ_DEADLINE_MS     (20 * 1000)

#define NO_CALLBACK (-1)

enum {
    EVENT_LIFECYCLE,
    EVENT_DEVICE_ADDED,
    EVENT_DEVICE_REMOVED,
    EVENT_DEVICE_REMOVAL_FAILED,
    EVENT_METADATA,
    _EVENT_MAX,
};

/* So many connections wait for calls, at most: as many as calls run side by side while nothing hangs. Those
 * that no call needed for a while are closed: libvirt asks each every 5 s whether it is still there. */
#define STOCK_MAX    4
#define STOCK_IDLE_S 10

struct Connection {
    gatomicrefcount references;
    char *uri;
    virConnectPtr connect; /* NULL once closed */
    int fd;                /* of its socket, a copy; -1 where it has none */
    GSource *watch;        /* of fd, until it can be read */
    WorkerPool *pool;      /* reads it */
    GMutex reading;        /* held for calls on connect: two threads at once are too many, see the header */
    Link *link;
    bool watched; /* has the close callback */
    int callbacks[_EVENT_MAX];

    GMutex lock;
    bool closed;      /* nothing is given back to the stock any more, or read */
    bool trimmed;     /* stock_idle() is going to look at the stock */
    GPtrArray *stock; /* of virConnectPtr; the last one is borrowed first */
    guint spare;      /* so many of them were there all the time since it looked last: nobody needed them */
};

Link *link_new(const LinkEvents *events, void *owner)
{
    Link *link = g_new0(Link, 1);

    g_atomic_ref_count_init(&link->references);
    link->events = events;
    link->owner = owner;
    return link;
}

Link *link_ref(Link *link)
{
    g_atomic_ref_count_inc(&link->references);
    return link;
}

void link_unref(gpointer data)
{
    Link *link = data;

    if (g_atomic_ref_count_dec(&link->references))
        g_free(link);
}

/* Codes are coarse and texts come in the language of libvirtd: only what code and domain make clear. */
static FerryError classify(const virError *error)
{
    switch (error->code) {
    case VIR_ERR_NO_DOMAIN:
        return FERRY_ERROR_NO_SUCH_MACHINE;
    case VIR_ERR_OPERATION_INVALID:
        /* "USB device 001:005 is in use by driver QEMU, domain vm1"; from other parts of libvirt it is
         * "domain is not running" and the like. */
        return error->domain == VIR_FROM_NONE ? FERRY_ERROR_DEVICE_BUSY : FERRY_ERROR_HYPERVISOR;
    default:
        return FERRY_ERROR_HYPERVISOR;
    }
}

GError *connection_take_error(void)
{
    const virError *error = virGetLastError();
    g_autofree char *text = NULL;

    if (!error || error->code == VIR_ERR_OK)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "libvirt failed without saying why");
    text = text_sanitize(error->message, TEXT_MAX);
    return g_error_new(FERRY_ERROR, (gint)classify(error), "%s", text);
}

static void touch(Link *link, virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (link->owner && virDomainGetUUIDString(domain, uuid) == 0)
        link->events->touched(link->owner, uuid);
}

static int on_lifecycle(virConnectPtr connect, virDomainPtr domain, int event, int detail, void *userdata)
{
    touch(userdata, domain);
    return 0;
}

/* DEVICE_ADDED, DEVICE_REMOVED, DEVICE_REMOVAL_FAILED */
static void on_device(virConnectPtr connect, virDomainPtr domain, const char *alias, void *userdata)
{
    touch(userdata, domain);
}

/* Its title, or its description. */
static void on_metadata(virConnectPtr connect, virDomainPtr domain, int type, const char *uri, void *userdata)
{
    touch(userdata, domain);
}

typedef struct Loss {
    Link *link;
    int reason;
} Loss;

static void loss_free(gpointer data)
{
    Loss *loss = data;

    link_unref(loss->link);
    g_free(loss);
}

static const char *describe_loss(int reason)
{
    switch (reason) {
    case VIR_CONNECT_CLOSE_REASON_EOF:
        return "libvirt ended the connection";
    case VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
        return "libvirt does not answer any more";
    default:
        return "the connection to libvirt broke";
    }
}

/* Main thread. May come after we have given up ourselves. */
static gboolean tell_loss(gpointer data)
{
    const Loss *loss = data;

    if (loss->link->owner)
        loss->link->events->lost(loss->link->owner, describe_loss(loss->reason));
    return G_SOURCE_REMOVE;
}

/* Any thread. */
static void tell_loss_soon(Link *link, int reason)
{
    Loss *loss = g_new0(Loss, 1);

    loss->link = link_ref(link);
    loss->reason = reason;
    g_idle_add_full(G_PRIORITY_DEFAULT, tell_loss, loss, loss_free);
}

/* Any thread: whichever happens to read the socket. libvirt holds a lock. */
static void on_close(virConnectPtr connect, int reason, void *userdata)
{
    tell_loss_soon(userdata, reason);
}

Connection *connection_ref(Connection *connection)
{
    g_atomic_ref_count_inc(&connection->references);
    return connection;
}

void connection_unref(gpointer data)
{
    Connection *connection = data;

    if (!g_atomic_ref_count_dec(&connection->references))
        return;
    link_unref(connection->link);
    g_ptr_array_unref(connection->stock);
    g_mutex_clear(&connection->reading);
    g_mutex_clear(&connection->lock);
    g_free(connection->uri);
    g_free(connection);
}

/* With the lock; the caller has a reference of its own. */
static void stop_watching(Connection *connection)
{
    if (connection->watch)
        g_source_destroy(connection->watch);
    g_clear_pointer(&connection->watch, g_source_unref);
}

static void connection_close(Connection *connection)
{
    g_autoptr(GPtrArray) stock = NULL;

    g_mutex_lock(&connection->lock);
    connection->closed = true;
    stop_watching(connection);
    if (connection->fd >= 0) /* or libvirtd would see no end of it */
        close(connection->fd);
    connection->fd = -1;
    stock = connection->stock;
    connection->stock = g_ptr_array_new();
    connection->spare = 0;
    g_mutex_unlock(&connection->lock);
    for (guint i = 0; i < stock->len; i++)
        (void)virConnectClose(stock->pdata[i]);

    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connection->reading);
    if (!connection->connect)
        return;
    for (int i = 0; i < _EVENT_MAX; i++)
        if (connection->callbacks[i] != NO_CALLBACK)
            (void)virConnectDomainEventDeregisterAny(connection->connect, connection->callbacks[i]);
    /* Fails on a dead connection, but not before on_close() has come back in whichever thread has it. */
    if (connection->watched)
        (void)virConnectUnregisterCloseCallback(connection->connect, on_close);
    (void)virConnectClose(g_steal_pointer(&connection->connect));
}

static gpointer close_thread(gpointer connection)
{
    connection_close(connection);
    connection_unref(connection);
    return NULL;
}

/* Not in the pool of workers: that may be gone already. */
void connection_close_elsewhere(gpointer connection)
{
    g_autoptr(GError) error = NULL;
    GThread *thread = g_thread_try_new("libvirt-close", close_thread, connection, &error);

    if (thread)
        g_thread_unref(thread);
    else
        log_warning("a connection to libvirt stays open: %s", error->message);
}

static bool register_event(Connection *connection, int slot, int event,
                           virConnectDomainEventGenericCallback function)
{
    Link *link = link_ref(connection->link);

    connection->callbacks[slot] =
        virConnectDomainEventRegisterAny(connection->connect, NULL, event, function, link, link_unref);
    if (connection->callbacks[slot] != NO_CALLBACK)
        return true;
    link_unref(link);
    return false;
}

/* Before anybody asks for machines: what changes from then on is heard. */
static bool connection_listen(Connection *connection)
{
    Link *link = link_ref(connection->link);

    connection->watched =
        virConnectRegisterCloseCallback(connection->connect, on_close, link, link_unref) == 0;
    if (!connection->watched)
        link_unref(link);
    return register_event(connection, EVENT_LIFECYCLE, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                          VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)) &&
           register_event(connection, EVENT_DEVICE_ADDED, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
                          VIR_DOMAIN_EVENT_CALLBACK(on_device)) &&
           register_event(connection, EVENT_DEVICE_REMOVED, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
                          VIR_DOMAIN_EVENT_CALLBACK(on_device)) &&
           register_event(connection, EVENT_METADATA, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                          VIR_DOMAIN_EVENT_CALLBACK(on_metadata)) &&
           register_event(connection, EVENT_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
                          VIR_DOMAIN_EVENT_CALLBACK(on_device));
}

/* For calls. Once kept alive it stays so: libvirt can't begin that a second time. */
static virConnectPtr open_for_calls(const char *uri)
{
    virConnectPtr connect = virConnectOpen(uri);

    /* Not every driver has it: those that run inside this process need none. */
    if (connect)
        (void)virConnectSetKeepAlive(connect, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT);
    return connect;
}

Connection *connection_open(const char *uri, Link *link, GError **error)
{
    Connection *connection = g_new0(Connection, 1);

    g_atomic_ref_count_init(&connection->references);
    connection->uri = g_strdup(uri);
    connection->link = link_ref(link);
    g_mutex_init(&connection->lock);
    g_mutex_init(&connection->reading);
    connection->stock = g_ptr_array_new();
    connection->fd = -1;
    for (int i = 0; i < _EVENT_MAX; i++)
        connection->callbacks[i] = NO_CALLBACK;
    connection->connect = libvirt_events_open_unasked(uri, &connection->fd);
    if (connection->connect && connection_listen(connection))
        return connection;
    g_propagate_error(error, connection_take_error());
    connection_close(connection);
    connection_unref(connection);
    return NULL;
}

static bool is_closed(Connection *connection)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connection->lock);

    return connection->closed;
}

/* Worker, one at a time: whoever else calls is closing it. Any call reads what came before its answer; this
 * one changes nothing, and may be refused. */
static gpointer read_run(gpointer input, GError **error)
{
    Connection *connection = input;
    unsigned long version;

    if (!g_mutex_trylock(&connection->reading))
        return NULL;
    if (!is_closed(connection)) {
        (void)virConnectGetLibVersion(connection->connect, &version);
        if (virConnectIsAlive(connection->connect) != 1)
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "%s",
                        describe_loss(VIR_CONNECT_CLOSE_REASON_EOF));
    }
    g_mutex_unlock(&connection->reading);
    return NULL;
}

static void watch(Connection *connection);

static void read_done(gpointer output, const GError *error, void *userdata)
{
    Connection *connection = userdata;
    Link *link = connection->link;

    if (!error)
        watch(connection);
    else if (link->owner)
        link->events->lost(link->owner, g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT)
                                            ? describe_loss(VIR_CONNECT_CLOSE_REASON_KEEPALIVE)
                                            : error->message);
    connection_unref(connection);
}

static void read_soon(Connection *connection)
{
    /* Its own: what another connection still waits for delays nothing. */
    g_autofree char *queue = g_strdup_printf("libvirt-read-%p", (void *)connection);

    worker_pool_push(connection->pool, &(WorkerJob){
                                           .queue = queue,
                                           .deadline_ms = READ_DEADLINE_MS,
                                           .run = read_run,
                                           .input = connection_ref(connection),
                                           .free_input = connection_unref,
                                           .done = read_done,
                                           .userdata = connection_ref(connection),
                                           .free_userdata = connection_unref,
                                       });
}

/* The end needs no reading: all machines are listed by the next connection. */
static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
    Connection *connection = data;
    Link *link = connection->link;

    if (link->owner && condition & (G_IO_HUP | G_IO_ERR | G_IO_NVAL))
        link->events->lost(link->owner, describe_loss(VIR_CONNECT_CLOSE_REASON_EOF));
    else if (link->owner)
        read_soon(connection);
    return G_SOURCE_REMOVE;
}

/* Main thread. One-shot: while a worker reads, the next read takes what comes. */
static void watch(Connection *connection)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&connection->lock);

    stop_watching(connection);
    if (connection->closed || connection->fd < 0)
        return;
    connection->watch = g_unix_fd_source_new(connection->fd, G_IO_IN);
    g_source_set_callback(connection->watch, G_SOURCE_FUNC(on_readable), connection_ref(connection),
                          connection_unref);
    g_source_attach(connection->watch, NULL);
}

void connection_begin(Connection *connection, WorkerPool *pool)
{
    connection->pool = pool;
    watch(connection);
}

virConnectPtr connection_borrow(Connection *connection, GError **error)
{
    virConnectPtr connect = NULL;

    g_mutex_lock(&connection->lock);
    if (connection->stock->len > 0)
        connect = g_ptr_array_steal_index_fast(connection->stock, connection->stock->len - 1);
    connection->spare = MIN(connection->spare, connection->stock->len);
    g_mutex_unlock(&connection->lock);
    if (!connect)
        connect = open_for_calls(connection->uri);
    if (!connect)
        g_propagate_error(error, connection_take_error());
    return connect;
}

static void close_connect(gpointer connect)
{
    (void)virConnectClose(connect);
}

static gpointer close_stock_thread(gpointer stock)
{
    g_ptr_array_set_free_func(stock, close_connect);
    g_ptr_array_unref(stock);
    return NULL;
}

/* Main thread, which can't wait for libvirt's goodbye. */
static gboolean stock_idle(gpointer data)
{
    Connection *connection = data;
    GPtrArray *spare = g_ptr_array_new();
    GThread *thread = NULL;

    g_mutex_lock(&connection->lock);
    for (guint i = 0; i < connection->spare; i++)
        g_ptr_array_add(spare, connection->stock->pdata[i]);
    if (spare->len > 0)
        thread = g_thread_try_new("libvirt-close", close_stock_thread, spare, NULL);
    if (thread) {
        g_thread_unref(thread);
        g_ptr_array_remove_range(connection->stock, 0, connection->spare);
    } else
        g_ptr_array_unref(spare);
    connection->spare = connection->stock->len;
    connection->trimmed = connection->stock->len > 0;
    bool goes_on = connection->trimmed;
    g_mutex_unlock(&connection->lock);
    return goes_on ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

void connection_give_back(Connection *connection, virConnectPtr connect)
{
    bool alive = virConnectIsAlive(connect) == 1;

    if (!alive)
        tell_loss_soon(connection->link, VIR_CONNECT_CLOSE_REASON_ERROR);
    g_mutex_lock(&connection->lock);
    if (alive && !connection->closed && connection->stock->len < STOCK_MAX)
        g_ptr_array_add(connection->stock, g_steal_pointer(&connect));
    if (connection->stock->len > 0 && !connection->trimmed) {
        connection->trimmed = true;
        connection->spare = connection->stock->len;
        g_timeout_add_seconds_full(G_PRIORITY_LOW, STOCK_IDLE_S, stock_idle, connection_ref(connection),
                                   connection_unref);
    }
    g_mutex_unlock(&connection->lock);
    if (connect)
        (void)virConnectClose(connect);
}

static void ignore_error(void *userdata, virErrorPtr error)
{
}

void connection_init(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    libvirt_events_register();
    (void)virInitialize();
    /* Errors are told by us, not by libvirt on stderr. */
    virSetErrorFunc(NULL, ignore_error);
}
