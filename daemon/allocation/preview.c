/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two looks at who is to have what: as it is, and through a registry whose tables hold the same objects, but
 * for the group, and for the devices, whose copies differ in nothing but their memberships. Called by
 * manager/ for Manager.PreviewRule(). */

#include "daemon/allocation/preview.h"

#include "daemon/allocation/allocation.h"
#include "daemon/base/text.h"
#include "daemon/model/membership.h"

PreviewChange *preview_change_free(PreviewChange *change)
{
    if (!change)
        return NULL;
    g_free(change->device);
    g_free(change->assignment);
    g_free(change->text);
    g_free(change);
    return NULL;
}

static void destroy_change(gpointer change)
{
    preview_change_free(change);
}

/* Takes the text. */
static void add(GPtrArray *changes, const char *change, const Device *device, const Assignment *assignment,
                const char *code, char *text)
{
    PreviewChange *line = g_new0(PreviewChange, 1);

    line->change = change;
    line->device = g_strdup(device->sysname);
    line->assignment = assignment ? g_strdup(assignment->id) : NULL;
    line->code = code;
    line->text = g_strconcat(text, ".", NULL);
    g_free(text);
    g_ptr_array_add(changes, line);
}

/* ------------------------------------------------------------------ the view */

/* Everything but the memberships is the real device's. */
static void free_device_view(gpointer data)
{
    Device *view = data;

    g_ptr_array_unref(view->memberships);
    g_free(view);
}

static Registry view_of(Registry *registry, Group *next)
{
    Registry view = *registry;
    GHashTableIter iter;
    gpointer value;

    registry_begin_view(&view);
    view.groups = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_iter_init(&iter, registry->groups);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_hash_table_insert(view.groups, ((Group *)value)->name, value);
    g_hash_table_replace(view.groups, next->name, next);

    view.devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_device_view);
    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = g_memdup2(value, sizeof *device);

        device->memberships = memberships_what_if(value, next, registry->node);
        g_hash_table_insert(view.devices, device->sysname, device);
    }
    return view;
}

static void clear_view(Registry *view)
{
    registry_end_view(view);
    g_hash_table_unref(view->devices);
    g_hash_table_unref(view->groups);
}

/* ------------------------------------------------------------------ the difference */

static void compare_members(GPtrArray *changes, Registry *before, Registry *after, const Group *group)
{
    g_autoptr(GPtrArray) devices = registry_sorted(before->devices);

    for (guint i = 0; i < devices->len; i++) {
        const Device *device = devices->pdata[i];
        bool was = membership_find(device, group->name) != NULL;
        bool would_be = membership_find(registry_device(after, device->sysname), group->name) != NULL;
        g_autofree char *what = device_describe(device);

        if (was != would_be)
            add(changes, would_be ? "joins" : "leaves", device, NULL,
                reason_code_to_string(would_be ? REASON_IN_GROUP : REASON_NOT_IN_GROUP),
                g_strdup_printf("%s %s group %s", what, would_be ? "joins" : "leaves", group->name));
    }
}

static bool gets(const Allocation *allocation, const Assignment *assignment, const char *sysname)
{
    const GPtrArray *wants = allocation_wants_of(allocation, assignment);

    for (guint i = 0; i < wants->len; i++)
        if (g_strcmp0(((const Want *)wants->pdata[i])->device->sysname, sysname) == 0)
            return true;
    return false;
}

static const char *lose_code(Registry *after_registry, const Allocation *after, const Assignment *assignment,
                             const Device *device)
{
    return verdict_code(
        allocation_judge(after, assignment, registry_device(after_registry, device->sysname)));
}

static char *lose_text(Registry *after_registry, const Allocation *after, const Assignment *assignment,
                       const Device *device)
{
    const Device *then = registry_device(after_registry, device->sysname);
    g_autofree char *machine = verdict_machine_text(after_registry, assignment);
    g_autofree char *what = device_describe(device);
    g_autofree char *why =
        allocation_verdict_text(after, assignment, then, allocation_judge(after, assignment, then));

    return g_strdup_printf("%s loses %s: %s", machine, what, why);
}

static char *get_text(Registry *registry, const Assignment *assignment, const Device *device)
{
    g_autofree char *machine = verdict_machine_text(registry, assignment);
    g_autofree char *name = text_quote(assignment->name);
    g_autofree char *what = device_describe(device);

    return g_strdup_printf("%s gets %s, as %s", machine, what, name);
}

static void compare_assignments(GPtrArray *changes, Registry *registry, const Allocation *before,
                                Registry *after_registry, const Allocation *after)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];
        const GPtrArray *had = allocation_wants_of(before, assignment);
        const GPtrArray *has = allocation_wants_of(after, assignment);

        for (guint k = 0; k < had->len; k++) {
            const Device *device = ((const Want *)had->pdata[k])->device;

            if (!gets(after, assignment, device->sysname))
                add(changes, "loses", device, assignment,
                    lose_code(after_registry, after, assignment, device),
                    lose_text(after_registry, after, assignment, device));
        }
        for (guint k = 0; k < has->len; k++) {
            const Device *device = ((const Want *)has->pdata[k])->device;

            if (!gets(before, assignment, device->sysname))
                add(changes, "gets", device, assignment, verdict_code(VERDICT_GO),
                    get_text(registry, assignment, device));
        }
    }
}

GPtrArray *preview_group(Registry *registry, Group *next)
{
    gint64 now = g_get_monotonic_time();
    Registry view = view_of(registry, next);
    GPtrArray *changes = g_ptr_array_new_with_free_func(destroy_change);

    {
        g_autoptr(Allocation) before = allocation_new(registry, now);
        g_autoptr(Allocation) after = allocation_new(&view, now);

        compare_members(changes, registry, &view, next);
        compare_assignments(changes, registry, before, &view, after);
    }
    clear_view(&view);
    return changes;
}
