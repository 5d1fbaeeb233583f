/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables on the terminal, as wide as it is: every character has a width, or is escaped. */
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

    fixture_begin_capture();
    table_print(model, columns, objects, flags);
    return fixture_end_capture();
}

static void test_print(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_add_group(model);
    g_autofree char *devices = print(model, KIND_DEVICE, "device,vm,is-hub", TABLE_DASHES);
    assert_string_equal(devices, "DEVICE VM    IS-HUB\n"
                                 "3-1.9  -     yes\n"
                                 "3-1.10 win11 no\n");
    g_autofree char *groups = print(model, KIND_GROUP, "rules,file,group", TABLE_NO_HEADINGS);
    assert_string_equal(groups, "2  keys\n");
}

/* As wide as the terminal: names are cut, sentences wrap, then they go below, and the state stays to the
 * last. */
static void test_widths(void **state)
{
    static const struct {
        const char *columns, *text;
    } cases[] = {
        { "200",
          "DEVICE VM    STATE    MODEL                  REASON\n"
          "3-1.9        host\n"
          "3-1.10 win11 attached Logitech Keyboard K120 the VM has it, and nobody else wants it today\n" },
        { "64", "DEVICE VM    STATE    MODEL         REASON\n"
                "3-1.9        host\n"
                "3-1.10 win11 attached Logitech K... the VM has it, and nobody\n"
                "                                    else wants it today\n" },
        { "40", "DEVICE VM    STATE    MODEL\n"
                "3-1.9        host\n"
                "3-1.10 win11 attached Logitech Keyboa...\n"
                "    reason: the VM has it, and nobody\n"
                "            else wants it today\n" },
        { "20", "DEVICE STATE\n"
                "3-1.9  host\n"
                "3-1.10 attached\n"
                "    vm: win11\n"
                "    model:\n"
                "    Logitech\n"
                "    Keyboard K120\n"
                "    reason:\n"
                "    the VM has it,\n"
                "    and nobody else\n"
                "    wants it today\n" },
    };
    g_autoptr(Model) model = fixture_load();

    fixture_change(model, DEVICE, "{'Reason': <'the VM has it, and nobody else wants it today'>}");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_setenv("COLUMNS", cases[i].columns, true);
        g_autofree char *text = print(model, KIND_DEVICE, "device,vm,state,model,reason", 0);
        assert_string_equal(text, cases[i].text);
    }
    g_unsetenv("COLUMNS");
}

/* Nothing that a device calls itself may act on the terminal. */
static void test_hostile(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_change(model, DEVICE, "{'Product': <'a\\u001b[2J\\u0301\\u200bb\\u00e4'>}");
    g_autofree char *text = print(model, KIND_DEVICE, "product", TABLE_NO_HEADINGS);
    assert_null(strchr(text, 033));
    assert_non_null(strstr(text, "a\\x1b[2J"));
    assert_non_null(strstr(text, "\\xe4")); /* not in the C locale */
}

static void test_colors(void **state)
{
    assert_string_equal(table_state_color("attached"), "32");
    assert_string_equal(table_state_color("failed"), "31");
    assert_null(table_state_color("of-a-later-version"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_colors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
