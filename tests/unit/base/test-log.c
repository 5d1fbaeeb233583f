/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines carry the objects that they are about, and a priority. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/log.h"

/* "LEVEL KEY=value …" of every line since the last look, without where it came from. */
static GString *written;

static GLogWriterOutput note(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer userdata)
{
    for (gsize i = 0; i < n_fields; i++)
        if (!g_str_has_prefix(fields[i].key, "CODE_"))
            g_string_append_printf(written, "%s=%s\n", fields[i].key, (const char *)fields[i].value);
    return G_LOG_WRITER_HANDLED;
}

static void expect(const char *fields)
{
    assert_string_equal(written->str, fields);
    g_string_truncate(written, 0);
}

static void objects_are_fields(void **state)
{
    log_object(G_LOG_LEVEL_MESSAGE, "1-4", "uuid", "k3xw90ab", "%s is %d", "it", 5);
    expect("MESSAGE=it is 5\nPRIORITY=5\nGLIB_DOMAIN=usbferry\n"
           "FERRY_DEVICE=1-4\nFERRY_MACHINE=uuid\nFERRY_ASSIGNMENT=k3xw90ab\n");
    log_object(G_LOG_LEVEL_MESSAGE, NULL, "uuid", NULL, "one");
    expect("MESSAGE=one\nPRIORITY=5\nGLIB_DOMAIN=usbferry\nFERRY_MACHINE=uuid\n");
    log_object(G_LOG_LEVEL_MESSAGE, NULL, NULL, NULL, "none");
    expect("MESSAGE=none\nPRIORITY=5\nGLIB_DOMAIN=usbferry\n");
}

static void priorities_are_syslogs(void **state)
{
    log_object(G_LOG_LEVEL_WARNING, NULL, NULL, NULL, "w");
    expect("MESSAGE=w\nPRIORITY=4\nGLIB_DOMAIN=usbferry\n");
    log_object(G_LOG_LEVEL_DEBUG, NULL, NULL, NULL, "d");
    expect("MESSAGE=d\nPRIORITY=7\nGLIB_DOMAIN=usbferry\n");
}

static void events_have_an_id(void **state)
{
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    log_event(LOG_EVENT_QUARANTINED, "1-4", NULL, NULL, "%s", "it flaps");
    expect("MESSAGE=it flaps\nPRIORITY=4\nGLIB_DOMAIN=usbferry\n"
           "MESSAGE_ID=9d73a00890de4d09b83076fa242a5ecf\nFERRY_DEVICE=1-4\n");
    for (LogEvent event = 0; event < _LOG_EVENT_MAX; event++) {
        const char *id;

        log_event(event, NULL, NULL, NULL, "x");
        id = strstr(written->str, "MESSAGE_ID=");
        assert_non_null(id);
        assert_int_equal(strcspn(id, "\n"), strlen("MESSAGE_ID=") + 32);
        assert_true(g_hash_table_add(ids, g_strdup(id)));
        g_string_truncate(written, 0);
    }
}

gint64 __wrap_g_get_monotonic_time(void);
static gint64 now;

gint64 __wrap_g_get_monotonic_time(void)
{
    return now;
}

static unsigned lines(void)
{
    g_auto(GStrv) parts = g_strsplit(written->str, "MESSAGE=", -1);

    g_string_truncate(written, 0);
    return g_strv_length(parts) - 1;
}

static void who_flaps_does_not_fill_the_journal(void **state)
{
    now = 100 * G_USEC_PER_SEC;
    for (int i = 0; i < 10 * LOG_LINES_MAX; i++)
        log_event(LOG_EVENT_PLUGGED, "9-1", NULL, NULL, "it is plugged in");
    assert_int_equal(lines(), LOG_LINES_MAX);
    /* Others have their own, and what only debugging shows is all there. */
    log_event(LOG_EVENT_PLUGGED, "9-2", NULL, NULL, "it is plugged in");
    log_object(G_LOG_LEVEL_DEBUG, "9-1", NULL, NULL, "it is looked at");
    assert_int_equal(lines(), 2);

    now += 60 * G_USEC_PER_SEC;
    log_object(G_LOG_LEVEL_MESSAGE, "9-1", NULL, NULL, "it is attached");
    expect("MESSAGE=it is attached (1080 lines about it were left out before)\nPRIORITY=5\n"
           "GLIB_DOMAIN=usbferry\nFERRY_DEVICE=9-1\n");
    log_object(G_LOG_LEVEL_MESSAGE, "9-1", NULL, NULL, "it is well");
    expect("MESSAGE=it is well\nPRIORITY=5\nGLIB_DOMAIN=usbferry\nFERRY_DEVICE=9-1\n");
    /* A line without a device is its assignment's. */
    for (int i = 0; i < 2 * LOG_LINES_MAX; i++)
        log_object(G_LOG_LEVEL_MESSAGE, NULL, NULL, "k3xw90ab", "it waits");
    assert_int_equal(lines(), LOG_LINES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_fields),
        cmocka_unit_test(priorities_are_syslogs),
        cmocka_unit_test(events_have_an_id),
        cmocka_unit_test(who_flaps_does_not_fill_the_journal),
    };

    written = g_string_new(NULL);
    g_log_set_writer_func(note, NULL, NULL);
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
