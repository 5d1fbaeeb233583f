/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a request to an assignment: source, name, and what it is made anew of. Called by assign.c and
 * obstacles.c; reads the registry only. */

#include "daemon/manager/new-assignment.h"

#include <string.h>

#include "daemon/allocation/guest-reset.h"
#include "daemon/base/text.h"
#include "daemon/manager/internal.h"
#include "daemon/rules/pin.h"

/* ------------------------------------------------------------------ the source */

const char *new_assignment_tenant(Manager *self, const AssignRequest *request)
{
    return request->group ? registry_group(self->registry, request->group)->tenant
                          : registry_device(self->registry, request->device)->tenant;
}

/* The one device, by what tells it from all others. */
static void pin(Manager *self, Assignment *assignment, const Device *device)
{
    g_autofree char *what = device_describe(device);

    assignment->rule = rule_for_device(device, registry_serial_is_unique(self->registry, device));
    text_replace(&assignment->home_socket, device->socket);
    text_replace(&assignment->device_text, what);
}

static void draw_from(Assignment *assignment, const AssignRequest *request)
{
    g_autofree char *what = g_strdup_printf("group %s", request->group);

    assignment->group = g_strdup(request->group);
    quantity_parse(request->quantity ? request->quantity : "1", &assignment->quantity_kind,
                   &assignment->quantity);
    if (request->selector && *request->selector)
        assignment->rule = rule_parse(request->selector, NULL);
    text_replace(&assignment->device_text, what);
}

void new_assignment_set_source(Manager *self, Assignment *assignment, const AssignRequest *request)
{
    if (request->group)
        draw_from(assignment, request);
    else
        pin(self, assignment, registry_device(self->registry, request->device));
    if (assignment->rule) {
        g_free(assignment->selector);
        assignment->selector = rule_print(assignment->rule);
    }
}

bool new_assignment_gives_the_same(const Assignment *one, const Assignment *wanted)
{
    return g_strcmp0(one->group, wanted->group) == 0 && strcmp(one->selector, wanted->selector) == 0 &&
           one->quantity_kind == wanted->quantity_kind && one->quantity == wanted->quantity;
}

/* ------------------------------------------------------------------ the place of others */

/* What the same user gave to a machine of this name that is gone, and gives again now that it was made anew:
 * the new assignment takes its place, or they would pile up. */
static bool is_replaced(Manager *self, const Assignment *one, const Assignment *wanted)
{
    return !one->releasing && !one->saving && !one->damage &&
           registry_machine_is_gone(self->registry, one->machine_uuid) && *one->machine_name &&
           g_str_equal(one->machine_name, wanted->machine_name) &&
           new_assignment_gives_the_same(one, wanted) && g_strcmp0(one->tenant, wanted->tenant) == 0 &&
           (one->owner == wanted->owner || wanted->owner == 0);
}

GPtrArray *new_assignment_replaces(Manager *self, const Assignment *wanted)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (is_replaced(self, value, wanted))
            g_ptr_array_add(ids, g_strdup(((const Assignment *)value)->id));
    return ids;
}

/* ------------------------------------------------------------------ all of it */

static bool name_is_taken(Manager *self, const char *name, const Assignment *wanted)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (g_strcmp0(((const Assignment *)value)->name, name) == 0 && !is_replaced(self, value, wanted))
            return true;
    return false;
}

/* "Keyboard K120 to win11", and "Keyboard K120 to win11 (2)" for the second one. */
static char *make_name(Manager *self, const char *what, const Assignment *wanted)
{
    enum { NUMBER_BYTES_MAX = sizeof " (1024)" };
    g_autofree char *whole = g_strdup_printf("%s to %s", what, wanted->machine_name);
    g_autofree char *base = text_sanitize(whole, ASSIGNMENT_NAME_MAX - NUMBER_BYTES_MAX);
    char *name = g_strdup(base);

    for (unsigned n = 2; name_is_taken(self, name, wanted); n++) {
        g_free(name);
        name = g_strdup_printf("%s (%u)", base, n);
    }
    return name;
}

static void set_choice(Choice *choice, const bool *value)
{
    if (value)
        *choice = *value ? CHOICE_YES : CHOICE_NO;
}

Assignment *new_assignment_make(Manager *self, const AssignRequest *request)
{
    const Device *device = registry_device(self->registry, request->device);
    const Machine *machine = registry_machine(self->registry, request->machine_uuid);
    const char *what = request->group     ? request->group
                       : *device->product ? device->product
                                          : device->class_name;
    g_autofree char *id = registry_make_assignment_id(self->registry);
    g_autofree char *made_name = NULL;
    Assignment *assignment = assignment_new(id);

    text_replace(&assignment->description, request->description);
    assignment->machine_uuid = g_strdup(machine->info->uuid);
    text_replace(&assignment->machine_name, machine->info->name);
    assignment->tenant = g_strdup(new_assignment_tenant(self, request));
    new_assignment_set_source(self, assignment, request);
    assignment->persistent = request->persistent;
    assignment->follow = request->follow;
    assignment->forced = request->force;
    assignment->priority = request->priority;
    assignment->trial.seconds = request->try_for;
    assignment->lease.seconds = request->lease_for;
    set_choice(&assignment->own_guest_reset, request->allow_guest_reset);
    set_choice(&assignment->own_guest_resets_all, request->allow_guest_resets_all);
    assignment->allow_guest_reset = guest_reset_allowed(self->registry, assignment);
    assignment->allow_guest_resets_all = guest_resets_all_allowed(self->registry, assignment);
    assignment->owner = request->owner;
    assignment->created = g_get_real_time();
    assignment->sequence = registry_next_sequence(self->registry);
    made_name = make_name(self, what, assignment);
    text_replace(&assignment->name, request->name && *request->name ? request->name : made_name);
    return assignment;
}
