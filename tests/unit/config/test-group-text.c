/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups as text: there and back, and which line is wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/config/group-text.h"

#define PATH "/etc/usbferry/groups.d/dongles.conf"

static Group *read_text(const char *text, bool from_drop_in)
{
    g_autoptr(GError) error = NULL;
    Group *group = group_from_text(text, PATH, from_drop_in, &error);

    if (!group)
        fail_msg("%s\n%s", error->message, text);
    assert_null(error);
    return group;
}

/* In a file and back. */
static Group *through_text(const Group *group)
{
    g_autofree char *text = group_to_text(group), *again = NULL;
    Group *read = read_text(text, false);

    again = group_to_text(read);
    assert_string_equal(text, again);
    return read;
}

static void assert_same(const Group *a, const Group *b)
{
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->description, b->description);
    assert_int_equal(a->class_value, b->class_value);
    assert_int_equal(a->enabled, b->enabled);
    assert_int_equal(a->allow_guest_reset, b->allow_guest_reset);
    assert_int_equal(a->allow_guest_resets_all, b->allow_guest_resets_all);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->next_rule_id, b->next_rule_id);
    assert_int_equal(a->rules->len, b->rules->len);
    for (guint i = 0; i < a->rules->len; i++) {
        const GroupRule *left = a->rules->pdata[i], *right = b->rules->pdata[i];

        assert_int_equal(left->id, right->id);
        assert_int_equal(left->enabled, right->enabled);
        assert_string_equal(left->text, right->text);
        assert_string_equal(left->origin, right->origin);
    }
}

static const char everything[] = "[Group]\n"
                                 "Name=licence-dongles\n"
                                 "Description=Keys of the \\\\ CAD machines\n"
                                 "Class=smartcard\n"
                                 "Enabled=false\n"
                                 "AllowGuestReset=true\n"
                                 "AllowGuestResetsAll=true\n"
                                 "Priority=-5\n"
                                 "NextRule=9\n"
                                 "\n"
                                 "[Rule 1]\n"
                                 "Match=vendor=0529 serial=\"A\\\\B \\\"C\\\" \\*\"\n"
                                 "Origin=auto:3-1.2\n"
                                 "\n"
                                 "[Rule 7]\n"
                                 "Match=vendor=0529 product=0001 node=host-a\n"
                                 "Enabled=false\n";

static void test_all_of_it(void **state)
{
    g_autoptr(Group) group = read_text(everything, false);
    g_autoptr(Group) copy = group_copy(group), again = through_text(group);
    g_autofree char *text = group_to_text(group);
    const GroupRule *first = group->rules->pdata[0], *second = group->rules->pdata[1];

    assert_string_equal(text, everything);
    assert_string_equal(group->name, "licence-dongles");
    assert_string_equal(group->description, "Keys of the \\ CAD machines");
    assert_int_equal(group->class_value, GROUP_CLASS_SMARTCARD);
    assert_false(group->enabled);
    assert_true(group->allow_guest_reset);
    assert_true(group->allow_guest_resets_all);
    assert_int_equal(group->priority, -5);
    assert_int_equal(group->next_rule_id, 9);
    assert_null(group->file);
    assert_int_equal(group->rules->len, 2);
    assert_int_equal(first->id, 1);
    assert_true(first->enabled);
    assert_string_equal(first->origin, "auto:3-1.2");
    /* the same text as on the bus, not escaped once more */
    assert_string_equal(first->text, "vendor=0529 serial=\"A\\\\B \\\"C\\\" \\*\"");
    assert_string_equal(rule_exact(first->rule, "serial"), "A\\B \"C\" *");
    assert_int_equal(second->id, 7);
    assert_false(second->enabled);
    assert_string_equal(second->origin, GROUP_ORIGIN_ADMIN);
    assert_same(group, copy);
    assert_same(group, again);
    assert_int_equal(copy->devices->len, 0);
}

static void test_defaults(void **state)
{
    g_autoptr(Group) group = read_text("[Group]\nName=a", false);
    g_autoptr(Group) fresh = group_new("a");
    g_autofree char *text = group_to_text(group);

    assert_same(group, fresh);
    assert_true(group->enabled);
    assert_int_equal(group->class_value, GROUP_CLASS_GENERIC);
    assert_string_equal(text, "[Group]\nName=a\n");
}

static void test_drop_in(void **state)
{
    g_autoptr(Group) group = read_text(everything, true);
    g_autoptr(Group) copy = group_copy(group), stored = read_text(everything, false);
    g_autoptr(Group) strange = group_from_text(everything, "/x\n\xff.conf", true, NULL);
    g_autofree char *text = group_to_text(group);

    assert_string_equal(group->file, PATH);
    assert_string_equal(copy->file, PATH);
    for (guint i = 0; i < group->rules->len; i++)
        assert_string_equal(((GroupRule *)group->rules->pdata[i])->origin, "file:" PATH);
    assert_null(strstr(text, "Origin"));
    assert_true(text_is_clean(strange->file));
}

/* As people write it. */
static void test_order_and_texts(void **state)
{
    g_autofree char *long_text = g_strnfill(2 * TEXT_MAX, 'x');
    g_autofree char *file = g_strdup_printf("[Rule 12]\r\n"
                                            "Match =  product=1   vendor=46D  \r\n"
                                            " Enabled = false \n"
                                            "\n"
                                            "  # the group comes last\n"
                                            "  [Rule 3]  \n"
                                            "Match=hub=3:1.2\n"
                                            "Origin=auto:%s\n"
                                            "[Group]\n"
                                            "Class=HID\n"
                                            "NextRule=5\n"
                                            "Description=  a\\tb\\nc \xe2\x80\xae d  \n"
                                            "Name=x",
                                            long_text);
    g_autoptr(Group) group = read_text(file, false);
    const GroupRule *first = group->rules->pdata[0], *second = group->rules->pdata[1];

    assert_int_equal(group->rules->len, 2);
    assert_int_equal(first->id, 3);
    assert_string_equal(first->text, "hub=3-1.2");
    assert_int_equal(strlen(first->origin), TEXT_MAX);
    assert_int_equal(second->id, 12);
    assert_false(second->enabled);
    assert_string_equal(second->text, "vendor=046d product=0001");
    assert_int_equal(group->class_value, GROUP_CLASS_HID);
    assert_string_equal(group->description, "a b c d");
    /* too small a NextRule does no harm */
    assert_int_equal(group->next_rule_id, 13);
}

static const struct {
    const char *text;
    FerryError code;
    const char *message;
} bad_cases[] = {
    { "", FERRY_ERROR_INVALID_OPTION, ":1: expected [Group] somewhere in the file" },
    { "\n\n", FERRY_ERROR_INVALID_OPTION, ":2: expected [Group] somewhere in the file" },
    { "[Rule 1]\nMatch=vendor=*\n", FERRY_ERROR_INVALID_OPTION,
      ":2: expected [Group] somewhere in the file" },
    { "\n[Group]\n\n", FERRY_ERROR_INVALID_OPTION, ":2: [Group] has no Name" },
    { "[Group]\nClass=hid\n[Rule 1]\n", FERRY_ERROR_INVALID_OPTION, ":1: [Group] has no Name" },
    { "[Group]\nName=a\n[Rule 1]\n\n[Rule 2]\nMatch=vendor=*\n", FERRY_ERROR_INVALID_OPTION,
      ":3: [Rule 1] has no Match" },
    { "[Group]\nName=a\n[Rule 1]\nEnabled=true\n", FERRY_ERROR_INVALID_OPTION, ":3: [Rule 1] has no Match" },
    { "# x\nName=a\n", FERRY_ERROR_INVALID_OPTION, ":2: expected [Group] before the first key" },
    { "[Group]\nName=a\nwhat\n", FERRY_ERROR_INVALID_OPTION,
      ":3: expected [Section], Key=value or a comment after #" },
    { "[Group]\nName=a\n[Rule 1\nMatch=vendor=*", FERRY_ERROR_INVALID_OPTION,
      ":3: expected [Section], Key=value or a comment after #" },
    { "[Group] x\n", FERRY_ERROR_INVALID_OPTION, ":1: expected [Section], Key=value or a comment after #" },
    { "[]\n", FERRY_ERROR_INVALID_OPTION, ":1: expected [Section], Key=value or a comment after #" },
    { "[Group]\n=a\n", FERRY_ERROR_INVALID_OPTION, ":2: expected [Section], Key=value or a comment after #" },
    { "[Group]\nName=a\n\n[Group]\n", FERRY_ERROR_INVALID_OPTION,
      ":4: [Group] is already there: one file holds one group" },
    { "[Group]\nName=a\nName=a\n", FERRY_ERROR_INVALID_OPTION, ":3: Name is already there in this section" },
    { "[Group]\nName=a\n[Rule 1]\nMatch=vendor=*\n[Rule 2]\nMatch=vendor=*\n[Rule 1]\n",
      FERRY_ERROR_INVALID_OPTION, ":7: [Rule 1] is already there" },
    { "[group]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section \"group\", expected" },
    { "[-]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section \"-\"" },
    { "[Rule]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section \"Rule\"" },
    { "[Rule 0]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section \"Rule 0\"" },
    { "[Rule 01]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section \"Rule 01\"" },
    { "[Rule +1]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section \"Rule +1\"" },
    { "[Rule 1 ]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section \"Rule 1\"" },
    { "[Rule 2147483648]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section" },
    { "[Rule 18446744073709551617]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section" },
    { "[Group]\nName=a\nname=b\n", FERRY_ERROR_INVALID_OPTION, ":3: unknown key \"name\", expected one of" },
    { "[Group]\nName=a\nName[de]=b\n", FERRY_ERROR_INVALID_OPTION, ":3: unknown key \"Name[de]\"" },
    { "[Group]\nName=a\nMatch=vendor=*\n", FERRY_ERROR_INVALID_OPTION, ":3: unknown key \"Match\"" },
    { "[Rule 1]\nPriority=1\n", FERRY_ERROR_INVALID_OPTION,
      ":2: unknown key \"Priority\", expected one of Match, Enabled, Origin" },
    { "[Group]\nName=\n", FERRY_ERROR_INVALID_NAME, ":2: Name: \"\" is not a group's name" },
    { "[Group]\nName=a b\n", FERRY_ERROR_INVALID_NAME, ":2: Name: \"a b\" is not a group's name" },
    { "[Group]\nName=..\n", FERRY_ERROR_INVALID_NAME, ":2: Name: \"..\" is not a group's name" },
    { "[Group]\nName=a\xff\n", FERRY_ERROR_INVALID_OPTION, ":2: expected UTF-8" },
    { "[Group]\n# \xc0\x80\n", FERRY_ERROR_INVALID_OPTION, ":2: expected UTF-8" },
    { "\xef\xbb\xbf[Group]\n", FERRY_ERROR_INVALID_OPTION, ":1: expected [Section]" },
    { "[Group]\nDescription=a\\q\n", FERRY_ERROR_INVALID_OPTION,
      ":2: Description: \"a\\\\q\" is not a text, in which \\s," },
    { "[Group]\nClass=\n", FERRY_ERROR_INVALID_OPTION, ":2: Class: \"\" is not one of generic, hid," },
    { "[Group]\nClass=toaster\n", FERRY_ERROR_INVALID_OPTION, ":2: Class: \"toaster\" is not one of" },
    { "[Group]\nEnabled=yes\n", FERRY_ERROR_INVALID_OPTION, ":2: Enabled: \"yes\" is not true or false" },
    { "[Group]\nAllowGuestReset=\n", FERRY_ERROR_INVALID_OPTION, ":2: AllowGuestReset: \"\" is not" },
    { "[Group]\nAllowGuestResetsAll=2\n", FERRY_ERROR_INVALID_OPTION, ":2: AllowGuestResetsAll: \"2\"" },
    { "[Group]\nPriority=\n", FERRY_ERROR_INVALID_OPTION, ":2: Priority: \"\" is not a number" },
    { "[Group]\nPriority=1 2\n", FERRY_ERROR_INVALID_OPTION, ":2: Priority: \"1 2\" is not a number" },
    { "[Group]\nPriority=2147483648\n", FERRY_ERROR_INVALID_OPTION, ":2: Priority: \"2147483648\" is not" },
    { "[Group]\nNextRule=0\n", FERRY_ERROR_INVALID_OPTION, ":2: NextRule: \"0\" is not" },
    { "[Group]\nNextRule=2147483649\n", FERRY_ERROR_INVALID_OPTION, ":2: NextRule: \"2147483649\" is not" },
    { "[Rule 1]\nEnabled=perhaps\n", FERRY_ERROR_INVALID_OPTION, ":2: Enabled: \"perhaps\" is not" },
    { "[Rule 1]\nOrigin=me\n", FERRY_ERROR_INVALID_OPTION, ":2: Origin: \"me\" is not admin, auto:" },
    { "[Group]\nName=a\n\n[Rule 1]\nMatch=vendor=xyz\n", FERRY_ERROR_INVALID_RULE,
      ":5: rule, column 8: expected 1 to 4 hex digits or *" },
    { "[Rule 1]\nMatch=\n", FERRY_ERROR_INVALID_RULE, ":2: rule, column 1: expected a key" },
    { "[Rule 1]\nMatch=vendor=1\tproduct=2\n", FERRY_ERROR_INVALID_RULE, ":2: rule, column 9: expected" },
};

static void test_bad(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
        for (int from_drop_in = 0; from_drop_in <= 1; from_drop_in++) {
            g_autofree char *message = g_strconcat(PATH, bad_cases[i].message, NULL);
            g_autoptr(GError) error = NULL;
            g_autoptr(Group) group = group_from_text(bad_cases[i].text, PATH, from_drop_in, &error);

            if (group)
                fail_msg("taken: %s", bad_cases[i].text);
            assert_non_null(error);
            if (!g_str_has_prefix(error->message, message))
                fail_msg("%s\nand not %s", error->message, message);
            assert_true(g_error_matches(error, FERRY_ERROR, (int)bad_cases[i].code));
            assert_true(text_is_clean(error->message));
        }
        /* nobody asks why */
        assert_null(group_from_text(bad_cases[i].text, PATH, false, NULL));
    }
}

static void test_too_many_rules(void **state)
{
    g_autoptr(GString) text = g_string_new("[Group]\nName=a\n");
    g_autoptr(GError) error = NULL;

    /* backwards, the slowest order */
    for (unsigned i = GROUP_RULES_MAX + 1; i > 0; i--)
        g_string_append_printf(text, "[Rule %u]\nMatch=vendor=*\n", i);
    assert_null(group_from_text(text->str, PATH, false, &error));
    assert_string_equal(error->message, PATH ":8195: a group has at most 4096 rules");
}

/* Strange words are shown, but not all of them and not as they are. */
static void test_bad_words(void **state)
{
    static const char *const formats[] = {
        "[Group]\nName=%s",    "[Group]\nClass=%s",         "[Group]\nEnabled=%s",
        "[Group]\n%s=1",       "[Group]\nDescription=\\%s", "[Group]\nPriority=%s",
        "[Rule 1]\nOrigin=%s", "[Rule 1]\nMatch=%s",        "[%s]",
    };
    g_autofree char *word = g_strnfill(100000, 'x');

    memcpy(word, "q\x1b\x07\xe2\x80\xae\"", strlen("q\x1b\x07\xe2\x80\xae\""));
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_auto(GStrv) parts = g_strsplit(formats[i], "%s", 2);
        g_autofree char *text = g_strconcat(parts[0], word, parts[1], NULL);
        g_autoptr(GError) error = NULL;

        assert_null(group_from_text(text, PATH, false, &error));
        assert_true(text_is_clean(error->message));
        assert_true(strlen(error->message) < strlen(PATH) + 2 * TEXT_MAX);
    }
}

/* A tenant's group comes from the store, and from no file that somebody writes. */
static void test_tenants_group(void **state)
{
    static const char text[] = "[Group]\nName=acme/keys\n";
    g_autoptr(Group) group = read_text(text, false);
    g_autoptr(GError) error = NULL;

    assert_string_equal(group->tenant, "acme");
    assert_null(group_from_text(text, PATH, true, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME));
}

/* Wherever it was cut off: a group that has lost a rule is no group with fewer rules. */
static void test_cut_off(void **state)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = NULL;

    assert_true(g_key_file_load_from_data(
        file, "[Group]\nName=keys\n[Rule 1]\nMatch=vendor=0529\n[Rule 2]\nMatch=vendor=046d\nEnabled=false\n",
        (gsize)-1, G_KEY_FILE_NONE, NULL));
    text = key_file_reader_close(file);
    for (gsize length = 0; length < strlen(text) - strlen("\n"); length++) {
        g_autofree char *cut = g_strndup(text, length);
        g_autoptr(Group) whole = group_from_text(cut, PATH, false, NULL);
        g_autoptr(Group) damaged = group_from_damaged_text("keys", cut, PATH, "cut off");

        if (whole)
            fail_msg("taken: %s", cut);
        if (!damaged->rules_lost)
            fail_msg("all of its rules are there: %s", cut);
    }
    {
        g_autoptr(Group) whole = group_from_text(text, PATH, true, NULL);

        assert_non_null(whole);
        assert_int_equal(whole->rules->len, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it), cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_drop_in),   cmocka_unit_test(test_order_and_texts),
        cmocka_unit_test(test_bad),       cmocka_unit_test(test_too_many_rules),
        cmocka_unit_test(test_bad_words), cmocka_unit_test(test_tenants_group),
        cmocka_unit_test(test_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
