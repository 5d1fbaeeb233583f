/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What follows from each verdict. */

#include "daemon/allocation/verdict.h"

#include <glib.h>

bool verdict_comes_by_itself(Verdict verdict)
{
    switch (verdict) {
    case VERDICT_GO:
    case VERDICT_UNDECIDED:
    case VERDICT_HYPERVISOR_AWAY:
    case VERDICT_RESETTING:
    case VERDICT_UNSTEADY:
        return true;
    case VERDICT_SUSPENDED:
    case VERDICT_OTHER_DEVICE:
    case VERDICT_HUB:
    case VERDICT_NOT_OWNED:
    case VERDICT_NOT_HOME:
    case VERDICT_TAKEN:
    case VERDICT_ENOUGH:
    case VERDICT_SET_INCOMPLETE:
    case VERDICT_GROUP_DISABLED:
    case VERDICT_SWITCHED_OFF:
    case VERDICT_FOREIGN:
    case VERDICT_MACHINE_UNKNOWN:
    case VERDICT_MACHINE_OFF:
    case VERDICT_CONTROLLER_TAKEN:
    case _VERDICT_MAX:
        return false;
    }
    g_return_val_if_reached(false);
}
