/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal: written, carried out, taken back, and found again after a crash. Called by the store's worker
 * and at the start. */

#include "daemon/store/journal.h"

#include <string.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/key-file-reader.h"
#include "daemon/base/log.h"
#include "daemon/store/durable-file.h"

#define JOURNAL_NAME   "journal"
#define HEAD_SECTION   "Journal"
#define BOOT_ID_PATH   "/proc/sys/kernel/random/boot_id"
#define SECTION_FORMAT "Change %u"
#define SECTION_MAX    sizeof "Change 4294967295"

static const char *const area_names[_STORE_AREA_MAX] = {
    [STORE_AREA_STATE] = "state",
    [STORE_AREA_RUNTIME] = "runtime",
};

struct Journal {
    char *dirs[_STORE_AREA_MAX];
    char *path;
    const char *const *kinds; /* folders that there are */
    GPtrArray *open; /* of JournalEntry: it has happened and isn't in all of its files yet; NULL = none */
};

void journal_entry_free(gpointer data)
{
    JournalEntry *entry = data;

    g_free(entry->kind);
    g_free(entry->id);
    g_free(entry->data);
    g_free(entry);
}

Journal *journal_new(const char *state_dir, const char *runtime_dir, const char *const *kinds)
{
    Journal *self = g_atomic_rc_box_new0(Journal);

    self->dirs[STORE_AREA_STATE] = g_strdup(state_dir);
    self->dirs[STORE_AREA_RUNTIME] = g_strdup(runtime_dir);
    self->path = g_build_filename(state_dir, JOURNAL_NAME, NULL);
    self->kinds = kinds;
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
    g_clear_pointer(&self->open, g_ptr_array_unref);
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
            key_file_reader_set_text(file, section, "Data", entry->data);
        else
            g_key_file_set_boolean(file, section, "Delete", true);
    }
    return g_key_file_to_data(file, ret_length, NULL);
}

typedef struct JournalReader {
    const char *const *kinds;
    GPtrArray *entries;  /* of JournalEntry */
    JournalEntry *entry; /* the section that is being read is this one's; NULL = the head's */
    char *boot;
    gint64 count;
    bool deletes;
} JournalReader;

static bool read_boot(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_raw_text(reader, &((JournalReader *)userdata)->boot);
}

static bool read_count(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_integer(reader, 1, G_MAXUINT32, &((JournalReader *)userdata)->count);
}

static bool read_area(KeyFileReader *reader, void *userdata)
{
    JournalReader *into = userdata;
    g_autofree char *name = key_file_reader_value(reader);

    for (int area = 0; area < _STORE_AREA_MAX; area++)
        if (g_str_equal(name, area_names[area])) {
            into->entry->area = (StoreArea)area;
            return true;
        }
    return key_file_reader_refuse_value(reader, FERRY_ERROR_STORAGE, "an area of the store");
}

static bool read_kind(KeyFileReader *reader, void *userdata)
{
    JournalReader *into = userdata;

    into->entry->kind = key_file_reader_value(reader);
    return g_strv_contains(into->kinds, into->entry->kind) ||
           key_file_reader_refuse_value(reader, FERRY_ERROR_STORAGE, "a folder of the store");
}

static bool read_id(KeyFileReader *reader, void *userdata)
{
    JournalReader *into = userdata;

    into->entry->id = key_file_reader_value(reader);
    return (*into->entry->id && !strpbrk(into->entry->id, "/.")) ||
           key_file_reader_refuse_value(reader, FERRY_ERROR_STORAGE, "the name of a file");
}

static bool read_data(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_raw_text(reader, &((JournalReader *)userdata)->entry->data);
}

static bool read_delete(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, &((JournalReader *)userdata)->deletes);
}

static const KeyFileKey head_keys[] = { { "Boot", read_boot }, { "Changes", read_count, true }, {} };

static const KeyFileKey entry_keys[] = {
    { "Area", read_area, true }, { "Kind", read_kind, true }, { "Id", read_id, true },
    { "Data", read_data },       { "Delete", read_delete },   {},
};

/* What was read last is complete. */
static bool end_entry(const JournalReader *into, KeyFileReader *reader)
{
    return !into->entry || (into->entry->data == NULL) == into->deletes ||
           key_file_reader_refuse(reader, reader->line, FERRY_ERROR_STORAGE,
                                  "expected one of Data and Delete before this line");
}

static const KeyFileKey *begin_section(KeyFileReader *reader, const char *section, void *userdata)
{
    JournalReader *into = userdata;
    bool is_head = into->count == 0;
    char expected[SECTION_MAX] = HEAD_SECTION;

    if (!end_entry(into, reader))
        return NULL;
    if (!is_head)
        g_snprintf(expected, sizeof expected, SECTION_FORMAT, into->entries->len + 1);
    if (!g_str_equal(section, expected)) {
        key_file_reader_refuse(reader, reader->line, FERRY_ERROR_STORAGE, "expected [%s]", expected);
        return NULL;
    }
    if (is_head)
        return head_keys;
    into->entry = g_new0(JournalEntry, 1);
    into->deletes = false;
    g_ptr_array_add(into->entries, into->entry);
    return entry_keys;
}

/* What was to be for another boot only isn't brought into this one. */
static void drop_other_boots(const JournalReader *into)
{
    g_autofree char *boot = boot_id();

    for (guint i = into->entries->len; g_strcmp0(into->boot, boot) != 0 && i-- > 0;)
        if (((const JournalEntry *)into->entries->pdata[i])->area == STORE_AREA_RUNTIME)
            g_ptr_array_remove_index(into->entries, i);
}

/* The entries that are to be carried out. */
static GPtrArray *parse(const Journal *self, const GString *content, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(journal_entry_free);
    JournalReader into = { .kinds = self->kinds, .entries = entries };
    KeyFileReader reader = { .path = self->path,
                             .first = "[" HEAD_SECTION "]",
                             .error = error,
                             .begin = begin_section,
                             .userdata = &into };
    bool ok = key_file_reader_read(&reader, content->str) && end_entry(&into, &reader);

    if (ok &&
        (into.entries->len == 0 || into.entries->len != into.count || strlen(content->str) != content->len))
        ok = key_file_reader_refuse(&reader, MAX(reader.line, 1), FERRY_ERROR_STORAGE,
                                    "the end of the file is missing");
    if (ok)
        drop_other_boots(&into);
    g_free(into.boot);
    return ok ? g_steal_pointer(&entries) : NULL;
}

/* ------------------------------------------------------------------ carrying out */

static char *path_of(Journal *self, const JournalEntry *entry)
{
    return g_build_filename(self->dirs[entry->area], entry->kind, entry->id, NULL);
}

static void forget(Journal *self, const GPtrArray *entries)
{
    for (guint i = 0; i < entries->len; i++) {
        g_autofree char *path = path_of(self, entries->pdata[i]);

        durable_forget(path);
    }
}

/* What is likely to fail is done before the change is decided: nothing of it can be seen. */
static bool prepare(Journal *self, const GPtrArray *entries, GError **error)
{
    for (guint i = 0; i < entries->len; i++) {
        const JournalEntry *entry = entries->pdata[i];
        g_autofree char *path = path_of(self, entry);
        g_autofree char *folder = g_path_get_dirname(path);

        if (entry->data ? !durable_prepare(path, entry->data, strlen(entry->data), error)
                        : !durable_check_folder(folder, error)) {
            forget(self, entries);
            return false;
        }
    }
    return true;
}

static bool carry_out_entry(const JournalEntry *entry, const char *path, bool prepared, GError **error)
{
    if (!entry->data)
        return durable_remove(path, error);
    return prepared ? durable_put(path, error)
                    : durable_replace(path, entry->data, strlen(entry->data), error);
}

/* Somebody may have put a file there since, from a backup for instance: it goes for what had happened before,
 * and not without a word. */
static void tell_what_changes(Journal *self)
{
    for (guint i = 0; i < self->open->len; i++) {
        const JournalEntry *entry = self->open->pdata[i];
        g_autofree char *path = path_of(self, entry);
        g_autoptr(GString) content = NULL;

        /* one that can't be read is a matter of finish() */
        if (durable_read(path, &content, NULL) && g_strcmp0(content ? content->str : NULL, entry->data) != 0)
            log_warning("%s: %s by the change in %s", path,
                        !entry->data ? "deleted"
                        : content    ? "replaced"
                                     : "made",
                        self->path);
    }
}

/* Puts what has happened into its files. prepared: this is the first try, right after prepare(). */
static bool finish(Journal *self, bool prepared, GError **error)
{
    g_autoptr(GHashTable) folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer folder;

    for (guint i = 0; self->open && i < self->open->len; i++) {
        g_autofree char *path = path_of(self, self->open->pdata[i]);

        if (!carry_out_entry(self->open->pdata[i], path, prepared, error))
            return false;
        g_hash_table_add(folders, g_path_get_dirname(path));
    }
    g_hash_table_iter_init(&iter, folders);
    while (g_hash_table_iter_next(&iter, &folder, NULL))
        if (!durable_sync_folder(folder, error))
            return false;
    if (self->open)
        (void)unlink(self->path);
    g_clear_pointer(&self->open, g_ptr_array_unref);
    return true;
}

bool journal_recover(Journal *self, GError **error)
{
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(GString) content = NULL;
    g_autoptr(GError) damage = NULL;

    /* removes what was begun and not renamed */
    if (!durable_list(self->dirs[STORE_AREA_STATE], &names, error) ||
        !durable_read(self->path, &content, error))
        return false;
    if (!content)
        return true;
    self->open = parse(self, content, &damage);
    if (!self->open) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE,
                    "a change that was made is damaged; restore the file, or delete it to go on without the "
                    "change: %s",
                    damage->message);
        return false;
    }
    log_notice("%s: finishing a change that was under way when the service ended", self->path);
    tell_what_changes(self);
    return finish(self, false, error);
}

/* It can be seen by now, and the disk doesn't confirm it. True when it has happened all the same. */
static bool take_back(Journal *self, GError **error)
{
    g_autoptr(GError) removing = NULL, syncing = NULL;

    if (!durable_remove(self->path, &removing)) {
        log_warning(
            "a change is made that the disk neither confirms (%s) nor lets be taken back (%s): a power "
            "cut may undo it",
            (*error)->message, removing->message);
        return true;
    }
    if (!durable_sync_folder(self->dirs[STORE_AREA_STATE], &syncing))
        g_prefix_error(error, "nothing is changed, but a power cut may still bring the change: ");
    return false;
}

/* True: it has happened. */
static bool write_journal(Journal *self, const GPtrArray *entries, GError **error)
{
    gsize length;
    g_autofree char *data = print(entries, &length);
    g_autoptr(GError) failure = NULL;

    if (!durable_replace(self->path, data, length, error))
        return false;
    if (durable_sync_folder(self->dirs[STORE_AREA_STATE], &failure) || take_back(self, &failure))
        return true;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

bool journal_commit(Journal *self, GPtrArray *entries, GError **error)
{
    g_autoptr(GPtrArray) owned = entries;
    g_autoptr(GError) failure = NULL;

    if (!finish(self, false, error)) {
        g_prefix_error(error, "a change before this one is still on its way into its files: ");
        return false;
    }
    if (!prepare(self, entries, error))
        return false;
    if (!write_journal(self, entries, error)) {
        forget(self, entries);
        return false;
    }
    self->open = g_steal_pointer(&owned);
    if (!finish(self, true, &failure))
        log_warning("a change is in %s and not in its files yet: %s", self->path, failure->message);
    return true;
}
