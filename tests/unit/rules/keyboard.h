/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of rules share: one device that has a value for every key. */

#include "daemon/rules/rule.h"

#define KEYBOARD_NODE "host-a"

/* A keyboard behind a hub. New device. */
Device *keyboard(void);
void keyboard_set(char **field, const char *text);
/* The rule, or the test fails. */
Rule *keyboard_rule(const char *text);
