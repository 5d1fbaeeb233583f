/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of the store, wrapped. */

#include "tests/disk/disk-script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static DiskScript *script;

void disk_script_use(DiskScript *memory)
{
    script = memory;
}

__attribute__((constructor)) static void use_environment(void)
{
    const char *path = getenv(DISK_SCRIPT_VARIABLE);

    if (path && *path)
        script = disk_script_map(path, 0);
}

/* ------------------------------------------------------------------ what fails */

typedef enum Call {
    CALL_OPEN,
    CALL_CREATE,
    CALL_READ,
    CALL_WRITE,
    CALL_SYNC,
    CALL_RENAME,
    CALL_UNLINK,
} Call;

static bool changes(Call call)
{
    return call == CALL_CREATE || call == CALL_WRITE || call == CALL_RENAME || call == CALL_UNLINK;
}

/* Errors that such a call never has are not tried. */
static bool can_fail(Call call, int error)
{
    switch (error) {
    case DISK_KILL_AT_CHANGES:
        return changes(call);
    case EMFILE:
        return call == CALL_OPEN || call == CALL_CREATE;
    case ENOSPC:
        return call == CALL_CREATE || call == CALL_WRITE || call == CALL_SYNC || call == CALL_RENAME;
    case EACCES:
        return call != CALL_READ && call != CALL_WRITE && call != CALL_SYNC;
    default:
        return true;
    }
}

/* The n-th call fails like this. */
static int errno_of(Call call, unsigned n)
{
    static const int errors[] = { EIO, ENOSPC, EMFILE, EACCES };
    enum { MAX = sizeof errors / sizeof *errors };
    int possible[MAX];
    unsigned length = 0;

    if (script->error != DISK_ANY_ERROR)
        return script->error;
    for (unsigned i = 0; i < MAX; i++)
        if (can_fail(call, errors[i]))
            possible[length++] = errors[i];
    return possible[(script->seed + n) % length];
}

static bool is_below(const char *path)
{
    size_t length = strlen(script->folder);

    return length > 0 && strncmp(path, script->folder, length) == 0;
}

/* True with errno when this call is to fail. */
static bool fails(Call call, const char *path)
{
    int n;

    if (script && call == CALL_CREATE && is_below(path))
        disk_script_wait(script);
    if (!script || !script->at || !can_fail(call, script->error) || !is_below(path))
        return false;
    n = atomic_fetch_add(&script->calls, 1) + 1;
    if (n != script->at && (n < script->at || !script->lasts))
        return false;
    atomic_fetch_add(&script->hits, 1);
    if (script->error == DISK_KILL || script->error == DISK_KILL_AT_CHANGES)
        kill(getpid(), SIGKILL);
    errno = errno_of(call, (unsigned)n);
    return true;
}

static bool fd_fails(Call call, int fd)
{
    char link[sizeof "/proc/self/fd/" + 3 * sizeof fd], path[4096];
    ssize_t length;

    if (!script || !script->at)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    return fails(call, path);
}

/* ------------------------------------------------------------------ the calls */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
struct dirent *__real_readdir64(DIR *dir);
struct dirent *__wrap_readdir64(DIR *dir);
ssize_t __real_read(int fd, void *bytes, size_t length);
ssize_t __wrap_read(int fd, void *bytes, size_t length);
ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

int __wrap_open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list arguments;

    if (flags & O_CREAT) {
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return fails(flags & O_CREAT ? CALL_CREATE : CALL_OPEN, path) ? -1 : __real_open64(path, flags, mode);
}

DIR *__wrap_opendir(const char *path)
{
    return fails(CALL_OPEN, path) ? NULL : __real_opendir(path);
}

/* Once for a folder: the C library reads many names with one system call. */
struct dirent *__wrap_readdir64(DIR *dir)
{
    return telldir(dir) == 0 && fd_fails(CALL_READ, dirfd(dir)) ? NULL : __real_readdir64(dir);
}

ssize_t __wrap_read(int fd, void *bytes, size_t length)
{
    return fd_fails(CALL_READ, fd) ? -1 : __real_read(fd, bytes, length);
}

/* A write that fails for want of space has written some of it. */
ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    int error;

    if (!fd_fails(CALL_WRITE, fd))
        return __real_write(fd, bytes, length);
    error = errno;
    if (error == ENOSPC)
        (void)!__real_write(fd, bytes, length / 2);
    errno = error;
    return -1;
}

int __wrap_fsync(int fd)
{
    return fd_fails(CALL_SYNC, fd) ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    return fails(CALL_RENAME, to) ? -1 : __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
    return fails(CALL_UNLINK, path) ? -1 : __real_unlink(path);
}
