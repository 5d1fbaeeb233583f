/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules as text: read with exact places for errors, and printed. Called wherever a rule comes in or goes out.
 * Pure. */

#include "daemon/rules/rule.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/rules/rule-terms.h"
#include "daemon/usb/socket.h"
#include "daemon/base/text.h"

#define HEX_DIGITS_OF_AN_ID   4
#define HEX_DIGITS_OF_A_CLASS 2
/* The kernel prints bus numbers with three digits. */
#define BUS_NUMBER_MAX 999
/* USB 3.2, 10.13.2.1: bNbrPorts is one byte. */
#define PORT_NUMBER_MAX 255
/* More than any USB will have, and short enough to be an int. */
#define SPEED_MAX 99999999

/* Moves over a decimal number of 1 to max without leading zeros. False with the place of the error. */
static bool skip_number(const char **at, unsigned max)
{
    unsigned number = 0;

    if (**at == '0' || !g_ascii_isdigit(**at))
        return false;
    for (; g_ascii_isdigit(**at); (*at)++) {
        number = number * 10 + (unsigned)g_ascii_digit_value(**at);
        if (number > max)
            return false;
    }
    return true;
}

/* Moves over "1.2.4". */
static bool skip_chain(const char **at)
{
    while (skip_number(at, PORT_NUMBER_MAX)) {
        if (**at != '.')
            return true;
        (*at)++;
    }
    return false;
}

static char *read_id(const char **at)
{
    const char *value = *at;
    gsize digits = 0;
    char id[] = "vvvv";

    if (strcmp(value, "*") == 0)
        return g_strdup(value);
    while (digits < HEX_DIGITS_OF_AN_ID && g_ascii_isxdigit(value[digits]))
        digits++;
    *at += digits;
    if (digits == 0 || value[digits])
        return NULL;
    *text_put_hex(id, (uint16_t)g_ascii_strtoull(value, NULL, 16)) = '\0';
    return g_strdup(id);
}

static char *read_text(const char **at)
{
    return g_strdup(*at);
}

static char *read_folded_text(const char **at)
{
    return text_fold(*at);
}

/* "cc:ss:pp", a part may be "*". */
static char *read_class_code(const char **at)
{
    g_autoptr(GString) code = g_string_new(NULL);

    for (const char *separator = "::"; true; separator++) {
        gsize digits = 0;

        while (digits < HEX_DIGITS_OF_A_CLASS && g_ascii_isxdigit((*at)[digits]))
            digits++;
        if (digits > 0) {
            g_string_append_printf(code, "%02x", (unsigned)g_ascii_strtoull(*at, NULL, 16));
            *at += digits;
        } else if (**at == '*') {
            g_string_append_c(code, *(*at)++);
        } else {
            return NULL;
        }
        if (**at != *separator)
            return NULL;
        if (!*separator)
            return g_string_free(g_steal_pointer(&code), FALSE);
        g_string_append_c(code, *(*at)++);
    }
}

/* "keyboard" is "hid-keyboard", as where a device is named. */
static char *read_class(const char **at)
{
    g_autofree char *folded = text_fold(*at);
    g_autofree char *of_hid = g_strconcat("hid-", folded, NULL);

    if (strchr(folded, ':'))
        return read_class_code(at);
    if (g_strv_contains(device_class_names(), folded))
        return g_steal_pointer(&folded);
    return g_strv_contains(device_class_names(), of_hid) ? g_steal_pointer(&of_hid) : NULL;
}

/* "pci-0000:00:14.0/1.2", ".../ss-1.2", ".../" for a root hub. */
static char *read_socket(const char **at)
{
    const char *value = *at;

    *at += strspn(*at, SOCKET_CONTROLLER_CHARACTERS);
    if (*at == value || **at != '/')
        return NULL;
    (*at)++;
    if (!**at)
        return g_strdup(value);
    if (g_str_has_prefix(*at, SOCKET_SUPERSPEED_PREFIX))
        *at += strlen(SOCKET_SUPERSPEED_PREFIX);
    return skip_chain(at) && !**at ? g_strdup(value) : NULL;
}

/* A socket, "3-1.2" or "3:1.2". */
static char *read_port(const char **at)
{
    const char *value = *at;
    gsize bus_length;

    if (strchr(value, '/'))
        return read_socket(at);
    if (!skip_number(at, BUS_NUMBER_MAX) || (**at != '-' && **at != ':'))
        return NULL;
    bus_length = (gsize)(*at - value);
    (*at)++;
    if (!skip_chain(at) || **at)
        return NULL;
    return g_strdup_printf("%.*s-%s", (int)bus_length, value, value + bus_length + 1);
}

static char *read_yes_no(const char **at)
{
    g_autofree char *folded = text_fold(*at);

    return strcmp(folded, "yes") == 0 || strcmp(folded, "no") == 0 ? g_steal_pointer(&folded) : NULL;
}

static char *read_speed(const char **at)
{
    const char *value = *at;

    return skip_number(at, SPEED_MAX) && !**at ? g_strdup(value) : NULL;
}

static const struct {
    /* The canonical value. NULL when there is none: *at is where it goes wrong. */
    char *(*read)(const char **at);
    const char *expected;
} values[_RULE_KEY_MAX] = {
    [RULE_KEY_VENDOR] = { read_id, "1 to 4 hex digits or *" },
    [RULE_KEY_PRODUCT] = { read_id, "1 to 4 hex digits or *" },
    [RULE_KEY_SERIAL] = { read_text, "a text" },
    [RULE_KEY_NAME] = { read_folded_text, "a text" },
    [RULE_KEY_MANUFACTURER] = { read_folded_text, "a text" },
    [RULE_KEY_CLASS] = { read_class, "the name of a class, such as keyboard or storage, or cc:ss:pp" },
    [RULE_KEY_PORT] = { read_port, "a socket, such as pci-0000:00:14.0/1.2, or BUS-PORT" },
    [RULE_KEY_HUB] = { read_port, "a socket, such as pci-0000:00:14.0/1.2, or BUS-PORT" },
    [RULE_KEY_CONTROLLER] = { read_folded_text, "a text" },
    [RULE_KEY_NODE] = { read_folded_text, "a text" },
    [RULE_KEY_REMOVABLE] = { read_yes_no, "yes or no" },
    [RULE_KEY_SPEED] = { read_speed, "a number of Mbit/s" },
};

bool rule_port_is_valid(const char *port)
{
    g_autofree char *canonical = read_port(&port);

    return canonical != NULL;
}

/* The text being read. */
typedef struct Reader {
    const char *text;
    const char *at;
    GError **error;
} Reader;

static bool expected(Reader *reader, const char *what)
{
    g_set_error(reader->error, FERRY_ERROR, FERRY_ERROR_INVALID_RULE, "rule, column %ld: expected %s",
                g_utf8_pointer_to_offset(reader->text, reader->at) + 1, what);
    return false;
}

/* Once for the whole text, so that everything after can rely on it. */
static bool check_characters(Reader *reader)
{
    if (text_is_clean(reader->text) && strlen(reader->text) <= RULE_TEXT_MAX)
        return true;
    for (; *reader->at; reader->at = g_utf8_next_char(reader->at)) {
        gunichar c = g_utf8_get_char_validated(reader->at, -1);
        char character[sizeof("\xF4\x8F\xBF\xBF")] = { 0 };

        if (c == (gunichar)-1 || c == (gunichar)-2)
            return expected(reader, "UTF-8");
        if (g_utf8_next_char(reader->at) - reader->text > RULE_TEXT_MAX)
            return expected(reader, "the end, as a rule has at most " G_STRINGIFY(RULE_TEXT_MAX) " bytes");
        g_unichar_to_utf8(c, character);
        if (!text_is_clean(character))
            return expected(reader, "a printable character or a space");
    }
    reader->at = reader->text;
    return true;
}

static bool read_key(Reader *reader, RuleKey *ret_key, bool *ret_negated)
{
    gsize length = strspn(reader->at, "abcdefghijklmnopqrstuvwxyz");
    g_autofree char *name = g_strndup(reader->at, length);
    RuleKey key = rule_key_from_string(name);
    bool negated;

    if (key == _RULE_KEY_INVALID) {
        g_autoptr(GString) what = g_string_new("a key: ");

        for (int i = 0; i < _RULE_KEY_MAX; i++)
            g_string_append_printf(what, "%s%s",
                                   i == 0                   ? ""
                                   : i == _RULE_KEY_MAX - 1 ? " or "
                                                            : ", ",
                                   rule_key_to_string((RuleKey)i));
        return expected(reader, what->str);
    }
    reader->at += length;
    negated = *reader->at == '!';
    if (negated)
        reader->at++;
    if (*reader->at != '=')
        return expected(reader, negated ? "=" : "= or !=");
    reader->at++;
    *ret_key = key;
    *ret_negated = negated;
    return true;
}

/* What stands between the quotes, with \" undone and the other escapes kept. NULL on error. */
static char *read_quoted(Reader *reader)
{
    g_autoptr(GString) value = g_string_new(NULL);

    for (reader->at++; *reader->at != '"'; reader->at++) {
        if (!*reader->at) {
            expected(reader, "\" at the end of the value");
            return NULL;
        }
        if (*reader->at == '\\') {
            if (!reader->at[1] || !strchr("\"\\*?", reader->at[1])) {
                expected(reader, "\\\", \\\\, \\* or \\?, as a backslash means nothing else");
                return NULL;
            }
            if (*++reader->at != '"')
                g_string_append_c(value, '\\');
        }
        g_string_append_c(value, *reader->at);
    }
    reader->at++;
    if (*reader->at && *reader->at != ' ') {
        expected(reader, "a space");
        return NULL;
    }
    return g_string_free(g_steal_pointer(&value), FALSE);
}

static char *read_unquoted(Reader *reader)
{
    const char *start = reader->at;

    reader->at += strcspn(start, " \"\\");
    if (*reader->at && *reader->at != ' ') {
        expected(reader, "no quote or backslash in a value without quotes around it");
        return NULL;
    }
    if (reader->at == start) {
        expected(reader, "a value, or \"\" for none");
        return NULL;
    }
    return g_strndup(start, (gsize)(reader->at - start));
}

static bool read_term(Reader *reader, Rule *rule)
{
    RuleKey key;
    bool negated, quoted;
    const char *start, *wrong;
    g_autofree char *value = NULL, *canonical = NULL;

    if (!read_key(reader, &key, &negated))
        return false;
    quoted = *reader->at == '"';
    start = reader->at + (quoted ? 1 : 0);
    value = quoted ? read_quoted(reader) : read_unquoted(reader);
    if (!value)
        return false;

    wrong = value;
    canonical = values[key].read(&wrong);
    if (!canonical) {
        /* only values of text keys get past an escape, so that value and text are the same up to here */
        reader->at = start + (wrong - value);
        return expected(reader, values[key].expected);
    }
    rule_add(rule, key, negated, g_steal_pointer(&canonical));
    return true;
}

Rule *rule_parse(const char *text, GError **error)
{
    Reader reader = { text, text, error };
    g_autoptr(Rule) rule = rule_new();
    g_autofree char *canonical = NULL;

    g_return_val_if_fail(text, NULL);

    if (!check_characters(&reader))
        return NULL;
    do {
        reader.at += strspn(reader.at, " ");
        /* no key at all is no rule: a forgotten value must not mean "every device" */
        if ((*reader.at || rule->terms->len == 0) && !read_term(&reader, rule))
            return NULL;
    } while (*reader.at);
    rule_settle(rule);

    /* Digits, quotes and small letters make it less than twice as long. */
    if (strlen(text) <= RULE_TEXT_MAX / 2)
        return g_steal_pointer(&rule);
    canonical = rule_print(rule);
    if (strlen(canonical) > RULE_TEXT_MAX) {
        expected(&reader, "less, as the rule with all its digits and quotes has more than " G_STRINGIFY(
                              RULE_TEXT_MAX) " bytes");
        return NULL;
    }
    return g_steal_pointer(&rule);
}

char *rule_print(const Rule *rule)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < rule->terms->len; i++) {
        const RuleTerm *term = &g_array_index(rule->terms, RuleTerm, i);
        bool quote = !*term->value || strpbrk(term->value, " \"\\");

        if (i > 0)
            g_string_append_c(text, ' ');
        g_string_append(text, rule_key_to_string(term->key));
        g_string_append(text, term->negated ? "!=" : "=");
        if (quote)
            g_string_append_c(text, '"');
        for (const char *c = term->value; *c; c++) {
            if (*c == '"')
                g_string_append_c(text, '\\');
            g_string_append_c(text, *c);
        }
        if (quote)
            g_string_append_c(text, '"');
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
