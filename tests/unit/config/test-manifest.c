/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups and assignments as one text, there and back, and what differs between two of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "daemon/config/manifest.h"
#include "daemon/config/manifest-diff.h"

#define SOURCE "host.conf"

static Manifest *read_text(const char *text)
{
    g_autoptr(GError) error = NULL;
    Manifest *manifest = manifest_from_text(text, SOURCE, &error);

    if (!manifest)
        fail_msg("%s\n%s", error->message, text);
    return manifest;
}

static char *print(const Manifest *manifest)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < manifest->items->len; i++) {
        const ManifestItem *declared = manifest->items->pdata[i];
        g_autofree char *one =
            declared->group
                ? group_to_text(declared->group)
                : assignment_to_manifest_text(declared->assignment, declared->assignment->machine_name);

        g_string_append_printf(text, "%s%s", i > 0 ? "\n" : "", one);
    }
    return g_string_free(text, FALSE);
}

static void test_there_and_back(void **state)
{
    static const char *const texts[] = {
        "[Group]\nName=a\n",
        "[Group]\nName=a\n\n[Rule 1]\nMatch=vendor=0529\n\n[Group]\nName=b\nNextRule=7\n\n[Rule 2]\n"
        "Match=serial=\"a \\\\ \\\"b\\\"\"\nEnabled=false\nOrigin=auto:1-2\n",
        "[Assignment]\nName=x\nMachine=desk\nGroup=a\n",
        "[Assignment]\nName=x\nMachine=desk\nSelector=vendor=046d product=c31c serial=\"K B\"\n",
        "[Assignment]\nName=x\nMachine=desk\nGroup=a\nQuantity=set\nSelector=class=hid\nDescription=what\n"
        "Enabled=false\nPersistent=false\nPriority=-3\nAllowGuestReset=false\nAllowGuestResetsAll=true\n\n[Group]\nName=a\nDescription=[x]=y # z\n",
        "[Assignment]\nName=x\nMachine=desk\nGroup=a\nQuantity=all\n\n[Assignment]\nName=x\nMachine=studio\n"
        "Group=a\nQuantity=127\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Manifest) manifest = read_text(texts[i]);
        g_autofree char *printed = print(manifest);

        assert_string_equal(printed, texts[i]);
    }
}

/* Texts of people who didn't think of key files. */
static void test_hostile_texts(void **state)
{
    static const char *const names[] = {
        "[Assignment]", "a=b", "# x",        "a;b",  "a\\nb", "\\",   " a",
        "a ",           " ",   "ä→\"'`$(x)", "%s%n", "a\\s",  "a\\ ",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(Assignment) assignment = assignment_new("");
        g_autoptr(Group) group = group_new("g");
        g_autoptr(Manifest) manifest = NULL;
        g_autofree char *assignment_text = NULL, *group_text = NULL, *text = NULL;
        const ManifestItem *first, *second;

        g_free(assignment->name);
        g_free(assignment->description);
        g_free(group->description);
        assignment->name = g_strdup(names[i]);
        assignment->description = g_strdup(names[i]);
        group->description = g_strdup(names[i]);
        assignment->group = g_strdup("g");
        assignment_text = assignment_to_manifest_text(assignment, names[i]);
        group_text = group_to_text(group);
        text = g_strconcat(assignment_text, group_text, NULL);
        manifest = read_text(text);
        first = manifest->items->pdata[0];
        second = manifest->items->pdata[1];
        assert_string_equal(first->assignment->name, names[i]);
        assert_string_equal(first->assignment->description, names[i]);
        assert_string_equal(first->assignment->machine_name, names[i]);
        assert_string_equal(second->group->description, names[i]);
    }
}

static void test_lines(void **state)
{
    g_autoptr(Manifest) manifest = read_text("# x\n\n[Group]\nName=a\n\n[Rule 3]\nMatch=vendor=*\n"
                                             "[Assignment]\nGroup=a\nName=x\nMachine=desk\n");
    const ManifestItem *group = manifest->items->pdata[0], *assignment = manifest->items->pdata[1];

    assert_int_equal(manifest->items->len, 2);
    assert_int_equal(group->line, 3);
    assert_int_equal(group->group->next_rule_id, 4);
    assert_int_equal(assignment->line, 8);
    assert_int_equal(assignment->group_line, 9);
    assert_int_equal(assignment->machine_line, 11);
    assert_true(assignment->assignment->wanted);
    assert_true(assignment->assignment->persistent);
    assert_null(assignment->assignment->rule);
}

#define A "[Assignment]\nName=x\nMachine=desk\n"

static const struct {
    const char *text;
    FerryError code;
    const char *message;
} bad[] = {
    { "", FERRY_ERROR_INVALID_OPTION, ":1: expected [Group] or [Assignment] somewhere in the file" },
    { "\n# x\n", FERRY_ERROR_INVALID_OPTION, ":2: expected [Group] or [Assignment] somewhere" },
    { "Name=a\n", FERRY_ERROR_INVALID_OPTION, ":1: expected [Group] or [Assignment] before the first key" },
    { "[Rule 1]\nMatch=vendor=*\n", FERRY_ERROR_INVALID_OPTION,
      ":1: section \"Rule 1\" belongs to no group" },
    { "[Rule 1\342\200\256]\n", FERRY_ERROR_INVALID_OPTION, ":1: section \"Rule 1" },
    { A "Group=a\n[Rule 1]\n", FERRY_ERROR_INVALID_OPTION, ":5: section \"Rule 1\" belongs to no group" },
    { "[Group]\nName=a\n[Tenant]\n", FERRY_ERROR_INVALID_OPTION,
      ":3: unknown section \"Tenant\", expected [Group] or [Assignment] or [Rule N] with N from 1" },
    { "[Group]\nName=a\n\n[Group]\n\n[Group]\nName=b\n", FERRY_ERROR_INVALID_OPTION,
      ":4: [Group] has no Name" },
    { "[Group]\nName=a\n\n[Group]\nName=b\n\n[Group]\nName=a\n", FERRY_ERROR_ALREADY_EXISTS,
      ":7: group a is declared in line 1 already" },
    { "[Group]\nName=a\n[Rule 1]\nMatch=vendor=1\n[Group]\nName=b\n[Rule 1]\nMatch=vendor=x\n",
      FERRY_ERROR_INVALID_RULE, ":8: rule, column 8: expected 1 to 4 hex digits or *" },
    { "[Group]\nName=a\n[Rule 1]\nMatch=vendor=1\n[Rule 1]\n", FERRY_ERROR_INVALID_OPTION,
      ":5: [Rule 1] is already there" },
    { "[Assignment]\nName=x\n", FERRY_ERROR_INVALID_OPTION, ":1: [Assignment] has no Machine" },
    { "[Assignment]\nMachine=x\n[Group]\nName=a\n", FERRY_ERROR_INVALID_OPTION,
      ":1: [Assignment] has no Name" },
    { A, FERRY_ERROR_INVALID_OPTION, ":1: [Assignment] has no Group and no Selector" },
    { A "Selector=vendor=1\nQuantity=2\n", FERRY_ERROR_INVALID_OPTION,
      ":1: [Assignment] has a Quantity and no" },
    { A "Group=a\n" A "Group=b\n", FERRY_ERROR_ALREADY_EXISTS,
      ":5: assignment \"x\" of VM \"desk\" is declared in line 1 already" },
    { A "Group=a b\n", FERRY_ERROR_INVALID_NAME, ":4: Group: \"a b\" is not a group's name" },
    { A "Group=a\nQuantity=0\n", FERRY_ERROR_INVALID_OPTION,
      ":5: Quantity: \"0\" is not 1 to 127, all or set" },
    { A "Selector=vendor\n", FERRY_ERROR_INVALID_RULE, ":4: rule, column 7: expected" },
    { A "Selector=\n", FERRY_ERROR_INVALID_RULE, ":4: rule, column 1: expected a key" },
    { A "Priority=many\n", FERRY_ERROR_INVALID_OPTION, ":4: Priority: \"many\" is not a number" },
    { A "Description=a\\q\\\n", FERRY_ERROR_INVALID_OPTION, ":4: Description: \"a\\\\q\\\\\" is not a text" },
    { A "Persistent=1x\n", FERRY_ERROR_INVALID_OPTION, ":4: Persistent: \"1x\" is not true or false" },
    { A "Enabled=\n", FERRY_ERROR_INVALID_OPTION, ":4: Enabled: \"\" is not true or false" },
    { A "Owner=0\n", FERRY_ERROR_INVALID_OPTION, ":4: unknown key \"Owner\", expected one of Name, Machine" },
    { A "Name=y\n", FERRY_ERROR_INVALID_OPTION, ":4: Name is already there in this section" },
    { "[Assignment]\nName=\n", FERRY_ERROR_INVALID_NAME, ":2: Name: \"\" is not an assignment's name" },
    { "[Assignment]\nName=a\\tb\n", FERRY_ERROR_INVALID_NAME,
      ":2: Name: \"a\\\\tb\" is not an assignment's" },
    { "[Assignment]\nMachine=\n", FERRY_ERROR_INVALID_NAME, ":2: Machine: \"\" is not the name or the UUID" },
    { "[Assignment]\nName=x\xff\n", FERRY_ERROR_INVALID_OPTION, ":2: expected UTF-8" },
    { A "Group=a\n\x01\x02\n", FERRY_ERROR_INVALID_OPTION, ":5: expected [Section], Key=value or a comment" },
};

static void test_bad_texts_name_their_line(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *expected = g_strconcat(SOURCE, bad[i].message, NULL);

        assert_null(manifest_from_text(bad[i].text, SOURCE, &error));
        if (error->code != (int)bad[i].code || !g_str_has_prefix(error->message, expected))
            fail_msg("%s: \"%s\" (%d), expected \"%s\"", bad[i].text, error->message, error->code, expected);
    }
}

static void test_limits(void **state)
{
    g_autofree char *longest = g_strnfill(ASSIGNMENT_NAME_MAX, 'n');
    g_autofree char *good = g_strdup_printf("[Assignment]\nName=%s\nMachine=m\nGroup=a\n", longest);
    g_autofree char *too_long = g_strdup_printf("[Assignment]\nName=%sn\nMachine=m\nGroup=a\n", longest);
    g_autofree char *filler = g_strnfill(MANIFEST_BYTES_MAX, '#');
    g_autofree char *too_much = g_strconcat(filler, "\n[Group]\nName=a\n", NULL);
    g_autoptr(Manifest) manifest = read_text(good);
    g_autoptr(GError) error = NULL;

    assert_null(manifest_from_text(too_long, SOURCE, &error));
    assert_int_equal(error->code, FERRY_ERROR_INVALID_NAME);
    g_clear_error(&error);
    assert_null(manifest_from_text(too_much, SOURCE, &error));
    assert_int_equal(error->code, FERRY_ERROR_LIMIT_EXCEEDED);
}

/* Cut off anywhere, it is a shorter good text or an error with a line of it, never a crash. */
static void test_cut_off(void **state)
{
    static const char text[] = "[Group]\nName=a\nDescription=x\\\\y\n\n[Rule 1]\nMatch=vendor=0529\n\n"
                               "[Assignment]\nName=x\nMachine=desk\nGroup=a\nQuantity=12\n";

    for (gsize length = 0; length < strlen(text); length++) {
        g_autofree char *cut = g_strndup(text, length);
        g_autoptr(GError) error = NULL;
        g_autoptr(Manifest) manifest = manifest_from_text(cut, SOURCE, &error);

        assert_true((manifest != NULL) == (error == NULL));
        assert_true(!error || g_str_has_prefix(error->message, SOURCE ":"));
    }
}

static void test_differences(void **state)
{
    static const char before[] =
        "[Group]\nName=a\nDescription=old\nPriority=1\n\n[Rule 1]\nMatch=vendor=0001\n";
    static const char after[] = "[Group]\nName=a\nDescription=new\n\n[Rule 1]\nMatch=vendor=0001\n\n"
                                "[Rule 2]\nMatch=vendor=0002\n";
    static const char *const expected[][4] = {
        { "Group", "Description", "old", "new" },
        { "Group", "Priority", "1", NULL },
        { "Rule 2", "Match", NULL, "vendor=0002" },
    };
    ManifestDiff *changed = manifest_diff_new("group", "a", NULL, before, after);
    ManifestDiff *added = manifest_diff_new("group", "a", NULL, NULL, after);
    ManifestDiff *removed = manifest_diff_new("assignment", "a", "desk", before, NULL);

    assert_null(manifest_diff_new("group", "a", NULL, before, before));
    assert_string_equal(changed->change, "changed");
    assert_int_equal(changed->lines->len, G_N_ELEMENTS(expected));
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
        const ManifestDiffLine *line = changed->lines->pdata[i];

        assert_string_equal(line->section, expected[i][0]);
        assert_string_equal(line->key, expected[i][1]);
        assert_int_equal(g_strcmp0(line->before, expected[i][2]), 0);
        assert_int_equal(g_strcmp0(line->after, expected[i][3]), 0);
    }
    assert_string_equal(added->change, "added");
    assert_int_equal(added->lines->len, 4);
    assert_string_equal(removed->change, "removed");
    assert_string_equal(removed->machine, "desk");
    manifest_diff_free(changed);
    manifest_diff_free(added);
    manifest_diff_free(removed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_lines),          cmocka_unit_test(test_bad_texts_name_their_line),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_differences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
