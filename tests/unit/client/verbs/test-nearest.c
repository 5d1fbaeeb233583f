/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody may have meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/verbs/nearest.h"
#include "tests/unit/client/fixture.h"

static void test_texts(void **state)
{
    static const char *const texts[] = { "give", "take", "Keyboard", "Ünder", "" };
    g_autofree char *long_word = g_strnfill(4096, 'g');
    const struct {
        const char *word, *text;
    } cases[] = {
        { "gvie", "give" },    { "giv", "give" },          { "givee", "give" },
        { "GIVE", "give" },    { "keybaord", "Keyboard" }, { "ünedr", "Ünder" },
        { "g", NULL },         { "mouse", NULL },          { "", NULL },
        { "kayboerdx", NULL }, { long_word, NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *text = nearest_text(cases[i].word, texts, G_N_ELEMENTS(texts));
        if (g_strcmp0(text, cases[i].text) != 0)
            fail_msg("%s: %s, not %s", cases[i].word, text, cases[i].text);
    }
}

/* What a device calls itself reaches no terminal as it is. */
static void test_hint(void **state)
{
    g_autoptr(Model) model = fixture_load();

    g_autofree char *vm = nearest_hint(model, TARGET_GIVEN, "wni11");
    assert_string_equal(vm, "\n  Did you mean \"win11\"?");
    g_autofree char *kind = nearest_hint(model, TARGET_GROUPS, "wni11");
    assert_string_equal(kind, "");
    g_autofree char *none = nearest_hint(model, TARGET_GIVEN, "nothing like it");
    assert_string_equal(none, "\n  usbferry list shows what there is");
    /* the port beside one that is in use */
    g_autofree char *port = nearest_hint(model, TARGET_GIVEN, "3-9");
    assert_string_equal(port, "\n  usbferry list shows what there is");
    fixture_change(model, DEVICE,
                   "{'Serial': <'abc\x1b"
                   "def'>}");
    g_autofree char *hostile = nearest_hint(model, TARGET_GIVEN, "abcdef");
    assert_string_equal(hostile, "\n  Did you mean \"abc\\x1bdef\"?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_hint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
