/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options a{sv} of a method. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct Option {
    const char *key;
    char type;   /* 's', 'o', 'b', 'i', 'u', 'a' for as */
    void *value; /* const char **, bool *, int32_t *, uint32_t *, char *** (new, for g_strfreev()): untouched
                  * when the key is absent */
    bool given;  /* set by options_read() */
} Option;

/* Reads the dictionary; texts are the message's. An unknown key, a key given twice and a value of another
 * type are org.usbferry1.Error.InvalidOption, with the key in the text. */
int options_read(sd_bus_message *message, Option *options, gsize n_options, sd_bus_error *ret_error);
