/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The notes' files, and the ports that nobody waits for any more. The ports that a note names are written to
 * as root, so they are checked when it is read. */

#include "daemon/reset/power-cycles.h"

#include <string.h>

#include "daemon/base/backoff.h"
#include "daemon/base/error.h"
#include "daemon/base/id.h"
#include "daemon/base/key-file-reader.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/base/wake.h"
#include "daemon/usb/socket.h"

#define STORE_KIND_POWER_CYCLES "power-cycles"

/* A note's file. */
#define NOTE_GROUP "PowerCycle"
#define NOTE_PORTS "Ports"

/* A try that failed is repeated after 1, 2, 4, … 32 s, and then once a minute. */
static const Backoff retry = { .first_us = G_USEC_PER_SEC, .steps = 6, .slow_us = 60 * G_USEC_PER_SEC };

struct PowerCycles {
    const UsbJobs *jobs;
    Store *store;
    void (*changed)(void *userdata);
    void *userdata;
    GHashTable *left_off; /* note → LeftOff, owned */
};

/* Ports that are off, and that no reset looks after. */
typedef struct LeftOff {
    PowerCycles *cycles;
    char *note; /* its key in left_off */
    char *ports;
    char *queue;
    bool working; /* a job is with a worker, be it late */
    unsigned failures;
    gint64 next_at;
} LeftOff;

static void left_off_free(LeftOff *left_off)
{
    g_free(left_off->note);
    g_free(left_off->ports);
    g_free(left_off->queue);
    g_free(left_off);
}

PowerCycles *power_cycles_new(const UsbJobs *jobs, Store *store, void (*changed)(void *userdata),
                              void *userdata)
{
    PowerCycles *self = g_new0(PowerCycles, 1);

    self->jobs = jobs;
    self->store = store;
    self->changed = changed;
    self->userdata = userdata;
    self->left_off = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)left_off_free);
    return self;
}

PowerCycles *power_cycles_free(PowerCycles *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->left_off);
    g_free(self);
    return NULL;
}

/* ------------------------------------------------------------------ the notes' files */

char *power_cycles_note(PowerCycles *self, const char *ports, StoreDone done, void *userdata)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    char *note = id_make();

    g_key_file_set_string(file, NOTE_GROUP, NOTE_PORTS, ports);
    store_save(self->store, STORE_AREA_RUNTIME, STORE_KIND_POWER_CYCLES, note, file, done, userdata, NULL);
    return note;
}

static void note_deleted(const GError *error, void *userdata)
{
    if (error)
        log_warning("the note of a power cycle stays: %s", error->message);
}

void power_cycles_delete(PowerCycles *self, const char *note)
{
    store_delete(self->store, STORE_AREA_RUNTIME, STORE_KIND_POWER_CYCLES, note, note_deleted, NULL, NULL);
}

static bool check_ports(const char *ports, GError **error)
{
    g_auto(GStrv) folders = g_strsplit(ports, "\n", -1);

    for (char **folder = folders; *folder; folder++)
        if (!socket_is_port_folder(*folder)) {
            g_autofree char *quoted = text_quote(*folder);

            g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s is no USB port", quoted);
            return false;
        }
    return true;
}

static bool read_ports(KeyFileReader *reader, void *userdata)
{
    char **ports = userdata;
    g_autoptr(GError) error = NULL;

    if (!key_file_reader_raw_text(reader, ports))
        return false;
    return check_ports(*ports, &error) ||
           key_file_reader_refuse(reader, reader->line, FERRY_ERROR_STORAGE, "%s", error->message);
}

static bool take_note(const StoredFile *file, void *userdata, GError **error)
{
    static const KeyFileKey keys[] = { { NOTE_PORTS, read_ports, true }, {} };
    g_autofree char *ports = NULL;

    if (!key_file_read_section(NOTE_GROUP, keys, file->text, file->path, &ports, error))
        return false;
    log_notice("switching on what a power cycle left off: %s", ports);
    power_cycles_take_over(userdata, file->id, ports);
    return true;
}

bool power_cycles_restore(PowerCycles *self, GError **error)
{
    return store_load(self->store, STORE_KIND_POWER_CYCLES, take_note, self, error);
}

/* ------------------------------------------------------------------ ports that were left off */

void power_cycles_take_over(PowerCycles *self, const char *note, const char *ports)
{
    LeftOff *left_off = g_new0(LeftOff, 1);

    left_off->cycles = self;
    left_off->note = g_strdup(note);
    left_off->ports = g_strdup(ports);
    left_off->queue = usb_jobs_queue(note);
    g_hash_table_replace(self->left_off, left_off->note, left_off);
    self->changed(self->userdata);
}

/* What is left off stays in the table until its ports are on, so its job can't outlive it. */
static void tried(const GError *error, void *userdata)
{
    LeftOff *left_off = userdata;
    PowerCycles *self = left_off->cycles;

    self->changed(self->userdata);
    if (!error) {
        log_notice("on again: %s", left_off->ports);
        power_cycles_delete(self, left_off->note);
        g_hash_table_remove(self->left_off, left_off->note);
        return;
    }
    if (left_off->failures == 0)
        log_event(LOG_EVENT_PORT_OFF, NULL, NULL, NULL,
                  "what a power cycle left off cannot be switched on, which is tried again: %s",
                  error->message);
    if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT))
        return; /* until its queue is idle */
    left_off->working = false;
    left_off->next_at = g_get_monotonic_time() + backoff_delay(&retry, left_off->failures++);
}

void power_cycles_turn(PowerCycles *self, gint64 now, gint64 *wake)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->left_off);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        LeftOff *left_off = value;

        if (left_off->working || !wake_is_due(wake, left_off->next_at, now))
            continue;
        left_off->working = true;
        usb_jobs_switch_on(self->jobs, left_off->queue, left_off->ports, tried, left_off);
    }
}

void power_cycles_queue_idle(PowerCycles *self, const char *queue)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->left_off);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        LeftOff *left_off = value;

        if (strcmp(left_off->queue, queue) == 0)
            left_off->working = false;
    }
}
