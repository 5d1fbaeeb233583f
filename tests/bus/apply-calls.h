/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Export and Apply. */

#include "tests/bus/fixture.h"

#define APPLY_SOURCE "host.conf" /* what errors name */

/* Texts that are good anywhere, and for Export too. */
#define APPLY_TWO                                                                                      \
    "[Group]\nName=a\nDescription=A\n\n[Rule 1]\nMatch=vendor=0529\n\n[Rule 2]\nMatch=vendor=0001\n\n" \
    "[Group]\nName=b\n\n[Assignment]\nName=x\nMachine=desk\nGroup=a\n"
#define APPLY_GOOD "[Group]\nName=new\n\n[Rule 1]\nMatch=vendor=0529\n\n"

/* New strings. What Apply did: "added group a Group/Name:>a; …" */
char *apply_export(Fixture *fixture);
char *apply_with(Fixture *fixture, const char *text, bool dry_run, bool prune);
char *apply(Fixture *fixture, const char *text);

void apply_assert(Fixture *fixture, const char *text, const char *expected);
/* The text of the error begins so. */
void apply_refuse(Fixture *fixture, const char *text, bool prune, const char *name, const char *expected);

/* Every file of the store, such that a rewritten one is seen. New string. */
char *apply_store_state(Fixture *fixture);
/* Nothing is otherwise than in these two texts, which it frees. */
void apply_assert_untouched(Fixture *fixture, char *exported, char *stored);
