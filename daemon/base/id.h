/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Id: the random names of assignments and of notes about power cycles. People type them, so they are short;
 * whoever makes one checks that it is not taken yet. Used by every floor above. Pure; any thread. */

#include <stdbool.h>

/* Lower-case letters and digits. */
#define ID_LENGTH 8

/* New string. */
char *id_make(void);
/* Also true for what id_make() never makes: letters that are mistaken for digits. False for NULL. */
bool id_is_valid(const char *id);
