/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the options a{sv} of a method by a table of what it knows. */

#include "dbus/bus/options.h"

#include <errno.h>

#include "dbus/bus/errors.h"

static Option *find_option(Option *options, gsize n_options, const char *key)
{
    for (gsize i = 0; i < n_options; i++)
        if (g_str_equal(options[i].key, key))
            return &options[i];
    return NULL;
}

static int read_value(sd_bus_message *message, Option *option, sd_bus_error *ret_error)
{
    const char type[] = { option->type, option->type == 'a' ? 's' : '\0', '\0' };
    const char *contents;
    int r;

    r = sd_bus_message_peek_type(message, NULL, &contents);
    if (r < 0)
        return r;
    if (!g_str_equal(contents, type))
        return bus_error_setf(ret_error, FERRY_ERROR_INVALID_OPTION, "%s: has the type %s, must be %s",
                              option->key, contents, type);
    r = sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, type);
    if (r < 0)
        return r;
    if (option->type == 'a') {
        r = sd_bus_message_read_strv(message, option->value);
        /* an empty array reads as NULL */
        if (r >= 0 && !*(char ***)option->value)
            *(char ***)option->value = g_new0(char *, 1);
    } else if (option->type == 'b') {
        int value; /* sd-bus reads a boolean as int */

        r = sd_bus_message_read_basic(message, 'b', &value);
        if (r >= 0)
            *(bool *)option->value = value != 0;
    } else {
        r = sd_bus_message_read_basic(message, option->type, option->value);
    }
    if (r < 0)
        return r;
    return sd_bus_message_exit_container(message);
}

static int read_entry(sd_bus_message *message, Option *options, gsize n_options, sd_bus_error *ret_error)
{
    const char *key;
    Option *option;
    int r;

    r = sd_bus_message_read_basic(message, 's', &key);
    if (r < 0)
        return r;
    option = find_option(options, n_options, key);
    if (!option)
        return bus_error_setf(ret_error, FERRY_ERROR_INVALID_OPTION, "%s: no such option", key);
    if (option->given)
        return bus_error_setf(ret_error, FERRY_ERROR_INVALID_OPTION, "%s: given twice", key);
    option->given = true;
    return read_value(message, option, ret_error);
}

int options_read(sd_bus_message *message, Option *options, gsize n_options, sd_bus_error *ret_error)
{
    int r;

    for (gsize i = 0; i < n_options; i++)
        options[i].given = false;

    r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "{sv}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
        r = read_entry(message, options, n_options, ret_error);
        if (r < 0)
            return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    return sd_bus_message_exit_container(message);
}
