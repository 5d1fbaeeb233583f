/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A folder for temporary files that is in memory: nothing that a test stores has to survive, and a disk that
 * takes its time at each fsync() would make the service, and all who wait for it, late. Seen by this process
 * and its children only. */

/* The set-up of a program's group of tests, before all else: glib asks for TMPDIR once. It takes root. */
int memory_folder_enter(void **state);
/* Its tear-down. */
int memory_folder_leave(void **state);
