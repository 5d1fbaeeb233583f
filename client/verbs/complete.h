/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Complete: what may come next on a command line, for the completions of the shells. For main(). */

#include <glib.h>

#include "client/bus/client.h"

/* words: behind the program's name, the last one is what is being typed, perhaps empty. Prints a line for
 * each that could stand in its place: the word, and behind a tab what it is; a tab and FILE where files may
 * stand. What goes wrong prints nothing. */
void complete_words(Client *client, char **words);
