/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* New assignment: what one is to say that somebody asks for, and which ones it takes the place of. For
 * assign.c and obstacles.c; checks nothing and changes nothing. Main thread only. */

#include "daemon/manager/assign-request.h"
#include "daemon/manager/decision.h"
#include "daemon/model/assignment.h"

/* Whose the source is; NULL = nobody's. */
const char *new_assignment_tenant(Manager *manager, const AssignRequest *request);
/* Group or selector, and how many, in an assignment that says nothing yet. */
void new_assignment_set_source(Manager *manager, Assignment *assignment, const AssignRequest *request);
/* Of a request that was checked. */
Assignment *new_assignment_make(Manager *manager, const AssignRequest *request);

/* Whether it says the same of what is given, to whatever machine. */
bool new_assignment_gives_the_same(const Assignment *one, const Assignment *wanted);
/* The ids of those that go when it comes. New array. */
GPtrArray *new_assignment_replaces(Manager *manager, const Assignment *wanted);
