/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ids out of paths: each id has one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dbus/names.h"
#include "dbus/service/path.h"

static void assert_id(const char *path, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *id = object_id(OBJECT_DEVICE, path, &error);

    if (g_strcmp0(id, expected) != 0)
        fail_msg("%s is of %s, not of %s", path, id ? id : "nothing", expected ? expected : "nothing");
    assert_int_equal(!id, error != NULL);
}

/* As sd-bus writes it. */
static void assert_path(const char *id)
{
    g_autofree char *path = object_path(OBJECT_DEVICE, id), *expected = NULL;

    assert_true(sd_bus_path_encode(FERRY_PATH_DEVICE_PREFIX, id, &expected) >= 0);
    assert_string_equal(path, expected);
    assert_id(path, *id ? id : NULL);
}

/* Every byte, where an id begins and after that: there and back. */
static void test_there_and_back(void **state)
{
    for (int byte = 1; byte <= UINT8_MAX; byte++) {
        const char first[] = { (char)byte, 'x', 0 }, later[] = { 'x', (char)byte, 0 };

        assert_path(first);
        assert_path(later);
    }
    assert_path("");
    assert_path("3-1.2");
}

/* All labels of four letters out of those that matter: only what is written for an id is read as it. */
static void test_only_one(void **state)
{
    static const char letters[] = "_0269aAfFgz-";
    enum { N = sizeof letters - 1 };

    for (unsigned i = 0; i < N * N * N * N; i++) {
        const char label[] = { letters[i % N], letters[i / N % N], letters[i / N / N % N],
                               letters[i / N / N / N], 0 };
        g_autofree char *path = g_strconcat(FERRY_PATH_DEVICE_PREFIX "/", label, NULL);
        g_autofree char *id = object_id(OBJECT_DEVICE, path, NULL);
        g_autofree char *decoded = NULL, *canonical = NULL;

        if (sd_bus_path_decode(path, FERRY_PATH_DEVICE_PREFIX, &decoded) > 0 && *decoded)
            assert_true(sd_bus_path_encode(FERRY_PATH_DEVICE_PREFIX, decoded, &canonical) >= 0);
        assert_int_equal(id != NULL, g_strcmp0(canonical, path) == 0);
        if (id)
            assert_string_equal(id, decoded);
    }
}

static void test_others(void **state)
{
    assert_id(FERRY_PATH_DEVICE_PREFIX "/_33_2d1", "3-1");
    assert_id(FERRY_PATH_DEVICE_PREFIX "/x_00", NULL);
    assert_id(FERRY_PATH_DEVICE_PREFIX "/_", NULL);
    assert_id(FERRY_PATH_DEVICE_PREFIX "/", NULL);
    assert_id(FERRY_PATH_DEVICE_PREFIX, NULL);
    assert_id(FERRY_PATH_DEVICE_PREFIX "s/x", NULL);
    assert_id(FERRY_PATH_DEVICE_PREFIX "/x/y", NULL);
    assert_id(FERRY_PATH_MACHINE_PREFIX "/x", NULL);
    assert_id("/", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_only_one),
        cmocka_unit_test(test_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
