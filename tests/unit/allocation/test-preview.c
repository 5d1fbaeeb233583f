/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would change is what does change, and looking at it changes nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/allocation/preview.h"
#include "tests/unit/fixture.h"

#define ROUNDS 300

static void count_change(const Change *change, void *userdata)
{
    (*(unsigned *)userdata)++;
}

/* The group with a rule more. */
static Group *with_rule(Fixture *fixture, const char *name, const char *rule)
{
    Group *next = group_copy(registry_group(fixture->registry, name));

    assert_non_null(group_add_rule(next, rule_parse(rule, NULL), GROUP_ORIGIN_ADMIN));
    return next;
}

/* "joins 1-1; aaaaaaaa gets 1-1" */
static char *preview(Fixture *fixture, Group *next)
{
    g_autoptr(GPtrArray) changes = NULL;
    GString *text = g_string_new(NULL);
    unsigned told = 0;

    fixture->registry->changed = count_change;
    fixture->registry->changed_userdata = &told;
    changes = preview_group(fixture->registry, next);
    fixture->registry->changed = NULL;
    assert_int_equal(told, 0);
    for (guint i = 0; i < changes->len; i++) {
        const PreviewChange *change = changes->pdata[i];

        g_string_append_printf(text, "%s%s%s%s %s", i ? "; " : "",
                               change->assignment ? change->assignment : "", change->assignment ? " " : "",
                               change->change, change->device);
        assert_true(g_str_has_suffix(change->text, "."));
        assert_non_null(strstr(change->text, change->device));
    }
    return g_string_free(text, FALSE);
}

static void assert_preview(Fixture *fixture, Group *next, const char *expected)
{
    g_autofree char *text = preview(fixture, next);

    assert_string_equal(text, expected);
    group_free(next);
}

static void plug_dongles(Fixture *fixture)
{
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 2, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x046d, 1, "CCCC-3"));
}

static void test_a_rule_more(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GPtrArray) changes = NULL;
    g_autoptr(Group) next = NULL;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529 product=0001", NULL });
    assert_preview(fixture, with_rule(fixture, "keys", "vendor=0529"), "joins 1-2");
    assert_preview(fixture, with_rule(fixture, "keys", "vendor=1234"), "");
    assert_preview(fixture, with_rule(fixture, "keys", "vendor=0529 node=other"), "");

    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "all");
    assert_preview(fixture, with_rule(fixture, "keys", "vendor=0529"), "joins 1-2; aaaaaaaa gets 1-2");
    next = with_rule(fixture, "keys", "vendor=0529");
    changes = preview_group(fixture->registry, next);
    assert_non_null(strstr(((const PreviewChange *)changes->pdata[0])->text, "joins group keys"));
    assert_non_null(strstr(((const PreviewChange *)changes->pdata[1])->text, "gets 0529:0002"));

    /* It gives nothing. */
    registry_group(fixture->registry, "keys")->enabled = false;
    assert_preview(fixture, with_rule(fixture, "keys", "vendor=0529"), "joins 1-2");
}

/* A device goes where the more exact rule is, and its new machine gives back what it had instead. */
static void test_from_one_to_another(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GPtrArray) changes = NULL;
    g_autoptr(Group) next = NULL;

    plug_dongles(fixture);
    fixture_add_group(fixture, "any", (const char *const[]){ "vendor=*", NULL });
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=046d", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "any", NULL, "1");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", NULL, "2");
    assert_preview(fixture, with_rule(fixture, "keys", "serial=AAAA-1"),
                   "joins 1-1; aaaaaaaa loses 1-1; aaaaaaaa gets 1-2; bbbbbbbb gets 1-1");
    next = with_rule(fixture, "keys", "serial=AAAA-1");
    changes = preview_group(fixture->registry, next);
    assert_non_null(strstr(((const PreviewChange *)changes->pdata[1])->text, "\"bbbbbbbb\" comes first"));

    /* Nothing is taken from a machine that has it. */
    fixture_put_into(fixture, "1-1", "aaaaaaaa");
    assert_preview(fixture, with_rule(fixture, "keys", "serial=AAAA-1"), "joins 1-1");
}

static void test_another_rule_instead(void **state)
{
    Fixture *fixture = *state;
    Group *next;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "all");
    fixture_put_into(fixture, "1-1", "aaaaaaaa");
    next = with_rule(fixture, "keys", "vendor=046d");
    group_remove_rule(next, 1);
    assert_preview(
        fixture, next,
        "leaves 1-1; leaves 1-2; joins 1-3; aaaaaaaa loses 1-1; aaaaaaaa loses 1-2; aaaaaaaa gets 1-3");
}

/* ------------------------------------------------------------------ against what happens */

static const char *const rule_texts[] = {
    "vendor=*",     "vendor=0529",   "vendor=046d", "vendor=0529 product=0001",
    "product=0001", "serial=AAAA-1", "port=1-2",    "port=pci-0000:00:14.0/3",
    "serial=*-?",   "vendor!=0529",
};

static const char *choose_rule(GRand *random)
{
    return rule_texts[g_rand_int_range(random, 0, G_N_ELEMENTS(rule_texts))];
}

/* Who is in the group: sysnames. */
static void note_memberships(Fixture *fixture, const char *group, GHashTable *members)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, fixture->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (membership_find(value, group))
            g_hash_table_add(members, ((Device *)value)->sysname);
}

static char *list_wants(Fixture *fixture, const char *id)
{
    const GPtrArray *wants =
        allocation_wants_of(fixture->allocation, registry_assignment(fixture->registry, id));
    GString *text = g_string_new(" ");

    for (guint i = 0; i < wants->len; i++)
        g_string_append_printf(text, "%s ", ((const Want *)wants->pdata[i])->device->sysname);
    return g_string_free(text, FALSE);
}

static void append_lines(GString *text, const char *id, const char *change, const char *these,
                         const char *not_those)
{
    g_auto(GStrv) names = g_strsplit(these, " ", -1);

    for (char **name = names; *name; name++) {
        g_autofree char *word = g_strdup_printf(" %s ", *name);

        if (**name && !strstr(not_those, word))
            g_string_append_printf(text, "%s%s %s %s", text->len ? "; " : "", id, change, *name);
    }
}

static void test_what_would_change_does(void **state)
{
    Fixture *fixture = *state;
    static const char *const ids[] = { "aaaaaaaa", "bbbbbbbb", "cccccccc" };
    static const char *const groups[] = { "g1", "g2", "g3" };
    static const char *const uuids[] = { DESK, STUDIO, LOFT };
    static const char *const quantities[] = { "1", "2", "all", "set" };
    g_autoptr(GRand) random = g_rand_new_with_seed(4711);
    unsigned differing = 0;

    plug_dongles(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        fixture_add_group(fixture, groups[i], (const char *const[]){ choose_rule(random), NULL });
    for (int round = 0; round < ROUNDS; round++) {
        const char *name = groups[g_rand_int_range(random, 0, G_N_ELEMENTS(groups))];
        Group *next = with_rule(fixture, name, choose_rule(random));
        Group *group = registry_group(fixture->registry, name);
        g_autoptr(GHashTable) before = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) after = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GPtrArray) devices = registry_sorted(fixture->registry->devices);
        g_autoptr(GString) happened = g_string_new(NULL);
        g_autofree char *said = NULL;
        char *had[G_N_ELEMENTS(ids)];
        GPtrArray *rules;

        if (next->rules->len > 3 || g_rand_boolean(random))
            g_ptr_array_remove_index(next->rules, 0);
        for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
            if (round > 0)
                registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, ids[i]));
            fixture_assign(fixture, ids[i], uuids[i],
                           groups[g_rand_int_range(random, 0, G_N_ELEMENTS(groups))], NULL,
                           quantities[g_rand_int_range(random, 0, G_N_ELEMENTS(quantities))]);
        }

        fixture_look(fixture);
        note_memberships(fixture, name, before);
        for (gsize i = 0; i < G_N_ELEMENTS(ids); i++)
            had[i] = list_wants(fixture, ids[i]);
        said = preview(fixture, next);

        rules = group->rules;
        group->rules = g_ptr_array_ref(next->rules);
        group->next_rule_id = next->next_rule_id;
        memberships_rebuild(fixture->memberships);
        fixture_look(fixture);
        note_memberships(fixture, name, after);
        for (guint i = 0; i < devices->len; i++) {
            const char *sysname = ((const Device *)devices->pdata[i])->sysname;

            if (g_hash_table_contains(before, sysname) != g_hash_table_contains(after, sysname))
                g_string_append_printf(happened, "%s%s %s", happened->len ? "; " : "",
                                       g_hash_table_contains(after, sysname) ? "joins" : "leaves", sysname);
        }
        for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
            g_autofree char *has = list_wants(fixture, ids[i]);

            append_lines(happened, ids[i], "loses", had[i], has);
            append_lines(happened, ids[i], "gets", has, had[i]);
            g_free(had[i]);
        }
        assert_string_equal(said, happened->str);
        differing += *said ? 1 : 0;
        g_ptr_array_unref(rules);
        group_free(next);
    }
    assert_true(differing > ROUNDS / 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_rule_more),
        TEST(test_from_one_to_another),
        TEST(test_another_rule_instead),
        TEST(test_what_would_change_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
