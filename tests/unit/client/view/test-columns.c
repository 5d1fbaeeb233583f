/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the columns of each kind say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/columns.h"
#include "client/view/json.h"
#include "tests/unit/client/fixture.h"

/* The columns of the objects of this kind, as JSON on one line. */
static char *rows(const Model *model, ObjectKind kind, const char *names)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) columns = columns_choose(columns_for(kind), names, &error);
    g_autoptr(GPtrArray) objects = model_sorted(model, kind);

    assert_null(error);
    g_autoptr(GVariant) records = g_variant_ref_sink(columns_to_records(model, columns, objects));
    return json_from_variant(records, /* pretty= */ false);
}

static void test_devices(void **state)
{
    g_autoptr(Model) model = fixture_load();

    g_autofree char *json =
        rows(model, KIND_DEVICE,
             "device,address,USB-ID,model,host,vm,vm-state,hub,is-hub,interfaces,reason,speed");
    assert_string_equal(
        json, "[{\"device\":\"3-1.9\",\"address\":\"000:000\",\"usb-id\":\"0000:0000\",\"model\":\"\","
              "\"host\":\"desk\",\"vm\":\"\",\"vm-state\":\"\",\"hub\":\"\",\"is-hub\":true,"
              "\"interfaces\":[],\"reason\":\"\",\"speed\":0},"
              "{\"device\":\"3-1.10\",\"address\":\"003:007\",\"usb-id\":\"046d:c31c\","
              "\"model\":\"Logitech Keyboard K120\",\"host\":\"desk\",\"vm\":\"win11\","
              "\"vm-state\":\"running\",\"hub\":\"3-1.9\",\"is-hub\":false,"
              "\"interfaces\":[\"03:01:01\",\"03:00:ff\"],\"reason\":\"the VM has it\",\"speed\":0}]");
}

static void test_machines(void **state)
{
    g_autoptr(Model) model = fixture_load();

    g_autofree char *json = rows(model, KIND_MACHINE, "vm,uuid,assignments,foreign-devices,free-ports");
    assert_string_equal(json, "[{\"vm\":\"win11\",\"uuid\":\"u-u\",\"assignments\":[],\"foreign-devices\":"
                              "[{\"address\":\"003:009\",\"usb-id\":\"0951:1666\"}],\"free-ports\":0}]");
    g_autoptr(GVariant) shown =
        columns_get(model, model_get(model, MACHINE, KIND_MACHINE), "foreign-devices");
    g_autoptr(GVariant) expected = fixture_parse("['003:009 0951:1666']");
    assert_true(g_variant_equal(shown, expected));
}

static void test_assignments(void **state)
{
    g_autoptr(Model) model = fixture_load();

    g_autofree char *json =
        rows(model, KIND_ASSIGNMENT, "assignment-id,assignment,devices,group,vm,pending,created");
    assert_string_equal(json,
                        "[{\"assignment-id\":\"abcd1234\",\"assignment\":\"keys\",\"devices\":[\"3-1.10\"],"
                        "\"group\":\"\",\"vm\":\"win11\",\"pending\":false,\"created\":\"\"}]");
    g_autoptr(GVariant) since = columns_get(model, model_get(model, ASSIGNMENT, KIND_ASSIGNMENT), "since");
    assert_non_null(strstr(g_variant_get_string(since, NULL), "2023-11-1"));

    /* A VM that is gone has the name that it had. */
    fixture_change(model, ASSIGNMENT, "{'Machine': <objectpath '/org/usbferry1/machine/x'>}");
    g_autofree char *gone = rows(model, KIND_ASSIGNMENT, "vm");
    assert_string_equal(gone, "[{\"vm\":\"x\"}]");
    fixture_change(model, ASSIGNMENT, "{'MachineName': <'win10'>, 'Wanted': <uint32 2>, 'Has': <uint32 1>}");
    g_autofree char *named = rows(model, KIND_ASSIGNMENT, "vm,wanted,has");
    assert_string_equal(named, "[{\"vm\":\"win10\",\"wanted\":2,\"has\":1}]");
}

static void test_groups(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_add_group(model);
    g_autofree char *json =
        rows(model, KIND_GROUP, "group,class,enabled,rules,total,vms,devices,priority,file");
    assert_string_equal(
        json,
        "[{\"group\":\"keys\",\"class\":\"hid\",\"enabled\":true,\"rules\":["
        "{\"group\":\"keys\",\"rule-id\":1,\"enabled\":true,\"rule\":\"class=hid\",\"origin\":\"admin\"},"
        "{\"group\":\"keys\",\"rule-id\":3,\"enabled\":false,\"rule\":\"vendor=*\",\"origin\":\"admin\"}],"
        "\"total\":2,\"vms\":[\"win11\"],\"devices\":[\"3-1.10\",\"away\"],\"priority\":-1,\"file\":\"\"}]");
    g_autoptr(GVariant) shown = columns_get(model, model_get(model, GROUP, KIND_GROUP), "rules");
    g_autoptr(GVariant) expected = fixture_parse("['#1 class=hid (admin)', '#3 vendor=* (admin, disabled)']");
    assert_true(g_variant_equal(shown, expected));

    fixture_change(model, DEVICE, "{'Rules': <['keys#1 class=hid name=\"a b\"', 'odd']>}");
    fixture_change(model, HUB, "{'IsHub': <false>}");
    g_autofree char *of_devices = rows(model, KIND_DEVICE, "groups,rules");
    assert_string_equal(of_devices,
                        "[{\"groups\":[],\"rules\":[]},{\"groups\":[\"keys\"],\"rules\":["
                        "{\"group\":\"keys\",\"rule-id\":1,\"rule\":\"class=hid name=\\\"a b\\\"\"},"
                        "{\"group\":\"odd\",\"rule-id\":0,\"rule\":\"\"}]}]");
}

/* One thing has one name in all tables, and each name is in the form that JSON promises. */
static void test_names(void **state)
{
    for (ObjectKind kind = 0; kind < _KIND_MAX; kind++) {
        const Column *all = columns_for(kind);

        for (const Column *column = all; column->name; column++) {
            assert_ptr_equal(column_find(all, column->name), column);
            assert_int_equal(strspn(column->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(column->name));
            assert_true(column->property || column->value);
        }
        assert_non_null(column_find(all, "path"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices), cmocka_unit_test(test_machines), cmocka_unit_test(test_assignments),
        cmocka_unit_test(test_groups),  cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
