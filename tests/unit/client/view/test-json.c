/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON that no text of the bus can break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/json.h"

static void test_json(void **state)
{
    static const struct {
        const char *value, *json;
    } cases[] = {
        { "'a\"\\\\'", "\"a\\\"\\\\\"" },
        { "'\\u001b\\u009b\\u202e\\u00e4'", "\"\\u001b\\u009b\\u202e\xc3\xa4\"" },
        { "'\\U000e0001'", "\"\\udb40\\udc01\"" }, /* a format character beyond the first plane */
        { "{'A': <true>, 'B': <uint64 18446744073709551615>, 'C': <int32 -1>}",
          "{\"A\":true,\"B\":18446744073709551615,\"C\":-1}" },
        { "@a(os) [('/', 'host')]", "[[\"/\",\"host\"]]" },
        { "@a(yyy) [(3, 1, 255)]", "[[3,1,255]]" },
        { "@as []", "[]" },
        { "@a{sv} {}", "{}" },
        { "@mv nothing", "null" },
        { "[<1.5>, <'x'>]", "[1.5,\"x\"]" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_parsed(cases[i].value));
        g_autofree char *json = json_from_variant(value, /* pretty= */ false);
        assert_string_equal(json, cases[i].json);
    }

    g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_parsed("{'a': <[1, 2]>, 'b': <@as []>}"));
    g_autofree char *json = json_from_variant(value, /* pretty= */ true);
    assert_string_equal(json, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": []\n}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
