/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Nearest: what somebody may have meant who typed a word that means nothing. For messages; pure. */

#include <glib.h>

#include "client/bus/model.h"
#include "client/verbs/target-kinds.h"

/* The text that the word is a slip of, NULL = none is near. Upper and lower case are the same. Borrowed. */
const char *nearest_text(const char *word, const char *const *texts, gsize n_texts);

/* "\n  Did you mean "win11"?" of what these kinds of objects are called; when nothing is near, where devices
 * are listed, or "" when none is meant. New, escaped. */
char *nearest_hint(const Model *model, TargetKinds kinds, const char *word);

/* The VMs that there are, as text; "" = none. New, escaped. */
char *nearest_machines(const Model *model);
