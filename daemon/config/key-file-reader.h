/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sections: reads [Section] and Key=value, line by line and strictly, for the files that people write.
 *
 * GKeyFile knows what a line means, but not which line a value came from, and it drops or merges without a
 * word what stands twice. So every line is given to it on its own. Errors are "<path>:<line>: …". */

#include <glib.h>
#include <stdbool.h>

#include "daemon/base/error.h"

typedef struct Sections Sections;

typedef struct SectionKey {
    const char *name;
    /* Takes the value: sections_value() and so on. False: refused with sections_refuse(). */
    bool (*read)(Sections *sections, void *userdata);
    bool required;
} SectionKey;

struct Sections {
    const char *path;  /* for messages; clean */
    const char *first; /* what a text must have, for messages: "[Group]" */
    GError **error;
    /* A section begins; gives its keys, ended by one without a name. NULL: refused with sections_refuse().
     * The one before is complete then, as is the last one when sections_read() has ended. */
    const SectionKey *(*begin)(Sections *sections, const char *section, void *userdata);
    void *userdata; /* of begin() and of the keys */

    /* where the reading is */
    unsigned line;
    char *section;         /* its name */
    unsigned section_line; /* where it began; 0 = there was none yet */
    const SectionKey *keys;
    unsigned seen; /* of the keys, one bit each */
    const SectionKey *key;
    GKeyFile *value; /* the line */
};

/* False with an error that names the line. */
bool sections_read(Sections *sections, const char *text);

/* Sets the error. False, so that it can be returned. */
bool sections_refuse(Sections *sections, unsigned line, FerryError code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* "<key>: <value> is not <expected>" */
bool sections_refuse_value(Sections *sections, FerryError code, const char *expected);
/* A text of the file, as a message may show it: short, clean, quoted. New string. */
char *sections_show(const char *text);

/* For a key's read(): the value as it stands there, without a layer of escapes. New string. */
char *sections_value(Sections *sections);
/* The value with the escapes of a key file resolved; false when there is another one in it. Replace what was
 * there before. sections_text() makes it clean, and as long as a text may be. */
bool sections_raw_text(Sections *sections, char **text);
bool sections_text(Sections *sections, char **text);
bool sections_flag(Sections *sections, bool *flag);
/* A number of 32 bits. */
bool sections_number(Sections *sections, gint32 *number);

/* The other way: such that sections_text() gives it back. */
void sections_set_text(GKeyFile *file, const char *section, const char *key, const char *text);
/* Only when it isn't as usual: a file says what somebody decided. */
void sections_set_flag(GKeyFile *file, const char *section, const char *key, bool value, bool usual);
