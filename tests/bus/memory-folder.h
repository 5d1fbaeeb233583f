/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A folder for temporary files that is in memory, for tests that store thousands of times: nothing of it has
 * to survive, and a disk that takes its time at each fsync() would make all wait. Seen by this process and
 * its children only. */

/* A main() calls it before all else: glib asks for TMPDIR once. It takes root. */
void memory_folder_enter(void);
/* After the last test. */
void memory_folder_leave(void);
