/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assignments that are there: released, attached, detached, changed. Each call works out what the assignment
 * is to be and leaves the rest to stored-assignments. Called by dbus/ and revocations.c. */

#include "daemon/manager/assignments.h"

#include <string.h>

#include "daemon/allocation/verdict.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/new-assignment.h"
#include "daemon/manager/stored-assignments.h"
#include "daemon/model/find.h"

bool assignments_check_name(Manager *self, const char *name, const char *machine_uuid, const char *except,
                            GError **error)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (name && *name && g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *one = value;
        g_autofree char *quoted = NULL, *machine = NULL;

        if (assignment_is_ending(one) || g_strcmp0(one->id, except) == 0 || strcmp(one->name, name) != 0 ||
            strcmp(one->machine_uuid, machine_uuid) != 0)
            continue;
        quoted = text_quote(name);
        machine = verdict_machine_text(self->registry, one);
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                    "Name: an assignment of %s is called %s already (%s)", machine, quoted, one->id);
        return false;
    }
    return true;
}

bool assignments_check_follow(bool follow, GError **error)
{
    if (follow)
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "Follow: it is for one device, a group gives any that match its rules");
    return !follow;
}

bool assignments_check_seconds(const char *option, uint32_t seconds, uint32_t most, GError **error)
{
    if (seconds > most)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                    "%s: at most %" G_GUINT32_FORMAT " seconds, not %" G_GUINT32_FORMAT, option, most,
                    seconds);
    return seconds <= most;
}

bool manager_check_change(Manager *self, const char *id, GError **error)
{
    return find_releasable_assignment(self->registry, id, error) != NULL;
}

static bool is_being_released(Manager *self, const char *id)
{
    const Assignment *assignment = registry_assignment(self->registry, id);

    return assignment && assignment_is_ending(assignment);
}

bool manager_check_release(Manager *self, const char *id, GError **error)
{
    return is_being_released(self, id) || manager_check_change(self, id, error);
}

static void release(Manager *self, const char *id, bool start, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;

    if (!manager_check_release(self, id, &error))
        done(NULL, error, userdata);
    else if (is_being_released(self, id))
        done(id, NULL, userdata);
    else
        stored_assignments_delete(self, registry_assignment(self->registry, id), start, done, userdata);
}

void manager_release(Manager *self, const char *id, ManagerDone done, void *userdata)
{
    release(self, id, /* start= */ false, done, userdata);
}

void manager_release_and_start(Manager *self, const char *id, ManagerDone done, void *userdata)
{
    release(self, id, /* start= */ true, done, userdata);
}

void manager_set_wanted(Manager *self, const char *id, bool wanted, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment = find_changeable_assignment(self->registry, id, &error);
    Assignment *next;

    if (!assignment) {
        done(NULL, error, userdata);
        return;
    }
    if (assignment->wanted == wanted) { /* nor does Detach() change why it is held */
        if (wanted)
            reconciler_retry(self->reconciler, assignment);
        done(id, NULL, userdata);
        return;
    }
    next = assignment_copy(assignment);
    next->wanted = wanted;
    next->replugged = false;
    stored_assignments_save(self, next, done, userdata);
}

void manager_retry(Manager *self, const char *id, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment = find_releasable_assignment(self->registry, id, &error);

    if (assignment && assignment->wanted)
        reconciler_retry(self->reconciler, assignment);
    done(assignment ? id : NULL, error, userdata);
}

void manager_confirm(Manager *self, const char *id, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment = find_changeable_assignment(self->registry, id, &error);
    Assignment *next;

    if (!assignment || !assignment->trial.seconds) {
        done(assignment ? id : NULL, error, userdata);
        return;
    }
    next = assignment_copy(assignment);
    next->trial = (Term){};
    stored_assignments_save(self, next, done, userdata);
}

static void set_choice(Choice *choice, const bool *value)
{
    if (value)
        *choice = *value ? CHOICE_YES : CHOICE_NO;
}

static bool is_moved(const Assignment *assignment, const AssignmentUpdate *update)
{
    return update->machine_uuid && !g_str_equal(update->machine_uuid, assignment->machine_uuid);
}

/* The other machine may have it, and has none that says the same. */
static bool check_move(Manager *self, const Assignment *assignment, const char *uuid, GError **error)
{
    const Machine *machine = find_machine_by_uuid(self->registry, uuid, error);
    g_autofree char *quoted = machine ? text_quote(machine->info->name) : NULL;
    GHashTableIter iter;
    gpointer value;

    if (!machine)
        return false;
    if (assignment->tenant && !registry_tenant_has(self->registry, assignment->tenant, uuid)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                    "assignment %s is tenant %s's, and VM %s is not", assignment->id, assignment->tenant,
                    quoted);
        return false;
    }
    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *one = value;

        if (one == assignment || assignment_is_ending(one) || !g_str_equal(one->machine_uuid, uuid) ||
            !new_assignment_gives_the_same(one, assignment))
            continue;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                    "%s is assigned to VM %s already (assignment %s)", assignment->device_text, quoted,
                    one->id);
        return false;
    }
    return true;
}

/* What was called after its machine is called after the other one; as it was, when that is taken. New string.
 */
static char *name_after_move(Manager *self, const Assignment *assignment, const Machine *machine)
{
    g_autofree char *before = g_strconcat(" to ", assignment->machine_name, NULL);
    g_autofree char *what = NULL, *after = NULL;

    if (!g_str_has_suffix(assignment->name, before))
        return g_strdup(assignment->name);
    what = g_strndup(assignment->name, strlen(assignment->name) - strlen(before));
    after = g_strdup_printf("%s to %s", what, machine->info->name);
    if (!text_check("Name", after, ASSIGNMENT_NAME_MAX, NULL) ||
        !assignments_check_name(self, after, machine->info->uuid, assignment->id, NULL))
        return g_strdup(assignment->name);
    return g_steal_pointer(&after);
}

static void move(Manager *self, Assignment *next, const AssignmentUpdate *update)
{
    const Machine *machine = registry_machine(self->registry, update->machine_uuid);
    g_autofree char *name = name_after_move(self, next, machine);

    if (!update->name)
        text_replace(&next->name, name);
    g_free(next->machine_uuid);
    next->machine_uuid = g_strdup(machine->info->uuid);
    text_replace(&next->machine_name, machine->info->name);
    g_array_set_size(next->given_back, 0);
}

/* What it will be called, as the machine's others are not. */
static bool check_new_name(Manager *self, const Assignment *assignment, const AssignmentUpdate *update,
                           GError **error)
{
    bool moved = is_moved(assignment, update);
    const char *uuid = moved ? update->machine_uuid : assignment->machine_uuid;
    g_autofree char *name = moved && !update->name
                                ? name_after_move(self, assignment, registry_machine(self->registry, uuid))
                                : NULL;

    return assignments_check_name(self, update->name ? update->name : name, uuid, assignment->id, error);
}

bool manager_check_update(Manager *self, const char *id, const AssignmentUpdate *update, GError **error)
{
    const Assignment *assignment = find_changeable_assignment(self->registry, id, error);

    if (!assignment ||
        (is_moved(assignment, update) && !check_move(self, assignment, update->machine_uuid, error)) ||
        (assignment->group && update->follow && !assignments_check_follow(*update->follow, error)))
        return false;
    if (update->name && !*update->name) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME, "Name: it must not be empty");
        return false;
    }
    return text_check("Name", update->name, ASSIGNMENT_NAME_MAX, error) &&
           check_new_name(self, assignment, update, error) &&
           text_check("Description", update->description, TEXT_MAX, error) &&
           (!update->lease_for ||
            assignments_check_seconds("LeaseFor", *update->lease_for, LEASE_SECONDS_MAX, error));
}

/* It counts from now on when it counts already, or would by now. */
static void set_lease(Assignment *next, const Assignment *assignment, uint32_t seconds)
{
    bool begins = assignment->lease.ends_at || assignment->n_has > 0;

    next->lease = (Term){ .seconds = seconds };
    if (begins)
        term_begin(&next->lease);
}

void manager_update(Manager *self, const char *id, const AssignmentUpdate *update, ManagerDone done,
                    void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *next;

    if (!manager_check_update(self, id, update, &error)) {
        done(NULL, error, userdata);
        return;
    }
    next = assignment_copy(registry_assignment(self->registry, id));
    if (is_moved(next, update))
        move(self, next, update);
    if (update->name)
        text_replace(&next->name, update->name);
    if (update->description)
        text_replace(&next->description, update->description);
    if (update->priority)
        next->priority = *update->priority;
    if (update->follow)
        next->follow = *update->follow;
    if (update->lease_for)
        set_lease(next, registry_assignment(self->registry, id), *update->lease_for);
    set_choice(&next->own_guest_reset, update->allow_guest_reset);
    set_choice(&next->own_guest_resets_all, update->allow_guest_resets_all);
    stored_assignments_save(self, next, done, userdata);
}
