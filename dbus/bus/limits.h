/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much of everything a caller gets. The limits of what is stored are in daemon/model and daemon/manager.
 */

/* Questions that may be open: the bus gives our connection to polkitd 128 answers to wait for, and one user,
 * with however many connections, must not use up everybody's. Root is never asked about: polkit always says
 * yes. */
#define LIMIT_QUESTIONS          64
#define LIMIT_QUESTIONS_PER_USER 8
