/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes all that the store may hold, as the start of the service finds it: files of every kind, the journal
 * and what a crash has left, in files that may be damaged, missing, or somebody else's. Whatever they hold
 * the service starts, and says the same when it is started again. The input is a list of files, each
 * "@@<area>/<kind>/<id>", a newline, and what is in it. Runs as a test and with libFuzzer; writes into a
 * temporary folder. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/id.h"
#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "daemon/config/tenant-text.h"
#include "daemon/manager/manager.h"

#define FILE_BEGIN "@@"
#define JOURNAL    "state/journal"

static const char *const areas[] = { "state", "runtime" };
static const char *const kinds[] = { "assignments", "groups", "lent", "power-cycles", "settings", "tenants" };

static char *root;
static GHashTable *written; /* name → GBytes: the files of this input, both owned */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ------------------------------------------------------------------ the folders */

static char *area_folder(gsize area)
{
    return g_build_filename(root, areas[area], NULL);
}

/* Of files; folders stay. */
static void empty_folder(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);

        (void)unlink(inner);
    }
}

static void empty_all(void)
{
    for (gsize area = 0; area < G_N_ELEMENTS(areas); area++) {
        g_autofree char *folder = area_folder(area);

        empty_folder(folder);
        for (gsize kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
            g_autofree char *inner = g_build_filename(folder, kinds[kind], NULL);

            empty_folder(inner);
        }
    }
}

static void remove_all(void)
{
    empty_all();
    for (gsize area = 0; area < G_N_ELEMENTS(areas); area++) {
        g_autofree char *folder = area_folder(area);

        for (gsize kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
            g_autofree char *inner = g_build_filename(folder, kinds[kind], NULL);

            (void)rmdir(inner);
        }
        (void)rmdir(folder);
    }
    (void)rmdir(root);
}

/* In memory, where there is such a folder. */
static void make_root(void)
{
    root = g_strdup("/dev/shm/usbferry-fuzz-XXXXXX");
    if (!mkdtemp(root)) {
        g_free(root);
        root = g_dir_make_tmp("usbferry-fuzz-XXXXXX", NULL);
    }
    g_assert_nonnull(root);
    (void)atexit(remove_all);
    g_setenv("FERRY_GROUPS_PATH", "/nonexistent", TRUE);
}

/* In one of the store's folders, or the journal; with a dot in its name it may be one that a crash has left,
 * or one that was set aside. */
static bool is_stored_name(const char *name)
{
    return g_regex_match_simple("^(state|runtime)/(assignments|groups|lent|power-cycles|settings|tenants)/"
                                "(?!\\.{1,2}$)[A-Za-z0-9._+~@-]{1,40}$|^state/journal(\\.[A-Za-z0-9]{6})?$",
                                name, G_REGEX_DOLLAR_ENDONLY, 0);
}

static void write_file(const char *begin, gsize length)
{
    const char *line_end = memchr(begin, '\n', length);
    g_autofree char *name = line_end ? g_strndup(begin, (gsize)(line_end - begin)) : NULL;
    g_autofree char *path = name && is_stored_name(name) ? g_build_filename(root, name, NULL) : NULL;

    if (!path)
        return;
    g_hash_table_replace(written, g_strdup(name),
                         g_bytes_new(line_end + 1, (gsize)(begin + length - line_end - 1)));
    (void)unlink(path); /* without its flags GLib doesn't shorten a file */
    (void)g_file_set_contents_full(path, line_end + 1, (gssize)(begin + length - line_end - 1),
                                   G_FILE_SET_CONTENTS_NONE, 0600, NULL);
}

static void write_files(const char *text, gsize size)
{
    const char *end = text + size, *begin = memmem(text, size, FILE_BEGIN, strlen(FILE_BEGIN));

    while (begin) {
        const char *next;

        begin += strlen(FILE_BEGIN);
        next = memmem(begin, (gsize)(end - begin), FILE_BEGIN, strlen(FILE_BEGIN));
        write_file(begin, (gsize)((next ? next : end) - begin));
        begin = next;
    }
}

/* Only the journal changes files. What makes no sense is left as it is, for whoever can make something of it;
 * but what a crash has cut off was never promised. */
static void check_files(void)
{
    GHashTableIter iter;
    gpointer name, content;

    g_hash_table_iter_init(&iter, written);
    while (g_hash_table_iter_next(&iter, &name, &content)) {
        g_autofree char *path = g_build_filename(root, name, NULL), *now = NULL;
        g_autoptr(GBytes) bytes = NULL;
        gsize length;

        if (strchr(name, '.'))
            continue;
        g_assert_true(g_file_get_contents(path, &now, &length, NULL));
        bytes = g_bytes_new(now, length);
        g_assert_true(g_bytes_equal(bytes, content));
    }
}

/* ------------------------------------------------------------------ the service */

static void do_nothing(Hypervisor *hypervisor)
{
}

static bool no_reset(const UsbAddress *address, GError **error)
{
    g_assert_not_reached();
}

static bool no_switch(const char *folder, bool on, GError **error)
{
    g_assert_not_reached();
}

static void add_text(GString *all, const char *kind, char *text)
{
    g_string_append_printf(all, "--- %s\n%s", kind, text);
    g_free(text);
}

static void add_assignment(GString *all, const Assignment *assignment)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(assignment);
    const char *kind = assignment->persistent ? "assignment" : "assignment until the reboot";

    g_assert_true(id_is_valid(assignment->id));
    g_assert_true(assignment->stored);
    add_text(all, kind, g_strdup_printf("%s\n", assignment->id));
    add_text(all, kind, g_key_file_to_data(file, NULL, NULL));
}

/* Of all that was read, in the order of names. New string. */
static char *print(Registry *registry)
{
    GString *all = g_string_new(registry->enabled ? "enabled\n" : "not enabled\n");
    GHashTable *const tables[] = { registry->assignments, registry->groups, registry->tenants };

    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(tables[i]), (GCompareFunc)strcmp);

        for (GList *key = keys; key; key = key->next) {
            gpointer object = g_hash_table_lookup(tables[i], key->data);

            if (tables[i] == registry->assignments) {
                add_assignment(all, object);
            } else if (tables[i] == registry->groups) {
                add_text(all, "group", group_to_text(object));
            } else {
                g_autoptr(GKeyFile) file = tenant_to_key_file(object);

                add_text(all, "tenant", g_key_file_to_data(file, NULL, NULL));
            }
        }
    }
    return g_string_free(all, FALSE);
}

/* A journal that is damaged, or says what is impossible, may be of a change that somebody was told of:
 * nothing is read until an administrator has decided. */
static void check_refusal(const GError *error)
{
    g_assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_STORAGE));
    g_assert_nonnull(g_hash_table_lookup(written, JOURNAL));
}

/* Starts the service and ends it again. What it has read, new string. */
static char *start(void)
{
    static const HypervisorOps ops = { .start = do_nothing, .free = do_nothing };
    static const UsbOps usb = { .reset = no_reset, .switch_port = no_switch };
    Hypervisor hypervisor = { .ops = &ops, .uri = (char *)"fuzz:///" };
    g_autofree char *state_dir = area_folder(0), *runtime_dir = area_folder(1);
    const ManagerConfig config = { .state_dir = state_dir, .runtime_dir = runtime_dir, .usb = &usb };
    WorkerPool *pool = worker_pool_new(1, NULL, NULL);
    g_autoptr(GError) error = NULL;
    Manager *manager = manager_new(&config, pool, &hypervisor, &error);
    bool started = manager && manager_start(manager, &error);
    char *text;

    if (!started)
        check_refusal(error);
    text = started ? print(manager_registry(manager)) : g_strdup("not started");
    manager_free(manager);
    worker_pool_free(pool);
    g_free(hypervisor.state_text);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *first = NULL, *second = NULL;

    if (!root) {
        make_root();
        written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
        g_free(start()); /* makes the folders */
    }
    empty_all();
    g_hash_table_remove_all(written);
    write_files(size > 0 ? (const char *)data : "", size);
    first = start();
    second = start();
    g_assert_cmpstr(first, ==, second);
    if (!g_hash_table_lookup(written, JOURNAL))
        check_files();
    return 0;
}
