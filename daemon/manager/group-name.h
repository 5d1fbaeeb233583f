/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group name: names for groups that nobody named, from the devices that are put into them. groups.c asks for
 * them. Pure. */

#include <glib.h>

/* Short enough that a number can follow: see GROUP_NAME_MAX. */
#define GROUP_NAME_BASE_MAX 48

/* "Keyboard K120" → "keyboard-k120": a valid name, or "" when nothing of the text can be in one. New string.
 */
char *group_name_from_text(const char *text);

/* From what the devices (of const Device; one at least) have in common: product, vendor or class. Always a
 * valid name. New string. */
char *group_name_for_devices(const GPtrArray *devices);
