/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes group files: whatever is taken can be printed and read again, and is the same group then; whatever
 * isn't names its line. The input is a description as well. */

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/text.h"
#include "daemon/config/group-text.h"
#include "tests/fuzz/check-error.h"
#include "tests/fuzz/cut-text.h"

#define PATH "/etc/usbferry/groups.d/a.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same(const Group *a, const Group *b)
{
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpstr(a->description, ==, b->description);
    g_assert_cmpint((int)a->class_value, ==, (int)b->class_value);
    g_assert_cmpint(a->enabled, ==, b->enabled);
    g_assert_cmpint(a->allow_guest_reset, ==, b->allow_guest_reset);
    g_assert_cmpint(a->allow_guest_resets_all, ==, b->allow_guest_resets_all);
    g_assert_cmpint(a->priority, ==, b->priority);
    g_assert_cmpuint(a->next_rule_id, ==, b->next_rule_id);
    g_assert_cmpuint(a->rules->len, ==, b->rules->len);
    for (guint i = 0; i < a->rules->len; i++) {
        const GroupRule *left = a->rules->pdata[i], *right = b->rules->pdata[i];

        g_assert_cmpuint(left->id, ==, right->id);
        g_assert_cmpint(left->enabled, ==, right->enabled);
        g_assert_cmpstr(left->text, ==, right->text);
        g_assert_cmpstr(left->origin, ==, right->origin);
    }
}

static void check_group(const Group *group)
{
    uint32_t last = 0;

    g_assert_true(group_name_is_valid(group->name) || group_name_is_tenants(group->name, NULL));
    g_assert_true(text_is_clean(group->description));
    g_assert_nonnull(group_class_to_string(group->class_value));
    for (guint i = 0; i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];
        g_autofree char *printed = rule_print(rule->rule);

        g_assert_cmpuint(rule->id, >, last);
        g_assert_cmpstr(printed, ==, rule->text);
        g_assert_true(text_is_clean(rule->origin));
        last = rule->id;
    }
    g_assert_cmpuint(group->next_rule_id, >, last);
}

/* As it is stored. */
static void check_cut(const char *text)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(Group) whole = NULL, part = NULL;
    g_autofree char *closed = NULL;

    g_assert_true(g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_NONE, NULL));
    closed = key_file_reader_close(file);
    whole = group_from_text(closed, PATH, false, NULL);
    g_assert_nonnull(whole);
    cut_closed_text(closed);
    g_assert_null(group_from_text(closed, PATH, false, NULL));
    part = group_from_damaged_text("a", closed, PATH, "cut off");
    g_assert_true(part->rules_lost);
}

static void check_round_trip(const Group *group)
{
    g_autofree char *text = group_to_text(group), *text_again = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Group) again = group_from_text(text, PATH, group->file != NULL, &error);
    g_autoptr(Group) copy = group_copy(group);

    g_assert_no_error(error);
    g_assert_nonnull(again);
    assert_same(group, again);
    assert_same(group, copy);
    text_again = group_to_text(again);
    g_assert_cmpstr(text, ==, text_again);
    check_cut(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
    g_autoptr(Group) described = group_new("a");

    for (int from_drop_in = 0; from_drop_in <= 1; from_drop_in++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Group) group = group_from_text(text, PATH, from_drop_in, &error);

        g_assert_cmpint(group != NULL, ==, error == NULL);
        if (error)
            check_error(error, PATH, text);
        if (group) {
            check_group(group);
            check_round_trip(group);
        }
    }

    g_free(described->description);
    described->description = text_sanitize(text, TEXT_MAX);
    check_round_trip(described);
    return 0;
}
