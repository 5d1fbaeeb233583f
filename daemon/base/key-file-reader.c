/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key files, line by line: sections and keys are checked here, values as far as their kind goes. The readers
 * of groups, assignments, tenants and so on give their keys. Pure. */

#include "daemon/base/key-file-reader.h"

#include <string.h>

#include "daemon/base/text.h"

/* The section that a line with a key is put into while it is parsed. */
#define LINE_SECTION "-"
/* How much of an unknown word goes into a message. */
#define SHOWN_BYTES_MAX 64

/* Comments for everybody else. What begins with the first isn't whole without the second; what somebody has
 * added behind that is read like the rest. */
#define LAST_LINE  "# end"
#define FIRST_LINE "# Kept by usbferry. Without the line \"" LAST_LINE "\" the end of it is missing."

bool key_file_reader_refuse(KeyFileReader *self, unsigned line, FerryError code, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (!self->refused)
        g_set_error(self->error, FERRY_ERROR, code, "%s:%u: %s", self->path, line, message);
    self->refused = true;
    return false;
}

/* It is not only wrong: what it was to be isn't known. */
static bool lose(KeyFileReader *self)
{
    self->lost = true;
    return false;
}

char *key_file_reader_show(const char *text)
{
    g_autofree char *clean = text_sanitize(text, SHOWN_BYTES_MAX);

    return text_quote(clean);
}

bool key_file_reader_refuse_value(KeyFileReader *self, FerryError code, const char *expected)
{
    g_autofree char *value = key_file_reader_value(self);
    g_autofree char *value_shown = key_file_reader_show(value);

    return key_file_reader_refuse(self, self->line, code, "%s: %s is not %s", self->key->name, value_shown,
                                  expected);
}

/* ------------------------------------------------------------------ values */

char *key_file_reader_value(KeyFileReader *self)
{
    return self->plain ? g_strdup(self->plain)
                       : g_key_file_get_value(self->value, LINE_SECTION, self->key->name, NULL);
}

/* For what GLib has to understand of it. */
static GKeyFile *in_key_file(KeyFileReader *self)
{
    if (self->plain)
        g_key_file_set_value(self->value, LINE_SECTION, self->key->name, self->plain);
    return self->value;
}

/* GLib finds this out as well, but sets its error twice when there are two of them. */
static bool escapes_are_good(const char *value, const char *escapes)
{
    for (; *value; value++)
        if (*value == '\\' && (*++value == '\0' || !strchr(escapes, *value)))
            return false;
    return true;
}

bool key_file_reader_raw_text(KeyFileReader *self, char **text)
{
    g_autofree char *value = key_file_reader_value(self);

    if (!escapes_are_good(value, "sntr\\"))
        return key_file_reader_refuse_value(self, FERRY_ERROR_INVALID_OPTION,
                                            "a text, in which \\s, \\n, \\t, \\r and \\\\ are all escapes");
    g_free(*text);
    *text = strchr(value, '\\')
                ? g_key_file_get_string(in_key_file(self), LINE_SECTION, self->key->name, NULL)
                : g_steal_pointer(&value);
    return true;
}

bool key_file_reader_text(KeyFileReader *self, char **text)
{
    g_autofree char *raw = NULL;

    if (!key_file_reader_raw_text(self, &raw))
        return false;
    g_free(*text);
    /* What was checked when it was given comes back as it was. */
    *text =
        strlen(raw) <= TEXT_MAX && text_is_clean(raw) ? g_steal_pointer(&raw) : text_sanitize(raw, TEXT_MAX);
    return true;
}

bool key_file_reader_flag(KeyFileReader *self, bool *flag)
{
    g_autoptr(GError) error = NULL;
    bool value = g_key_file_get_boolean(in_key_file(self), LINE_SECTION, self->key->name, &error);

    if (error)
        return key_file_reader_refuse_value(self, FERRY_ERROR_INVALID_OPTION, "true or false");
    *flag = value;
    return true;
}

bool key_file_reader_number(KeyFileReader *self, gint32 *number)
{
    g_autofree char *text = key_file_reader_value(self);
    gint64 value;

    if (!g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, &value, NULL))
        return key_file_reader_refuse_value(self, FERRY_ERROR_INVALID_OPTION, "a number of 32 bits");
    *number = (gint32)value;
    return true;
}

bool key_file_reader_integer(KeyFileReader *self, gint64 min, gint64 max, gint64 *number)
{
    g_autofree char *text = key_file_reader_value(self);
    g_autofree char *expected = NULL;

    if (g_ascii_string_to_signed(text, 10, min, max, number, NULL))
        return true;
    expected = g_strdup_printf("a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, min, max);
    return key_file_reader_refuse_value(self, FERRY_ERROR_INVALID_OPTION, expected);
}

bool key_file_reader_list(KeyFileReader *self, char ***list)
{
    g_autofree char *value = key_file_reader_value(self);

    if (!escapes_are_good(value, "sntr\\;"))
        return key_file_reader_refuse_value(
            self, FERRY_ERROR_INVALID_OPTION,
            "a list, in which \\s, \\n, \\t, \\r, \\; and \\\\ are all escapes");
    g_strfreev(*list);
    *list = g_key_file_get_string_list(in_key_file(self), LINE_SECTION, self->key->name, NULL, NULL);
    return true;
}

void key_file_reader_set_text(GKeyFile *file, const char *section, const char *key, const char *text)
{
    g_autofree char *value = NULL;

    g_key_file_set_string(file, section, key, text);
    if (!g_str_has_suffix(text, " "))
        return;
    /* GKeyFile escapes a space at the beginning of a text only; one at its end would be lost. */
    value = g_key_file_get_value(file, section, key, NULL);
    if (g_str_has_suffix(value, " ")) {
        g_autofree char *escaped = g_strdup_printf("%.*s\\s", (int)strlen(value) - 1, value);

        g_key_file_set_value(file, section, key, escaped);
    }
}

void key_file_reader_set_flag(GKeyFile *file, const char *section, const char *key, bool value, bool usual)
{
    if (value != usual)
        g_key_file_set_boolean(file, section, key, value);
}

char *key_file_reader_close(GKeyFile *file)
{
    g_autofree char *text = g_key_file_to_data(file, NULL, NULL);

    return g_strconcat(FIRST_LINE "\n", text, LAST_LINE "\n", NULL);
}

/* ------------------------------------------------------------------ lines */

static bool end_section(KeyFileReader *self)
{
    for (unsigned i = 0; self->section_line > 0 && self->keys && self->keys[i].name; i++)
        if (self->keys[i].required && !(self->seen & (1u << i)))
            return key_file_reader_refuse(self, self->section_line, FERRY_ERROR_INVALID_OPTION,
                                          "[%s] has no %s", self->section, self->keys[i].name);
    return true;
}

static bool begin_section(KeyFileReader *self, char *section)
{
    if (!end_section(self) && !self->keep_going) {
        g_free(section);
        return false;
    }
    g_free(self->section);
    self->section = section;
    self->section_line = self->line;
    self->seen = 0;
    self->keys_userdata = self->userdata;
    self->keys = self->begin(self, section, self->userdata);
    return self->keys != NULL || lose(self);
}

static bool refuse_key(KeyFileReader *self, const char *name)
{
    g_autofree char *name_shown = key_file_reader_show(name);
    g_autoptr(GString) expected = g_string_new(NULL);

    for (const KeyFileKey *key = self->keys; key->name; key++)
        g_string_append_printf(expected, "%s%s", key > self->keys ? ", " : "", key->name);
    return key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION,
                                  "unknown key %s, expected one of %s", name_shown, expected->str);
}

/* Whoever reads the key says what it is to be, if it does. */
static bool check_there(KeyFileReader *self)
{
    g_autofree char *value = key_file_reader_value(self);

    return !self->key->required || *value ||
           key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION, "%s must not be empty",
                                  self->key->name);
}

static bool read_key(KeyFileReader *self, const char *name)
{
    for (unsigned i = 0; self->keys[i].name; i++) {
        if (!g_str_equal(self->keys[i].name, name))
            continue;
        if (self->seen & (1u << i))
            return key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION,
                                          "%s is already there in this section", name);
        self->seen |= 1u << i;
        self->key = &self->keys[i];
        return self->key->read(self, self->keys_userdata) && check_there(self);
    }
    return refuse_key(self, name);
}

/* Letters, digits, and these. */
static gsize word_length(const char *text, const char *others)
{
    gsize length = 0;

    while (text[length] && (g_ascii_isalnum(text[length]) || strchr(others, text[length])))
        length++;
    return length;
}

static bool check_in_section(KeyFileReader *self)
{
    if (self->section_line > 0)
        return self->keys != NULL; /* NULL: of a section that was refused */
    key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION, "expected %s before the first key",
                           self->first);
    return lose(self);
}

/* What nearly all lines are is read here, and as GLib reads it: by itself GLib takes a hundred times as long,
 * and thousands of rules are in files. False: it is another line. */
static bool read_plain_line(KeyFileReader *self, const char *line, bool *ret_ok)
{
    gsize length = *line == '[' ? word_length(line + 1, "- ") : word_length(line, "-");
    const char *rest = *line == '[' ? line + 1 + length : line + length;
    g_autofree char *name = NULL;

    if (length == 0)
        return false;
    if (*line == '[') {
        if (strcmp(rest, "]") != 0)
            return false;
        *ret_ok = begin_section(self, g_strndup(line + 1, length));
        return true;
    }
    while (g_ascii_isspace(*rest))
        rest++;
    if (*rest != '=')
        return false;
    for (rest++; g_ascii_isspace(*rest);)
        rest++;
    name = g_strndup(line, length);
    if ((*ret_ok = check_in_section(self))) {
        self->plain = rest;
        *ret_ok = read_key(self, name);
        self->plain = NULL;
    }
    return true;
}

/* The line is neither empty nor a comment. */
static bool read_line(KeyFileReader *self, const char *line)
{
    bool is_section = *line == '[', ok;
    GKeyFile *shared = self->value;
    g_autoptr(GKeyFile) file = NULL;
    g_autofree char *in_section = NULL;
    g_auto(GStrv) keys = NULL;

    if (read_plain_line(self, line, &ok))
        return ok;
    file = g_key_file_new();
    in_section = is_section ? NULL : g_strconcat("[" LINE_SECTION "]\n", line, NULL);
    /* without the flag it would drop Name[de]= unseen */
    if (!g_key_file_load_from_data(file, is_section ? line : in_section, (gsize)-1,
                                   G_KEY_FILE_KEEP_TRANSLATIONS, NULL)) {
        key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION,
                               "expected [Section], Key=value or a comment after #");
        return lose(self);
    }
    if (is_section)
        return begin_section(self, g_key_file_get_start_group(file));
    if (!check_in_section(self))
        return false;
    keys = g_key_file_get_keys(file, LINE_SECTION, NULL, NULL);
    self->value = file;
    ok = read_key(self, keys[0]);
    self->value = shared;
    return ok;
}

/* As it stands in the text. */
static bool read_raw_line(KeyFileReader *self, char *line)
{
    if (!g_utf8_validate(line, -1, NULL)) {
        key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION, "expected UTF-8");
        return lose(self);
    }
    g_strstrip(line);
    if (self->line == 1)
        self->closes = g_str_equal(line, FIRST_LINE);
    self->closed |= g_str_equal(line, LAST_LINE);
    return !*line || *line == '#' || read_line(self, line);
}

/* A file system can lose the end of a file, and what is left may make sense. */
static bool check_closed(KeyFileReader *self)
{
    if (!self->closes || self->closed)
        return true;
    key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION,
                           "the end of the file is missing, which is a line \"" LAST_LINE "\"");
    return lose(self);
}

bool key_file_reader_read(KeyFileReader *self, const char *text)
{
    bool ok = true;

    self->value = g_key_file_new();
    for (const char *end; *text && (ok || self->keep_going); text = *end ? end + 1 : end) {
        g_autofree char *line = NULL;

        end = strchrnul(text, '\n');
        line = g_strndup(text, (gsize)(end - text));
        self->line++;
        ok &= read_raw_line(self, line);
    }
    if (ok || self->keep_going)
        ok &= check_closed(self);
    if (ok || self->keep_going)
        ok &= end_section(self);
    g_clear_pointer(&self->section, g_free);
    g_clear_pointer(&self->value, g_key_file_unref);
    return ok;
}

/* ------------------------------------------------------------------ one section alone */

typedef struct Only {
    const char *section;
    const KeyFileKey *keys;
    void *userdata;
} Only;

static const KeyFileKey *begin_only(KeyFileReader *self, const char *section, void *userdata)
{
    Only *only = userdata;
    g_autofree char *shown = NULL;

    self->keys_userdata = only->userdata;
    if (only->keys && g_str_equal(section, only->section))
        return g_steal_pointer(&only->keys);
    shown = key_file_reader_show(section);
    if (only->keys)
        key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION,
                               "unknown section %s, expected %s", shown, self->first);
    else
        key_file_reader_refuse(self, self->line, FERRY_ERROR_INVALID_OPTION,
                               "section %s: nothing may follow %s", shown, self->first);
    return NULL;
}

bool key_file_read_section(const char *section, const KeyFileKey *keys, const char *text, const char *path,
                           void *userdata, GError **error)
{
    g_autofree char *first = g_strdup_printf("[%s]", section);
    Only only = { .section = section, .keys = keys, .userdata = userdata };
    KeyFileReader reader = {
        .path = path, .first = first, .error = error, .begin = begin_only, .userdata = &only
    };

    if (!key_file_reader_read(&reader, text))
        return false;
    return !only.keys || key_file_reader_refuse(&reader, MAX(reader.line, 1), FERRY_ERROR_INVALID_OPTION,
                                                "expected %s somewhere in the file", first);
}

void key_file_read_damaged_section(const char *section, const KeyFileKey *keys, const char *text,
                                   const char *path, void *userdata)
{
    g_autofree char *first = g_strdup_printf("[%s]", section);
    Only only = { .section = section, .keys = keys, .userdata = userdata };
    KeyFileReader reader = {
        .path = path, .first = first, .begin = begin_only, .userdata = &only, .keep_going = true
    };

    (void)key_file_reader_read(&reader, text);
}
