/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each attach and each detach that the hypervisor was asked for, from the log that the script writes: nothing
 * is given to a VM that nobody gave it to, and nothing is taken without a reason.
 *
 * What changed since the service was quiet last it may not have seen: what was right then is still right. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_PREFIX "ua-usbferry-"

static void holding_free(gpointer data)
{
    Holding *holding = data;

    g_free(holding->alias);
    g_free(holding->vendor);
    g_free(holding->product);
    g_free(holding->guest_reset);
    g_free(holding);
}

void vm_clear_holdings(Vm *vm)
{
    for (guint i = 0; i < vm->holdings->len; i++)
        holding_free(vm->holdings->pdata[i]);
    g_ptr_array_set_size(vm->holdings, 0);
}

static Vm *find_vm(World *world, const char *uuid)
{
    for (int i = 0; i < HISTORY_VMS; i++)
        if (strcmp(world->vms[i].uuid, uuid) == 0)
            return &world->vms[i];
    return NULL;
}

static Holding *find_holding(const Vm *vm, const char *alias)
{
    for (guint i = 0; i < vm->holdings->len; i++) {
        Holding *holding = vm->holdings->pdata[i];

        if (strcmp(holding->alias, alias) == 0)
            return holding;
    }
    return NULL;
}

/* "ua-usbferry-ID-INSTANCE-LIFE" */
static char *assignment_of(const char *alias)
{
    g_auto(GStrv) parts = g_strsplit(alias + strlen(OWN_PREFIX), "-", -1);

    return assignment_path(parts[0]);
}

static unsigned life_of(const char *alias)
{
    const char *last = strrchr(alias, '-');

    return g_str_has_prefix(alias, OWN_PREFIX) ? (unsigned)g_ascii_strtoull(last + 1, NULL, 10) : 0;
}

/* ------------------------------------------------------------------ attaches */

/* As it is now, or was a moment ago. */
static const char *why_not(const World *world, const char *assignment, const char *vm,
                           const Presence *presence)
{
    const char *reason = "nobody made this assignment";

    for (guint i = 0; i <= world->recent->len; i++) {
        const Model *model = i < world->recent->len ? world->recent->pdata[i] : world->model;
        const Decision *decision = model_decision(model, assignment);

        if (!decision)
            continue;
        reason = strcmp(decision->vm, vm) != 0 ? "the assignment is for another VM"
                                               : model_why_not(model, decision, presence);
        if (!reason)
            return NULL;
    }
    return reason;
}

static bool was_enabled(const World *world)
{
    bool enabled = world->model->enabled;

    for (guint i = 0; i < world->recent->len; i++)
        enabled |= ((const Model *)world->recent->pdata[i])->enabled;
    return enabled;
}

static void note_place(World *world, const char *assignment, const Presence *presence)
{
    Decision *decision = model_decision(world->model, assignment);

    if (decision && !decision->group)
        decision->place = presence->socket;
}

static bool is_foreign(const World *world, unsigned enumeration)
{
    g_autofree char *end = g_strdup_printf(" %u", enumeration);

    for (guint i = 0; i < world->foreign->len; i++)
        if (g_str_has_suffix(world->foreign->pdata[i], end))
            return true;
    return false;
}

/* Once attached so, and then dead there: it is put in again while the service is switched off, too.
 * Enumeration 0: nobody can say which of two with one number it was. */
static char *had_key(const char *assignment, const Vm *vm, unsigned enumeration)
{
    return g_strdup_printf("%s %s %u", assignment, vm->uuid, enumeration);
}

static bool had(const World *world, const char *assignment, const Vm *vm, const Presence *given)
{
    g_autofree char *key = given ? had_key(assignment, vm, given->enumeration) : NULL;
    g_autofree char *either = had_key(assignment, vm, 0);

    return key && (g_hash_table_contains(world->had, key) || g_hash_table_contains(world->had, either));
}

/* What a VM has is given to no other one, as far as it can be seen. */
static void check_given_once(World *world, const Vm *to, const Presence *given)
{
    if (!given || given->gone || world->faulty)
        return;
    for (int i = 0; i < HISTORY_VMS; i++)
        for (guint k = 0; k < world->vms[i].holdings->len; k++) {
            const Holding *holding = world->vms[i].holdings->pdata[k];

            if (!g_str_has_prefix(holding->alias, OWN_PREFIX) && world->foreign_is_new)
                continue; /* it came while this one was on its way */
            if (&world->vms[i] != to && holding->enumeration == given->enumeration)
                world_wrong(world, "%s (1:%u) is given to %s, while it is in %s",
                            history_things[given->thing].name, given->number, to->shown, world->vms[i].shown);
        }
}

static void judge_attach(World *world, char **words)
{
    enum { VERB, UUID, ALIAS, BUS, DEVICE, VENDOR, PRODUCT, N_WORDS };
    const Vm *vm = find_vm(world, words[UUID]);
    g_autofree char *assignment = assignment_of(words[ALIAS]);
    unsigned number = (unsigned)g_ascii_strtoull(words[DEVICE], NULL, 10);
    const char *reason = "no such device is there";
    const Presence *given = NULL;

    world->orders++;
    world_say(world, "   -> attach 1:%u to %s by %s", number, vm ? vm->shown : words[UUID], words[ALIAS]);
    if (!vm)
        return; /* it was undefined meanwhile */
    /* The latest one that it may be: what was there before with this number may still be in the list. */
    for (guint i = world->presences->len; i-- > 0 && reason;) {
        const Presence *presence = world->presences->pdata[i];
        const Thing *thing = &history_things[presence->thing];

        if (presence->number != number)
            continue;
        if (strcmp(thing->vendor, words[VENDOR]) != 0 || strcmp(presence->product, words[PRODUCT]) != 0)
            continue;
        reason = why_not(world, assignment, vm->path, presence);
        given = presence;
    }
    if (reason && given && calls_allow(world, assignment, vm->path, given))
        reason = NULL;
    if (reason)
        world_wrong(world, "%s (1:%u) is given to %s by %s: %s",
                    given ? history_things[given->thing].name : "?", number, vm->shown, assignment, reason);
    else
        note_place(world, assignment, given);
    if (given)
        g_hash_table_replace(world->ordered, g_strdup(words[ALIAS]), GUINT_TO_POINTER(given->enumeration));
    if (!was_enabled(world) && !world->call && !world->was_reset && !had(world, assignment, vm, given))
        world_wrong(world, "1:%u is given to %s while the service is switched off", number, vm->shown);
    if (given && given->blocked && !given->gone && world->recent->len == 0 && !world->call)
        world_wrong(world, "%s (1:%u) is given to %s, and the host doesn't authorize it",
                    history_things[given->thing].name, number, vm->shown);
    check_given_once(world, vm, given);
    if (given && is_foreign(world, given->enumeration) && !given->gone && !world->faulty &&
        !world->foreign_is_new)
        world_wrong(world, "1:%u is given to %s, and another program gave it away", number, vm->shown);
}

/* ------------------------------------------------------------------ detaches */

static const Presence *presence_of(const World *world, unsigned enumeration)
{
    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];

        if (presence->enumeration == enumeration)
            return presence->gone ? NULL : presence;
    }
    return NULL;
}

static bool is_set(const World *world, const char *assignment)
{
    const Decision *decision = model_decision(world->model, assignment);

    return decision && strcmp(decision->quantity, "set") == 0;
}

/* Since it was to have fewer: which of them goes is not said. */
static bool has_too_many(const World *world, const Vm *vm, const char *assignment)
{
    const Decision *decision = model_decision(world->model, assignment);
    guint quantity = decision ? (guint)atoi(decision->quantity) : 0, n = 0;

    for (guint i = 0; quantity > 0 && i < vm->holdings->len; i++) {
        const Holding *holding = vm->holdings->pdata[i];
        g_autofree char *its =
            g_str_has_prefix(holding->alias, OWN_PREFIX) ? assignment_of(holding->alias) : NULL;

        n += g_strcmp0(its, assignment) == 0;
    }
    return n > quantity;
}

/* It may have been released or detached: taking it out is as right as leaving it. */
static bool is_doubted(const World *world, const char *assignment)
{
    const Decision *decision = model_decision(world->model, assignment);

    return decision && decision->doubt;
}

/* NULL = there is a reason to take it out. */
static const char *why_take(World *world, const Vm *vm, const Holding *holding)
{
    g_autofree char *assignment = assignment_of(holding->alias);
    const Presence *presence = presence_of(world, holding->enumeration);
    const Standing *standing;
    g_autofree char *guest_reset = NULL, *held = g_strdup(holding->guest_reset);
    View *view;

    if (!presence || presence->disturbed || world->numb || holding->life != vm->life || world->was_reset ||
        world->background || is_foreign(world, holding->enumeration))
        return NULL;
    if (world->call || world->recent->len > 0)
        return NULL; /* what was decided has changed a moment ago */
    if (why_not(world, assignment, vm->path, presence))
        return NULL;
    if (has_too_many(world, vm, assignment) || is_doubted(world, assignment))
        return NULL;
    if (is_set(world, assignment))
        return NULL;        /* the others of it may have gone */
    view = view_new(world); /* which may find the service dead, and then the VMs are asked anew */
    standing = view ? standing_find(view->assignments, assignment) : NULL;
    guest_reset = standing ? g_strdup(standing->guest_reset) : NULL;
    view_free(view);
    if (g_strcmp0(guest_reset, held) != 0)
        return NULL;
    return "it may have it, and nothing has changed";
}

static void judge_detach(World *world, char **words)
{
    enum { VERB, UUID, ALIAS };
    const Vm *vm = find_vm(world, words[UUID]);
    const Holding *holding = vm ? find_holding(vm, words[ALIAS]) : NULL;
    const char *reason;
    unsigned number;

    world->orders++;
    world_say(world, "   -> detach %s from %s", words[ALIAS], vm ? vm->shown : words[UUID]);
    if (!g_str_has_prefix(words[ALIAS], OWN_PREFIX)) {
        world_wrong(world, "%s of %s is another program's, and it is taken out", words[ALIAS], words[UUID]);
        return;
    }
    if (!holding)
        return; /* gone meanwhile */
    number = holding->number;
    reason = why_take(world, vm, holding);
    if (reason)
        world_wrong(world, "1:%u is taken from %s (%s): %s", number, vm->shown, words[ALIAS], reason);
}

/* ------------------------------------------------------------------ what VMs have */

/* What has this number now; what had it a moment ago when nothing has; 0 = it may be either. */
static unsigned enumeration_at(const World *world, unsigned number)
{
    unsigned present = 0, gone = 0;

    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];

        if (presence->number == number && presence->gone)
            gone = presence->enumeration;
        else if (presence->number == number)
            present = presence->enumeration;
    }
    return present && gone ? 0 : MAX(present, gone);
}

static void note_holding(World *world, const Vm *vm, Holding *holding)
{
    gpointer ordered;
    g_autofree char *assignment = NULL;

    if (!g_str_has_prefix(holding->alias, OWN_PREFIX))
        return;
    /* What it was asked for had left its number to another one before it was done. */
    if (g_hash_table_lookup_extended(world->ordered, holding->alias, NULL, &ordered) &&
        GPOINTER_TO_UINT(ordered) != holding->enumeration)
        holding->enumeration = 0;
    assignment = assignment_of(holding->alias);
    g_hash_table_add(world->had, had_key(assignment, vm, holding->enumeration));
}

static Holding *read_holding(World *world, const Vm *vm, const char *word)
{
    enum { ALIAS, BUS, DEVICE, VENDOR, PRODUCT, GUEST_RESET, N_PARTS };
    g_auto(GStrv) parts = g_strsplit_set(word, "=:", -1);
    const Holding *before = find_holding(vm, parts[ALIAS]);
    Holding *holding = g_new0(Holding, 1);

    holding->alias = g_strdup(parts[ALIAS]);
    holding->number = (unsigned)g_ascii_strtoull(parts[DEVICE], NULL, 10);
    holding->vendor = g_strdup(parts[VENDOR]);
    holding->product = g_strdup(parts[PRODUCT]);
    holding->life = life_of(parts[ALIAS]);
    holding->guest_reset = g_strdup(parts[GUEST_RESET]);
    holding->enumeration = before ? before->enumeration : enumeration_at(world, holding->number);
    note_holding(world, vm, holding);
    return holding;
}

static void take_state(World *world, const char *line)
{
    enum { VERB, UUID, NAME, STATE, LIFE, HOSTDEVS };
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    Vm *vm = find_vm(world, words[UUID]);
    GPtrArray *holdings;

    if (!vm)
        return;
    holdings = g_ptr_array_new();
    for (char **word = words + HOSTDEVS; *word; word++)
        g_ptr_array_add(holdings, read_holding(world, vm, *word));
    vm_clear_holdings(vm);
    g_ptr_array_unref(vm->holdings);
    vm->holdings = holdings;
    g_free(vm->state);
    vm->state = g_strdup(words[STATE]);
    vm->life = (unsigned)g_ascii_strtoull(words[LIFE], NULL, 10);
    g_free(vm->shown);
    vm->shown = g_strdup(strstr(line, words[NAME]));
}

void watch_calls(World *world)
{
    g_autofree char *path = g_build_filename(world->fixture->dir, "calls.log", NULL);
    FILE *file = fopen(path, "re");
    char line[4096];

    if (!file)
        return;
    (void)fseeko(file, world->log_read, SEEK_SET);
    while (fgets(line, sizeof line, file)) {
        g_auto(GStrv) words = NULL;

        world->log_read = ftello(file);
        line[strcspn(line, "\n")] = '\0';
        words = g_strsplit(line, " ", -1);
        if (strcmp(words[0], "attach") == 0)
            judge_attach(world, words);
        else if (strcmp(words[0], "detach") == 0)
            judge_detach(world, words);
        else
            take_state(world, line);
        /* Who asked a service that was dead, and started it, has read on. */
        (void)fseeko(file, world->log_read, SEEK_SET);
    }
    fclose(file);
}
