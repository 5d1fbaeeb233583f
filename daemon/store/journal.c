/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal: written, carried out, dropped, and found again after a crash. Called by the store's worker and
 * at the start. */

#include "daemon/store/journal.h"

#include <string.h>
#include <unistd.h>

#include "daemon/store/durable-file.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"

#define JOURNAL_NAME   "journal"
#define HEAD_SECTION   "Journal"
#define BOOT_ID_PATH   "/proc/sys/kernel/random/boot_id"
#define SECTION_FORMAT "Change %u"
#define SECTION_MAX    sizeof "Change 4294967295"

static const char *const area_names[_STORE_AREA_MAX] = {
    [STORE_AREA_STATE] = "state",
    [STORE_AREA_RUNTIME] = "runtime",
};

typedef enum JournalState {
    JOURNAL_NONE,
    JOURNAL_DECIDED, /* it is durable and not carried out yet */
    JOURNAL_REFUSED, /* its writing failed, and it may still be there */
} JournalState;

struct Journal {
    char *dirs[_STORE_AREA_MAX];
    char *path;
    JournalState state;
};

void journal_entry_free(gpointer data)
{
    JournalEntry *entry = data;

    g_free(entry->kind);
    g_free(entry->id);
    g_free(entry->data);
    g_free(entry);
}

Journal *journal_new(const char *state_dir, const char *runtime_dir)
{
    Journal *self = g_atomic_rc_box_new0(Journal);

    self->dirs[STORE_AREA_STATE] = g_strdup(state_dir);
    self->dirs[STORE_AREA_RUNTIME] = g_strdup(runtime_dir);
    self->path = g_build_filename(state_dir, JOURNAL_NAME, NULL);
    return self;
}

Journal *journal_ref(Journal *self)
{
    return g_atomic_rc_box_acquire(self);
}

static void clear(gpointer data)
{
    Journal *self = data;

    for (int area = 0; area < _STORE_AREA_MAX; area++)
        g_free(self->dirs[area]);
    g_free(self->path);
}

void journal_unref(Journal *self)
{
    g_atomic_rc_box_release_full(self, clear);
}

/* What is in the runtime folder ends with the boot. "" when the kernel doesn't say. */
static char *boot_id(void)
{
    char *id = NULL;

    if (!g_file_get_contents(BOOT_ID_PATH, &id, NULL, NULL))
        return g_strdup("");
    return g_strstrip(id);
}

/* ------------------------------------------------------------------ to and from text */

static char *print(const GPtrArray *entries, gsize *ret_length)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *boot = boot_id();

    g_key_file_set_string(file, HEAD_SECTION, "Boot", boot);
    g_key_file_set_uint64(file, HEAD_SECTION, "Changes", entries->len);
    for (guint i = 0; i < entries->len; i++) {
        const JournalEntry *entry = entries->pdata[i];
        char section[SECTION_MAX];

        g_snprintf(section, sizeof section, SECTION_FORMAT, i + 1);
        g_key_file_set_string(file, section, "Area", area_names[entry->area]);
        g_key_file_set_string(file, section, "Kind", entry->kind);
        g_key_file_set_string(file, section, "Id", entry->id);
        if (entry->data)
            g_key_file_set_string(file, section, "Data", entry->data);
        else
            g_key_file_set_boolean(file, section, "Delete", true);
    }
    return g_key_file_to_data(file, ret_length, NULL);
}

static bool is_name(const char *text)
{
    return text && *text && !strpbrk(text, "/.");
}

static JournalEntry *parse_entry(GKeyFile *file, const char *section, GError **error)
{
    g_autofree char *area = g_key_file_get_string(file, section, "Area", NULL);
    JournalEntry *entry = g_new0(JournalEntry, 1);

    entry->area = _STORE_AREA_MAX;
    for (int i = 0; i < _STORE_AREA_MAX; i++)
        if (g_strcmp0(area, area_names[i]) == 0)
            entry->area = (StoreArea)i;
    entry->kind = g_key_file_get_string(file, section, "Kind", NULL);
    entry->id = g_key_file_get_string(file, section, "Id", NULL);
    if (!g_key_file_get_boolean(file, section, "Delete", NULL))
        entry->data = g_key_file_get_string(file, section, "Data", error);
    if (error && *error) {
        /* says it */
    } else if (entry->area == _STORE_AREA_MAX || !is_name(entry->kind) || !is_name(entry->id)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "[%s] names no file of the store", section);
    } else {
        return entry;
    }
    journal_entry_free(entry);
    return NULL;
}

/* The entries that are still to be carried out. */
static GPtrArray *parse(GKeyFile *file, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(journal_entry_free);
    g_autoptr(GError) count_error = NULL;
    guint64 count = g_key_file_get_uint64(file, HEAD_SECTION, "Changes", &count_error);
    g_autofree char *boot = g_key_file_get_string(file, HEAD_SECTION, "Boot", NULL);
    g_autofree char *boot_now = boot_id();

    if (count_error) {
        g_propagate_error(error, g_steal_pointer(&count_error));
        return NULL;
    }
    for (guint64 i = 1; i <= count; i++) {
        char section[SECTION_MAX];
        g_autoptr(GError) entry_error = NULL;
        JournalEntry *entry;

        g_snprintf(section, sizeof section, SECTION_FORMAT, (guint)i);
        entry = parse_entry(file, section, &entry_error);
        if (!entry) {
            g_propagate_error(error, g_steal_pointer(&entry_error));
            return NULL;
        }
        if (entry->area == STORE_AREA_RUNTIME && g_strcmp0(boot, boot_now) != 0)
            journal_entry_free(entry);
        else
            g_ptr_array_add(entries, entry);
    }
    return g_steal_pointer(&entries);
}

/* ------------------------------------------------------------------ carrying out */

static bool carry_out(Journal *self, const GPtrArray *entries, GError **error)
{
    g_autoptr(GHashTable) folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer folder;

    for (guint i = 0; i < entries->len; i++) {
        const JournalEntry *entry = entries->pdata[i];
        g_autofree char *path = g_build_filename(self->dirs[entry->area], entry->kind, entry->id, NULL);

        if (!(entry->data ? durable_replace(path, entry->data, strlen(entry->data), error)
                          : durable_remove(path, error)))
            return false;
        g_hash_table_add(folders, g_path_get_dirname(path));
    }
    g_hash_table_iter_init(&iter, folders);
    while (g_hash_table_iter_next(&iter, &folder, NULL))
        if (!durable_sync_folder(folder, error))
            return false;
    return true;
}

/* Durably, or a later crash would bring it back over what was written meanwhile. */
static bool drop(Journal *self, GError **error)
{
    if (!durable_delete(self->path, error))
        return false;
    self->state = JOURNAL_NONE;
    return true;
}

/* NULL without an error when it isn't there, or was damaged. */
static GPtrArray *load(Journal *self, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) damage = NULL;
    GPtrArray *entries = NULL;

    if (g_key_file_load_from_file(file, self->path, G_KEY_FILE_NONE, &damage))
        entries = parse(file, &damage);
    if (!damage || g_error_matches(damage, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return entries;
    if (damage->domain == G_FILE_ERROR)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: cannot be read: %s", self->path,
                    damage->message);
    else
        durable_set_aside(self->path, damage);
    return NULL;
}

bool journal_finish(Journal *self, GError **error)
{
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) load_error = NULL;

    if (self->state == JOURNAL_NONE)
        return true;
    if (self->state == JOURNAL_REFUSED)
        return drop(self, error);
    entries = load(self, &load_error);
    if (load_error) {
        g_propagate_error(error, g_steal_pointer(&load_error));
        return false;
    }
    return (!entries || carry_out(self, entries, error)) && drop(self, error);
}

bool journal_recover(Journal *self, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(self->dirs[STORE_AREA_STATE], 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(self->dirs[STORE_AREA_STATE], name, NULL);

        if (g_str_has_prefix(name, JOURNAL_NAME ".") && durable_is_temporary(name))
            (void)unlink(path);
    }
    if (!g_file_test(self->path, G_FILE_TEST_EXISTS))
        return durable_delete(self->path, error); /* it may have been deleted, and not durably so */
    log_notice("%s: finishing a change that was under way when the service ended", self->path);
    self->state = JOURNAL_DECIDED;
    return journal_finish(self, error);
}

bool journal_commit(Journal *self, const GPtrArray *entries, GError **error)
{
    gsize length;
    g_autofree char *data = print(entries, &length);
    g_autoptr(GError) finish_error = NULL;

    if (!journal_finish(self, error))
        return false;
    if (!durable_write(self->path, data, length, error)) {
        /* It may be there all the same, for what comes after its rename can fail as well. Nothing else is
         * written before it is gone durably, or a crash would bring it back over that. */
        self->state = JOURNAL_REFUSED;
        (void)drop(self, NULL);
        return false;
    }
    self->state = JOURNAL_DECIDED;
    if (!journal_finish(self, &finish_error))
        log_warning("a change is in %s and not in its files yet: %s", self->path, finish_error->message);
    return true;
}
