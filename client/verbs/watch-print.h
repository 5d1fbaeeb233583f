/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Watch-print: the lines of the verb watch, for people and for programs. It writes to the standard output and
 * follows nothing. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/model.h"

/* Where the lines come from. */
typedef struct WatchSource {
    const char *host; /* as the service calls it, not escaped; borrowed */
    bool several;     /* hosts are watched: each line begins with its own */
    bool json;
} WatchSource;

void watch_print_change(const WatchSource *source, const Model *model, ModelEvent event, const Object *object,
                        GHashTable *before);
/* event: for programs, text: for people. */
void watch_print_service(const WatchSource *source, const char *event, const char *text);
