/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Absent: what the service knows of a device that is not plugged in: who waits for it, and which rules are
 * for it. For explain, of a word that means no device that is there. */

#include <glib.h>

#include "client/bus/model.h"

/* What is said below "no such device" of a word that one would explain: which assignment waits for it. New;
 * "" = none does. */
char *absent_hint(const Model *model, const char *word);

/* Lines as Manager.Explain has them, aa{sv}: first that it isn't plugged in, then each assignment that waits
 * for it and each rule that is for it; NULL = nothing of it is known. word: its serial number, its ids, its
 * port, or (a part of) what it is called. New. Pure. */
GVariant *absent_explain(const Model *model, const char *word);
