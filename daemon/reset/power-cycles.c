/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports that are off by a power cycle that nobody waits for any more. */

#include "daemon/reset/internal.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/key-file-reader.h"
#include "daemon/base/log.h"
#include "daemon/usb/socket.h"
#include "daemon/base/text.h"

/* After a try that failed: 1, 2, 4, … s, and then once a minute. */
#define FIRST_PAUSE_US   (1 * G_USEC_PER_SEC)
#define LONGEST_PAUSE_US (60 * G_USEC_PER_SEC)

typedef struct Note {
    Resets *resets;
    char *id; /* the key in resets->notes */
    char *ports;
    char *queue;
    bool working; /* a job is with a worker, be it late */
    gint64 pause; /* after the next failure */
    gint64 next_at;
} Note;

static void note_free(gpointer data)
{
    Note *note = data;

    g_free(note->id);
    g_free(note->ports);
    g_free(note->queue);
    g_free(note);
}

GHashTable *power_cycles_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, note_free);
}

void power_cycles_add(Resets *self, const char *id, const char *ports)
{
    Note *note = g_new0(Note, 1);

    note->resets = self;
    note->id = g_strdup(id);
    note->ports = g_strdup(ports);
    note->queue = g_strconcat(RESET_QUEUE_PREFIX, id, NULL);
    note->pause = FIRST_PAUSE_US;
    g_hash_table_replace(self->notes, note->id, note);
    self->changed(self->userdata);
}

/* A note is there until its ports are, so its job can't outlive it. */
static void tried(gpointer output, const GError *error, void *userdata)
{
    Note *note = userdata;
    Resets *self = note->resets;

    self->changed(self->userdata);
    if (!error) {
        log_notice("on again: %s", note->ports);
        reset_delete_note(self, note->id);
        g_hash_table_remove(self->notes, note->id);
        return;
    }
    if (note->pause == FIRST_PAUSE_US)
        log_warning("what a power cycle left off cannot be switched on, which is tried again: %s",
                    error->message);
    if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT))
        return; /* until its queue is idle */
    note->working = false;
    note->next_at = g_get_monotonic_time() + note->pause;
    note->pause = MIN(note->pause * 2, LONGEST_PAUSE_US);
}

void power_cycles_turn(Resets *self, gint64 now, gint64 *wake)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->notes);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Note *note = value;

        if (note->working)
            continue;
        if (note->next_at > now) {
            if (!*wake || note->next_at < *wake)
                *wake = note->next_at;
            continue;
        }
        note->working = true;
        reset_push_switch_on(self, note->queue, note->ports, tried, note, NULL);
    }
}

void power_cycles_queue_idle(Resets *self, const char *queue)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->notes);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Note *note = value;

        if (strcmp(note->queue, queue) == 0)
            note->working = false;
    }
}

/* What is in the folder of notes is written to as root. */
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
    static const KeyFileKey keys[] = { { RESET_NOTE_PORTS, read_ports, true }, {} };
    g_autofree char *ports = NULL;

    if (!key_file_read_section(RESET_NOTE_GROUP, keys, file->text, file->path, &ports, error))
        return false;
    log_notice("switching on what a power cycle left off: %s", ports);
    power_cycles_add(userdata, file->id, ports);
    return true;
}

bool resets_restore(Resets *self, GError **error)
{
    return store_load(self->store, STORE_KIND_POWER_CYCLES, take_note, self, error);
}
