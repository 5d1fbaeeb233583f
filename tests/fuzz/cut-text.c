/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stored files without their ends. Pure. */

#include "tests/fuzz/cut-text.h"

#include <glib.h>
#include <string.h>

void cut_closed_text(char *text)
{
    /* without its last newline it is whole */
    text[g_str_hash(text) % (strlen(text) - strlen("\n"))] = '\0';
}
