/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The history is what the log tells, with names, in two bounds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/text.h"
#include "daemon/base/tuning.h"
#include "daemon/model/history.h"

#define DESK "11111111-1111-1111-1111-111111111111"

typedef struct Stage {
    Registry *registry;
    History *history;
    Happening *heard; /* the last one */
} Stage;

static void hear(const Happening *happening, void *userdata)
{
    Stage *stage = userdata;

    happening_free(stage->heard);
    stage->heard = happening_copy(happening);
}

static int set_up(void **state)
{
    Stage *stage = g_new0(Stage, 1);
    Device *device = device_new("1-2");
    Assignment *assignment = assignment_new("k3xw90ab");
    MachineInfo *info = machine_info_new(DESK);

    stage->registry = registry_new("host");
    text_replace(&device->product, "Keyboard K120");
    device->reason_code = "attached";
    registry_add_device(stage->registry, device);
    text_replace(&info->name, "desk");
    registry_add_machine(stage->registry, machine_new(info));
    text_replace(&assignment->name, "keys to desk");
    assignment->machine_uuid = g_strdup(DESK);
    assignment->owner = 1000;
    assignment->reason_code = "guarded";
    registry_add_assignment(stage->registry, assignment);
    stage->history = history_new(stage->registry);
    history_listen(stage->history, hear, stage);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    Stage *stage = *state;

    history_free(stage->history);
    registry_free(stage->registry);
    happening_free(stage->heard);
    g_free(stage);
    return 0;
}

static guint length(const Stage *stage)
{
    return g_list_length((GList *)history_last(stage->history, G_MAXUINT));
}

static void has_names(void **state)
{
    Stage *stage = *state;
    const Happening *heard;

    log_event(LOG_EVENT_ATTACHED, "1-2", DESK, "k3xw90ab", "%s", "it is there");
    heard = stage->heard;
    assert_string_equal(heard->text, "it is there");
    assert_string_equal(heard->code, "attached");
    assert_string_equal(heard->device, "1-2");
    assert_string_equal(heard->device_label, "Keyboard K120");
    assert_string_equal(heard->machine, DESK);
    assert_string_equal(heard->machine_name, "desk");
    assert_string_equal(heard->assignment, "k3xw90ab");
    assert_string_equal(heard->assignment_name, "keys to desk");
    assert_int_equal(heard->who, HISTORY_NOBODY);
    assert_int_equal(heard->owner, 1000);
    assert_true(heard->time > 0);

    log_event(LOG_EVENT_GUARDED, NULL, DESK, "k3xw90ab", "it is mounted");
    assert_string_equal(stage->heard->code, "guarded");
    history_set_who(stage->history, 7);
    assert_int_equal(history_who(stage->history), 7);
    /* nothing of it is known, and a text that isn't UTF-8 */
    log_event(LOG_EVENT_UNPLUGGED, "9-9", "gone", "gone", "bad \xff");
    assert_string_equal(stage->heard->text, "bad \xef\xbf\xbd");
    assert_string_equal(stage->heard->code, "");
    assert_string_equal(stage->heard->device_label, "9-9");
    assert_string_equal(stage->heard->machine_name, "");
    assert_string_equal(stage->heard->assignment_name, "");
    assert_int_equal(stage->heard->who, 7);
    assert_int_equal(stage->heard->owner, HISTORY_NOBODY);
}

static void the_journal_alone_has_the_rest(void **state)
{
    Stage *stage = *state;

    for (LogEvent event = 0; event < _LOG_EVENT_MAX; event++) {
        guint before = length(stage);

        log_event(event, NULL, NULL, NULL, "x");
        assert_int_equal(length(stage) - before, log_event_word(event) ? 1 : 0);
        assert_true(log_event_word(event) || !log_event_is_for_desktops(event));
    }
    assert_null(log_event_word(LOG_EVENT_NOT_STORED));
    assert_null(log_event_word(LOG_EVENT_GROUP_FILE_REFUSED));
}

static gpointer tell(gpointer text)
{
    log_event(LOG_EVENT_SWITCHED, NULL, NULL, NULL, "%s", text ? (const char *)text : "x");
    return NULL;
}

static void other_threads_are_not_heard(void **state)
{
    Stage *stage = *state;

    g_thread_join(g_thread_new("worker", tell, NULL));
    assert_null(history_last(stage->history, 10));
    log_listen(NULL, NULL);
    (void)tell(NULL);
    assert_null(history_last(stage->history, 10));
}

static void the_oldest_go(void **state)
{
    Stage *stage = *state;
    const GList *last;

    assert_null(history_last(stage->history, 1));
    for (guint i = 0; i < HISTORY_MAX + 10; i++)
        log_event(LOG_EVENT_SWITCHED, NULL, NULL, NULL, "%u", i);
    assert_int_equal(length(stage), HISTORY_MAX);
    assert_null(history_last(stage->history, 0));
    last = history_last(stage->history, G_MAXUINT);
    assert_string_equal(((const Happening *)last->data)->text, "10");
    last = history_last(stage->history, 2);
    assert_string_equal(((const Happening *)last->data)->text, "1008");
    assert_string_equal(((const Happening *)last->next->data)->text, "1009");
    assert_null(last->next->next);
}

static void so_they_do_when_they_are_long(void **state)
{
    Stage *stage = *state;
    g_autofree char *text = g_strnfill(10 * HISTORY_TEXT_MAX, 'x');

    for (guint i = 0; i < HISTORY_MAX; i++)
        (void)tell(text);
    assert_int_equal(strlen(stage->heard->text), HISTORY_TEXT_MAX);
    assert_in_range(length(stage), HISTORY_BYTES_MAX / (HISTORY_TEXT_MAX + 512),
                    HISTORY_BYTES_MAX / HISTORY_TEXT_MAX);
}

static guint count_of(const Stage *stage, const char *machine)
{
    guint n = 0;

    for (const GList *one = history_last(stage->history, G_MAXUINT); one; one = one->next)
        n += g_str_equal(((const Happening *)one->data)->machine, machine);
    return n;
}

/* A VM, since of a device or an assignment the log writes less. Alone it has all the room; then it gives way
 * to the others until it has its share. */
static void one_that_flaps_pushes_nobody_out(void **state)
{
    Stage *stage = *state;

    log_event(LOG_EVENT_MACHINE_UNREADABLE, NULL, "1-1", NULL, "the first");
    log_event(LOG_EVENT_SWITCHED, NULL, NULL, NULL, "the service's own");
    for (guint i = 0; i < 3 * HISTORY_MAX; i++)
        log_event(LOG_EVENT_MACHINE_UNREADABLE, NULL, "1-2", NULL, "%u", i);
    assert_int_equal(length(stage), HISTORY_MAX);
    assert_int_equal(count_of(stage, "1-1"), 1);
    assert_int_equal(count_of(stage, "1-2"), HISTORY_MAX - 2);
    assert_string_equal(((const Happening *)history_last(stage->history, 1)->data)->text, "2999");

    for (guint i = 0; i < HISTORY_MAX - 2 - HISTORY_SHARE; i++) {
        g_autofree char *machine = g_strdup_printf("2-%u", i % 50);
        log_event(LOG_EVENT_MACHINE_UNREADABLE, NULL, machine, NULL, "%u", i);
    }
    assert_int_equal(length(stage), HISTORY_MAX);
    assert_int_equal(count_of(stage, "1-2"), HISTORY_SHARE);
    assert_int_equal(count_of(stage, "1-1"), 1);
    /* nobody has more than that now: the oldest goes */
    log_event(LOG_EVENT_MACHINE_UNREADABLE, NULL, "1-3", NULL, "one more");
    assert_int_equal(count_of(stage, "1-2"), HISTORY_SHARE);
    assert_int_equal(count_of(stage, "1-1"), 0);
}

/* Of what comes home in a later turn. */
static void who_took_it_home(void **state)
{
    Stage *stage = *state;
    Assignment *assignment = registry_assignment(stage->registry, "k3xw90ab");

    assignment->wanted = true;
    assignment->stopped_by = 1000;
    log_event(LOG_EVENT_HOME, NULL, DESK, "k3xw90ab", "the VM is off");
    assert_int_equal(stage->heard->who, HISTORY_NOBODY);
    assignment->releasing = true;
    log_event(LOG_EVENT_HOME, NULL, DESK, "k3xw90ab", "it was taken home");
    assert_int_equal(stage->heard->who, 1000);
    history_set_who(stage->history, 7);
    log_event(LOG_EVENT_HOME, NULL, DESK, "k3xw90ab", "it was taken home");
    assert_int_equal(stage->heard->who, 7);
}

static GLogWriterOutput swallow(GLogLevelFlags level, const GLogField *fields, gsize n_fields,
                                gpointer userdata)
{
    return G_LOG_WRITER_HANDLED;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(has_names),        TEST(the_journal_alone_has_the_rest), TEST(other_threads_are_not_heard),
        TEST(the_oldest_go),    TEST(so_they_do_when_they_are_long),  TEST(one_that_flaps_pushes_nobody_out),
        TEST(who_took_it_home),
    };

    g_log_set_writer_func(swallow, NULL, NULL);
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
