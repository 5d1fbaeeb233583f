/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the options a{sv} of a method by a table of what it knows. */

#include "dbus/bus/options.h"

#include <errno.h>

#include "daemon/base/text.h"
#include "dbus/bus/errors.h"

/* Of a key that is no option, as much as an error shows. */
#define KEY_SHOWN_BYTES 64

static Option *find_option(Option *options, gsize n_options, const char *key)
{
    for (gsize i = 0; i < n_options; i++)
        if (g_str_equal(options[i].key, key))
            return &options[i];
    return NULL;
}

/* Each element is looked at once; sd_bus_message_read_strv() counts those before it for each one. The door
 * has limited how many there are. */
static int read_texts(sd_bus_message *message, char ***texts)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    const char *text;
    int r;

    r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "s");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &text)) > 0)
        g_ptr_array_add(list, g_strdup(text));
    if (r < 0)
        return r;
    g_ptr_array_add(list, NULL);
    *texts = (char **)g_ptr_array_steal(list, NULL);
    return sd_bus_message_exit_container(message);
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
        r = read_texts(message, option->value);
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
    if (!option) {
        g_autofree char *shown = text_sanitize(key, KEY_SHOWN_BYTES);

        return bus_error_setf(ret_error, FERRY_ERROR_INVALID_OPTION, "%s: no such option", shown);
    }
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
