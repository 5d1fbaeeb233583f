/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* It is an error of ours, "<source>:<line>: …" in clean text, with a line that the text has. */
void check_error(const GError *error, const char *source, const char *text);
