/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of a column: its type, whatever the service says, and what is chosen of a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/outcome.h"
#include "client/view/column.h"
#include "tests/unit/client/fixture.h"

static const Column columns[] = {
    { "text", "a text", COLUMN_TEXT, LOOK_PLAIN, true, "Product" },
    { "number", "a number", COLUMN_NUMBER, LOOK_RIGHT, false, "DeviceNumber" },
    { "flag", "yes or no", COLUMN_FLAG, LOOK_PLAIN, true, "IsHub" },
    { "list", "names", COLUMN_LIST, LOOK_PLAIN, true, "Groups" },
    { "reference", "a name", COLUMN_TEXT, LOOK_PLAIN, false, "Machine" },
    { 0 },
};

static GVariant *record_of(const Model *model, const char *path)
{
    g_autoptr(GPtrArray) all = columns_all(columns);

    return g_variant_ref_sink(columns_to_record(model, all, g_hash_table_lookup(model->objects, path)));
}

static void test_value(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_add_group(model);
    g_autoptr(GVariant) record = record_of(model, DEVICE);
    g_autoptr(GVariant) expected =
        fixture_parse("{'text': <'Keyboard K120'>, 'number': <uint32 7>, 'flag': <false>, 'list': <['keys']>,"
                      " 'reference': <'win11'>}");
    assert_true(g_variant_equal(record, expected));

    /* what isn't said is nothing, of the same type */
    g_autoptr(GVariant) bare = record_of(model, HUB);
    g_autoptr(GVariant) nothing = fixture_parse(
        "{'text': <''>, 'number': <uint32 0>, 'flag': <true>, 'list': <@as []>, 'reference': <''>}");
    assert_true(g_variant_equal(bare, nothing));

    /* and so is what comes in a type of a later version */
    fixture_change(
        model, DEVICE,
        "{'Product': <7>, 'DeviceNumber': <'x'>, 'IsHub': <'x'>, 'Groups': <uint32 1>, 'Machine': <1>}");
    g_autoptr(GVariant) later = record_of(model, DEVICE);
    g_autoptr(GVariant) none = fixture_parse(
        "{'text': <''>, 'number': <uint32 0>, 'flag': <false>, 'list': <@as []>, 'reference': <''>}");
    assert_true(g_variant_equal(later, none));
}

/* An object that isn't there is called as its path has it. */
static void test_reference(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_change(model, DEVICE, "{'Machine': <objectpath '/org/usbferry1/machine/u_2dv'>}");
    g_autoptr(GVariant) value =
        column_value(column_find(columns, "reference"), model, model_get(model, DEVICE, KIND_DEVICE));
    assert_string_equal(g_variant_get_string(value, NULL), "u-v");
}

static void test_shown(void **state)
{
    g_autoptr(Model) model = fixture_load();
    const Object *hub = model_get(model, HUB, KIND_DEVICE), *device = model_get(model, DEVICE, KIND_DEVICE);

    assert_null(column_shown(column_find(columns, "text"), model, hub));
    assert_null(column_shown(column_find(columns, "list"), model, device));
    g_autoptr(GVariant) flag = column_shown(column_find(columns, "flag"), model, device);
    assert_false(g_variant_get_boolean(flag));
}

static void test_choose(void **state)
{
    g_autoptr(GError) error = NULL;

    g_autoptr(GPtrArray) standard = columns_choose(columns, NULL, &error);
    assert_int_equal(standard->len, 3);
    g_autoptr(GPtrArray) named = columns_choose(columns, "reference,TEXT", &error);
    assert_int_equal(named->len, 2);
    assert_ptr_equal(named->pdata[1], &columns[0]);
    assert_null(columns_choose(columns, "text,,flag", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
    assert_non_null(strstr(error->message, "text, number, flag, list, reference"));

    g_autofree char *help = columns_help(columns);
    assert_non_null(strstr(help, "  number     a number (with -o)\n"));
}

static void test_drop_empty(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);
    g_autoptr(GPtrArray) all = columns_all(columns);

    columns_drop_empty(model, all, devices, "text"); /* one has it */
    assert_int_equal(all->len, 5);
    columns_drop_empty(model, all, devices, "list");
    assert_int_equal(all->len, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value),  cmocka_unit_test(test_reference),  cmocka_unit_test(test_shown),
        cmocka_unit_test(test_choose), cmocka_unit_test(test_drop_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
