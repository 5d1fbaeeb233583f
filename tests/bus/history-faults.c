/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong in a history: the kernel takes devices, hypervisor calls fail, hang and take their time,
 * libvirt and the service go away. For history-steps.c. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/history.h"

#include <signal.h>
#include <string.h>

/* ------------------------------------------------------------------ the kernel */

static bool is_held(const World *world, const Presence *presence)
{
    for (int i = 0; i < HISTORY_VMS; i++)
        for (guint k = 0; k < world->vms[i].holdings->len; k++)
            if (((const Holding *)world->vms[i].holdings->pdata[k])->number == presence->number)
                return true;
    return false;
}

/* What was reset, or bound anew, by another program: QEMU has it no more, or not all of it. */
void step_disturb(World *world, const Step *step)
{
    Presence *presence;

    world_settle(world);
    presence = (Presence *)world_any_present(world, step->a);
    if (world->failure || !presence || presence->blocked || !is_held(world, presence))
        return;
    presence->disturbed = true;
    world_say(world, "the host's driver takes %s%s", history_things[presence->thing].name,
              step->b % 2 ? ", and QEMU lets go" : "");
    (void)world_script(world, NULL, "kernel driver 1 %u usbhid", presence->number);
    if (step->b % 2)
        (void)world_script(world, NULL, "kernel opens 1 %u 0", presence->number);
    world_announce(world, presence, "change");
    world_let_read(world);
}

void step_authorize(World *world, const Step *step)
{
    Presence *presence;

    world_settle(world);
    presence = (Presence *)world_any_present(world, step->a);
    if (world->failure || !presence)
        return;
    presence->blocked = !presence->blocked;
    presence->disturbed = true;
    world_say(world, "%s is %s", history_things[presence->thing].name,
              presence->blocked ? "not authorized any more" : "authorized");
    (void)world_script(world, NULL, "kernel authorized 1 %u %d", presence->number, !presence->blocked);
    world_announce(world, presence, "change");
    world_let_read(world);
}

void step_open(World *world, const Step *step)
{
    g_autofree char *driver = NULL;
    Presence *presence;
    unsigned opens;

    world_settle(world);
    presence = (Presence *)world_any_present(world, step->a);
    if (world->failure || !presence || !world_kernel(world, presence, &opens, &driver))
        return;
    if (presence->held && opens == 0)
        return;
    world_say(world, "a program %s %s", presence->held ? "lets go of" : "opens",
              history_things[presence->thing].name);
    presence->disturbed = true;
    (void)world_script(world, NULL, "kernel opens 1 %u %u", presence->number,
                       presence->held ? opens - 1 : opens + 1);
    presence->held = !presence->held;
}

/* ------------------------------------------------------------------ faults */

void step_error(World *world, const Step *step)
{
    static const char *const calls[] = { "attach", "detach", "inspect" };
    static const char *const errors[] = { "Hypervisor", "DeviceBusy",        "NoFreePort",   "NoController",
                                          "Timeout",    "MachineNotRunning", "NoSuchMachine" };
    const Vm *vm = world_any_vm(world, step->a);
    const char *call = calls[step->b % G_N_ELEMENTS(calls)], *error = errors[step->c % G_N_ELEMENTS(errors)];

    world->faulty = true;
    world_say(world, "the next %u %s of VM %s fail: %s", 1 + step->b / 3 % 6, call,
              history_vm_names[vm - world->vms], error);
    (void)world_script(world, NULL, "error %s %s %u %s it says no", vm->uuid, call, 1 + step->b / 3 % 6,
                       error);
}

void step_delay(World *world, const Step *step)
{
    static const char *const calls[] = { "attach", "detach", "inspect" };
    static const unsigned times_ms[] = { 20, 700, 3000, 12000, 40000 };
    const Vm *vm = world_any_vm(world, step->a);
    const char *call = calls[step->b % G_N_ELEMENTS(calls)];
    unsigned ms = times_ms[step->c % G_N_ELEMENTS(times_ms)];

    world->faulty = true;
    world_say(world, "the next %s of VM %s takes %u ms", call, history_vm_names[vm - world->vms], ms);
    (void)world_script(world, NULL, "delay %s %s 1 %u", vm->uuid, call, ms);
}

/* libvirt says yes, and the device never reaches the guest. */
void step_numb(World *world, const Step *step)
{
    const Vm *vm = world_any_vm(world, step->a);

    world->numb = true;
    world_say(world, "the next attach of VM %s doesn't reach QEMU", history_vm_names[vm - world->vms]);
    (void)world_script(world, NULL, "numb %s 1", vm->uuid);
}

void step_hang(World *world, const Step *step)
{
    static const char *const verbs[] = { "hang", "hold", "resume", "resume", "keep", "let-go", "let-go" };
    const Vm *vm = world_any_vm(world, step->a);
    const char *verb = verbs[step->b % G_N_ELEMENTS(verbs)];

    world->faulty = true;
    world_say(world, "VM %s: %s", history_vm_names[vm - world->vms], verb);
    (void)world_script(world, NULL, "%s %s", verb, vm->uuid);
}

void step_libvirt(World *world, const Step *step)
{
    world->faulty = true;
    switch (step->a % 5) {
    case 0:
        if (!world->connected)
            return;
        world_say(world, "libvirt restarts");
        world->connected = false;
        (void)world_script(world, NULL, "disconnect restarting");
        return;
    case 1:
        world_say(world, step->b % 2 ? "VMs can be listed" : "VMs can't be listed");
        (void)world_script(world, NULL, step->b % 2 ? "list" : "list it says no");
        return;
    default:
        if (world->connected)
            return;
        world_say(world, "libvirt is back");
        world->connected = true;
        (void)world_script(world, NULL, "connect");
        return;
    }
}

void step_die(World *world, const Step *step)
{
    static const char *const calls[] = { "attach", "detach" };
    static const char *const whens[] = { "before", "after" };
    const char *call = calls[step->a % 2], *when = whens[step->b % 2];

    world_say(world, "the service will be killed %s %s number %u", when, call, 1 + step->c % 2);
    world->may_die = true;
    (void)world_script(world, NULL, "die %s %u %s", call, 1 + step->c % 2, when);
}

void step_kill(World *world, const Step *step)
{
    bool kill = step->a % 3 > 0;

    world_say(world, kill ? "the service is killed" : "the service is stopped and started");
    world_restart(world, kill ? SIGKILL : SIGTERM);
}
