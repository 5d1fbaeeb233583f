/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's picture of the service: fed by answers and signals, read by lists and waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/model.h"
#include "tests/unit/client/fixture.h"

typedef struct Heard {
    unsigned n[3];
    char *path;
    char *was;
} Heard;

static void hear(const Model *model, ModelEvent event, const Object *object, GHashTable *before,
                 void *userdata)
{
    Heard *heard = userdata;
    GVariant *was = before ? g_hash_table_lookup(before, "State") : NULL;

    heard->n[event]++;
    g_free(heard->path);
    heard->path = g_strdup(object->path);
    g_free(heard->was);
    heard->was = was ? g_variant_dup_string(was, NULL) : NULL;
}

static void test_load(void **state)
{
    g_autoptr(Model) model = fixture_load();
    const Object *device = model_get(model, DEVICE, KIND_DEVICE);

    assert_int_equal(g_hash_table_size(model->objects), 5); /* not the thing */
    assert_string_equal(object_string(device, "State"), "attached");
    assert_int_equal(object_number(device, "VendorId"), 0x046d);
    assert_int_equal(object_number(device, "Speed"), 0); /* another type than ours */
    assert_string_equal(object_string(device, "Missing"), "");
    assert_null(model_get(model, DEVICE, KIND_MACHINE));
    assert_ptr_equal(model_follow(model, device, "Machine", KIND_MACHINE),
                     model_get(model, MACHINE, KIND_MACHINE));

    assert_string_equal(object_name(device), "3-1.10");
    assert_string_equal(object_name(NULL), "");
    g_autofree char *here = model_name_at(model, MACHINE);
    assert_string_equal(here, "win11");
    g_autofree char *away = model_name_at(model, "/org/usbferry1/machine/u_2dv");
    assert_string_equal(away, "u-v");
    g_autofree char *none = model_name_at(model, "/");
    assert_string_equal(none, "");

    g_autofree char *text = object_describe(device);
    assert_string_equal(text, "046d:c31c \"Keyboard K120\" (3-1.10)");
    g_autofree char *id = object_id(model_get(model, ASSIGNMENT, KIND_ASSIGNMENT));
    assert_string_equal(id, "abcd1234");

    /* 9 before 10 */
    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);
    assert_string_equal(((Object *)devices->pdata[0])->path, HUB);
}

static void test_signals(void **state)
{
    g_autoptr(Model) model = fixture_load();
    Heard heard = { 0 };

    g_autoptr(GVariant) change = fixture_parse("{'State': <'detaching'>, 'Vendor': <'Logitech'>}");
    model_change(model, DEVICE, "org.usbferry1.Device", change, hear, &heard);
    assert_int_equal(heard.n[MODEL_CHANGED], 1);
    assert_string_equal(heard.was, "attached");

    g_autofree char *is = g_strdup(object_string(model_get(model, DEVICE, KIND_DEVICE), "State"));
    assert_string_equal(is, "detaching");

    /* nothing differs; another interface; an object that isn't known */
    model_change(model, DEVICE, "org.usbferry1.Device", change, hear, &heard);
    model_change(model, DEVICE, "org.usbferry1.Machine", change, hear, &heard);
    model_change(model, "/org/usbferry1/device/b", "org.usbferry1.Device", change, hear, &heard);
    assert_int_equal(heard.n[MODEL_CHANGED], 1);

    g_autoptr(GVariant) others = fixture_parse("['org.freedesktop.DBus.Peer']");
    model_remove(model, DEVICE, others, hear, &heard);
    assert_int_equal(heard.n[MODEL_REMOVED], 0);
    g_autoptr(GVariant) ours = fixture_parse("['org.freedesktop.DBus.Peer', 'org.usbferry1.Device']");
    model_remove(model, DEVICE, ours, hear, &heard);
    assert_int_equal(heard.n[MODEL_REMOVED], 1);
    assert_null(model_get(model, DEVICE, KIND_DEVICE));

    /* fetched again: what came back is new, what stayed is silent, what isn't named is gone */
    g_autoptr(GVariant) again = fixture_managed();
    model_load(model, again, hear, &heard);
    assert_int_equal(heard.n[MODEL_ADDED], 1);
    assert_string_equal(heard.path, DEVICE);
    g_autoptr(GVariant) nothing = fixture_parse("@a{oa{sa{sv}}} {}");
    model_load(model, nothing, hear, &heard);
    assert_int_equal(heard.n[MODEL_REMOVED], 5);
    assert_non_null(model_manager(model));

    g_free(heard.path);
    g_free(heard.was);
}

/* As it was: what differs now as it was told, the rest as it is. */
static void remember(const Model *model, ModelEvent event, const Object *object, GHashTable *before,
                     void *userdata)
{
    Object **old = userdata;

    *old = object_as_before(object, before);
}

static void test_as_before(void **state)
{
    g_autoptr(Model) model = fixture_load();
    g_autoptr(Object) old = NULL;

    g_autoptr(GVariant) change = fixture_parse("{'State': <'detaching'>, 'Serial': <'A'>}");
    model_change(model, DEVICE, "org.usbferry1.Device", change, remember, &old);
    assert_string_equal(object_string(old, "State"), "attached");
    assert_string_equal(object_string(old, "Serial"), "");
    assert_string_equal(object_string(old, "Vendor"), "Logitech");
    assert_string_equal(old->path, DEVICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_as_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
