/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/usb/device.h"
#include "daemon/manager/group-name.h"
#include "daemon/model/group.h"
#include "daemon/base/text.h"

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

static void test_names(void **state)
{
    static const char *const valid[] = { "a", "licence-dongles", "A.b_c-9", "-", "...", ".a", "0" };
    static const char *const invalid[] = { "", ".", "..", "a b", "a/b", "ä", "a\n", "a*", "a\"", "a:b" };
    g_autofree char *longest = g_strnfill(GROUP_NAME_MAX, 'x');
    g_autofree char *too_long = g_strnfill(GROUP_NAME_MAX + 1, 'x');

    for (gsize i = 0; i < G_N_ELEMENTS(valid); i++)
        assert_true(group_name_is_valid(valid[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(invalid); i++)
        assert_false(group_name_is_valid(invalid[i]));
    assert_true(group_name_is_valid(longest));
    assert_false(group_name_is_valid(too_long));
    assert_false(group_name_is_valid(NULL));
}

/* A tenant's group has two names, and comes from no drop-in. */
static void test_names_of_tenants(void **state)
{
    static const char *const invalid[] = {
        "", "a", "/", "a/", "/a", "a//b", "a/b/c", "./a", "a/..", "a/b c"
    };
    g_autoptr(Group) group = group_new("acme/v1.0"), read = NULL;
    g_autofree char *text = group_to_text(group), *tenant = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(invalid); i++)
        assert_false(group_name_is_tenants(invalid[i], NULL));
    assert_false(group_name_is_tenants(NULL, NULL));
    assert_true(group_name_is_tenants("acme/v1.0", &tenant));
    assert_string_equal(tenant, "acme");
    assert_string_equal(group->tenant, "acme");
    read = through_text(group);
    assert_string_equal(read->name, "acme/v1.0");
    assert_string_equal(read->tenant, "acme");
    assert_null(group_from_text(text, PATH, true, NULL));
}

static void test_classes(void **state)
{
    for (int i = 0; i < _GROUP_CLASS_MAX; i++) {
        const char *name = group_class_to_string((GroupClass)i);
        g_autofree char *upper = g_ascii_strup(name, -1);

        assert_int_equal(group_class_from_string(name), i);
        assert_int_equal(group_class_from_string(upper), i);
        assert_non_null(group_class_icon((GroupClass)i));
    }
    assert_int_equal(group_class_from_string("toaster"), _GROUP_CLASS_INVALID);
    assert_int_equal(group_class_from_string(""), _GROUP_CLASS_INVALID);
    assert_int_equal(group_class_from_string(NULL), _GROUP_CLASS_INVALID);
    assert_null(group_class_to_string(_GROUP_CLASS_MAX));
    assert_null(group_class_to_string(_GROUP_CLASS_INVALID));
}

static void test_rules(void **state)
{
    g_autoptr(Group) group = group_new("dongles");
    GroupRule *first, *second, *third;

    first = group_add_rule(group, rule_parse("vendor=529", NULL), "auto:3-1");
    second = group_add_rule(group, rule_parse("class=hid", NULL), GROUP_ORIGIN_ADMIN);
    assert_int_equal(first->id, 1);
    assert_int_equal(second->id, 2);
    assert_true(first->enabled);
    assert_string_equal(first->text, "vendor=0529");
    assert_string_equal(first->origin, "auto:3-1");
    assert_ptr_equal(group_find_rule(group, 2), second);
    assert_null(group_find_rule(group, 0));
    assert_null(group_find_rule(group, 3));

    /* a number is never used again, also not after a restart */
    assert_true(group_remove_rule(group, 2));
    assert_false(group_remove_rule(group, 2));
    assert_int_equal(group->rules->len, 1);
    {
        g_autoptr(Group) later = through_text(group);

        third = group_add_rule(later, rule_parse("class=hid", NULL), GROUP_ORIGIN_ADMIN);
        assert_int_equal(third->id, 3);
    }

    for (guint i = group->rules->len; i < GROUP_RULES_MAX; i++)
        assert_non_null(group_add_rule(group, rule_parse("vendor=*", NULL), GROUP_ORIGIN_ADMIN));
    assert_null(group_add_rule(group, rule_parse("vendor=*", NULL), GROUP_ORIGIN_ADMIN));
    {
        g_autoptr(Group) full = through_text(group);

        assert_int_equal(full->rules->len, GROUP_RULES_MAX);
    }
}

static void test_rule_numbers_run_out(void **state)
{
    g_autoptr(Group) group = read_text("[Group]\nName=a\n[Rule 2147483646]\nMatch=vendor=*\n", false);
    GroupRule *last = group_add_rule(group, rule_parse("vendor=1", NULL), GROUP_ORIGIN_ADMIN);
    g_autoptr(Group) again = through_text(group);

    assert_int_equal(last->id, GROUP_RULE_ID_MAX);
    assert_null(group_add_rule(again, rule_parse("vendor=1", NULL), GROUP_ORIGIN_ADMIN));
    /* not even when the last one is gone */
    assert_true(group_remove_rule(again, GROUP_RULE_ID_MAX));
    {
        g_autoptr(Group) later = through_text(again);

        assert_null(group_add_rule(later, rule_parse("vendor=1", NULL), GROUP_ORIGIN_ADMIN));
    }
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

static void test_made_names(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } texts[] = {
        { "Keyboard K120", "keyboard-k120" },
        { "  USB 2.0 (Hub)!! ", "usb-2-0-hub" },
        { "../..", "" },
        { "日本", "" },
        { "", "" },
        { "ÄB", "b" },
    };
    g_autofree char *long_text = g_strnfill(500, 'X');
    g_autofree char *long_name = group_name_from_text(long_text);

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *name = group_name_from_text(texts[i].text);

        assert_string_equal(name, texts[i].name);
        assert_true(!*name || group_name_is_valid(name));
    }
    assert_int_equal(strlen(long_name), GROUP_NAME_BASE_MAX);
}

static void assert_name_of(const GPtrArray *devices, const char *expected)
{
    g_autofree char *name = group_name_for_devices(devices);

    assert_string_equal(name, expected);
}

static void set_text(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

/* What they have in common, and what can be in a name. */
static void test_names_for_devices(void **state)
{
    g_autoptr(Device) first = device_new("1-1"), second = device_new("1-2");
    g_autoptr(GPtrArray) devices = g_ptr_array_new();

    first->class_name = "hid-keyboard";
    second->class_name = "storage";
    g_ptr_array_add(devices, first);
    assert_name_of(devices, "hid-keyboard");
    set_text(&first->vendor, "Logitech");
    assert_name_of(devices, "logitech");
    set_text(&first->product, "K120");
    assert_name_of(devices, "k120");
    set_text(&first->product, "日本");
    assert_name_of(devices, "logitech");

    g_ptr_array_add(devices, second);
    set_text(&second->product, "M90");
    set_text(&second->vendor, "Logitech");
    assert_name_of(devices, "logitech");
    set_text(&second->vendor, "Sony");
    assert_name_of(devices, "devices");
    second->class_name = "hid-keyboard";
    assert_name_of(devices, "hid-keyboard");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_of_tenants),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_rule_numbers_run_out),
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_drop_in),
        cmocka_unit_test(test_order_and_texts),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_too_many_rules),
        cmocka_unit_test(test_bad_words),
        cmocka_unit_test(test_made_names),
        cmocka_unit_test(test_names_for_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
