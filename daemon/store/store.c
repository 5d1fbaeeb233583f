/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store's folders and files. All writing happens in one worker queue, so the order of changes is the
 * order on disk. Called on the main thread only. */

#include "daemon/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/key-file-reader.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/base/worker.h"
#include "daemon/store/durable-file.h"
#include "daemon/store/journal.h"

#define STORE_VERSION  "1"
#define STORE_QUEUE    "store"
#define STORE_DIR_MODE 0700
/* How much of a version that is not ours goes into a message. */
#define VERSION_SHOWN_BYTES 16

/* A name with a dot is something else here, and one with a slash is none. '~' and '@' are in no object's
 * name. */
#define DOT_IN_FILE_NAME   "~"
#define SLASH_IN_FILE_NAME "@"

struct Store {
    char *dirs[_STORE_AREA_MAX];
    WorkerPool *pool;
    Journal *journal; /* the worker's */
    int lock;         /* the state folder, open; no other service works with it meanwhile */
};

typedef struct Write {
    Journal *journal;
    GPtrArray *entries; /* of JournalEntry */
} Write;

static gpointer run_write(gpointer input, GError **error)
{
    Write *write = input;

    return journal_commit(write->journal, g_steal_pointer(&write->entries), error) ? GINT_TO_POINTER(1)
                                                                                   : NULL;
}

/* The input is freed by the worker, so what the answer needs travels apart. */
typedef struct Answer {
    StoreDone done;
    void *userdata;
    GDestroyNotify free_userdata;
} Answer;

static void answer_free(gpointer data)
{
    Answer *answer = data;

    if (answer->free_userdata)
        answer->free_userdata(answer->userdata);
    g_free(answer);
}

static void write_done(gpointer output, const GError *error, void *userdata)
{
    g_autofree Answer *answer = userdata;

    answer->done(error, answer->userdata);
}

static void write_free(gpointer data)
{
    Write *write = data;

    journal_unref(write->journal);
    g_clear_pointer(&write->entries, g_ptr_array_unref);
    g_free(write);
}

static char *name_of_file(const char *id)
{
    char *name = g_strdelimit(g_strdup(id), ".", DOT_IN_FILE_NAME[0]);

    return g_strdelimit(name, "/", SLASH_IN_FILE_NAME[0]);
}

static char *id_of_file(const char *name)
{
    char *id = g_strdelimit(g_strdup(name), DOT_IN_FILE_NAME, '.');

    return g_strdelimit(id, SLASH_IN_FILE_NAME, '/');
}

struct StoreBatch {
    GPtrArray *entries; /* of JournalEntry */
};

StoreBatch *store_batch_new(void)
{
    StoreBatch *batch = g_new0(StoreBatch, 1);

    batch->entries = g_ptr_array_new_with_free_func(journal_entry_free);
    return batch;
}

StoreBatch *store_batch_free(StoreBatch *batch)
{
    if (!batch)
        return NULL;
    g_clear_pointer(&batch->entries, g_ptr_array_unref);
    g_free(batch);
    return NULL;
}

/* Takes the data. */
static void add_entry(StoreBatch *batch, StoreArea area, const char *kind, const char *id, char *data)
{
    JournalEntry *entry = g_new(JournalEntry, 1);

    *entry = (JournalEntry){ .area = area, .kind = g_strdup(kind), .id = name_of_file(id), .data = data };
    g_ptr_array_add(batch->entries, entry);
}

void store_batch_save(StoreBatch *batch, StoreArea area, const char *kind, const char *id, GKeyFile *file)
{
    add_entry(batch, area, kind, id, key_file_reader_close(file));
}

void store_batch_delete(StoreBatch *batch, StoreArea area, const char *kind, const char *id)
{
    add_entry(batch, area, kind, id, NULL);
}

void store_commit(Store *store, StoreBatch *batch, StoreDone done, void *userdata,
                  GDestroyNotify free_userdata)
{
    Write *write = g_new(Write, 1);
    Answer *answer = g_new(Answer, 1);

    *write = (Write){ .journal = journal_ref(store->journal), .entries = g_steal_pointer(&batch->entries) };
    *answer = (Answer){ .done = done, .userdata = userdata, .free_userdata = free_userdata };
    store_batch_free(batch);
    worker_pool_push(store->pool, &(WorkerJob){ .queue = STORE_QUEUE,
                                                .run = run_write,
                                                .input = write,
                                                .free_input = write_free,
                                                .done = write_done,
                                                .userdata = answer,
                                                .free_userdata = answer_free });
}

void store_save(Store *store, StoreArea area, const char *kind, const char *id, GKeyFile *file,
                StoreDone done, void *userdata, GDestroyNotify free_userdata)
{
    StoreBatch *batch = store_batch_new();

    store_batch_save(batch, area, kind, id, file);
    store_commit(store, batch, done, userdata, free_userdata);
}

void store_delete(Store *store, StoreArea area, const char *kind, const char *id, StoreDone done,
                  void *userdata, GDestroyNotify free_userdata)
{
    StoreBatch *batch = store_batch_new();

    store_batch_delete(batch, area, kind, id);
    store_commit(store, batch, done, userdata, free_userdata);
}

/* ------------------------------------------------------------------ the start */

static bool make_folder(const char *path, GError **error)
{
    if (g_mkdir_with_parents(path, STORE_DIR_MODE) < 0) {
        durable_set_error(error, "make the folder", path, errno);
        return false;
    }
    return true;
}

/* Two services on one folder would take each other's files for remains. It is the kernel's lock: it goes with
 * the process, however that ends. Where there are no locks the name on the bus has to do. */
static bool lock_folder(const char *path, int *ret_lock, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        durable_set_error(error, "open the folder", path, errno);
        return false;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        close(fd);
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE,
                    "%s: another usbferryd works with it, which has to be stopped first", path);
        return false;
    }
    *ret_lock = fd;
    return true;
}

static bool check_version(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, "version", NULL);
    g_autoptr(GString) version = NULL;

    if (!durable_read(path, &version, error))
        return false;
    if (!version)
        return durable_replace(path, STORE_VERSION "\n", strlen(STORE_VERSION "\n"), error) &&
               durable_sync_folder(dir, error);
    g_strchomp(version->str);
    /* An empty file is what a crash between create and write could leave of the very first start. */
    if (*version->str && strcmp(version->str, STORE_VERSION) != 0) {
        g_autofree char *clean = text_sanitize(version->str, VERSION_SHOWN_BYTES);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE,
                    "%s: written by another version of usbferry (store %s, this one reads " STORE_VERSION ")",
                    path, clean);
        return false;
    }
    return true;
}

Store *store_new(const char *state_dir, const char *runtime_dir, GError **error)
{
    static const char *const kinds[] = { "assignments", "groups",  "lent", "power-cycles",
                                         "settings",    "tenants", NULL };
    g_autoptr(Store) store = g_new0(Store, 1);

    store->lock = -1;
    /* One thread: the order of changes is the order on disk. No deadline: what is neither stored nor failed
     * can't be answered. */
    store->pool = worker_pool_new(1, NULL, NULL);
    store->dirs[STORE_AREA_STATE] = g_strdup(state_dir);
    store->dirs[STORE_AREA_RUNTIME] = g_strdup(runtime_dir);
    for (int area = 0; area < _STORE_AREA_MAX; area++) {
        for (gsize i = 0; kinds[i]; i++) {
            g_autofree char *folder = g_build_filename(store->dirs[area], kinds[i], NULL);

            if (!make_folder(folder, error))
                return NULL;
        }
        if (!check_version(store->dirs[area], error))
            return NULL;
    }
    if (!lock_folder(state_dir, &store->lock, error))
        return NULL;
    store->journal = journal_new(state_dir, runtime_dir, kinds);
    if (!journal_recover(store->journal, error))
        return NULL;
    return g_steal_pointer(&store);
}

Store *store_free(Store *store)
{
    if (!store)
        return NULL;
    worker_pool_free(store->pool);
    g_clear_pointer(&store->journal, journal_unref);
    for (int area = 0; area < _STORE_AREA_MAX; area++)
        g_free(store->dirs[area]);
    if (store->lock >= 0)
        close(store->lock);
    g_free(store);
    return NULL;
}

typedef struct Loading {
    StoreArea area;
    bool (*take)(const StoredFile *file, void *userdata, GError **error);
    void *userdata;
} Loading;

static bool load_file(const Loading *loading, const char *path, const char *name, GError **error)
{
    g_autofree char *id = id_of_file(name);
    g_autofree char *clean_path = text_sanitize(path, PATH_MAX);
    g_autoptr(GString) content = NULL;
    g_autoptr(GError) damage = NULL;

    if (!durable_read(path, &content, error))
        return false;
    if (!content)
        return true;
    /* A text has none: where one stands is shown as what isn't UTF-8. */
    for (gsize i = 0; i < content->len; i++)
        if (content->str[i] == '\0')
            content->str[i] = '\xff';
    if (!loading->take(&(StoredFile){ loading->area, id, clean_path, content->str }, loading->userdata,
                       &damage))
        log_event(LOG_EVENT_DAMAGED, NULL, NULL, NULL, "damaged, and left as it is: %s", damage->message);
    return true;
}

bool store_load(Store *store, const char *kind,
                bool (*take)(const StoredFile *file, void *userdata, GError **error), void *userdata,
                GError **error)
{
    for (int area = 0; area < _STORE_AREA_MAX; area++) {
        const Loading loading = { (StoreArea)area, take, userdata };
        g_autofree char *folder = g_build_filename(store->dirs[area], kind, NULL);
        g_autoptr(GPtrArray) names = NULL;

        if (!durable_list(folder, &names, error))
            return false;
        for (guint i = 0; i < names->len; i++) {
            g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);

            if (!strchr(names->pdata[i], '.') && !load_file(&loading, path, names->pdata[i], error))
                return false;
        }
    }
    return true;
}
