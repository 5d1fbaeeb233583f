/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"

static const struct {
    const char *raw, *clean;
} cases[] = {
    { NULL, "" },
    { "", "" },
    { "Keyboard K120", "Keyboard K120" },
    { "  Keyboard \t K120\r\n", "Keyboard K120" },
    { "a\nb", "a b" },
    { "a\033[31mb", "a [31mb" },
    { "a\x7f"
      "b",
      "a b" },
    { "a\xc2\x85"
      "b",
      "a b" }, /* C1: next line */
    { "a\xe2\x80\xa8\xe2\x80\xa9"
      "b",
      "a b" }, /* line and paragraph separator */
    { "a\xc2\xa0"
      "b",
      "a b" }, /* no-break space */
    { "a\xe2\x80\xae"
      "b",
      "ab" }, /* right-to-left override */
    { "\xef\xbb\xbf"
      "a\xe2\x81\xa6",
      "a" },                       /* byte order mark, isolate */
    { "a \xe2\x80\x8f b", "a b" }, /* what is dropped doesn't double the space */
    { "a\xff"
      "b",
      "a\xef\xbf\xbd"
      "b" },                                                    /* no UTF-8 */
    { "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd" },               /* cut off */
    { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
    { "\xef\xbf\xbe", "\xef\xbf\xbd" },                         /* U+FFFE, which sd-bus refuses */
    { "\xef\xb7\x90", "\xef\xbf\xbd" },                         /* U+FDD0 */
    { "\xf0\x9f\xbf\xbf", "\xef\xbf\xbd" },                     /* U+1FFFF */
    { "Gr\xc3\xbc\xc3\x9f"
      "e \xf0\x9f\x90\xa7",
      "Gr\xc3\xbc\xc3\x9f"
      "e \xf0\x9f\x90\xa7" },
};

static void test_sanitize(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *clean = text_sanitize(cases[i].raw, TEXT_MAX);
        g_autofree char *again = text_sanitize(clean, TEXT_MAX);

        assert_string_equal(clean, cases[i].clean);
        assert_string_equal(again, clean);
        assert_true(text_is_clean(clean));
    }
}

static void test_sanitize_any_bytes(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);

    for (unsigned i = 0; i < 20000; i++) {
        char raw[24] = { 0 };
        gsize max = (gsize)g_rand_int_range(rand, 0, sizeof(raw));
        g_autofree char *clean = NULL;

        for (gsize j = 0; j < sizeof(raw) - 1; j++)
            raw[j] = (char)g_rand_int(rand);
        clean = text_sanitize(raw, max);
        assert_true(strlen(clean) <= max);
        assert_true(text_is_clean(clean));
        assert_false(g_str_has_prefix(clean, " ") || g_str_has_suffix(clean, " ") || strstr(clean, "  "));
    }
}

static void test_sanitize_length(void **state)
{
    g_autofree char *three = text_sanitize("abcdef", 3);
    g_autofree char *space = text_sanitize("abc def", 4);
    g_autofree char *between = text_sanitize("ab\xe2\x82\xac", 4);
    g_autofree char *fits = text_sanitize("ab\xe2\x82\xac", 5);
    g_autofree char *nothing = text_sanitize("abc", 0);

    assert_string_equal(three, "abc");
    assert_string_equal(space, "abc");
    assert_string_equal(between, "ab");
    assert_string_equal(fits, "ab\xe2\x82\xac");
    assert_string_equal(nothing, "");
}

static void test_is_clean(void **state)
{
    assert_true(text_is_clean(""));
    assert_true(text_is_clean(" two  spaces "));
    assert_true(text_is_clean("\xef\xbf\xbd"));
    assert_false(text_is_clean(NULL));
    assert_false(text_is_clean("a\tb"));
    assert_false(text_is_clean("a\nb"));
    assert_false(text_is_clean("a\x7f"));
    assert_false(text_is_clean("\xe2\x80\xa8"));
    assert_false(text_is_clean("\xe2\x80\xae"));
    assert_false(text_is_clean("\xef\xbb\xbf"));
    assert_false(text_is_clean("\xff"));
    assert_false(text_is_clean("\xef\xbf\xbf"));
}

static void test_quote(void **state)
{
    g_autofree char *plain = text_quote("AB 1");
    g_autofree char *escaped = text_quote("a\"b\\c");
    g_autofree char *dirty = text_quote("a\nb\xff");
    g_autofree char *nothing = text_quote(NULL);
    g_autofree char *longest = g_strnfill(TEXT_MAX, 'x'), *too_long = g_strnfill(TEXT_MAX + 1, '\x01');
    g_autofree char *whole = text_quote(longest), *cut = text_quote(too_long);

    assert_int_equal(strlen(whole), TEXT_MAX + 2);
    assert_true(strlen(cut) < TEXT_MAX + 10);
    assert_true(g_str_has_suffix(cut, "\xe2\x80\xa6\""));
    assert_string_equal(plain, "\"AB 1\"");
    assert_string_equal(escaped, "\"a\\\"b\\\\c\"");
    assert_string_equal(dirty, "\"a\xef\xbf\xbd"
                               "b\xef\xbf\xbd\"");
    assert_string_equal(nothing, "\"\"");
}

static void test_check(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_true(text_check("Name", NULL, 4, &error));
    assert_true(text_check("Name", "", 4, &error));
    assert_true(text_check("Name", "four", 4, &error));
    assert_false(text_check("Name", "fives", 4, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME));
    assert_true(g_str_has_prefix(error->message, "Name: at most 4 bytes"));
    assert_false(text_check("Name", "a\nb", 4, NULL));
}

static void test_replace(void **state)
{
    g_autofree char *text = NULL;

    text_replace(&text, NULL);
    assert_string_equal(text, "");
    text_replace(&text, "ab");
    assert_string_equal(text, "ab");
    text_replace(&text, text + 1);
    assert_string_equal(text, "b");
}

static void test_fold(void **state)
{
    g_autofree char *folded = text_fold("Kensington \xc3\x84"
                                        "B\xe1\xba\x9e");

    assert_string_equal(folded, "kensington \xc3\xa4"
                                "b\xc3\x9f");

    /* a stored text is folded again when it is read: nothing may move any more */
    for (gunichar c = 1; c < 0x30000; c++) {
        char text[8] = { 0 };
        g_autofree char *once = NULL, *twice = NULL;

        if (!g_unichar_validate(c))
            continue;
        g_unichar_to_utf8(c, text);
        once = text_fold(text);
        twice = text_fold(once);
        assert_string_equal(once, twice);
        assert_int_equal(g_utf8_strlen(once, -1), 1);
    }
}

/* As the bus takes it, and no longer than there is room. */
static void test_shorten(void **state)
{
    static const struct {
        const char *text, *expected;
    } messages[] = {
        { "", "" },
        { "12345678", "12345678" },
        { "123456789", "12345\u2026" },
        { "1234\u00e49", "1234\u00e49" },
        { "1234\u00e4789", "1234\u2026" },
        { "a\nb\x1b", "a\nb\x1b" },
        { "a\xff", "a\ufffd" },
        { "a\xef\xbf\xbe", "a\ufffd" }, /* U+FFFE, which UTF-8 allows and the bus doesn't */
        { "a\xef\xb7\x90", "a\ufffd" }, /* U+FDD0 */
        { "\xff\xff\xff", "\ufffd\u2026" },
    };
    enum { ROOM = 8 };

    for (gsize i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_autofree char *text = text_shorten(messages[i].text, ROOM);

        assert_string_equal(text, messages[i].expected);
    }
}

#define LOCKED 200000

/* In its child, and without an end: what it locks is what GLib locks for a locale. */
static gpointer lock_often(gpointer began)
{
    static gsize once[LOCKED];

    g_atomic_int_set((gint *)began, 1);
    for (gsize i = 0; i < LOCKED; i++)
        if (g_once_init_enter(&once[i]))
            g_once_init_leave(&once[i], 1);
    return NULL;
}

/* Of a process whose threads want the same lock at the same time. */
static bool reads_first_number(void)
{
    pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0) {
        gint began = 0;
        gint64 number = 0;

        text_prepare_numbers();
        g_thread_unref(g_thread_new("locks", lock_often, &began));
        while (!g_atomic_int_get(&began))
            g_thread_yield();
        _exit(g_ascii_string_to_signed("30", 10, 0, G_MAXINT64, &number, NULL) && number == 30 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_first_number(void **state)
{
    enum { PROCESSES = 20 };

    for (int i = 0; i < PROCESSES; i++)
        assert_true(reads_first_number());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_number), /* first: who has read a number has a child that shows nothing */
        cmocka_unit_test(test_shorten),
        cmocka_unit_test(test_sanitize),
        cmocka_unit_test(test_sanitize_any_bytes),
        cmocka_unit_test(test_sanitize_length),
        cmocka_unit_test(test_is_clean),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_replace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
