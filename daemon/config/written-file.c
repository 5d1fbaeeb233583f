/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens, measures and reads. Called by daemon/config/drop-ins.c and daemon/config/settings.c, also in the
 * main loop: it waits for nobody. */

#include "daemon/config/written-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"

static bool refuse(const char *path, const char *why, GError **error)
{
    g_autofree char *clean_path = text_sanitize(path, PATH_MAX);

    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: %s", clean_path, why);
    return false;
}

static bool is_dev_null(const struct stat *info)
{
    return S_ISCHR(info->st_mode) && info->st_rdev == makedev(1, 3);
}

/* All of a regular file that isn't too long; nothing of /dev/null. */
static bool read_all(const char *path, int fd, GString *text, GError **error)
{
    struct stat info;
    ssize_t length = 0;

    if (fstat(fd, &info) < 0)
        return refuse(path, g_strerror(errno), error);
    if (is_dev_null(&info))
        return true;
    if (!S_ISREG(info.st_mode))
        return refuse(path, "not a regular file", error);

    /* not by its size alone: it may grow meanwhile */
    do {
        char part[16 * 1024];

        length = read(fd, part, sizeof part);
        if (length < 0 && errno != EINTR)
            return refuse(path, g_strerror(errno), error);
        if (length > 0)
            g_string_append_len(text, part, length);
        if (text->len > WRITTEN_FILE_BYTES_MAX)
            return refuse(path, "longer than such a file can be", error);
    } while (length != 0);
    return true;
}

static bool check_for_zero(const char *path, const GString *text, GError **error)
{
    g_autofree char *place = NULL;
    gsize length = strlen(text->str);
    unsigned line = 1;

    if (length == text->len)
        return true;
    for (gsize i = 0; i < length; i++)
        line += text->str[i] == '\n' ? 1 : 0;
    place = g_strdup_printf("%s:%u", path, line);
    return refuse(place, "expected text, found a zero byte", error);
}

char *written_file_read(const char *path, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    /* without blocking: it may be a pipe */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool ok;

    if (fd < 0) {
        int failure = errno;
        g_autofree char *clean_path = text_sanitize(path, PATH_MAX);

        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(failure), "%s: %s", clean_path,
                    g_strerror(failure));
        return NULL;
    }
    ok = read_all(path, fd, text, error);
    close(fd);
    if (!ok || !check_for_zero(path, text, error))
        return NULL;
    return g_string_free(g_steal_pointer(&text), FALSE);
}
