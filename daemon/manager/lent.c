/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file below /run, written when what is in it would be another one. Called by manager.c; touches the
 * store, and Device.ours with what goes along. */

#include "daemon/manager/lent.h"

#include "daemon/base/key-file-reader.h"
#include "daemon/base/log.h"

#define STORE_KIND_LENT "lent"

#define LENT_ID      "devices"
#define LENT_GROUP   "Lent"
#define LENT_DEVICES "Devices"

/* INSTANCE:DRIVERLESS, both in hex: which enumeration, and its interfaces that had no driver before. */
#define LENT_FORMAT "%" G_GINT64_MODIFIER "x:%x"

#define HEX 16

/* A write that failed is tried again after this time. */
#define RETRY_S 30

struct Lent {
    Registry *registry;
    Store *store;
    void (*again)(void *userdata);
    void *userdata;
    GHashTable *before; /* set of INSTANCE:DRIVERLESS; of devices that weren't seen yet */
    char *written;      /* what is in the file, or on its way there: those, with a space behind each */
    bool saving;
    bool failed; /* the last time */
    guint retry;
};

Lent *lent_new(Registry *registry, Store *store, void (*again)(void *userdata), void *userdata)
{
    Lent *self = g_new0(Lent, 1);

    self->registry = registry;
    self->store = store;
    self->again = again;
    self->userdata = userdata;
    self->before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->written = g_strdup("");
    return self;
}

Lent *lent_free(Lent *self)
{
    if (!self)
        return NULL;
    g_clear_handle_id(&self->retry, g_source_remove);
    g_hash_table_unref(self->before);
    g_free(self->written);
    g_free(self);
    return NULL;
}

/* ------------------------------------------------------------------ what was lent */

static bool read_one(const char *text, uint64_t *ret_instance, uint32_t *ret_driverless)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    guint64 instance, driverless;

    if (g_strv_length(parts) != 2 ||
        !g_ascii_string_to_unsigned(parts[0], HEX, 1, G_MAXUINT64, &instance, NULL) ||
        !g_ascii_string_to_unsigned(parts[1], HEX, 0, G_MAXUINT32, &driverless, NULL))
        return false;
    *ret_instance = instance;
    *ret_driverless = (uint32_t)driverless;
    return true;
}

static bool read_devices(KeyFileReader *reader, void *userdata)
{
    g_auto(GStrv) list = NULL;
    GHashTable *before = userdata;
    uint64_t instance;
    uint32_t driverless;

    if (!key_file_reader_list(reader, &list))
        return false;
    for (char **one = list; *one; one++) {
        if (!read_one(*one, &instance, &driverless))
            return key_file_reader_refuse_value(reader, FERRY_ERROR_STORAGE, "a list of INSTANCE:DRIVERLESS");
        g_hash_table_add(before, g_strdup(*one));
    }
    return true;
}

static bool take_lent(const StoredFile *file, void *userdata, GError **error)
{
    static const KeyFileKey keys[] = { { LENT_DEVICES, read_devices, false }, {} };
    Lent *self = userdata;

    return key_file_read_section(LENT_GROUP, keys, file->text, file->path, self->before, error);
}

bool lent_restore(Lent *self, GError **error)
{
    return store_load(self->store, STORE_KIND_LENT, take_lent, self, error);
}

/* True when any was found. */
static bool find_again(Lent *self)
{
    GHashTableIter iter;
    gpointer one;
    bool any = false;

    g_hash_table_iter_init(&iter, self->before);
    while (g_hash_table_iter_next(&iter, &one, NULL)) {
        GHashTableIter devices;
        gpointer value;
        uint64_t instance;
        uint32_t driverless;
        bool found = false;

        if (!read_one(one, &instance, &driverless))
            continue;
        g_hash_table_iter_init(&devices, self->registry->devices);
        while (!found && g_hash_table_iter_next(&devices, NULL, &value)) {
            Device *device = value;

            if (!device_is_instance(device, instance))
                continue;
            device->ours = found = any = true;
            device->driverless_at_home = driverless;
        }
        if (found)
            g_hash_table_iter_remove(&iter);
    }
    return any;
}

/* ------------------------------------------------------------------ what is lent */

static bool is_lent(const Allocation *allocation, const Device *device)
{
    const Attachment *attachment = allocation_attachment(allocation, device);

    return device->ours || (attachment && !attachment_is_foreign(attachment));
}

/* New string. */
static char *list_lent(const Lent *self, const Allocation *allocation)
{
    g_autoptr(GPtrArray) devices = registry_list(self->registry, self->registry->devices);
    GString *text = g_string_new(NULL);
    GHashTableIter iter;
    gpointer one;

    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];

        if (is_lent(allocation, device))
            g_string_append_printf(text, LENT_FORMAT " ", (guint64)device->instance,
                                   (unsigned)device->driverless_at_home);
    }
    g_hash_table_iter_init(&iter, self->before);
    while (g_hash_table_iter_next(&iter, &one, NULL))
        g_string_append_printf(text, "%s ", (const char *)one);
    return g_string_free(text, FALSE);
}

static gboolean try_again(gpointer userdata)
{
    Lent *self = userdata;

    self->retry = 0;
    self->again(self->userdata);
    return G_SOURCE_REMOVE;
}

static void saved(const GError *error, void *userdata)
{
    Lent *self = userdata;

    self->saving = false;
    if (error && !self->failed)
        log_warning("which devices VMs have cannot be stored, it is tried again: %s", error->message);
    self->failed = error != NULL;
    if (!error) { /* there may be others by now */
        self->again(self->userdata);
        return;
    }
    g_free(self->written);
    self->written = NULL;
    if (!self->retry)
        self->retry = g_timeout_add_seconds(RETRY_S, try_again, self);
}

static void save(Lent *self)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_auto(GStrv) list = g_strsplit(self->written, " ", -1);
    gsize length = g_strv_length(list);

    /* Behind the last space is nothing. */
    g_key_file_set_string_list(file, LENT_GROUP, LENT_DEVICES, (const char *const *)list,
                               length ? length - 1 : 0);
    self->saving = true;
    store_save(self->store, STORE_AREA_RUNTIME, STORE_KIND_LENT, LENT_ID, file, saved, self, NULL);
}

void lent_look(Lent *self, const Allocation *allocation)
{
    g_autofree char *lent = NULL;

    if (find_again(self))
        self->again(self->userdata);
    /* What wasn't seen until everything was looked at is gone. */
    if (!self->registry->settling)
        g_hash_table_remove_all(self->before);
    if (self->saving || self->retry)
        return;
    lent = list_lent(self, allocation);
    if (g_strcmp0(lent, self->written) == 0)
        return;
    g_free(self->written);
    self->written = g_steal_pointer(&lent);
    save(self);
}
