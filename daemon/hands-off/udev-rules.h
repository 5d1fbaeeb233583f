/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UdevRules: the one file of runtime rules by which the host leaves alone what waits for a VM. For
 * hands-off.c; its text is pure, and writing it is a few calls in a folder in memory. Any thread.
 *
 * It comes after the rules that read the disk (60-persistent-storage), and before those that act upon what
 * they found (64-md-raid-assembly, 69-lvm, 69-libmtp, 80-udisks2, 85-nm-unmanaged). What others have found
 * before it is taken away by data/72-usbferry.rules. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/hands-off/waiting.h"

#define UDEV_RULES_FILE "62-usbferry.rules"

/* "" when nothing waits. New string. */
char *udev_rules_print(const Waiting *waiting);

/* Compares the file in the folder with the text, and makes it so: whole or not at all; "" = no file.
 * ret_changed: it was another one. Writes nothing when it is right. */
bool udev_rules_write(const char *folder, const char *text, bool *ret_changed, GError **error);

/* Which file there is, without a look into it. */
typedef struct UdevRulesMark {
    uint64_t device, inode; /* 0 = none */
    int64_t size, changed_ns;
} UdevRulesMark;

UdevRulesMark udev_rules_mark(const char *folder);
bool udev_rules_mark_is(const UdevRulesMark *one, const UdevRulesMark *other);
