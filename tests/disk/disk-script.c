/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The script's memory. */

#include "tests/disk/disk-script.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

DiskScript *disk_script_map(const char *path, int flags)
{
    int fd = open(path, flags | O_RDWR | O_CLOEXEC, 0600);
    void *memory = MAP_FAILED;

    if (fd >= 0 && (!(flags & O_CREAT) || ftruncate(fd, sizeof(DiskScript)) == 0))
        memory = mmap(NULL, sizeof(DiskScript), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (memory == MAP_FAILED) {
        perror(path);
        abort();
    }
    return memory;
}

DiskScript *disk_script_new(const char *path)
{
    return disk_script_map(path, O_CREAT | O_TRUNC);
}

void disk_script_free(DiskScript *memory)
{
    if (memory)
        munmap(memory, sizeof *memory);
}

void disk_script_arm(DiskScript *memory, int error, int at, bool lasts)
{
    memory->error = error;
    memory->lasts = lasts;
    atomic_store(&memory->calls, 0);
    atomic_store(&memory->hits, 0);
    memory->at = at;
}

bool disk_script_disarm(DiskScript *memory)
{
    memory->at = 0;
    return atomic_load(&memory->hits) > 0;
}

void disk_script_hold(DiskScript *memory, bool hold)
{
    atomic_store(&memory->held, hold);
    if (!hold)
        (void)syscall(SYS_futex, &memory->held, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void disk_script_wait(DiskScript *memory)
{
    while (atomic_load(&memory->held))
        (void)syscall(SYS_futex, &memory->held, FUTEX_WAIT, 1, NULL, NULL, 0);
}
