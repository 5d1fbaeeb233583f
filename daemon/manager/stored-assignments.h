/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stored assignments: assignments on their way to and from the disk. A new one is in the registry at once, so
 * that nobody takes its device away under it, and nothing is ordered for it before it is durable. A change is
 * made in a copy, stored, and only then put into the registry. For the files of this folder: assignments,
 * grants and apply change assignments. Main thread only. */

#include <stdbool.h>

#include "daemon/manager/decision.h"
#include "daemon/model/assignment.h"
#include "daemon/store/store.h"

/* For the start, after tenants and groups. */
bool stored_assignments_load(Manager *manager, GError **error);

/* New ones that were put into the batch, and those that go as they come: takes the batch and both arrays of
 * ids, of which the first isn't empty. start: UUID of the machine that is to start then; NULL = none.
 * done()'s id: of the new ones, with spaces between them. */
void stored_assignments_commit_new(Manager *manager, StoreBatch *batch, GPtrArray *ids, GPtrArray *replaced,
                                   const char *start, ManagerDone done, void *userdata);
/* Takes next. done()'s id is its own, here and below. */
void stored_assignments_save(Manager *manager, Assignment *next, ManagerDone done, void *userdata);
/* It is released then, and goes away by itself once its device is home. start: so does its machine, if it is
 * off. */
void stored_assignments_delete(Manager *manager, Assignment *assignment, bool start, ManagerDone done,
                               void *userdata);

/* The same as parts of a larger change: what is put into the batch is settled when that is stored or couldn't
 * be. put_new takes the assignment, put_changed doesn't; settle_changed takes next. */
void stored_assignments_put_new(Manager *manager, StoreBatch *batch, Assignment *assignment);
void stored_assignments_put_changed(Manager *manager, StoreBatch *batch, const Assignment *next);
void stored_assignments_put_deleted(Manager *manager, StoreBatch *batch, const char *id);
/* What was seen of it, not decided: nothing is settled, and other changes may begin meanwhile. */
void stored_assignments_put_seen(StoreBatch *batch, const Assignment *assignment);
void stored_assignments_settle_new(Manager *manager, const char *id, bool stored);
void stored_assignments_settle_changed(Manager *manager, Assignment *next, bool stored);
void stored_assignments_settle_deleted(Manager *manager, const char *id, bool stored);
