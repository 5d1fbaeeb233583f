/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables on the terminal: every character has a width, or is escaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/columns.h"
#include "client/view/table.h"
#include "tests/unit/client/fixture.h"

static char *print(const Model *model, ObjectKind kind, const char *names, TableFlags flags)
{
    g_autoptr(GPtrArray) columns = columns_choose(columns_for(kind), names, NULL);
    g_autoptr(GPtrArray) objects = model_sorted(model, kind);
    g_autoptr(GError) error = NULL;

    fixture_begin_capture();
    bool printed = table_print(model, columns, objects, flags, &error);
    char *text = fixture_end_capture();
    assert_true(printed);
    return text;
}

static void test_print(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_add_group(model);
    g_autofree char *devices = print(model, KIND_DEVICE, "device,vm,is-hub", TABLE_DASHES);
    assert_string_equal(devices, "DEVICE VM    IS-HUB\n"
                                 "3-1.9  -     yes\n"
                                 "3-1.10 win11 no\n");
    /* How wide a column is without its heading is libsmartcols' to say, and differs between its versions. */
    g_autofree char *groups = print(model, KIND_GROUP, "rules,file,group", TABLE_NO_HEADINGS);
    g_auto(GStrv) words = g_strsplit_set(g_strstrip(groups), " ", 2);
    assert_string_equal(words[0], "2");
    assert_string_equal(g_strchug(words[1]), "keys");
}

/* Zero-width and unprintable characters would have libsmartcols loop, and the terminal act. */
static void test_hostile(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_change(model, DEVICE, "{'Product': <'a\\u001b[2J\\u0301\\u200bb\\u00e4'>}");
    g_autofree char *text = print(model, KIND_DEVICE, "product", TABLE_NO_HEADINGS);
    assert_null(strchr(text, 033));
    assert_non_null(strstr(text, "a\\x1b[2J"));
    assert_non_null(strstr(text, "\\u00e4")); /* not in the C locale */
}

static void test_colors(void **state)
{
    assert_string_equal(table_state_color("attached"), "green");
    assert_string_equal(table_state_color("failed"), "red");
    assert_null(table_state_color("of-a-later-version"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_colors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
