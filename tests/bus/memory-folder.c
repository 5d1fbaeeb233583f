/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tmpfs in a mount namespace of the test's own. cmocka calls it around all tests of a program. */

#include "tests/bus/memory-folder.h"

#include <glib.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

static char folder[] = "/tmp/ferry-memory-XXXXXX";

int memory_folder_enter(void **state)
{
    if (!mkdtemp(folder) || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("memory", folder, "tmpfs", 0, "mode=0755") != 0)
        g_error("%s: %m", folder);
    g_setenv("TMPDIR", folder, TRUE);
    return 0;
}

int memory_folder_leave(void **state)
{
    (void)umount2(folder, MNT_DETACH);
    (void)rmdir(folder);
    return 0;
}
