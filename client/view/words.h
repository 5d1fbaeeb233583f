/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words: what the service says, in the language of who reads it. In English that is the service's own
 * sentence; in another language one that the reason's code stands for, which knows less of the details. For
 * whoever prints for people; programs get it as the service said it. */

#include <glib.h>

#include "client/bus/model.h"

/* A single word that the service or this program uses, such as "device", "waits" or "made"; another one as it
 * is. Borrowed. */
const char *words_word(const char *word);

/* Why, for an object that has a Reason and a ReasonCode. As the service said it when there is no other
 * language, or none has words for the code. New string. */
char *words_reason(const Model *model, const Object *object);

/* A line of Explain, of which the object, which may be NULL, is the subject. New string. */
char *words_line(const Model *model, const Object *object, const char *code, const char *text);

/* A change of PreviewRule, by its name. New string. */
char *words_change(const Model *model, const char *change, const Object *device, const Object *assignment,
                   const char *text);
