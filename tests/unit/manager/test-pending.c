/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes on their way to the disk: settled, told and freed once, whatever the disk says. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib/gstdio.h>

#include "daemon/base/key-file-reader.h"
#include "daemon/manager/pending.h"
#include "tests/unit/manager/core.h"

/* What became of it. */
typedef struct Payload {
    Core *core;
    unsigned settled;
    bool stored;
    unsigned answers_before; /* told when it was settled */
    char *id;
    unsigned freed;
} Payload;

static void settle(Manager *manager, const char *id, gpointer payload, bool stored)
{
    Payload *change = payload;

    assert_ptr_equal(manager, change->core->manager);
    change->settled++;
    change->stored = stored;
    change->answers_before = change->core->answers;
    change->id = g_strdup(id);
}

static void free_payload(gpointer payload)
{
    ((Payload *)payload)->freed++;
}

static PendingChange make(Payload *change)
{
    return (PendingChange){ .id = "keys",
                            .settle = settle,
                            .payload = change,
                            .free_payload = free_payload,
                            .done = core_done,
                            .userdata = change->core };
}

static GKeyFile *make_file(void)
{
    GKeyFile *file = g_key_file_new();

    g_key_file_set_string(file, "Group", "Name", "keys");
    return file;
}

static void assert_settled(const Payload *change, bool stored)
{
    assert_int_equal(change->settled, 1);
    assert_int_equal(change->stored, stored);
    assert_string_equal(change->id, "keys");
    assert_int_equal(change->core->answers, change->answers_before + 1);
    assert_int_equal(change->freed, 0);
}

static void test_saved_and_deleted(void **state)
{
    Core *core = *state;
    Payload saved = { .core = core }, deleted = { .core = core };
    PendingChange save = make(&saved), delete = make(&deleted);
    g_autoptr(GKeyFile) file = make_file();
    g_autofree char *expected = key_file_reader_close(file), *text = NULL, *gone = NULL;

    pending_save(core->manager, STORE_AREA_STATE, "groups", file, &save);
    assert_int_equal(saved.settled, 0);
    core_wait(core);
    assert_settled(&saved, true);
    assert_string_equal(core->id, "keys");
    text = core_file(core, "state/groups/keys");
    assert_string_equal(text, expected);

    delete.answer = "another answer";
    pending_delete(core->manager, STORE_AREA_STATE, "groups", &delete);
    core_wait(core);
    assert_settled(&deleted, true);
    assert_string_equal(core->id, "another answer");
    gone = core_file(core, "state/groups/keys");
    assert_null(gone);
    g_free(saved.id);
    g_free(deleted.id);
}

static void test_committed(void **state)
{
    Core *core = *state;
    Payload committed = { .core = core };
    PendingChange change = make(&committed);
    StoreBatch *batch = store_batch_new();
    g_autoptr(GKeyFile) file = make_file();
    g_autofree char *one = NULL, *other = NULL;

    store_batch_save(batch, STORE_AREA_STATE, "groups", "keys", file);
    store_batch_save(batch, STORE_AREA_RUNTIME, "groups", "more", file);
    pending_commit(core->manager, batch, &change);
    core_wait(core);
    assert_settled(&committed, true);
    one = core_file(core, "state/groups/keys");
    other = core_file(core, "run/groups/more");
    assert_true(one && other);
    g_free(committed.id);
}

/* A disk that takes nothing: the folder is gone. */
static void test_refused(void **state)
{
    Core *core = *state;
    Payload refused = { .core = core };
    PendingChange change = make(&refused);
    g_autoptr(GKeyFile) file = make_file();
    g_autofree char *folder = g_build_filename(core->folder, "state", "groups", NULL);

    assert_int_equal(g_rmdir(folder), 0);
    pending_save(core->manager, STORE_AREA_STATE, "groups", file, &change);
    core_wait(core);
    assert_settled(&refused, false);
    assert_null(core->id);
    assert_int_equal(core->code, FERRY_ERROR_STORAGE);
    g_free(refused.id);
}

/* The manager ends first: nobody is told, and nothing is left. */
static void test_never_answered(void **state)
{
    Core *core = *state;
    Payload lost = { .core = core };
    PendingChange change = make(&lost);
    g_autoptr(GKeyFile) file = make_file();

    pending_save(core->manager, STORE_AREA_STATE, "groups", file, &change);
    g_clear_pointer(&core->manager, manager_free);
    assert_int_equal(lost.settled, 0);
    assert_int_equal(lost.freed, 1);
    assert_int_equal(core->answers, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_saved_and_deleted),
        TEST(test_committed),
        TEST(test_refused),
        TEST(test_never_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
