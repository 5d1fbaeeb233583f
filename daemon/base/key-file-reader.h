/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Key file reader: reads [Section] and Key=value, line by line and strictly, for every file that is read at
 * all: those that people write and those of the store. Touches no file itself.
 *
 * GKeyFile knows what a line means, but not which line a value came from, and it drops or merges without a
 * word what stands twice. So every line is given to it on its own. Errors are "<path>:<line>: …". */

#include <glib.h>
#include <stdbool.h>

#include "daemon/base/error.h"

typedef struct KeyFileReader KeyFileReader;

typedef struct KeyFileKey {
    const char *name;
    /* Takes the value: key_file_reader_value() and so on. False: refused with key_file_reader_refuse(). */
    bool (*read)(KeyFileReader *reader, void *userdata);
    bool required; /* it is there, and not empty */
} KeyFileKey;

struct KeyFileReader {
    const char *path;  /* for messages; clean */
    const char *first; /* what a text must have, for messages: "[Group]" */
    GError **error;
    /* A section begins; gives its keys, ended by one without a name. NULL: refused with
     * key_file_reader_refuse(). The one before is complete then, as is the last one when
     * key_file_reader_read() has ended. */
    const KeyFileKey *(*begin)(KeyFileReader *reader, const char *section, void *userdata);
    void *userdata; /* of begin(), and of the keys */

    /* For a file that is damaged: what is refused is left out and the reading goes on. */
    bool keep_going;

    void *keys_userdata; /* of this section's keys: begin() may set another one */

    /* where the reading is */
    unsigned line;
    char *section;         /* its name */
    unsigned section_line; /* where it began; 0 = there was none yet */
    const KeyFileKey *keys;
    unsigned seen; /* of the keys, one bit each */
    const KeyFileKey *key;
    const char *plain; /* its value as it stands there; NULL = it is in a key file only: */
    GKeyFile *value;   /* the line */
    bool refused;      /* something was: the first one is the error */
    bool lost;         /* of that, a line or a section that nobody can say more of */
    bool closes;       /* its first line says that it has a last one */
    bool closed;       /* and that was read */
};

/* False with an error that names the line. */
bool key_file_reader_read(KeyFileReader *reader, const char *text);
/* A text of one section, which is there once. userdata: of the keys. */
bool key_file_read_section(const char *section, const KeyFileKey *keys, const char *text, const char *path,
                           void *userdata, GError **error);
/* The same of a text with errors in it: what can be read of it. */
void key_file_read_damaged_section(const char *section, const KeyFileKey *keys, const char *text,
                                   const char *path, void *userdata);

/* Sets the error. False, so that it can be returned. */
bool key_file_reader_refuse(KeyFileReader *reader, unsigned line, FerryError code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* "<key>: <value> is not <expected>" */
bool key_file_reader_refuse_value(KeyFileReader *reader, FerryError code, const char *expected);
/* A text of the file, as a message may show it: short, clean, quoted. New string. */
char *key_file_reader_show(const char *text);

/* For a key's read(): the value as it stands there, without a layer of escapes. New string. */
char *key_file_reader_value(KeyFileReader *reader);
/* The value with the escapes of a key file resolved; false when there is another one in it. Replace what was
 * there before. key_file_reader_text() makes it clean, and as long as a text may be. */
bool key_file_reader_raw_text(KeyFileReader *reader, char **text);
bool key_file_reader_text(KeyFileReader *reader, char **text);
bool key_file_reader_flag(KeyFileReader *reader, bool *flag);
/* A number of 32 bits. */
bool key_file_reader_number(KeyFileReader *reader, gint32 *number);
bool key_file_reader_integer(KeyFileReader *reader, gint64 min, gint64 max, gint64 *number);
/* Texts with a semicolon behind each; \; is one in a text. They are as they stand there, clean or not. */
bool key_file_reader_list(KeyFileReader *reader, char ***list);

/* The other way: such that key_file_reader_text() gives it back. */
void key_file_reader_set_text(GKeyFile *file, const char *section, const char *key, const char *text);
/* The text of a file of which can be told whether it is whole: its first line says that it has a last one.
 * Without that last line it isn't read, wherever it ends. Without the first it is as it always was. New
 * string. */
char *key_file_reader_close(GKeyFile *file);
/* Only when it isn't as usual: a file says what somebody decided. */
void key_file_reader_set_flag(GKeyFile *file, const char *section, const char *key, bool value, bool usual);
