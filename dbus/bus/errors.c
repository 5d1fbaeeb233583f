/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors of the core as errors of the bus. */

#include "dbus/bus/errors.h"

#include <errno.h>

#include "daemon/base/text.h"
#include "dbus/bus/limits.h"
#include "dbus/names.h"

static int error_set(sd_bus_error *ret_error, const char *name, const char *text)
{
    /* A text that isn't UTF-8, or has a noncharacter, would make the reply itself fail, and the caller wait
     * for ever; one that is longer than the bus's messages would end the connection. */
    g_autofree char *valid = text_shorten(text, LIMIT_ERROR_TEXT);
    int r = sd_bus_error_set(ret_error, name, valid);

    return r < 0 ? r : -EIO;
}

static int error_set_code(sd_bus_error *ret_error, FerryError code, const char *text)
{
    const char *last = ferry_error_to_name(code);
    g_autofree char *name = NULL;

    if (!last)
        return error_set(ret_error, SD_BUS_ERROR_FAILED, text);
    name = g_strconcat(FERRY_ERROR_PREFIX, last, NULL);
    return error_set(ret_error, name, text);
}

int bus_error_from_gerror(sd_bus_error *ret_error, const GError *error)
{
    if (error->domain != FERRY_ERROR)
        return error_set(ret_error, SD_BUS_ERROR_FAILED, error->message);
    return error_set_code(ret_error, (FerryError)error->code, error->message);
}

int bus_error_setf(sd_bus_error *ret_error, FerryError code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return error_set_code(ret_error, code, text);
}
