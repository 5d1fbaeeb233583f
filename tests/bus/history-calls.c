/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call at a time is open, besides those that take their time. What it asks for counts when it was
 * answered; of one whose answer was lost with the service, what was stored says whether it counts. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/deadline.h"
#include "tests/bus/history.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_US (5 * G_TIME_SPAN_MILLISECOND)

typedef struct OpenCall {
    World *world;
    CallKind kind;
    Model *after;
    char *what;
    unsigned start; /* of the service that was asked */
    bool lost;
    bool knew_both; /* when it began: the VM that is gone was still there beside the one that has its name */
} OpenCall;

static void call_free(OpenCall *call)
{
    history_model_free(call->after);
    g_free(call->what);
    g_free(call);
}

static Decision *last_decision(const Model *model)
{
    return model->decisions->pdata[model->decisions->len - 1];
}

/* The one that a call is about. */
static const Pool *last_pool(const Model *model)
{
    return model->pools->pdata[model->pools->len - 1];
}

static PoolRule *last_rule(const Pool *pool)
{
    return pool->rules->pdata[pool->rules->len - 1];
}

/* ------------------------------------------------------------------ what an answer means */

static void take(World *world, Model *after)
{
    g_ptr_array_add(world->recent, world->model);
    world->model = after;
    model_note_twins(world, world->model);
}

static bool means_thing(const World *world, const char *selector, int thing)
{
    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];

        if (presence->thing == thing && rule_means(selector, presence))
            return true;
    }
    return false;
}

/* Gone, and this VM has its name now: it was made anew. */
static bool was_made_anew(const World *world, const char *gone, const char *vm)
{
    for (int i = 0; i < HISTORY_VMS; i++)
        if (strcmp(world->vms[i].path, vm) == 0)
            return strcmp(gone, vm) != 0 && g_str_has_suffix(gone, strrchr(vm, '_'));
    return false;
}

/* A service that waits for an answer about the VM that is gone doesn't know yet that it is. */
static bool knows_both(const World *world, const Model *after)
{
    const Decision *by = after->decisions->pdata[after->decisions->len - 1];

    for (guint i = 0; i < after->decisions->len; i++) {
        const Decision *decision = after->decisions->pdata[i];
        char *said = NULL;

        if (decision->ended || !was_made_anew(world, decision->vm, by->vm))
            continue;
        if (sd_bus_get_property_string(world->fixture->bus, FERRY_BUS_NAME, decision->vm,
                                       FERRY_INTERFACE_MACHINE, "Name", NULL, &said) >= 0) {
            free(said);
            return true;
        }
    }
    return false;
}

/* It takes the place of what says the same for the VM that had the name before. */
static void end_replaced(const World *world, Model *model, const Decision *by, bool knew_both)
{
    for (guint i = 0; i < model->decisions->len; i++) {
        Decision *decision = model->decisions->pdata[i];

        if (was_made_anew(world, decision->vm, by->vm) && g_strcmp0(decision->group, by->group) == 0 &&
            strcmp(decision->selector, by->selector) == 0 && strcmp(decision->quantity, by->quantity) == 0 &&
            g_strcmp0(decision->tenant, by->tenant) == 0) {
            decision->ended = !knew_both;
            decision->doubt |= knew_both;
        }
    }
}

static void ask_selector(World *world, Decision *decision)
{
    char *selector = NULL;

    /* It may have been killed by what followed: it is asked again when it is back. */
    if (sd_bus_get_property_string(world->fixture->bus, FERRY_BUS_NAME, decision->path,
                                   FERRY_INTERFACE_ASSIGNMENT, "Selector", NULL, &selector) < 0)
        return;
    g_free(decision->selector);
    decision->selector = g_strdup(selector);
    free(selector);
    if (!means_thing(world, decision->selector, decision->meant))
        world_fail(world, "%s is for %s, and its selector is \"%s\"", decision->path,
                   history_things[decision->meant].name, decision->selector);
}

/* It was made under this path: what its selector says must be the device that was meant. */
static void take_path(World *world, Model *model, const char *path, bool knew_both)
{
    Decision *decision = last_decision(model);

    g_free(decision->path);
    decision->path = g_strdup(path);
    if (!decision->group)
        ask_selector(world, decision);
    end_replaced(world, model, decision, knew_both);
}

/* What it knows only, and the service doesn't say. */
static void keep_what_is_known(Model *model, const Model *before)
{
    for (guint i = 0; i < model->decisions->len; i++) {
        Decision *decision = model->decisions->pdata[i];
        const Decision *old = model_decision(before, decision->path);

        if (!old)
            continue;
        decision->meant = old->meant;
        decision->place = old->place;
        decision->met_twin = old->met_twin;
        decision->knows_twin = old->knows_twin;
        decision->wanted = old->wanted;
        decision->ended = old->ended;
        decision->doubt = old->doubt;
    }
    for (guint i = 0; i < before->decisions->len; i++) {
        const Decision *old = before->decisions->pdata[i];

        if (!model_decision(model, old->path) && (old->ended || old->doubt))
            g_ptr_array_add(model->decisions, decision_copy(old));
    }
}

/* A call with consequences that depend on more than was asked for: what it may have changed is doubted in
 * what it was to change; everything else is as it was. */
void calls_adopt(World *world, View *view)
{
    Model *after = g_steal_pointer(&world->adopts);

    for (guint i = 0; i < after->decisions->len; i++) {
        const Decision *decision = after->decisions->pdata[i];

        if (!decision->ended && !decision->doubt && !model_decision(view->model, decision->path))
            world_fail(world, "%s was acknowledged, and went with a call that is about something else",
                       decision->path);
    }
    keep_what_is_known(view->model, after);
    take(world, model_copy(view->model));
    history_model_free(after);
}

/* The service may be killed and started again meanwhile. */
static void adopt_now(World *world)
{
    View *view;

    if (!world->adopts)
        return;
    view = view_new(world);
    if (view && world->adopts)
        calls_adopt(world, view);
    view_free(view);
}

static void succeed(OpenCall *call, sd_bus_message *reply)
{
    World *world = call->world;
    const char *path = NULL;
    uint32_t id = 0;

    switch (call->kind) {
    case CALL_ASSIGNS:
        (void)sd_bus_message_read(reply, "o", &path);
        take_path(world, call->after, path, call->knew_both);
        break;
    case CALL_ADDS_RULE:
        (void)sd_bus_message_read(reply, "u", &id);
        last_rule(last_pool(call->after))->id = id;
        break;
    case CALL_LOOSE:
        world->adopts = g_steal_pointer(&call->after);
        return;
    case CALL_CHANGES:
    case CALL_BACKGROUND:
        break;
    }
    take(world, g_steal_pointer(&call->after));
}

static bool is_lost(sd_bus_message *reply)
{
    return sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY) > 0 ||
           sd_bus_message_is_method_error(reply, "org.freedesktop.DBus.Error.Disconnected") > 0 ||
           sd_bus_message_is_method_error(reply, "org.freedesktop.DBus.Error.Timeout") > 0;
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    OpenCall *call = userdata;
    World *world = call->world;
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    if (is_lost(reply)) {
        world_say(world, "   (%s: no answer)", call->what);
        call->lost = true;
        return 0;
    }
    world->call = NULL;
    if (error)
        world_say(world, "   (%s: %s)", call->what, error->message);
    else
        succeed(call, reply);
    call_free(call);
    return 0;
}

static int on_background(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    World *world = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    world->background--;
    world_say(world, "   (in the background: %s)", error ? error->message : "done");
    return 0;
}

/* ------------------------------------------------------------------ calling */

void calls_process(World *world)
{
    while (sd_bus_process(world->fixture->bus, NULL) > 0)
        continue;
}

void calls_start(World *world, const Step *step, CallKind kind, Model *after, const char *path,
                 const char *interface, const char *member, const char *types, ...)
{
    bool in_background = kind == CALL_BACKGROUND;
    OpenCall *call = in_background ? NULL : g_new0(OpenCall, 1);
    va_list arguments;

    if (call) {
        *call = (OpenCall){
            .world = world, .kind = kind, .after = after, .what = g_strdup(member), .start = world->starts
        };
        call->knew_both = kind == CALL_ASSIGNS && knows_both(world, after);
        world->call = call;
    } else {
        world->background++;
    }
    va_start(arguments, types);
    if (sd_bus_call_method_asyncv(world->fixture->bus, NULL, FERRY_BUS_NAME, path, interface, member,
                                  in_background ? on_background : on_answer,
                                  in_background ? (void *)world : call, types, arguments) < 0)
        world_fail(world, "%s can't be called", member);
    va_end(arguments);
    (void)sd_bus_flush(world->fixture->bus);
    if (!step->races)
        calls_finish(world);
}

void calls_finish(World *world)
{
    gint64 deadline = g_get_monotonic_time() + DEADLINE_US;

    calls_process(world);
    while (world->call && !world->call->lost && !world->failure) {
        (void)sd_bus_wait(world->fixture->bus, WAIT_US);
        calls_process(world);
        if (g_get_monotonic_time() > deadline)
            world_fail(world, "%s is not answered", world->call->what);
    }
    if (world->call && world->call->lost) {
        world->broken = world->call->start == world->starts;
        world_look_after_service(world);
    }
    adopt_now(world);
}

/* What it was to make has got a path, and nobody heard of it. */
static void find_path(World *world, OpenCall *call, const Model *seen)
{
    for (guint i = 0; i < seen->decisions->len; i++) {
        const Decision *decision = seen->decisions->pdata[i];

        if (!model_decision(world->model, decision->path))
            take_path(world, call->after, decision->path, call->knew_both);
    }
}

/* And a rule an id. */
static void find_rule_id(OpenCall *call, const Model *seen)
{
    const Pool *pool = last_pool(call->after);
    const Pool *seen_pool = model_pool(seen, pool->path);

    if (seen_pool && seen_pool->rules->len == pool->rules->len)
        last_rule(pool)->id = last_rule(seen_pool)->id;
}

void calls_lost(World *world)
{
    OpenCall *call = world->call;
    g_autofree char *before = NULL, *after = NULL;
    View *view;

    if (!call || world->failure)
        return;
    calls_finish(world);
    if (!world->call) /* it was answered just before */
        return;
    world->call = NULL;
    view = view_new(world);
    if (!view) {
        call_free(call);
        return;
    }
    if (call->kind == CALL_ASSIGNS)
        find_path(world, call, view->model);
    if (call->kind == CALL_ADDS_RULE)
        find_rule_id(call, view->model);
    model_learn_selectors(world->model, view->model);
    before = model_differs(world->model, view->model);
    after = model_differs(call->after, view->model);
    if (call->kind == CALL_LOOSE) {
        world->adopts = g_steal_pointer(&call->after);
        calls_adopt(world, view);
    } else if (!after) {
        world_say(world, "   (%s: it was stored, as it seems)", call->what);
        for (guint i = 0; i < call->after->decisions->len; i++) {
            Decision *decision = call->after->decisions->pdata[i];
            const Decision *old = model_decision(world->model, decision->path);

            /* What is not to be seen: it may be so or not. */
            if (old && (old->ended != decision->ended || old->wanted != decision->wanted)) {
                decision->doubt = true;
                decision->ended = false;
            }
        }
        take(world, g_steal_pointer(&call->after));
    } else if (before) {
        world_fail(world, "%s was not answered, and is neither stored nor not: %s; %s", call->what, before,
                   after);
    }
    view_free(view);
    call_free(call);
}

bool calls_allow(const World *world, const char *assignment, const char *vm, const Presence *presence)
{
    const Decision *decision;

    if (!world->call)
        return world->adopts;
    if (world->call->kind == CALL_LOOSE)
        return true;
    decision = model_decision(world->call->after, assignment);
    if (!decision && world->call->kind == CALL_ASSIGNS)
        decision = last_decision(world->call->after);
    return decision && strcmp(decision->vm, vm) == 0 &&
           !model_why_not(world->call->after, decision, presence);
}
