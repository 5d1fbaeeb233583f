/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Enums that have names: one string table each, and both directions made from it. For every enum that people,
 * the bus or files see.
 *
 *     const char *device_state_to_string(DeviceState value);      NULL outside the table
 *     DeviceState device_state_from_string(const char *text);     _DEVICE_STATE_INVALID when unknown */

#include <glib.h>

#define ENUM_TABLE_DECLARE(Type, prefix)        \
    const char *prefix##_to_string(Type value); \
    Type prefix##_from_string(const char *text)

#define ENUM_TABLE_DEFINE(Type, prefix, table, invalid)                                     \
    const char *prefix##_to_string(Type value)                                              \
    {                                                                                       \
        return (int)value < 0 || (gsize)value >= G_N_ELEMENTS(table) ? NULL : table[value]; \
    }                                                                                       \
    Type prefix##_from_string(const char *text)                                             \
    {                                                                                       \
        for (gsize i = 0; i < G_N_ELEMENTS(table); i++)                                     \
            if (g_strcmp0(table[i], text) == 0)                                             \
                return (Type)i;                                                             \
        return invalid;                                                                     \
    }                                                                                       \
    struct _enum_table_semicolon_##prefix
