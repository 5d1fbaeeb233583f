/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the host's name from the kernel, and has the kernel tell of changes: poll() on its file wakes up for
 * each. */

#include "daemon/manager/node.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/manager/internal.h"

#define HOSTNAME_FILE "/proc/sys/kernel/hostname"

char *node_read(void)
{
    char name[HOST_NAME_MAX + 1] = "";

    (void)gethostname(name, sizeof name - 1);
    return text_sanitize(name, HOST_NAME_MAX);
}

void node_look(Manager *self)
{
    g_autofree char *name = node_read();

    if (g_str_equal(name, self->registry->node))
        return;
    log_notice("this host is called %s now, not %s: rules with node= are looked at again", name,
               self->registry->node);
    text_replace(&self->registry->node, name);
    registry_report(self->registry, OBJECT_MANAGER, "", MANAGER_FIELD_NODE);
    memberships_rebuild(self->memberships);
    reconciler_kick(self->reconciler);
}

static gboolean name_changed(int fd, GIOCondition condition, gpointer userdata)
{
    node_look(userdata);
    return G_SOURCE_CONTINUE;
}

/* Where the kernel doesn't say it, the name is looked at with each reload. */
void node_watch(Manager *self)
{
    self->node_file = open(HOSTNAME_FILE, O_RDONLY | O_CLOEXEC);
    if (self->node_file >= 0)
        self->node_source = g_unix_fd_add(self->node_file, G_IO_PRI | G_IO_ERR, name_changed, self);
}

void node_unwatch(Manager *self)
{
    if (!self->node_source)
        return;
    g_clear_handle_id(&self->node_source, g_source_remove);
    close(self->node_file);
}
