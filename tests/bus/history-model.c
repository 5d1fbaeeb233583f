/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was decided, and what follows from that alone: which device may be whose. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/history.h"

#include <stdio.h>
#include <string.h>

#define SOCKET_PREFIX "pci-0000:00:14.0/"

Model *history_model_new(void)
{
    Model *model = g_new0(Model, 1);

    model->enabled = true;
    model->decisions = g_ptr_array_new_with_free_func(decision_free);
    model->pools = g_ptr_array_new_with_free_func(pool_free);
    model->owners = g_ptr_array_new_with_free_func(owner_free);
    return model;
}

void history_model_free(gpointer data)
{
    Model *model = data;

    if (!model)
        return;
    g_ptr_array_unref(model->decisions);
    g_ptr_array_unref(model->pools);
    g_ptr_array_unref(model->owners);
    g_free(model);
}

void decision_free(gpointer data)
{
    Decision *decision = data;

    g_free(decision->path);
    g_free(decision->vm);
    g_free(decision->group);
    g_free(decision->selector);
    g_free(decision->quantity);
    g_free(decision->tenant);
    g_free(decision);
}

Decision *decision_copy(const Decision *decision)
{
    Decision *copy = g_memdup2(decision, sizeof *decision);

    copy->path = g_strdup(decision->path);
    copy->vm = g_strdup(decision->vm);
    copy->group = g_strdup(decision->group);
    copy->selector = g_strdup(decision->selector);
    copy->quantity = g_strdup(decision->quantity);
    copy->tenant = g_strdup(decision->tenant);
    return copy;
}

static void rule_unref(gpointer data)
{
    PoolRule *rule = data;

    g_free(rule->text);
    g_free(rule);
}

void pool_free(gpointer data)
{
    Pool *pool = data;

    g_free(pool->path);
    g_free(pool->tenant);
    g_ptr_array_set_free_func(pool->rules, rule_unref);
    g_ptr_array_unref(pool->rules);
    g_free(pool);
}

Pool *pool_copy(const Pool *pool)
{
    Pool *copy = g_memdup2(pool, sizeof *pool);

    copy->path = g_strdup(pool->path);
    copy->tenant = g_strdup(pool->tenant);
    copy->rules = g_ptr_array_new();
    for (guint i = 0; i < pool->rules->len; i++) {
        PoolRule *rule = g_memdup2(pool->rules->pdata[i], sizeof(PoolRule));

        rule->text = g_strdup(rule->text);
        g_ptr_array_add(copy->rules, rule);
    }
    return copy;
}

void owner_free(gpointer data)
{
    Owner *owner = data;

    g_free(owner->path);
    g_ptr_array_unref(owner->vms);
    g_free(owner);
}

Owner *owner_copy(const Owner *owner)
{
    Owner *copy = g_new0(Owner, 1);

    copy->path = g_strdup(owner->path);
    copy->vms = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < owner->vms->len; i++)
        g_ptr_array_add(copy->vms, g_strdup(owner->vms->pdata[i]));
    return copy;
}

Model *model_copy(const Model *model)
{
    Model *copy = history_model_new();

    copy->enabled = model->enabled;
    for (guint i = 0; i < model->decisions->len; i++)
        g_ptr_array_add(copy->decisions, decision_copy(model->decisions->pdata[i]));
    for (guint i = 0; i < model->pools->len; i++)
        g_ptr_array_add(copy->pools, pool_copy(model->pools->pdata[i]));
    for (guint i = 0; i < model->owners->len; i++)
        g_ptr_array_add(copy->owners, owner_copy(model->owners->pdata[i]));
    return copy;
}

/* Each of them begins with its path. */
static gpointer find(const GPtrArray *objects, const char *path)
{
    for (guint i = 0; path && i < objects->len; i++)
        if (strcmp(*(char *const *)objects->pdata[i], path) == 0)
            return objects->pdata[i];
    return NULL;
}

Decision *model_decision(const Model *model, const char *path)
{
    return find(model->decisions, path);
}

Pool *model_pool(const Model *model, const char *path)
{
    return find(model->pools, path);
}

Owner *model_owner(const Model *model, const char *path)
{
    return find(model->owners, path);
}

/* ------------------------------------------------------------------ comparing */

static char *decision_text(const Decision *decision)
{
    return g_strdup_printf("%s: %s, group %s, \"%s\", quantity %s, priority %d, tenant %s", decision->path,
                           decision->vm, decision->group ? decision->group : "-", decision->selector,
                           decision->quantity, decision->priority, decision->tenant ? decision->tenant : "-");
}

static char *pool_text(const Pool *pool)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_printf(text, "%s: %s, priority %d, tenant %s", pool->path,
                    pool->enabled ? "enabled" : "disabled", pool->priority,
                    pool->tenant ? pool->tenant : "-");
    for (guint i = 0; i < pool->rules->len; i++) {
        const PoolRule *rule = pool->rules->pdata[i];

        g_string_append_printf(text, "; %u%s %s", rule->id, rule->enabled ? "" : " (off)", rule->text);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *owner_text(const Owner *owner)
{
    g_autoptr(GString) text = g_string_new(owner->path);

    for (guint i = 0; i < owner->vms->len; i++)
        g_string_append_printf(text, " %s", (const char *)owner->vms->pdata[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *say_differs(char *decided, char *seen)
{
    char *text = g_strcmp0(decided, seen) == 0
                     ? NULL
                     : g_strdup_printf("decided [%s], the service says [%s]", decided ? decided : "nothing",
                                       seen ? seen : "nothing");

    g_free(decided);
    g_free(seen);
    return text;
}

static char *decisions_differ(const Model *model, const Model *seen)
{
    char *differs = NULL;

    for (guint i = 0; !differs && i < model->decisions->len; i++) {
        const Decision *decision = model->decisions->pdata[i];
        const Decision *its = model_decision(seen, decision->path);

        if (!decision->ended && (its || !decision->doubt))
            differs = say_differs(decision_text(decision), its ? decision_text(its) : NULL);
    }
    for (guint i = 0; !differs && i < seen->decisions->len; i++) {
        const Decision *its = seen->decisions->pdata[i];

        if (!model_decision(model, its->path))
            differs = say_differs(NULL, decision_text(its));
    }
    return differs;
}

static char *pools_differ(const Model *model, const Model *seen)
{
    char *differs = NULL;

    for (guint i = 0; !differs && i < model->pools->len; i++) {
        const Pool *pool = model->pools->pdata[i], *its = model_pool(seen, pool->path);

        differs = say_differs(pool_text(pool), its ? pool_text(its) : NULL);
    }
    for (guint i = 0; !differs && i < seen->pools->len; i++)
        if (!find(model->pools, ((const Pool *)seen->pools->pdata[i])->path))
            differs = say_differs(NULL, pool_text(seen->pools->pdata[i]));
    return differs;
}

static char *owners_differ(const Model *model, const Model *seen)
{
    char *differs = NULL;

    for (guint i = 0; !differs && i < model->owners->len; i++) {
        const Owner *owner = model->owners->pdata[i], *its = model_owner(seen, owner->path);

        differs = say_differs(owner_text(owner), its ? owner_text(its) : NULL);
    }
    for (guint i = 0; !differs && i < seen->owners->len; i++)
        if (!find(model->owners, ((const Owner *)seen->owners->pdata[i])->path))
            differs = say_differs(NULL, owner_text(seen->owners->pdata[i]));
    return differs;
}

char *model_differs(const Model *model, const Model *seen)
{
    char *differs = model->enabled != seen->enabled
                        ? g_strdup_printf("it was switched %s, and the service says otherwise",
                                          model->enabled ? "on" : "off")
                        : decisions_differ(model, seen);

    if (!differs)
        differs = pools_differ(model, seen);
    return differs ? differs : owners_differ(model, seen);
}

void model_learn_selectors(Model *model, const Model *seen)
{
    for (guint i = 0; i < model->decisions->len; i++) {
        Decision *decision = model->decisions->pdata[i];
        const Decision *its = model_decision(seen, decision->path);

        if (!its || decision->group || *decision->selector)
            continue;
        g_free(decision->selector);
        decision->selector = g_strdup(its->selector);
    }
}

/* ------------------------------------------------------------------ rules */

static bool term_means(const char *key, const char *value, const Presence *presence)
{
    const Thing *thing = &history_things[presence->thing];

    if (strcmp(key, "vendor") == 0)
        return strcmp(value, thing->vendor) == 0;
    if (strcmp(key, "product") == 0)
        return strcmp(value, presence->product) == 0;
    if (strcmp(key, "serial") == 0)
        return strcmp(value, thing->serial) == 0;
    if (strcmp(key, "port") == 0)
        return g_str_has_prefix(value, SOCKET_PREFIX)
                   ? strcmp(value + strlen(SOCKET_PREFIX), presence->socket + strlen("1-")) == 0
                   : strcmp(value, presence->socket) == 0;
    return strcmp(key, "class") == 0 && strcmp(value, "hid-keyboard") == 0;
}

bool rule_means(const char *rule, const Presence *presence)
{
    g_auto(GStrv) terms = g_strsplit(rule, " ", -1);

    for (char **term = terms; *term; term++) {
        char *value = strchr(*term, '=');

        if (!value)
            return false;
        *value = '\0';
        if (!term_means(*term, value + 1, presence))
            return false;
    }
    return true;
}

static bool pool_means(const Pool *pool, const Presence *presence)
{
    for (guint i = 0; i < pool->rules->len; i++) {
        const PoolRule *rule = pool->rules->pdata[i];

        if (rule->enabled && rule_means(rule->text, presence))
            return true;
    }
    return false;
}

const char *model_tenant_of(const Model *model, const Presence *presence)
{
    for (guint i = 0; i < model->pools->len; i++) {
        const Pool *pool = model->pools->pdata[i];

        if (pool->tenant && pool_means(pool, presence))
            return pool->tenant;
    }
    return NULL;
}

static bool has_vm(const Owner *owner, const char *vm)
{
    for (guint i = 0; owner && i < owner->vms->len; i++)
        if (strcmp(owner->vms->pdata[i], vm) == 0)
            return true;
    return false;
}

static bool is_twin(int thing, int other)
{
    const Thing *a = &history_things[thing], *b = &history_things[other];

    return thing != other && strcmp(a->vendor, b->vendor) == 0 && strcmp(a->product, b->product) == 0 &&
           strcmp(a->serial, b->serial) == 0;
}

void model_note_twins(const World *world, Model *model)
{
    for (guint i = 0; i < model->decisions->len; i++) {
        Decision *decision = model->decisions->pdata[i];
        bool meant = false, twin = false;

        for (guint k = 0; decision->meant >= 0 && k < world->presences->len; k++) {
            const Presence *presence = world->presences->pdata[k];

            meant |= !presence->gone && presence->thing == decision->meant;
            twin |= !presence->gone && is_twin(decision->meant, presence->thing);
        }
        decision->met_twin |= meant && twin;
    }
}

/* It has the serial, but it is another one, and the service has seen both. */
static bool is_wrong_twin(const Decision *decision, const Presence *presence)
{
    return decision->meant >= 0 && strstr(decision->selector, "serial=") &&
           presence->thing != decision->meant && decision->knows_twin &&
           g_strcmp0(presence->socket, decision->place) != 0;
}

const char *model_why_not(const Model *model, const Decision *decision, const Presence *presence)
{
    const char *tenant = model_tenant_of(model, presence);
    const Pool *pool = decision->group ? model_pool(model, decision->group) : NULL;

    if (decision->ended && !decision->doubt)
        return "the assignment was released";
    if (!decision->wanted && !decision->doubt)
        return "the assignment was detached";
    if (*decision->selector && !rule_means(decision->selector, presence))
        return "the assignment is for another device";
    if (decision->group && !pool)
        return "the group was deleted";
    if (pool && !pool_means(pool, presence))
        return "the group has no such device";
    if (g_strcmp0(tenant, decision->tenant) != 0)
        return "the device is another tenant's";
    if (tenant && !has_vm(model_owner(model, tenant), decision->vm))
        return "the VM isn't the tenant's";
    if (is_wrong_twin(decision, presence))
        return "it is the other one with this serial";
    return NULL;
}
