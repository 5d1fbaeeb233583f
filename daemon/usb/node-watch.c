/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inotify in the main loop. Called by the reconciler's witness; touches no device. */

#include "daemon/usb/node-watch.h"

#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Events without names; what doesn't fit is read next. */
#define EVENTS_MAX 64

struct NodeWatch {
    void (*closed)(unsigned bus_number, unsigned device_number, void *userdata);
    void *userdata;
    char *folder;
    int fd;
    guint source;
    GHashTable *numbers; /* watch descriptor → number */
    GHashTable *watches; /* number → watch descriptor */
};

#define DEVICE_NUMBER_BITS 16

static gpointer number_of(unsigned bus_number, unsigned device_number)
{
    return GUINT_TO_POINTER(bus_number << DEVICE_NUMBER_BITS | device_number);
}

static void forget(NodeWatch *self, int descriptor)
{
    gpointer number = g_hash_table_lookup(self->numbers, GINT_TO_POINTER(descriptor));

    g_hash_table_remove(self->numbers, GINT_TO_POINTER(descriptor));
    if (number)
        g_hash_table_remove(self->watches, number);
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer userdata)
{
    NodeWatch *self = userdata;
    struct inotify_event events[EVENTS_MAX];
    ssize_t length = read(fd, events, sizeof events);

    for (gsize i = 0; length > 0 && i < (gsize)length / sizeof *events; i++) {
        guint number = GPOINTER_TO_UINT(g_hash_table_lookup(self->numbers, GINT_TO_POINTER(events[i].wd)));

        if (events[i].mask & IN_IGNORED)
            forget(self, events[i].wd);
        else if (number)
            self->closed(number >> DEVICE_NUMBER_BITS, number & ((1u << DEVICE_NUMBER_BITS) - 1),
                         self->userdata);
    }
    return G_SOURCE_CONTINUE;
}

NodeWatch *node_watch_new(const char *folder,
                          void (*closed)(unsigned bus_number, unsigned device_number, void *userdata),
                          void *userdata)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    NodeWatch *self;

    if (fd < 0)
        return NULL;
    self = g_new0(NodeWatch, 1);
    self->closed = closed;
    self->userdata = userdata;
    self->folder = g_strdup(folder);
    self->fd = fd;
    self->numbers = g_hash_table_new(NULL, NULL);
    self->watches = g_hash_table_new(NULL, NULL);
    self->source = g_unix_fd_add(fd, G_IO_IN, on_readable, self);
    return self;
}

NodeWatch *node_watch_free(NodeWatch *self)
{
    if (!self)
        return NULL;
    g_source_remove(self->source);
    close(self->fd);
    g_hash_table_unref(self->numbers);
    g_hash_table_unref(self->watches);
    g_free(self->folder);
    g_free(self);
    return NULL;
}

void node_watch_add(NodeWatch *self, unsigned bus_number, unsigned device_number)
{
    g_autofree char *node = NULL;
    gpointer number = number_of(bus_number, device_number);
    int descriptor;

    if (!self || g_hash_table_contains(self->watches, number))
        return;
    node = g_strdup_printf("%s/%03u/%03u", self->folder, bus_number, device_number);
    descriptor = inotify_add_watch(self->fd, node, IN_CLOSE);
    if (descriptor < 0)
        return;
    g_hash_table_insert(self->watches, number, GINT_TO_POINTER(descriptor));
    g_hash_table_insert(self->numbers, GINT_TO_POINTER(descriptor), number);
}

void node_watch_remove(NodeWatch *self, unsigned bus_number, unsigned device_number)
{
    gpointer descriptor;

    if (!self ||
        !g_hash_table_lookup_extended(self->watches, number_of(bus_number, device_number), NULL, &descriptor))
        return;
    inotify_rm_watch(self->fd, GPOINTER_TO_INT(descriptor));
    forget(self, GPOINTER_TO_INT(descriptor));
}
