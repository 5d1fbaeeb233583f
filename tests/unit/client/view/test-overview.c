/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The overview: which rows it has, and what they say to people and to programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/variant.h"
#include "client/view/json.h"
#include "client/view/overview.h"
#include "tests/unit/client/fixture.h"

/* A cell of the first row. */
static char *cell(const Model *model, const char *name)
{
    g_autoptr(GPtrArray) rows = overview_rows(model);
    g_autoptr(GVariant) shown = column_shown(column_find(overview_columns(), name), model, rows->pdata[0]);

    return variant_to_text(shown);
}

static void expect(const Model *model, const char *name, const char *text)
{
    g_autofree char *is = cell(model, name);

    assert_string_equal(is, text);
}

/* An assignment whose device is away has a line of its own; a hub has none. */
static void test_rows(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GPtrArray) before = overview_rows(model);
    assert_int_equal(before->len, 1);

    fixture_change(model, ASSIGNMENT, "{'State': <'waiting-device'>, 'Devices': <@a(os) []>}");
    g_autoptr(GPtrArray) rows = overview_rows(model);
    assert_int_equal(rows->len, 2);
    assert_string_equal(((Object *)rows->pdata[1])->path, ASSIGNMENT);
    g_autoptr(GVariant) where = column_shown(column_find(overview_columns(), "where"), model, rows->pdata[1]);
    assert_string_equal(g_variant_get_string(where, NULL), "not plugged in");

    fixture_change(model, ASSIGNMENT, "{'State': <'waiting-machine'>}");
    g_autoptr(GVariant) off = column_shown(column_find(overview_columns(), "where"), model, rows->pdata[1]);
    assert_string_equal(g_variant_get_string(off, NULL), "not plugged in, VM off");
    g_autoptr(GPtrArray) still = overview_rows(model);
    assert_int_equal(still->len, 2);
    fixture_change(model, ASSIGNMENT, "{'State': <'waiting-device'>}");

    g_autoptr(GPtrArray) columns = columns_all(overview_columns_for_programs());
    g_autoptr(GVariant) records = g_variant_ref_sink(columns_to_records(model, columns, rows));
    g_autofree char *json = json_from_variant(records, /* pretty= */ false);
    assert_string_equal(
        json,
        "[{\"host\":\"desk\",\"kind\":\"device\",\"name\":\"Keyboard K120\",\"device\":\"3-1.10\",\"usb-id\":\"046d:c31c\","
        "\"serial\":\"\",\"vm\":\"win11\",\"assignment\":\"keys\",\"tenant\":\"\",\"groups\":[],\"host-use\":[],"
        "\"state\":\"attached\",\"reason\":\"the VM has it\"},"
        "{\"host\":\"desk\",\"kind\":\"assignment\",\"name\":\"keys\",\"device\":\"\",\"usb-id\":\"\",\"serial\":\"\","
        "\"vm\":\"win11\",\"assignment\":\"keys\",\"tenant\":\"\",\"groups\":[],\"host-use\":[],"
        "\"state\":\"waiting-device\",\"reason\":\"the VM has it\"}]");
}

/* A hub comes before what is behind it, which is indented. */
static void test_tree(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GPtrArray) rows = overview_tree_rows(model);
    const Column *name = column_find(overview_tree_columns(), "name");
    guint deeper = 0;

    assert_true(rows->len >= 2);
    for (guint i = 0; i < rows->len; i++) {
        const Object *device = rows->pdata[i], *hub = model_follow(model, device, "Hub", KIND_DEVICE);
        g_autoptr(GVariant) shown = column_shown(name, model, device);
        guint before;

        if (!hub)
            continue;
        deeper++;
        assert_true(g_str_has_prefix(g_variant_get_string(shown, NULL), "  "));
        assert_true(g_ptr_array_find(rows, hub, &before) && before < i);
    }
    assert_true(deeper > 0);
    /* A hub that isn't told is none. */
    fixture_change(model, DEVICE, "{'Hub': <objectpath '/org/usbferry1/device/gone'>}");
    g_autoptr(GPtrArray) again = overview_tree_rows(model);
    assert_int_equal(again->len, rows->len);
}

static void test_cells(void **state)
{
    g_autoptr(Model) model = fixture_load();

    expect(model, "name", "Keyboard K120");
    expect(model, "where", "win11");
    expect(model, "reason", "assigned as \"keys\"");
    fixture_change(model, DEVICE, "{'Product': <''>, 'State': <'waiting'>}");
    expect(model, "name", "Logitech");
    expect(model, "where", "host");

    /* the line says which device it is */
    fixture_change(model, DEVICE, "{'Reason': <'046d:c31c (3-1.10) waits: 046d:c31c (3-1.10) is new'>}");
    expect(model, "reason", "It waits: it is new");
}

/* What keeps a device from VMs is told before anybody asks. */
static void test_host_use(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_change(
        model, DEVICE,
        "{'State': <'host'>, 'ReasonCode': <'host'>, 'Assignment': <objectpath '/'>, 'HostUse': <['mounted:/home', 'swap']>}");
    expect(model, "reason", "the host uses it: mounted:/home, swap");
    fixture_change(model, DEVICE, "{'HostUse': <@as []>}");
    expect(model, "reason", "");
}

static void test_groups(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GPtrArray) rows = overview_rows(model);
    g_autoptr(GPtrArray) columns = columns_all(overview_columns());
    guint n = columns->len;

    /* nobody has a group: the overview can do without */
    columns_drop_empty(model, columns, rows, "group#rule");
    assert_int_equal(columns->len, n - 1);

    fixture_add_group(model);
    expect(model, "group#rule", "keys#1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_tree),     cmocka_unit_test(test_cells),
        cmocka_unit_test(test_groups), cmocka_unit_test(test_host_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
