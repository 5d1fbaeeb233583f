/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The change, and then the look, whatever became of the change. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reconciler/machine-job.h"
#include "tests/unit/fixture.h"
#include "tests/unit/reconciler/fake-hypervisor.h"

#define ID "aaaaaaaa"

static int set_up(void **state)
{
    fake_hypervisor_clear();
    fake_hypervisor_define(DESK, "desk", MACHINE_STATE_RUNNING);
    return 0;
}

static MachineJobResult *run(MachineJobKind kind, const char *expected_log)
{
    MachineJob *job = machine_job_new(kind, &fake_hypervisor, DESK);
    g_autofree char *alias = hostdev_alias_format(ID, 7, 0);
    g_autofree char *log = NULL;
    MachineJobResult *result;

    job->alias = g_strdup(alias);
    job->spec = g_new0(HostdevSpec, 1);
    job->spec->alias = g_strdup(alias);
    result = machine_job_run(job, NULL);
    machine_job_free(job);
    log = fake_hypervisor_take_log();
    assert_string_equal(log, expected_log);
    return result;
}

static void assert_sees(MachineJobResult *result, guint hostdevs)
{
    assert_null(result->change_error);
    assert_null(result->info_error);
    assert_int_equal(result->info->hostdevs->len, hostdevs);
    machine_job_result_free(result);
}

static void test_looks_after_the_change(void **state)
{
    assert_sees(run(MACHINE_JOB_INSPECT, "inspect"), 0);
    assert_sees(run(MACHINE_JOB_ATTACH, "attach inspect"), 1);
    assert_sees(run(MACHINE_JOB_DETACH, "detach inspect"), 0);
}

static void test_failures(void **state)
{
    MachineJobResult *result;

    fake_hypervisor_fail(FAKE_ATTACH, FERRY_ERROR_NO_FREE_PORT);
    result = run(MACHINE_JOB_ATTACH, "attach inspect");
    assert_true(g_error_matches(result->change_error, FERRY_ERROR, FERRY_ERROR_NO_FREE_PORT));
    assert_non_null(result->info);
    machine_job_result_free(result);
    fake_hypervisor_fail(FAKE_ATTACH, _FERRY_ERROR_INVALID);
    fake_hypervisor_fail(FAKE_INSPECT, FERRY_ERROR_HYPERVISOR);
    result = run(MACHINE_JOB_ATTACH, "attach inspect");
    assert_null(result->change_error);
    assert_null(result->info);
    assert_true(g_error_matches(result->info_error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR));
    machine_job_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_looks_after_the_change, set_up),
        cmocka_unit_test_setup(test_failures, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
