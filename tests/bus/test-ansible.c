/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The example for Ansible, against a service: tests/bus/check-playbook.py does what its tasks say. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

static void test_playbook(void **state)
{
    Fixture *fixture = *state;
    const char *const argv[] = { g_getenv("FERRY_TEST_CHECK_PLAYBOOK"), g_getenv("FERRY_TEST_ANSIBLE"),
                                 g_getenv("FERRY_TEST_CLIENT"), NULL };
    g_auto(GStrv) environment = client_environment();
    g_autofree char *out = NULL, *err = NULL;
    g_autoptr(GError) error = NULL;
    int status;

    if (!g_spawn_sync(NULL, (char **)argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &out, &err, &status,
                      &error))
        fail_msg("%s: %s", argv[0], error->message);
    if (status != 0) {
        fixture_print_log(fixture);
        fail_msg("%s%s", out, err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_playbook, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
