/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a worker does with one machine: the change, and then the look. Called in worker threads, so it
 * touches nothing but its copies and the hypervisor. */

#include "daemon/reconciler/machine-job.h"

static const char *const kind_names[_MACHINE_JOB_KIND_MAX] = {
    [MACHINE_JOB_INSPECT] = "inspect",
    [MACHINE_JOB_ATTACH] = "attach",
    [MACHINE_JOB_DETACH] = "detach",
    [MACHINE_JOB_PING] = "ping",
    [MACHINE_JOB_REPAIR_SAVED] = "repair-saved",
    [MACHINE_JOB_REPAIR_SNAPSHOTS] = "repair-snapshots",
    [MACHINE_JOB_START] = "start",
    [MACHINE_JOB_CONTROLLER] = "change of the USB controller",
};

ENUM_TABLE_DEFINE(MachineJobKind, machine_job_kind, kind_names, _MACHINE_JOB_KIND_INVALID);

MachineJob *machine_job_new(MachineJobKind kind, Hypervisor *hypervisor, const char *uuid)
{
    MachineJob *job = g_new0(MachineJob, 1);

    job->kind = kind;
    job->hypervisor = hypervisor;
    job->uuid = g_strdup(uuid);
    return job;
}

gpointer machine_job_run(gpointer data, GError **error)
{
    MachineJob *job = data;
    const HypervisorOps *ops = job->hypervisor->ops;
    MachineJobResult *result = g_new0(MachineJobResult, 1);

    switch (job->kind) {
    case MACHINE_JOB_ATTACH:
        ops->attach(job->hypervisor, job->uuid, job->spec, &result->change_error);
        break;
    case MACHINE_JOB_DETACH:
        ops->detach(job->hypervisor, job->uuid, job->alias, &result->change_error);
        break;
    case MACHINE_JOB_PING:
        ops->ping(job->hypervisor, job->uuid, &result->change_error);
        return result;
    case MACHINE_JOB_REPAIR_SAVED:
        ops->repair_saved(job->hypervisor, job->uuid, job->places, &result->change_error);
        break;
    case MACHINE_JOB_REPAIR_SNAPSHOTS:
        result->snapshots =
            ops->repair_snapshots(job->hypervisor, job->uuid, job->known, &result->change_error);
        break;
    case MACHINE_JOB_START:
        ops->start_machine(job->hypervisor, job->uuid, &result->change_error);
        break;
    case MACHINE_JOB_CONTROLLER:
        ops->set_usb_controller(job->hypervisor, job->uuid, job->model, &result->change_error);
        break;
    case MACHINE_JOB_INSPECT:
    case _MACHINE_JOB_KIND_MAX:
    case _MACHINE_JOB_KIND_INVALID:
        break;
    }
    result->info = ops->inspect(job->hypervisor, job->uuid, &result->info_error);
    return result;
}

void machine_job_free(gpointer data)
{
    MachineJob *job = data;

    g_free(job->uuid);
    g_free(job->alias);
    g_free(job->model);
    hostdev_spec_free(job->spec);
    g_clear_pointer(&job->places, g_ptr_array_unref);
    g_clear_pointer(&job->known, g_ptr_array_unref);
    g_free(job);
}

void machine_job_result_free(gpointer data)
{
    MachineJobResult *result = data;

    g_clear_error(&result->change_error);
    g_clear_pointer(&result->snapshots, g_ptr_array_unref);
    g_clear_error(&result->info_error);
    machine_info_free(result->info);
    g_free(result);
}
