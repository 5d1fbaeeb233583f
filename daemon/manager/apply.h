/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Apply: carries out what daemon/manager/apply-plan.h has planned. See daemon/manager/decision.h. */

#include "daemon/manager/apply-plan.h"

/* All of it or nothing. Takes the plan. done()'s id is what the text is called, "" when nothing changes. */
void manager_apply(Manager *manager, ApplyPlan *plan, ManagerDone done, void *userdata);
