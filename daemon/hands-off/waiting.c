/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From assignments to lines. What is plugged in is named by itself, so that nothing else is meant; only what
 * isn't there yet is named by its rule. Called by hands-off.c in each turn; changes nothing. */

#include "daemon/hands-off/waiting.h"

#include <string.h>

#include "daemon/allocation/judge.h"
#include "daemon/rules/rule-udev.h"
#include "daemon/usb/udev-daemon.h"

/* What there is a line about: what a rule means, or one that is plugged in. */
typedef struct Source {
    Rule *rule;    /* NULL = one that is plugged in */
    Rule *within;  /* and this one as well; NULL = any */
    char *home;    /* and only in this socket; NULL = anywhere */
    char *sysname; /* of one that is plugged in */
    uint16_t vendor_id, product_id;
    const char *waits; /* static */
} Source;

typedef struct Look {
    const Allocation *allocation;
    Registry *registry;
    Waiting *waiting;
    GHashTable *strangers; /* set of Device: a line may take them for what waits, and they don't */
    GHashTable *pools[2];  /* sets of Group that are sources already: of what leaves, and of what stays */
    bool input;
} Look;

static void source_free(gpointer data)
{
    Source *source = data;

    rule_unref(source->rule);
    rule_unref(source->within);
    g_free(source->home);
    g_free(source->sysname);
    g_free(source);
}

static void line_free(gpointer data)
{
    WaitingLine *line = data;

    g_free(line->matches);
    g_free(line);
}

/* One that is on its way to the disk doesn't wait yet: what is refused would have been left alone. */
static bool is_waiting(const Look *look, const Assignment *assignment)
{
    Verdict machine = judge_machine(look->registry, assignment);
    const Group *group = assignment->group ? registry_group_of(look->registry, assignment) : NULL;

    if (!assignment->stored || judge_assignment(look->registry, assignment) != VERDICT_GO)
        return false;
    /* Who draws from a pool draws nothing while its VM is off. */
    return !assignment->group || (group && group->enabled && !group->deleting &&
                                  (machine == VERDICT_GO || machine == VERDICT_HYPERVISOR_AWAY));
}

/* ------------------------------------------------------------------ what isn't there yet */

static const char *waits_of(const Look *look, const Assignment *assignment)
{
    return look->input && judge_machine(look->registry, assignment) == VERDICT_GO ? UDEV_WAITS_LEAVING
                                                                                  : UDEV_WAITS_STAYING;
}

static Source *add_source(const Look *look, const Rule *rule, const Rule *within, const char *home,
                          const char *waits)
{
    Source *source = g_new0(Source, 1);

    source->rule = rule ? rule_ref((Rule *)rule) : NULL;
    source->within = within ? rule_ref((Rule *)within) : NULL;
    source->home = g_strdup(home);
    source->waits = waits;
    g_ptr_array_add(look->waiting->sources, source);
    return source;
}

/* Where others like it were seen it is the one that comes back where it was: see
 * daemon/allocation/pinned.c. */
static void add_pinned(const Look *look, const Assignment *assignment)
{
    bool has_twins = assignment->twins || candidates_of(look->allocation->candidates, assignment)->len > 0;
    const char *home = assignment->home_socket ? assignment->home_socket : "";

    add_source(look, assignment->rule, NULL, has_twins ? home : NULL, waits_of(look, assignment));
}

/* Whoever draws from it: it is said once. */
static void add_pool(Look *look, const Assignment *assignment)
{
    Group *group = registry_group_of(look->registry, assignment);
    const char *waits = waits_of(look, assignment);
    bool stays = strcmp(waits, UDEV_WAITS_STAYING) == 0;

    if (!assignment->rule && !g_hash_table_add(look->pools[stays], group))
        return;
    for (guint i = 0; i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];

        if (rule->enabled)
            add_source(look, rule->rule, assignment->rule, NULL, waits);
    }
}

static void note_strangers(Look *look, const Assignment *assignment)
{
    const GPtrArray *devices = candidates_of(look->allocation->candidates, assignment);
    const Device *withheld = candidates_withheld(look->allocation->candidates, assignment);

    for (guint i = 0; i < devices->len; i++)
        g_hash_table_add(look->strangers, devices->pdata[i]);
    if (withheld)
        g_hash_table_add(look->strangers, (gpointer)withheld);
}

static void add_absent(Look *look, const Assignment *assignment)
{
    const Allocation *allocation = look->allocation;

    if (assignment->group ? allocation_lacks(allocation, assignment) == 0
                          : allocation_wants_of(allocation, assignment)->len > 0)
        return;
    if (assignment->group)
        add_pool(look, assignment);
    else
        add_pinned(look, assignment);
    note_strangers(look, assignment);
}

/* ------------------------------------------------------------------ what is there */

/* It was taken for what waits when it came, or isn't: each by its name, which it has as long as it stays. */
static void add_device(Look *look, Device *device)
{
    const Want *want = allocation_want(look->allocation, device);
    bool waits = want && is_waiting(look, want->assignment);

    if (waits)
        g_hash_table_add(look->waiting->devices, device->sysname);
    if ((waits || device->tenant || g_hash_table_contains(look->strangers, device)) &&
        rule_udev_is_plain(device->sysname)) {
        Source *source = add_source(look, NULL, NULL, NULL, waits ? UDEV_WAITS_STAYING : "");

        source->sysname = g_strdup(device->sysname);
        source->vendor_id = device->vendor_id;
        source->product_id = device->product_id;
    }
}

static void look_at_all(Look *look)
{
    g_autoptr(GPtrArray) assignments = registry_list(look->registry, look->registry->assignments);
    g_autoptr(GPtrArray) devices = registry_list(look->registry, look->registry->devices);

    for (guint i = 0; i < assignments->len; i++)
        if (is_waiting(look, assignments->pdata[i]))
            add_absent(look, assignments->pdata[i]);
    for (guint i = 0; i < devices->len; i++)
        if (!((Device *)devices->pdata[i])->is_hub)
            add_device(look, devices->pdata[i]);
}

/* New array of Device, borrowed. */
static GPtrArray *root_hubs_of(Registry *registry)
{
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);
    GPtrArray *root_hubs = g_ptr_array_new();

    for (guint i = 0; i < devices->len; i++)
        if (((Device *)devices->pdata[i])->is_hub && !((Device *)devices->pdata[i])->hub)
            g_ptr_array_add(root_hubs, devices->pdata[i]);
    return root_hubs;
}

/* What ports are called, and which host's rules count. */
static char *ground_of(Registry *registry)
{
    g_autoptr(GPtrArray) root_hubs = root_hubs_of(registry);
    GString *ground = g_string_new(registry->node);

    for (guint i = 0; i < root_hubs->len; i++) {
        const Device *root = root_hubs->pdata[i];

        g_string_append_printf(ground, "\n%s %" G_GUINT64_FORMAT " %s %s %u", root->syspath, root->instance,
                               root->socket, root->controller, root->speed);
    }
    return g_string_free(ground, FALSE);
}

Waiting *waiting_new(const Allocation *allocation, bool input)
{
    Registry *registry = allocation->registry;
    Waiting *waiting = g_new0(Waiting, 1);

    waiting->sources = g_ptr_array_new_with_free_func(source_free);
    waiting->lines = g_ptr_array_new_with_free_func(line_free);
    waiting->devices = g_hash_table_new(g_str_hash, g_str_equal);
    waiting->ground = ground_of(registry);
    if (registry->enabled && !registry->held_home) {
        g_autoptr(GHashTable) strangers = g_hash_table_new(NULL, NULL);
        g_autoptr(GHashTable) leaving = g_hash_table_new(NULL, NULL), staying = g_hash_table_new(NULL, NULL);
        Look look = { allocation, registry, waiting, strangers, { leaving, staying }, input };

        look_at_all(&look);
    }
    return waiting;
}

Waiting *waiting_free(Waiting *waiting)
{
    if (!waiting)
        return NULL;
    g_hash_table_unref(waiting->devices);
    g_ptr_array_unref(waiting->lines);
    g_ptr_array_unref(waiting->sources);
    g_free(waiting->ground);
    g_free(waiting);
    return NULL;
}

/* The one that is kept holds its rules, so that another rule is another pointer. */
static bool is_same_source(const Source *one, const Source *other)
{
    return one->rule == other->rule && one->within == other->within &&
           g_strcmp0(one->home, other->home) == 0 && g_strcmp0(one->sysname, other->sysname) == 0 &&
           one->vendor_id == other->vendor_id && one->product_id == other->product_id &&
           strcmp(one->waits, other->waits) == 0;
}

bool waiting_is_same(const Waiting *one, const Waiting *other)
{
    if (one->sources->len != other->sources->len || strcmp(one->ground, other->ground) != 0)
        return false;
    for (guint i = 0; i < one->sources->len; i++)
        if (!is_same_source(one->sources->pdata[i], other->sources->pdata[i]))
            return false;
    return true;
}

/* ------------------------------------------------------------------ in udev's words */

typedef struct Saying {
    Waiting *waiting;
    const char *node;
    const GPtrArray *root_hubs;
} Saying;

/* Takes the matches. */
static void add_line(Waiting *waiting, char *matches, const char *waits)
{
    WaitingLine *line = g_new(WaitingLine, 1);

    line->matches = matches;
    line->waits = waits;
    g_ptr_array_add(waiting->lines, line);
}

/* Takes what is said; NULL = anything. True when both hold together. */
static bool join(char **matches, char *more)
{
    g_autofree char *before = *matches;

    *matches = before ? g_strjoin(", ", before, more, NULL) : g_strdup(more);
    g_free(more);
    return true;
}

static bool say_rule(const Saying *saying, const Rule *rule, char **matches)
{
    char *said = NULL;
    RuleUdev result = rule_udev_matches(rule, saying->node, saying->root_hubs, &said);

    saying->waiting->n_unsaid += result == RULE_UDEV_UNSAID;
    return result == RULE_UDEV_SAID && join(matches, said);
}

static bool say_home(const Saying *saying, const char *socket, char **matches)
{
    char *said = NULL;
    RuleUdev result = rule_udev_socket(socket, saying->root_hubs, &said);

    saying->waiting->n_unsaid += result == RULE_UDEV_UNSAID;
    return result == RULE_UDEV_SAID && join(matches, said);
}

static void say_source(const Saying *saying, const Source *source)
{
    g_autofree char *matches = NULL;

    if (say_rule(saying, source->rule, &matches) &&
        (!source->within || say_rule(saying, source->within, &matches)) &&
        (!source->home || say_home(saying, source->home, &matches)))
        add_line(saying->waiting, g_steal_pointer(&matches), source->waits);
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
    const WaitingLine *left = *(WaitingLine *const *)a, *right = *(WaitingLine *const *)b;
    int matches = strcmp(left->matches, right->matches);

    return matches ? matches : strcmp(right->waits, left->waits);
}

/* The same text whatever the order of what made it; each match once. */
static void settle(Waiting *waiting)
{
    g_ptr_array_sort(waiting->lines, compare_lines);
    for (guint i = waiting->lines->len; i > 1; i--)
        if (strcmp(((WaitingLine *)waiting->lines->pdata[i - 1])->matches,
                   ((WaitingLine *)waiting->lines->pdata[i - 2])->matches) == 0)
            g_ptr_array_remove_index(waiting->lines, i - 1);
    if (waiting->lines->len > HANDS_OFF_LINES_MAX) {
        waiting->n_left_out = waiting->lines->len - HANDS_OFF_LINES_MAX;
        g_ptr_array_set_size(waiting->lines, HANDS_OFF_LINES_MAX);
    }
}

void waiting_say(Waiting *waiting, Registry *registry)
{
    g_autoptr(GPtrArray) root_hubs = root_hubs_of(registry);
    const Saying saying = { waiting, registry->node, root_hubs };

    for (guint i = 0; i < waiting->sources->len; i++) {
        const Source *source = waiting->sources->pdata[i];

        if (source->rule)
            say_source(&saying, source);
    }
    settle(waiting);
    for (guint i = 0; i < waiting->sources->len; i++) {
        const Source *source = waiting->sources->pdata[i];

        if (!source->rule)
            add_line(waiting,
                     g_strdup_printf("KERNEL==\"%s\", ATTR{idVendor}==\"%04x\", ATTR{idProduct}==\"%04x\"",
                                     source->sysname, source->vendor_id, source->product_id),
                     source->waits);
    }
}
