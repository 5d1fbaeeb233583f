/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of steps, how often each is drawn, and what devices, VMs, libvirt and time do. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/history.h"

#include <string.h>

/* ------------------------------------------------------------------ devices */

/* A new one, or one that was used before: the smallest that is free. */
static unsigned choose_number(World *world, bool again)
{
    enum { FIRST = 3, LAST = 127 };
    unsigned number = again || world->highest >= LAST ? FIRST : world->highest + 1;

    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];

        if (!presence->gone && presence->number == number) {
            number++;
            i = (guint)-1;
        }
    }
    return number;
}

static const char *choose_socket(World *world, int thing, guint32 number)
{
    const char *home = history_things[thing].home;

    if (number % 4 > 0 && !world_in_socket(world, home))
        return home;
    for (guint i = 0; i < HISTORY_SOCKETS; i++) {
        const char *socket = history_sockets[(number / 4 + i) % HISTORY_SOCKETS];

        if (!world_in_socket(world, socket))
            return socket;
    }
    return NULL;
}

static void plug(World *world, int thing, const char *socket, unsigned number, const char *product)
{
    world_say(world, "plug %s into %s as 1:%u%s", history_things[thing].name, socket, number,
              strcmp(product, history_things[thing].product) == 0 ? "" : ", in its other mode");
    world_plug(world, thing, socket, number, product);
    world_let_read(world);
    watch_calls(world); /* what was given before the service heard of it knew of no twin */
    model_note_twins(world, world->model);
}

static void unplug(World *world, int thing)
{
    world_say(world, "unplug %s", history_things[thing].name);
    world_unplug(world, thing);
    world_let_read(world);
}

static void step_plug(World *world, const Step *step)
{
    int thing = world_choose(step->a);
    const char *socket;

    for (int i = 0; i < HISTORY_THINGS && world_present(world, thing); i++)
        thing = (thing + 1) % HISTORY_THINGS;
    socket = choose_socket(world, thing, step->b);
    if (!world_present(world, thing) && socket)
        plug(world, thing, socket, choose_number(world, step->c % 3 == 0), history_things[thing].product);
}

static void step_unplug(World *world, const Step *step)
{
    const Presence *presence = world_any_present(world, step->a);

    if (presence)
        unplug(world, presence->thing);
}

/* What is taken out stays for a moment: QEMU is slow to let go. */
static void keep_hostdevs(World *world)
{
    world_say(world, "the next detach of each VM fails");
    for (int i = 0; i < HISTORY_VMS; i++)
        (void)world_script(world, NULL, "error %s detach 1 Hypervisor it is still in use",
                           world->vms[i].uuid);
}

/* At once, in the same socket or another one, with the same number or another one. */
static void step_replug(World *world, const Step *step)
{
    const Presence *presence = world_any_present(world, step->a);
    unsigned number;
    const char *socket, *product;
    int thing;

    if (!presence)
        return;
    thing = presence->thing;
    number = step->c % 2 ? presence->number : 0;
    socket = presence->socket;
    product = presence->product;
    if (step->c / 2 % 3 == 0)
        keep_hostdevs(world);
    unplug(world, thing);
    if (step->c / 6 % 2) /* what is left of it in the VM is known then */
        world_settle(world);
    if (step->b % 3 == 0)
        socket = choose_socket(world, thing, step->b / 3);
    plug(world, thing, socket, number ? number : choose_number(world, false), product);
}

/* One that looks alike takes the place, and the number, of another one. */
static void step_swap(World *world, const Step *step)
{
    const Presence *presence = world_any_present(world, step->a);
    int thing = presence ? presence->thing : 0, other = thing ^ 1;
    const char *socket;
    unsigned number;

    if (!presence || world_present(world, other))
        return;
    socket = presence->socket;
    number = presence->number;
    if (step->c / 2 % 2)
        keep_hostdevs(world);
    unplug(world, thing);
    if (step->c / 4 % 2)
        world_settle(world);
    plug(world, other, socket, step->c % 2 ? number : choose_number(world, false),
         history_things[other].product);
}

/* Two with one serial next to each other: one is given, the other one is there too, and then one of them
 * goes. */
static void step_twins(World *world, const Step *step)
{
    enum { TWIN_A = 4, TWIN_B = 5 };
    int first = TWIN_A + (int)(step->a % 2), second = TWIN_A + TWIN_B - first;
    /* of the two, the first */
    const Step assign = { .a = (guint32)(first - TWIN_A), .b = step->b, .c = step->c };
    const int both[] = { first, second };

    for (gsize i = 0; i < G_N_ELEMENTS(both) && !world->failure; i++) {
        const char *socket = choose_socket(world, both[i], step->b / 2);

        if (!world_present(world, both[i]) && socket)
            plug(world, both[i], socket, choose_number(world, false), history_things[both[i]].product);
        if (i == 0 && step->c % 3 > 0 && world_present(world, first))
            ask_assign_device(world, &assign);
    }
    world_settle(world);
    if (world_present(world, both[step->b % 2]))
        unplug(world, both[step->b % 2]);
}

/* A mode switch: other ids in the same socket. */
static void step_other_ids(World *world, const Step *step)
{
    int thing = HISTORY_THINGS - 1;
    const Thing *what = &history_things[thing];
    const Presence *presence = world_present(world, thing);
    const char *socket, *product;

    if (!presence)
        return;
    socket = presence->socket;
    product = strcmp(presence->product, what->product) == 0 ? what->other_product : what->product;
    unplug(world, thing);
    plug(world, thing, socket, choose_number(world, step->c % 3 == 0), product);
}

/* Somebody has udev tell about it once more. */
static void step_trigger(World *world, const Step *step)
{
    const Presence *presence = world_any_present(world, step->a);

    if (!presence)
        return;
    world_say(world, "udev tells of %s again", history_things[presence->thing].name);
    world_announce(world, presence, step->b % 2 ? "change" : "bind");
    world_let_read(world);
}

/* ------------------------------------------------------------------ VMs */

Vm *world_any_vm(World *world, guint32 number)
{
    return &world->vms[number % HISTORY_VMS];
}

static void tell_vm(World *world, const Vm *vm, const char *what)
{
    world_say(world, "VM %s %s", history_vm_names[vm - world->vms], what);
}

static void forget_foreign(World *world, const Vm *vm)
{
    for (guint i = world->foreign->len; i-- > 0;)
        if (g_str_has_prefix(world->foreign->pdata[i], vm->uuid))
            g_ptr_array_remove_index(world->foreign, i);
}

static void step_start(World *world, const Step *step)
{
    const Vm *vm = world_any_vm(world, step->a);

    if (strcmp(vm->state, "shutoff") != 0)
        return;
    tell_vm(world, vm, "starts");
    (void)world_script(world, NULL, "start %s", vm->uuid);
}

/* In order, or so that no event tells of it. */
static void step_stop(World *world, const Step *step)
{
    const Vm *vm = world_any_vm(world, step->a);
    bool quiet = step->b % 3 == 0;

    if (strcmp(vm->state, "shutoff") == 0)
        return;
    tell_vm(world, vm, quiet ? "crashes, and no event tells" : "is off");
    forget_foreign(world, vm);
    world->faulty |= quiet;
    if (quiet)
        (void)world_script(world, NULL, "quiet");
    (void)world_script(world, NULL, "stop %s", vm->uuid);
    (void)world_script(world, NULL, "loud");
}

/* Saved and restored: another life, with the hostdevs of the last one. */
static void step_restore(World *world, const Step *step)
{
    const Vm *vm = world_any_vm(world, step->a);

    if (strcmp(vm->state, "shutoff") == 0)
        return;
    tell_vm(world, vm, "is saved and restored");
    (void)world_script(world, NULL, "restore %s", vm->uuid);
}

static void step_redefine(World *world, const Step *step)
{
    int i = (int)(step->a % HISTORY_VMS);
    Vm *vm = &world->vms[i];

    tell_vm(world, vm, "is made anew, with another UUID");
    forget_foreign(world, vm);
    (void)world_script(world, NULL, "stop %s", vm->uuid);
    (void)world_script(world, NULL, "undefine %s", vm->uuid);
    world_define_vm(world, i);
}

static void step_pause(World *world, const Step *step)
{
    const Vm *vm = world_any_vm(world, step->a);
    bool paused = strcmp(vm->state, "paused") == 0;

    if (strcmp(vm->state, "shutoff") == 0)
        return;
    tell_vm(world, vm, paused ? "goes on" : "is paused");
    (void)world_script(world, NULL, "%s %s", paused ? "unpause" : "pause", vm->uuid);
}

/* Another program gives a device that nobody has. */
static void step_foreign(World *world, const Step *step)
{
    const Vm *vm = world_any_vm(world, step->a);
    const Presence *presence = world_any_present(world, step->b);

    if (!presence || strcmp(vm->state, "shutoff") == 0)
        return;
    world_settle(world);
    if (world->failure || strcmp(vm->state, "shutoff") == 0 || presence->gone)
        return;
    for (int i = 0; i < HISTORY_VMS; i++)
        for (guint k = 0; k < world->vms[i].holdings->len; k++)
            if (((const Holding *)world->vms[i].holdings->pdata[k])->number == presence->number)
                return;
    world_say(world, "another program gives %s (1:%u) to VM %s", history_things[presence->thing].name,
              presence->number, history_vm_names[vm - world->vms]);
    g_ptr_array_add(world->foreign,
                    g_strdup_printf("%s %u %u", vm->uuid, presence->number, presence->enumeration));
    world->foreign_is_new = true;
    (void)world_script(world, NULL, "foreign %s 1 %u %s %s", vm->uuid, presence->number,
                       history_things[presence->thing].vendor, presence->product);
}

static void step_unforeign(World *world, const Step *step)
{
    const Vm *vm = world_any_vm(world, step->a);

    tell_vm(world, vm, "gives back what other programs gave to it");
    (void)world_script(world, NULL, "unforeign %s", vm->uuid);
    forget_foreign(world, vm);
}

/* ------------------------------------------------------------------ time */

static void step_time(World *world, const Step *step)
{
    static const unsigned times_ms[] = { 50, 200, 600, 1100, 2500, 6000, 35000, 70000 };
    unsigned ms = times_ms[step->a % G_N_ELEMENTS(times_ms)];

    world_say(world, "%u ms pass", ms);
    calls_finish(world);
    world_let_pass(world, ms);
}

static void step_clock(World *world, const Step *step)
{
    static const int jumps_s[] = { -172800, -3600, -1, 1, 3600, 31536000 };
    int jump = jumps_s[step->a % G_N_ELEMENTS(jumps_s)];

    world_say(world, "the clock is set by %d s", jump);
    (void)world_script(world, NULL, "jump %d", jump);
}

/* ------------------------------------------------------------------ drawing */

static const struct {
    void (*take)(World *world, const Step *step);
    guint often;
} kinds[] = {
    { step_plug, 14 },         { step_unplug, 5 },
    { step_replug, 8 },        { step_swap, 4 },
    { step_twins, 3 },         { step_other_ids, 3 },
    { step_trigger, 2 },       { step_disturb, 3 },
    { step_authorize, 2 },     { step_open, 2 },
    { step_numb, 1 },          { step_start, 5 },
    { step_stop, 4 },          { step_restore, 3 },
    { step_redefine, 1 },      { step_pause, 1 },
    { step_foreign, 2 },       { step_unforeign, 1 },
    { step_error, 4 },         { step_delay, 4 },
    { step_hang, 4 },          { step_libvirt, 4 },
    { step_die, 2 },           { step_kill, 2 },
    { step_time, 8 },          { step_clock, 1 },
    { ask_assign_device, 12 }, { ask_assign_group, 6 },
    { ask_release, 3 },        { ask_attach, 2 },
    { ask_detach, 3 },         { ask_update, 3 },
    { ask_create_group, 4 },   { ask_add_rule, 5 },
    { ask_remove_rule, 2 },    { ask_update_group, 2 },
    { ask_delete_group, 1 },   { ask_make_passthrough, 2 },
    { ask_tenant, 1 },         { ask_tenant_vm, 1 },
    { ask_grant, 2 },          { ask_revoke, 1 },
    { ask_enable, 2 },         { ask_release_all, 1 },
    { ask_apply, 1 },          { ask_reset, 2 },
    { ask_rescan, 1 },
};

static guint draw_kind(GRand *rand)
{
    guint all = 0, at;

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        all += kinds[i].often;
    at = (guint)g_rand_int_range(rand, 0, (gint32)all);
    for (guint i = 0;; i++) {
        if (at < kinds[i].often)
            return i;
        at -= kinds[i].often;
    }
}

GArray *history_draw(guint32 seed, guint n)
{
    GRand *rand = g_rand_new_with_seed(seed);
    GArray *steps = g_array_new(FALSE, TRUE, sizeof(Step));
    enum { N_FIRST = 3 };

    for (guint i = 0; i < n; i++) {
        /* something to begin with */
        Step step = { .kind = i < N_FIRST ? 0 : draw_kind(rand) };

        step.a = g_rand_int(rand);
        step.b = g_rand_int(rand);
        step.c = g_rand_int(rand);
        step.races = g_rand_int_range(rand, 0, 3) == 0;
        g_array_append_val(steps, step);
    }
    g_rand_free(rand);
    return steps;
}

void history_take_step(World *world, const Step *step)
{
    enum { CHECK_EACH = 2 }; /* it takes its time */

    kinds[step->kind].take(world, step);
    world_look_after_service(world);
    if (step->races)
        watch_calls(world);
    else
        world_settle(world);
    if (!step->races && step->c % CHECK_EACH == 0)
        check_on_the_way(world);
}
