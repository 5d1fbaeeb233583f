/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that can be said of an object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/show.h"
#include "tests/unit/client/fixture.h"

static char *print(const Model *model, const char *path, bool json)
{
    g_autoptr(GPtrArray) objects = g_ptr_array_new();
    Client client = { .json = json };

    g_ptr_array_add(objects, g_hash_table_lookup(model->objects, path));
    fixture_begin_capture();
    bool good = show_print(&client, model, objects, NULL, false, NULL);
    char *text = fixture_end_capture();
    assert_true(good);
    return text;
}

/* For scripts: what they asked for and nothing else, of a list each on its line. */
static void test_values(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(GPtrArray) objects = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    Client client = { 0 };

    fixture_add_group(model);
    g_ptr_array_add(objects, g_hash_table_lookup(model->objects, GROUP));
    fixture_begin_capture();
    bool good = show_print(&client, model, objects, "vms,enabled,devices,file", true, NULL);
    g_autofree char *text = fixture_end_capture();
    assert_true(good);
    assert_string_equal(text, "win11\nyes\n3-1.10\naway\n\n");
    fixture_begin_capture();
    good = show_print(&client, model, objects, "vms,nonsense", true, &error);
    g_autofree char *nothing = fixture_end_capture();
    assert_false(good);
    assert_string_equal(nothing, "");
    assert_int_equal(error->code, OUTCOME_USAGE);
}

static void test_text(void **state)
{
    g_autoptr(Model) model = fixture_load();

    fixture_add_group(model);
    g_autofree char *group = print(model, GROUP, false);
    assert_true(g_str_has_prefix(group, "group \"keys\"\n"));
    assert_non_null(strstr(group, "                   rules: #1 class=hid (admin)\n"
                                  "                          #3 vendor=* (admin, disabled)\n"));
    assert_non_null(strstr(group, "                     vms: win11\n"));
    assert_non_null(strstr(group, "                    file: -\n"));

    g_autofree char *device = print(model, DEVICE, false);
    assert_non_null(strstr(device, "rules: keys#1 class=hid\n"));
}

static void test_json(void **state)
{
    g_autoptr(Model) model = fixture_load();

    g_autofree char *service = print(model, "/org/usbferry1", true);
    assert_string_equal(
        service,
        "[\n  {\n    \"kind\": \"service\",\n    \"host\": \"desk\",\n"
        "    \"version\": \"\",\n    \"features\": [],\n    \"enabled\": true,\n    \"held-home\": false,\n"
        "    \"settling\": false,\n"
        "    \"hypervisor\": \"\",\n    \"hypervisor-state\": \"connected\",\n"
        "    \"path\": \"/org/usbferry1\"\n  }\n]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
