/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people ask the service for, and what will have been decided when it says yes. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/history.h"

#include <string.h>

#define NEW_PATH "(new)" /* until the answer tells it */

#define RULES_SHOWN 6
static const char *const rules[RULES_SHOWN] = { "vendor=0529", "vendor=046d product=c31c",
                                                "vendor=0781", "class=hid-keyboard",
                                                "port=1-4",    "serial=STICK-9K4" };
static const char *const tenants[] = { "acme", "base" };

static const char manifest[] = "[Group]\nName=declared\n\n[Rule 1]\nMatch=vendor=0529\n\n"
                               "[Assignment]\nName=declared\nMachine=desk\nGroup=declared\nQuantity=%u\n";

/* ------------------------------------------------------------------ what there is */

static const char *name_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

static const char *vm_name(const World *world, const char *path)
{
    for (int i = 0; i < HISTORY_VMS; i++)
        if (strcmp(world->vms[i].path, path) == 0)
            return history_vm_names[i];
    return "a VM that is gone";
}

/* One that is there and counts; NULL = none. */
static Decision *any_decision(const Model *model, guint32 number)
{
    guint n = 0;

    for (guint i = 0; i < model->decisions->len; i++)
        n += !((const Decision *)model->decisions->pdata[i])->ended;
    for (guint i = 0, k = 0; n > 0 && i < model->decisions->len; i++) {
        Decision *decision = model->decisions->pdata[i];

        if (!decision->ended && k++ == number % n)
            return decision;
    }
    return NULL;
}

static Pool *any_pool(const Model *model, guint32 number, bool with_tenants)
{
    Pool *pool = model->pools->len ? model->pools->pdata[number % model->pools->len] : NULL;

    return pool && (with_tenants || !pool->tenant) ? pool : NULL;
}

static const char *any_vm(const World *world, guint32 number)
{
    return world->vms[number % HISTORY_VMS].path;
}

static const Presence *any_presence(World *world, guint32 number)
{
    return world_any_present(world, number);
}

static char *tenant_path_of(guint32 number)
{
    return g_strconcat(FERRY_PATH_TENANT_PREFIX "/", tenants[number % G_N_ELEMENTS(tenants)], NULL);
}

/* Also of a call that comes while another one is open: that one first. */
static bool may_ask(World *world)
{
    calls_finish(world);
    world_look_after_service(world);
    return !world->failure;
}

/* ------------------------------------------------------------------ assignments */

static Decision *add_decision(const World *world, Model *after, const char *vm, int priority)
{
    Decision *decision = g_new0(Decision, 1);

    decision->path = g_strdup(NEW_PATH);
    decision->vm = g_strdup(vm);
    decision->selector = g_strdup("");
    decision->quantity = g_strdup("1");
    decision->priority = priority;
    decision->meant = -1;
    decision->wanted = true;
    g_ptr_array_add(after->decisions, decision);
    return decision;
}

void ask_assign_device(World *world, const Step *step)
{
    const Presence *presence = any_presence(world, step->a);
    const char *vm = any_vm(world, step->b);
    int priority = (int)(step->c % 3), resets = (int)(step->c / 3 % 2);
    g_autofree char *path = NULL;
    Decision *decision;
    Model *after;

    if (!presence || !may_ask(world))
        return;
    presence = any_presence(world, step->a);
    world_say(world, "assign %s to %s%s", history_things[presence->thing].name, vm_name(world, vm),
              resets ? ", with guest resets" : "");
    path = fixture_device_path(presence->socket);
    after = model_copy(world->model);
    decision = add_decision(world, after, vm, priority);
    decision->meant = presence->thing;
    decision->place = presence->socket;
    decision->tenant = g_strdup(model_tenant_of(world->model, presence));
    calls_start(world, step, CALL_ASSIGNS, after, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                "ooa{sv}", path, vm, 2, "Priority", "i", priority, "AllowGuestReset", "b", resets);
}

void ask_assign_group(World *world, const Step *step)
{
    static const char *const quantities[] = { "1", "2", "all", "set" };
    const char *quantity = quantities[step->c % G_N_ELEMENTS(quantities)];
    const Pool *pool = any_pool(world->model, step->a, true);
    const char *vm = any_vm(world, step->b);
    Decision *decision;
    Model *after;

    if (!pool || !may_ask(world) || !(pool = any_pool(world->model, step->a, true)))
        return;
    world_say(world, "assign %s of group %s to %s", quantity, name_of(pool->path), vm_name(world, vm));
    after = model_copy(world->model);
    decision = add_decision(world, after, vm, 0);
    decision->group = g_strdup(pool->path);
    decision->tenant = g_strdup(pool->tenant);
    g_free(decision->quantity);
    decision->quantity = g_strdup(quantity);
    calls_start(world, step, CALL_ASSIGNS, after, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                "ooa{sv}", pool->path, vm, 1, "Quantity", "s", quantity);
}

/* NULL: there is none. In after, which is a new copy. */
static Decision *begin_on_decision(World *world, const Step *step, const char *verb, Model **ret_after)
{
    const Decision *decision;

    if (!may_ask(world) || !(decision = any_decision(world->model, step->a)))
        return NULL;
    world_say(world, "%s assignment %s (%s for %s)", verb, name_of(decision->path),
              decision->group        ? name_of(decision->group)
              : decision->meant >= 0 ? history_things[decision->meant].name
                                     : decision->selector,
              vm_name(world, decision->vm));
    *ret_after = model_copy(world->model);
    return model_decision(*ret_after, decision->path);
}

void ask_release(World *world, const Step *step)
{
    Model *after;
    Decision *decision = begin_on_decision(world, step, "release", &after);

    if (!decision)
        return;
    decision->ended = true;
    calls_start(world, step, CALL_CHANGES, after, decision->path, FERRY_INTERFACE_ASSIGNMENT, "Release",
                "a{sv}", 0);
}

void ask_attach(World *world, const Step *step)
{
    Model *after;
    Decision *decision = begin_on_decision(world, step, "attach", &after);

    if (!decision)
        return;
    decision->wanted = true;
    calls_start(world, step, CALL_CHANGES, after, decision->path, FERRY_INTERFACE_ASSIGNMENT, "Attach", "");
}

void ask_detach(World *world, const Step *step)
{
    Model *after;
    Decision *decision = begin_on_decision(world, step, "detach", &after);

    if (!decision)
        return;
    decision->wanted = false;
    calls_start(world, step, CALL_CHANGES, after, decision->path, FERRY_INTERFACE_ASSIGNMENT, "Detach", "");
}

void ask_update(World *world, const Step *step)
{
    Model *after;
    Decision *decision = begin_on_decision(world, step, "update", &after);

    if (!decision)
        return;
    decision->priority = (int)(step->b % 4);
    calls_start(world, step, CALL_CHANGES, after, decision->path, FERRY_INTERFACE_ASSIGNMENT, "Update",
                "a{sv}", 2, "Priority", "i", decision->priority, "AllowGuestReset", "b", (int)(step->c % 2));
}

/* ------------------------------------------------------------------ groups */

void ask_create_group(World *world, const Step *step)
{
    g_autofree char *name = g_strdup_printf("g%u", world->names++);
    Pool *pool = g_new0(Pool, 1);
    Model *after;

    pool->path = g_strconcat(FERRY_PATH_GROUP_PREFIX "/", name, NULL);
    pool->enabled = true;
    pool->rules = g_ptr_array_new();
    if (!may_ask(world)) {
        pool_free(pool);
        return;
    }
    world_say(world, "create group %s", name);
    after = model_copy(world->model);
    g_ptr_array_add(after->pools, pool);
    calls_start(world, step, CALL_CHANGES, after, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup",
                "sa{sv}", name, 0);
}

/* In after, where it is the last one. */
static Pool *begin_on_group(World *world, const Step *step, Model **ret_after)
{
    const Pool *pool;
    Pool *last;
    guint i;

    if (!may_ask(world) || !(pool = any_pool(world->model, step->a, false)))
        return NULL;
    *ret_after = model_copy(world->model);
    last = model_pool(*ret_after, pool->path);
    (void)g_ptr_array_find((*ret_after)->pools, last, &i);
    (void)g_ptr_array_steal_index((*ret_after)->pools, i);
    g_ptr_array_add((*ret_after)->pools, last);
    return last;
}

void ask_add_rule(World *world, const Step *step)
{
    const char *text = rules[step->b % RULES_SHOWN];
    Model *after;
    Pool *pool = begin_on_group(world, step, &after);
    PoolRule *rule;

    if (!pool)
        return;
    /* it is one rule then, or refused */
    for (guint i = 0; i < pool->rules->len; i++)
        if (g_str_equal(((const PoolRule *)pool->rules->pdata[i])->text, text)) {
            history_model_free(after);
            return;
        }
    world_say(world, "add rule \"%s\" to group %s", text, name_of(pool->path));
    rule = g_new0(PoolRule, 1);
    rule->enabled = true;
    rule->text = g_strdup(text);
    g_ptr_array_add(pool->rules, rule);
    calls_start(world, step, CALL_ADDS_RULE, after, pool->path, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}",
                text, 0);
}

void ask_remove_rule(World *world, const Step *step)
{
    Model *after;
    Pool *pool = begin_on_group(world, step, &after);
    PoolRule *rule;
    guint id;

    if (!pool)
        return;
    if (pool->rules->len == 0) {
        history_model_free(after);
        return;
    }
    rule = pool->rules->pdata[step->b % pool->rules->len];
    id = rule->id;
    world_say(world, "remove rule %u \"%s\" from group %s", id, rule->text, name_of(pool->path));
    g_ptr_array_remove(pool->rules, rule);
    g_free(rule->text);
    g_free(rule);
    calls_start(world, step, CALL_CHANGES, after, pool->path, FERRY_INTERFACE_GROUP, "RemoveRule", "u", id);
}

void ask_update_group(World *world, const Step *step)
{
    Model *after;
    Pool *pool = begin_on_group(world, step, &after);

    if (!pool)
        return;
    pool->enabled = step->b % 3 > 0;
    pool->priority = (int)(step->c % 3);
    world_say(world, "group %s is %s, priority %d", name_of(pool->path),
              pool->enabled ? "enabled" : "disabled", pool->priority);
    calls_start(world, step, CALL_CHANGES, after, pool->path, FERRY_INTERFACE_GROUP, "Update", "a{sv}", 3,
                "Enabled", "b", (int)pool->enabled, "Priority", "i", pool->priority, "AllowGuestReset", "b",
                (int)(step->c / 3 % 2));
}

void ask_delete_group(World *world, const Step *step)
{
    Model *after;
    Pool *pool = begin_on_group(world, step, &after);
    g_autofree char *path = NULL;

    if (!pool)
        return;
    path = g_strdup(pool->path);
    world_say(world, "delete group %s", name_of(path));
    g_ptr_array_remove(after->pools, pool);
    calls_start(world, step, CALL_CHANGES, after, path, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 1, "Force",
                "b", 1);
}

void ask_make_passthrough(World *world, const Step *step)
{
    const Presence *presence;
    g_autofree char *path = NULL, *name = NULL;

    if (!may_ask(world) || !(presence = any_presence(world, step->a)))
        return;
    path = fixture_device_path(presence->socket);
    name = g_strdup_printf("p%u", world->names++);
    world_say(world, "make group %s of %s", name, history_things[presence->thing].name);
    calls_start(world, step, CALL_LOOSE, model_copy(world->model), FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                "MakePassthrough", "aosa{sv}", 1, path, name, 0);
}

/* ------------------------------------------------------------------ tenants */

/* Revoking ends what was given as the tenant's. */
static void doubt_tenants(Model *after, const char *tenant)
{
    for (guint i = 0; i < after->decisions->len; i++) {
        Decision *decision = after->decisions->pdata[i];

        if (g_strcmp0(decision->tenant, tenant) == 0)
            decision->doubt = true;
    }
}

void ask_tenant(World *world, const Step *step)
{
    g_autofree char *path = tenant_path_of(step->a);
    Model *after;

    if (!may_ask(world))
        return;
    after = model_copy(world->model);
    if (!model_owner(world->model, path)) {
        Owner *owner = g_new0(Owner, 1);

        world_say(world, "create tenant %s", name_of(path));
        owner->path = g_strdup(path);
        owner->vms = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(after->owners, owner);
        calls_start(world, step, CALL_CHANGES, after, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                    "CreateTenant", "sa{sv}", name_of(path), 0);
        return;
    }
    if (step->b % 4 > 0) {
        history_model_free(after);
        return;
    }
    world_say(world, "delete tenant %s", name_of(path));
    doubt_tenants(after, path);
    calls_start(world, step, CALL_LOOSE, after, path, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 1, "Force",
                "b", 1);
}

void ask_tenant_vm(World *world, const Step *step)
{
    g_autofree char *path = tenant_path_of(step->a);
    const char *vm = any_vm(world, step->b);
    bool removes = step->c % 3 == 0;

    if (!may_ask(world) || !model_owner(world->model, path))
        return;
    world_say(world, removes ? "VM %s leaves tenant %s" : "VM %s comes to tenant %s", vm_name(world, vm),
              name_of(path));
    calls_start(world, step, CALL_LOOSE, model_copy(world->model), path, FERRY_INTERFACE_TENANT,
                removes ? "RemoveMachine" : "AddMachine", "o", vm);
}

void ask_grant(World *world, const Step *step)
{
    g_autofree char *path = tenant_path_of(step->a);
    const Presence *presence;
    g_autofree char *device = NULL;

    if (!may_ask(world) || !model_owner(world->model, path) || !(presence = any_presence(world, step->b)))
        return;
    device = fixture_device_path(presence->socket);
    world_say(world, "grant %s to tenant %s", history_things[presence->thing].name, name_of(path));
    calls_start(world, step, CALL_LOOSE, model_copy(world->model), path, FERRY_INTERFACE_TENANT, "Grant",
                "aosa{sv}", 1, device, step->c % 2 ? "" : "in", 0);
}

void ask_revoke(World *world, const Step *step)
{
    g_autofree char *path = tenant_path_of(step->a);
    const Presence *presence;
    g_autofree char *device = NULL;
    Model *after;

    if (!may_ask(world) || !model_owner(world->model, path) || !(presence = any_presence(world, step->b)))
        return;
    device = fixture_device_path(presence->socket);
    world_say(world, "revoke %s from tenant %s", history_things[presence->thing].name, name_of(path));
    after = model_copy(world->model);
    doubt_tenants(after, path);
    calls_start(world, step, CALL_LOOSE, after, path, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 1, device,
                0);
}

/* ------------------------------------------------------------------ the service */

void ask_enable(World *world, const Step *step)
{
    Model *after;

    if (!may_ask(world))
        return;
    after = model_copy(world->model);
    after->enabled = step->a % 3 > 0;
    world_say(world, "switch the service %s", after->enabled ? "on" : "off");
    calls_start(world, step, CALL_CHANGES, after, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b",
                (int)after->enabled);
}

void ask_release_all(World *world, const Step *step)
{
    Model *after;

    if (step->a % 4 > 0 || !may_ask(world))
        return;
    world_say(world, "release all");
    after = model_copy(world->model);
    for (guint i = 0; i < after->decisions->len; i++)
        ((Decision *)after->decisions->pdata[i])->ended = true;
    calls_start(world, step, CALL_CHANGES, after, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "ReleaseAll",
                "a{sv}", 0);
}

static bool is_gone(const World *world, const char *vm)
{
    for (int i = 0; i < HISTORY_VMS; i++)
        if (g_strcmp0(world->vms[i].path, vm) == 0)
            return false;
    return true;
}

void ask_apply(World *world, const Step *step)
{
    g_autofree char *text = g_strdup_printf(manifest, 1 + step->a % 2);
    Model *after;

    if (!may_ask(world))
        return;
    world_say(world, "apply a file: %u of group declared for desk", 1 + step->a % 2);
    after = model_copy(world->model);
    for (guint i = 0; i < after->decisions->len; i++) {
        Decision *decision = after->decisions->pdata[i];

        if (g_strcmp0(decision->group, FERRY_PATH_GROUP_PREFIX "/declared") != 0)
            continue;
        /* The file says that the one of its name is attached, and moves it when its VM was made anew. */
        if (g_strcmp0(decision->vm, world->vms[0].path) == 0 || is_gone(world, decision->vm))
            decision->doubt = true;
    }
    calls_start(world, step, CALL_LOOSE, after, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}",
                text, "host.conf", 0);
}

void ask_reset(World *world, const Step *step)
{
    const Presence *presence = any_presence(world, step->a);
    g_autofree char *device = NULL;

    if (!presence)
        return;
    device = fixture_device_path(presence->socket);
    world_say(world, "reset %s", history_things[presence->thing].name);
    world->was_reset = true;
    calls_start(world, step, CALL_BACKGROUND, NULL, device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
}

void ask_rescan(World *world, const Step *step)
{
    world_say(world, "rescan");
    calls_start(world, step, CALL_BACKGROUND, NULL, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Rescan", "");
}
