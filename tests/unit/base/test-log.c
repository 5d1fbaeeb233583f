/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines carry the objects that they are about, and a priority. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_fields),
        cmocka_unit_test(priorities_are_syslogs),
    };

    written = g_string_new(NULL);
    g_log_set_writer_func(note, NULL, NULL);
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
