/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key files: what is wrong is named by its line, and what is written is read again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/key-file-reader.h"

#define PATH "/a/file"

typedef struct Values {
    char *text;
    char **list;
    gint64 number;
    bool flag;
} Values;

static void values_clear(Values *values)
{
    g_clear_pointer(&values->text, g_free);
    g_clear_pointer(&values->list, g_strfreev);
}

static bool read_text(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_raw_text(reader, &((Values *)userdata)->text);
}

static bool read_list(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_list(reader, &((Values *)userdata)->list);
}

static bool read_number(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_integer(reader, -5, 5, &((Values *)userdata)->number);
}

static bool read_flag(KeyFileReader *reader, void *userdata)
{
    return key_file_reader_flag(reader, &((Values *)userdata)->flag);
}

static const KeyFileKey keys[] = {
    { "Text", read_text, true }, { "List", read_list }, { "Number", read_number }, { "Flag", read_flag }, {},
};

static void test_values(void **state)
{
    Values values = {};
    g_autoptr(GError) error = NULL;

    assert_true(key_file_read_section(
        "A", keys, "# first\n\n [A]\r\nText=\\sa\\tb\\\\\nList=x;y\\;z;\nNumber=-5\nFlag=true", PATH, &values,
        &error));
    assert_null(error);
    assert_string_equal(values.text, " a\tb\\");
    assert_int_equal(g_strv_length(values.list), 2);
    assert_string_equal(values.list[1], "y;z");
    assert_true(values.number == -5);
    assert_true(values.flag);
    values_clear(&values);
}

static void test_bad(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", ":1: expected [A] somewhere" },
        { "# x\n", ":1: expected [A] somewhere" },
        { "Text=x\n", ":1: expected [A] before" },
        { "[B]\n", ":1: unknown section \"B\"" },
        { "[A]\nText=x\n[A]\n", ":3: section \"A\"" },
        { "[A]\n", ":1: [A] has no Text" },
        { "[A]\nText=\n", ":2: Text must not be empty" },
        { "[A]\nText=x\nText=x\n", ":3: Text is already there" },
        { "[A]\nText[de]=x\n", ":2: unknown key \"Text[de]\"" },
        { "[A]\nOther=x\n", ":2: unknown key \"Other\", expected one of Text, List, Number, Flag" },
        { "[A]\nText\n", ":2: expected [Section]" },
        { "[A]\nText=a\\\n", ":2: Text: " },
        { "[A]\nText=\\q\\r\\p\n", ":2: Text: " },
        { "[A]\nText=\\;\n", ":2: Text: " },
        { "[A]\nText=\xff\n", ":2: expected UTF-8" },
        { "[A]\nText=x\nList=a\\q;\n", ":3: List: " },
        { "[A]\nText=x\nNumber=6\n", ":3: Number: \"6\" is not a number from -5 to 5" },
        { "[A]\nText=x\nNumber=\n", ":3: Number: " },
        { "[A]\nText=x\nFlag=\n", ":3: Flag: \"\" is not true or false" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Values values = {};
        g_autoptr(GError) error = NULL;
        g_autofree char *message = g_strconcat(PATH, cases[i].message, NULL);

        if (key_file_read_section("A", keys, cases[i].text, PATH, &values, &error))
            fail_msg("taken: %s", cases[i].text);
        if (!g_str_has_prefix(error->message, message))
            fail_msg("%s\nand not %s", error->message, message);
        values_clear(&values);
        assert_false(key_file_read_section("A", keys, cases[i].text, PATH, &values, NULL));
        values_clear(&values);
    }
}

static void test_written_texts_come_back(void **state)
{
    static const char *const texts[] = { "a",    " a",  "a ",  " ",  "  ",    "a\\",
                                         "a\\ ", "\\s", "[A]", "#x", "a=b;c", "ä\nb" };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autofree char *text = NULL;
        Values values = {};

        key_file_reader_set_text(file, "A", "Text", texts[i]);
        text = g_key_file_to_data(file, NULL, NULL);
        assert_true(key_file_read_section("A", keys, text, PATH, &values, NULL));
        assert_string_equal(values.text, texts[i]);
        values_clear(&values);
    }
}

static bool reads(const char *text, char **ret_message)
{
    Values values = {};
    g_autoptr(GError) error = NULL;
    bool ok = key_file_read_section("A", keys, text, PATH, &values, &error);

    *ret_message = error ? g_strdup(error->message) : NULL;
    values_clear(&values);
    return ok;
}

/* Wherever it was cut off, also between two lines. */
static void test_a_closed_text_is_whole(void **state)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = NULL;

    key_file_reader_set_text(file, "A", "Text", "x");
    g_key_file_set_integer(file, "A", "Number", 5);
    text = key_file_reader_close(file);
    for (gsize length = 0; length <= strlen(text); length++) {
        g_autofree char *cut = g_strndup(text, length), *message = NULL;
        bool is_whole = length + strlen("\n") >= strlen(text);

        if (reads(cut, &message) != is_whole)
            fail_msg("%s: %s", is_whole ? "refused" : "taken", cut);
    }
}

/* What is said of it, and what people and editors do to a file that they mend. */
static void test_closed_texts(void **state)
{
    static const struct {
        const char *before, *after, *message;
    } cases[] = {
        { "", "\n# end\n", NULL },
        { "", "\r\n  # end\r\n\n \n", NULL },
        { "", "\n# end", NULL },
        { "", "\n# end\nNumber=1\n# end\n", NULL },
        { "", "", ":3: the end of the file is missing" },
        { "", "\n", ":3: the end of the file is missing" },
        { "", "\nNumber=\n", ":4: Number: " },
        { "", "\n# end\nNumber=1\n", NULL },
        { "", "\n# end\nNumber=\n", ":5: Number: " },
        { "", "\n#end\n", ":4: the end of the file is missing" },
        { "\n", "", NULL }, /* not the first line */
        { "# ", "", NULL },
    };
    g_autoptr(GKeyFile) empty = g_key_file_new();
    g_autofree char *closed = key_file_reader_close(empty);
    g_autofree char *first = g_strndup(closed, strcspn(closed, "\n"));

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(cases[i].before, first, "\n[A]\nText=x", cases[i].after, NULL);
        g_autofree char *message = NULL;
        g_autofree char *expected = cases[i].message ? g_strconcat(PATH, cases[i].message, NULL) : NULL;

        if (reads(text, &message) != !expected || (expected && !g_str_has_prefix(message, expected)))
            fail_msg("%s\n%s, expected %s", text, message ? message : "taken",
                     expected ? expected : "nothing");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_written_texts_come_back),
        cmocka_unit_test(test_a_closed_text_is_whole),
        cmocka_unit_test(test_closed_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
