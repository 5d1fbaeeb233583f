/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* usbferry.conf of a test's service, and what the service says of it in its log. A test that needs a state to
 * last until it has looked makes the time of that state longer with it. */

#include "tests/bus/fixture.h"

/* For the next start, or reload. */
void settings_write(Fixture *fixture, const char *config);
/* They are in force for each call after this. */
void settings_reload(Fixture *fixture, const char *config);

/* How often the service has logged these words. */
unsigned settings_times_in_log(Fixture *fixture, const char *words);
