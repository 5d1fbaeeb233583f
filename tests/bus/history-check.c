/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds when everything has come to rest: everybody says the same, what may be somewhere is there, and
 * it stays so. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/history.h"

#include <stdlib.h>
#include <string.h>

/* Longer than the time after which everything is looked at once more. */
#define STILL_MS 65000

/* The longest that anything waits until it is tried again. */
#define PUT_OFF_MS 400000

static const Vm *vm_by_path(const World *world, const char *path)
{
    for (int i = 0; i < HISTORY_VMS; i++)
        if (strcmp(world->vms[i].path, path) == 0)
            return &world->vms[i];
    return NULL;
}

static bool is_on(const Vm *vm)
{
    return vm && strcmp(vm->state, "shutoff") != 0;
}

static bool is_ours(const Holding *holding)
{
    return g_str_has_prefix(holding->alias, "ua-usbferry-");
}

/* What another program gave stays as it is when the device goes, and means the next one with its number that
 * looks like it. */
static bool means(const Holding *holding, const Presence *presence)
{
    return holding->number == presence->number &&
           (is_ours(holding) || holding->enumeration == presence->enumeration ||
            (strcmp(holding->vendor, history_things[presence->thing].vendor) == 0 &&
             strcmp(holding->product, presence->product) == 0));
}

/* The VM that has it, by the hypervisor's words; and how. */
static const Vm *holder_of(const World *world, const Presence *presence, const Holding **ret_holding,
                           guint *ret_n)
{
    const Vm *holder = NULL;

    *ret_n = 0;
    for (int i = 0; i < HISTORY_VMS; i++)
        for (guint k = 0; k < world->vms[i].holdings->len; k++) {
            const Holding *holding = world->vms[i].holdings->pdata[k];

            if (!means(holding, presence))
                continue;
            ++*ret_n;
            *ret_holding = holding;
            holder = &world->vms[i];
        }
    return holder;
}

static bool is_of(const Holding *holding, const char *assignment)
{
    g_autofree char *id = assignment_id(assignment);
    g_autofree char *prefix = g_strdup_printf("ua-usbferry-%s-", id);

    return g_str_has_prefix(holding->alias, prefix);
}

/* ------------------------------------------------------------------ what the service says */

static const char *state_of(const World *world, const Presence *presence)
{
    const Holding *holding;
    guint n;
    const Vm *holder = holder_of(world, presence, &holding, &n);

    return !holder ? NULL : is_ours(holding) ? "attached" : "foreign";
}

/* Attached is what the kernel says, too. */
static void check_kernel(World *world, const Presence *presence, const char *state)
{
    const char *name = history_things[presence->thing].name;
    g_autofree char *driver = NULL;
    unsigned opens;

    if (g_strcmp0(state, "foreign") == 0 || !world_kernel(world, presence, &opens, &driver))
        return;
    if (state && (opens == 0 || strcmp(driver, "usbhid") == 0))
        world_fail(world, "%s is attached, and the kernel says that %u have it open, driver %s", name, opens,
                   driver);
    if (!state && opens > 0)
        world_fail(world, "%s is at home, and %u still have it open", name, opens);
}

static void check_device(World *world, const View *view, const Presence *presence)
{
    g_autofree char *path = fixture_device_path(presence->socket);
    const Standing *its = standing_find(view->devices, path), *of;
    const Holding *holding = NULL;
    guint n;
    const Vm *holder = holder_of(world, presence, &holding, &n);
    const char *name = history_things[presence->thing].name, *state = state_of(world, presence);
    const Decision *decision;
    const char *why_not;

    if (!its || its->number != presence->number) {
        world_fail(world, "%s is there as 1:%u, and the service doesn't know", name, presence->number);
        return;
    }
    if (n > 1)
        world_fail(world, "%s is in %u VMs", name, n);
    if (!state ? strcmp(its->state, "host") != 0 && strcmp(its->state, "waiting") != 0
               : strcmp(its->state, state) != 0)
        world_fail(world, "%s is %s, and the hypervisor says %s %s", name, its->state,
                   state ? state : "that no VM has it", holder ? holder->shown : "");
    check_kernel(world, presence, state);
    if (!state || strcmp(state, "attached") != 0)
        return;
    of = standing_find(view->assignments, its->assignment);
    decision = model_decision(world->model, its->assignment);
    if (strcmp(its->machine, holder->path) != 0 || !is_of(holding, its->assignment) || !of || !decision) {
        world_fail(world, "%s is said to be in %s by %s, and is in %s by %s", name, its->machine,
                   its->assignment, holder->shown, holding->alias);
        return;
    }
    if (holding->enumeration != presence->enumeration && holding->enumeration)
        world_fail(world, "%s is attached by a hostdev of what was plugged in before it", name);
    if (strcmp(of->guest_reset, holding->guest_reset) != 0)
        world_fail(world, "%s has guestReset %s, and %s says %s", name, holding->guest_reset, of->path,
                   of->guest_reset);
    why_not = strcmp(decision->vm, holder->path) != 0 ? "the assignment is for another VM"
                                                      : model_why_not(world->model, decision, presence);
    if (why_not)
        world_fail(world, "%s is in %s by %s: %s", name, holder->shown, decision->path, why_not);
}

/* Nothing is left of what is gone, or of another life. */
static void check_vm(World *world, const View *view, const Vm *vm)
{
    const Standing *its = standing_find(view->machines, vm->path);

    if (!its || strcmp(its->state, vm->state) != 0)
        world_fail(world, "%s: the service says %s", vm->shown, its ? its->state : "nothing");
    for (guint i = 0; i < vm->holdings->len; i++) {
        const Holding *holding = vm->holdings->pdata[i];
        bool is_there = false;

        for (guint k = 0; k < world->presences->len; k++)
            is_there |= ((const Presence *)world->presences->pdata[k])->number == holding->number;
        if (is_ours(holding) && (!is_there || holding->life != vm->life))
            world_fail(world, "%s still has %s, which is %s", vm->shown, holding->alias,
                       is_there ? "of another life" : "of a device that is gone");
    }
}

/* ------------------------------------------------------------------ what should be */

static guint count_of(const World *world, const Decision *decision)
{
    const Vm *vm = vm_by_path(world, decision->vm);
    guint n = 0;

    for (guint i = 0; vm && i < vm->holdings->len; i++)
        n += is_of(vm->holdings->pdata[i], decision->path);
    return n;
}

/* Somebody's own, whether his VM runs or not. */
static bool is_reserved(const World *world, const Presence *presence, const Decision *but)
{
    for (guint i = 0; i < world->model->decisions->len; i++) {
        const Decision *decision = world->model->decisions->pdata[i];

        if (decision != but && !decision->group && !model_why_not(world->model, decision, presence))
            return true;
    }
    return false;
}

/* By another program, if only because that means what had the number before. */
static bool is_number_listed(const World *world, unsigned number)
{
    for (int i = 0; i < HISTORY_VMS; i++)
        for (guint k = 0; k < world->vms[i].holdings->len; k++) {
            const Holding *holding = world->vms[i].holdings->pdata[k];

            if (holding->number == number && !is_ours(holding))
                return true;
        }
    return false;
}

static bool is_free(const World *world, const Presence *presence, const Decision *decision)
{
    const Holding *holding;
    guint n;

    return !holder_of(world, presence, &holding, &n) && !is_number_listed(world, presence->number) &&
           !is_reserved(world, presence, decision) && !model_why_not(world->model, decision, presence);
}

/* One device for each of the rules from here on, of those that are free or its own. */
static bool fits(const World *world, const Decision *decision, const Pool *pool, guint rule,
                 const Presence **taken, guint n_taken)
{
    if (rule == pool->rules->len)
        return n_taken > 0;
    if (!((const PoolRule *)pool->rules->pdata[rule])->enabled)
        return fits(world, decision, pool, rule + 1, taken, n_taken);
    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];
        bool is_taken = false;

        for (guint k = 0; k < n_taken; k++)
            is_taken |= taken[k] == presence;
        taken[n_taken] = presence;
        if (!is_taken && rule_means(((const PoolRule *)pool->rules->pdata[rule])->text, presence) &&
            is_free(world, presence, decision) && fits(world, decision, pool, rule + 1, taken, n_taken + 1))
            return true;
    }
    return false;
}

static void check_set(World *world, const Decision *decision, const Pool *pool, guint n)
{
    const Presence *taken[HISTORY_THINGS + 1];
    guint rules = 0;

    for (guint i = 0; i < pool->rules->len; i++)
        rules += ((const PoolRule *)pool->rules->pdata[i])->enabled;
    if (n > 0 && n != rules)
        world_fail(world, "the set %s has %u devices of %u", decision->path, n, rules);
    if (n == 0 && rules <= HISTORY_THINGS && fits(world, decision, pool, 0, taken, 0))
        world_fail(world, "the set %s could be complete, and has nothing", decision->path);
}

/* Whoever can have more has it. */
static void check_decision(World *world, const Decision *decision)
{
    const Vm *vm = vm_by_path(world, decision->vm);
    const Pool *pool = decision->group ? model_pool(world->model, decision->group) : NULL;
    guint n = count_of(world, decision), quantity = (guint)atoi(decision->quantity);

    if (quantity > 0 && n > quantity)
        world_fail(world, "%s has %u devices, and was to have %u", decision->path, n, quantity);
    if (decision->ended || !decision->wanted || !is_on(vm) || !world->model->enabled ||
        (decision->group && (!pool || !pool->enabled)))
        return;
    if (strcmp(decision->quantity, "set") == 0) {
        check_set(world, decision, pool, n);
        return;
    }
    if (quantity > 0 && n >= quantity)
        return;
    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];

        if (!decision->group && decision->meant >= 0 && decision->meant != presence->thing)
            continue; /* it need not go to one that only looks alike */
        if (decision->met_twin && g_strcmp0(decision->place, presence->socket) != 0)
            continue; /* nobody can know that it is the right one */
        if (is_free(world, presence, decision))
            world_fail(world, "%s (1:%u) is free and belongs to %s by %s",
                       history_things[presence->thing].name, presence->number, vm->shown, decision->path);
    }
}

/* What a call may have changed whose answer was lost: so it was, then. */
static void end_doubts(World *world, const View *view)
{
    for (guint i = 0; i < world->model->decisions->len; i++) {
        Decision *decision = world->model->decisions->pdata[i];
        const Decision *its = model_decision(view->model, decision->path);

        if (decision->ended && its && !decision->doubt)
            world_fail(world, "%s was released, and is still there", decision->path);
        if (decision->doubt) {
            decision->ended = !its;
            decision->wanted = its && its->wanted;
        } else if (its && its->wanted != decision->wanted) {
            world_fail(world, "%s is %s, and the service says otherwise", decision->path,
                       decision->wanted ? "wanted" : "detached");
        }
        decision->doubt = false;
    }
}

static void check_foreign(World *world)
{
    for (guint i = 0; i < world->foreign->len; i++) {
        g_auto(GStrv) words = g_strsplit(world->foreign->pdata[i], " ", -1);
        unsigned number = (unsigned)g_ascii_strtoull(words[1], NULL, 10);
        bool is_there = false;

        for (int k = 0; k < HISTORY_VMS; k++)
            for (guint m = 0; m < world->vms[k].holdings->len; m++) {
                const Holding *holding = world->vms[k].holdings->pdata[m];

                is_there |= holding->number == number && !is_ours(holding);
            }
        if (!is_there)
            world_fail(world, "another program's 1:%u was taken", number);
    }
}

static void check(World *world)
{
    View *view = view_new(world);
    g_autofree char *differs = NULL;
    unsigned orders;

    if (!view)
        return;
    if (view->settling || strcmp(view->hypervisor, "connected") != 0)
        world_fail(world, "at rest it is %s, and libvirt is %s", view->settling ? "settling" : "settled",
                   view->hypervisor);
    if (world->background > 0)
        world_fail(world, "%u calls are not answered", world->background);
    end_doubts(world, view);
    differs = model_differs(world->model, view->model);
    if (differs)
        world_fail(world, "%s", differs);
    for (guint i = 0; i < view->assignments->len; i++) {
        const Standing *its = view->assignments->pdata[i];

        if (its->pending)
            world_fail(world, "%s is pending at rest: %s: %s", its->path, its->state, its->reason);
    }
    for (guint i = 0; i < world->presences->len; i++)
        check_device(world, view, world->presences->pdata[i]);
    for (int i = 0; i < HISTORY_VMS; i++)
        check_vm(world, view, &world->vms[i]);
    for (guint i = 0; i < world->model->decisions->len; i++)
        check_decision(world, world->model->decisions->pdata[i]);
    check_foreign(world);
    view_free(view);
    orders = world->orders;
    world_let_pass(world, STILL_MS);
    /* A number that another program's hostdev still names is tried again and again, more and more slowly. */
    if (world->orders != orders && world->foreign->len == 0)
        world_fail(world, "it doesn't come to rest");
}

/* Not at rest: what is said to be attached is what the VM has, and not what was plugged in there before. */
void check_on_the_way(World *world)
{
    View *view = world->call ? NULL : view_new(world);

    for (guint i = 0; view && i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];
        g_autofree char *path = fixture_device_path(presence->socket);
        const Standing *its = standing_find(view->devices, path);
        const Holding *holding = NULL;
        guint n;

        if (!its || strcmp(its->state, "attached") != 0)
            continue;
        /* What a VM has lost is not to be seen while something is out of order. */
        if (!holder_of(world, presence, &holding, &n) && !world->faulty)
            world_wrong(world, "%s (1:%u) is said to be attached, and no VM has it",
                        history_things[presence->thing].name, presence->number);
        if (holding && holding->enumeration && holding->enumeration != presence->enumeration)
            world_wrong(world, "%s (1:%u) is said to be attached, and the VM has what was there before it",
                        history_things[presence->thing].name, presence->number);
    }
    view_free(view);
}

/* What was put off for longest comes after the second time. */
void check_at_rest(World *world)
{
    g_autofree char *failure = NULL;

    if (world->failure)
        return;
    check(world);
    if (!world->failure || world->is_wrong)
        return;
    failure = g_steal_pointer(&world->failure);
    world_let_pass(world, PUT_OFF_MS);
    world_settle(world);
    check(world);
}
