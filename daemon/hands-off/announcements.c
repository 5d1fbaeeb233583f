/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One job at a time that has the rules read, then one for each device whose record may be another one than
 * they say. Called by hands-off.c; workers run run_read() and run_announce(), which touch nothing but their
 * copies. */

#include "daemon/hands-off/announcements.h"

#include <string.h>

#include "daemon/base/log.h"
#include "daemon/guards/host-use.h"
#include "daemon/usb/udev-daemon.h"

#define RULES_QUEUE   "udev-rules"
#define DEVICE_PREFIX "udev-of-"

/* udevd may have much to do. */
#define JOB_MS 15000

/* What an enumeration was told last. */
typedef struct Told {
    uint64_t instance;
    bool waits;
} Told;

struct Announcements {
    Registry *registry;
    WorkerPool *pool;
    const UsbOps *usb;
    void (*changed)(void *userdata);
    void *userdata;
    GHashTable *told;               /* sysname → Told, both owned */
    bool failed;                    /* the last one to read them */
    unsigned wanted, reading, read; /* versions of the rules; reading = wanted or the one before */
};

typedef struct Job {
    const UsbOps *usb;
    char *syspath;
    const char *waits; /* static */
} Job;

static void job_free(gpointer data)
{
    Job *job = data;

    g_free(job->syspath);
    g_free(job);
}

/* ------------------------------------------------------------------ the rules */

static gpointer run_read(gpointer input, GError **error)
{
    const Job *job = input;

    return job->usb->read_rules(error) ? g_strdup("") : NULL;
}

static void begin_reading(Announcements *self);

static void have_read(gpointer output, const GError *error, void *userdata)
{
    Announcements *self = userdata;
    g_autofree char *ok = output;

    /* udevd looks at its folders by itself, only later. Told once, not with every plug. */
    if (!ok && !self->failed)
        log_warning("udevd was not told of devices that wait for a VM: %s", error->message);
    self->failed = !ok;
    self->read = self->reading;
    if (self->read != self->wanted)
        begin_reading(self);
    else if (!self->registry->settling) /* a turn says that it is over, and announces */
        self->changed(self->userdata);
}

static void begin_reading(Announcements *self)
{
    Job *job = g_new0(Job, 1);

    job->usb = self->usb;
    self->reading = self->wanted;
    worker_pool_push(self->pool, &(WorkerJob){ .queue = RULES_QUEUE,
                                               .deadline_ms = JOB_MS,
                                               .run = run_read,
                                               .input = job,
                                               .free_input = job_free,
                                               .free_output = g_free,
                                               .done = have_read,
                                               .userdata = self });
}

void announcements_rules_changed(Announcements *self)
{
    bool is_reading = self->reading != self->read;

    self->wanted++;
    if (!is_reading)
        begin_reading(self);
}

/* ------------------------------------------------------------------ devices */

static gpointer run_announce(gpointer input, GError **error)
{
    const Job *job = input;

    return job->usb->announce(job->syspath, job->waits, error) ? g_strdup("") : NULL;
}

static void announced(gpointer output, const GError *error, void *userdata)
{
    g_autofree char *ok = output, *sysname = userdata;

    if (!ok)
        log_object(G_LOG_LEVEL_WARNING, sysname, NULL, NULL,
                   "udevd could not be told that %s waits for a VM, or does so no longer: %s", sysname,
                   error->message);
}

static void announce(Announcements *self, const Device *device, const char *waits)
{
    g_autofree char *queue = g_strconcat(DEVICE_PREFIX, device->sysname, NULL);
    Job *job = g_new0(Job, 1);

    job->usb = self->usb;
    job->syspath = g_strdup(device->syspath);
    job->waits = waits;
    worker_pool_push(self->pool, &(WorkerJob){ .queue = queue,
                                               .deadline_ms = JOB_MS,
                                               .run = run_announce,
                                               .input = job,
                                               .free_input = job_free,
                                               .free_output = g_free,
                                               .done = announced,
                                               .userdata = g_strdup(device->sysname),
                                               .free_userdata = g_free });
}

/* What is on its way in or out is left in peace: what there is to say is said where it arrives. So is what
 * the host uses: the desktop that has mounted it is to show it until it is unmounted. */
static bool is_busy(const Allocation *allocation, const Device *device, bool waits)
{
    const Want *want = allocation_want(allocation, device);

    if (allocation_is_attached(allocation, device) && waits)
        return false;
    if (waits && host_use_find(device->host_use, HOST_USE_GUARDS))
        return true;
    return allocation_attachment(allocation, device) ||
           (want && (want->verdict == VERDICT_GO || want->verdict == VERDICT_STORING ||
                     want->verdict == VERDICT_UNSTEADY));
}

static void look_at(Announcements *self, const Allocation *allocation, const Device *device, bool waits)
{
    Told *told = g_hash_table_lookup(self->told, device->sysname);

    if ((told && told->instance == device->instance && told->waits == waits) ||
        is_busy(allocation, device, waits))
        return;
    if (!told) {
        told = g_new(Told, 1);
        g_hash_table_insert(self->told, g_strdup(device->sysname), told);
    }
    *told = (Told){ device->instance, waits };
    announce(self, device, waits ? UDEV_WAITS_STAYING : "");
}

static gboolean is_gone(gpointer sysname, gpointer told, gpointer userdata)
{
    Announcements *self = userdata;

    return !registry_device(self->registry, sysname);
}

void announcements_turn(Announcements *self, const Allocation *allocation, const Waiting *waiting)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_foreach_remove(self->told, is_gone, self);
    /* At the start it isn't known yet what VMs have, and with the old rules udev's word would be the old one.
     */
    if (self->registry->settling || self->read != self->wanted)
        return;
    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *device = value;

        if (!device->is_hub)
            look_at(self, allocation, device, g_hash_table_contains(waiting->devices, device->sysname));
    }
}

/* ------------------------------------------------------------------ begin and end */

Announcements *announcements_new(Registry *registry, WorkerPool *pool, const UsbOps *usb,
                                 void (*changed)(void *userdata), void *userdata)
{
    Announcements *self = g_new0(Announcements, 1);

    self->registry = registry;
    self->pool = pool;
    self->usb = usb;
    self->changed = changed;
    self->userdata = userdata;
    self->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return self;
}

Announcements *announcements_free(Announcements *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->told);
    g_free(self);
    return NULL;
}
