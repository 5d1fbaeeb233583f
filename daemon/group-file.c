/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups as text. GKeyFile knows what a line means, but not which line a value came from, and it drops or
 * merges without a word what stands twice. So every line is given to it on its own. */

#include "daemon/group.h"

#include <limits.h>
#include <string.h>

#include "daemon/error.h"
#include "daemon/text.h"

#define GROUP_SECTION       "Group"
#define RULE_SECTION_PREFIX "Rule "
/* What a line with a key stands in while it is read. */
#define LINE_SECTION "-"
/* How much of an unknown word goes into a message. */
#define SHOWN_BYTES_MAX 64

typedef struct Reader {
    const char *path;
    unsigned line;
    GError **error;
    Group *group;
    bool from_drop_in;

    /* the section that the line is in */
    unsigned section_line; /* 0 = none yet */
    GroupRule *rule;       /* NULL = [Group] */
    unsigned seen;         /* its keys so far, one bit each */

    bool group_seen;
    uint32_t next_rule_id; /* as it stands there, 0 = it doesn't */
} Reader;

G_GNUC_PRINTF(4, 5)
static bool refuse(const Reader *reader, unsigned line, FerryError code, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(reader->error, FERRY_ERROR, code, "%s:%u: %s", reader->path, line, message);
    return false;
}

static char *shown(const char *text)
{
    g_autofree char *clean = text_sanitize(text, SHOWN_BYTES_MAX);

    return text_quote(clean);
}

static bool refuse_value(const Reader *reader, FerryError code, const char *key, const char *value,
                         const char *expected)
{
    g_autofree char *value_shown = shown(value);

    return refuse(reader, reader->line, code, "%s: %s is not %s", key, value_shown, expected);
}

static bool read_text(const Reader *reader, GKeyFile *line, const char *key, char **text)
{
    g_autoptr(GError) error = NULL;
    /* gives back something in any case */
    g_autofree char *unescaped = g_key_file_get_string(line, LINE_SECTION, key, &error);

    if (error) {
        g_autofree char *raw = g_key_file_get_value(line, LINE_SECTION, key, NULL);

        return refuse_value(reader, FERRY_ERROR_INVALID_OPTION, key, raw,
                            "a text, in which \\s, \\n, \\t, \\r and \\\\ are all escapes");
    }
    g_free(*text);
    /* What was checked when it was given comes back as it was. */
    *text = strlen(unescaped) <= TEXT_MAX && text_is_clean(unescaped) ? g_strdup(unescaped)
                                                                      : text_sanitize(unescaped, TEXT_MAX);
    return true;
}

static bool read_flag(const Reader *reader, GKeyFile *line, const char *key, bool *flag)
{
    g_autoptr(GError) error = NULL;
    bool value = g_key_file_get_boolean(line, LINE_SECTION, key, &error);

    if (error) {
        g_autofree char *raw = g_key_file_get_value(line, LINE_SECTION, key, NULL);

        return refuse_value(reader, FERRY_ERROR_INVALID_OPTION, key, raw, "true or false");
    }
    *flag = value;
    return true;
}

static bool read_name(Reader *reader, GKeyFile *line, const char *key)
{
    g_autofree char *name = g_key_file_get_value(line, LINE_SECTION, key, NULL);

    if (!group_name_is_valid(name) && (reader->from_drop_in || !group_name_is_tenants(name, NULL)))
        return refuse_value(reader, FERRY_ERROR_INVALID_NAME, key, name,
                            "a group's name, which is 1 to " G_STRINGIFY(GROUP_NAME_MAX) " of A-Za-z0-9._-");
    g_free(reader->group->name);
    reader->group->name = g_steal_pointer(&name);
    g_clear_pointer(&reader->group->tenant, g_free);
    (void)group_name_is_tenants(reader->group->name, &reader->group->tenant);
    return true;
}

static bool read_description(Reader *reader, GKeyFile *line, const char *key)
{
    return read_text(reader, line, key, &reader->group->description);
}

static bool read_class(Reader *reader, GKeyFile *line, const char *key)
{
    g_autofree char *name = g_key_file_get_value(line, LINE_SECTION, key, NULL);
    GroupClass value = group_class_from_string(name);

    if (value == _GROUP_CLASS_INVALID) {
        g_autoptr(GString) expected = g_string_new("one of");

        for (int i = 0; i < _GROUP_CLASS_MAX; i++)
            g_string_append_printf(expected, "%s %s", i > 0 ? "," : "", group_class_to_string((GroupClass)i));
        return refuse_value(reader, FERRY_ERROR_INVALID_OPTION, key, name, expected->str);
    }
    reader->group->class_value = value;
    return true;
}

static bool read_enabled(Reader *reader, GKeyFile *line, const char *key)
{
    return read_flag(reader, line, key, &reader->group->enabled);
}

static bool read_allow_guest_reset(Reader *reader, GKeyFile *line, const char *key)
{
    return read_flag(reader, line, key, &reader->group->allow_guest_reset);
}

static bool read_allow_guest_resets_all(Reader *reader, GKeyFile *line, const char *key)
{
    return read_flag(reader, line, key, &reader->group->allow_guest_resets_all);
}

static bool read_priority(Reader *reader, GKeyFile *line, const char *key)
{
    g_autofree char *text = g_key_file_get_value(line, LINE_SECTION, key, NULL);
    gint64 value;

    if (!g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, &value, NULL))
        return refuse_value(reader, FERRY_ERROR_INVALID_OPTION, key, text, "a number of 32 bits");
    reader->group->priority = (int32_t)value;
    return true;
}

static bool read_next_rule(Reader *reader, GKeyFile *line, const char *key)
{
    g_autofree char *text = g_key_file_get_value(line, LINE_SECTION, key, NULL);
    guint64 value;

    if (!g_ascii_string_to_unsigned(text, 10, 1, (guint64)GROUP_RULE_ID_MAX + 1, &value, NULL))
        return refuse_value(reader, FERRY_ERROR_INVALID_OPTION, key, text, "a number that a rule can have");
    reader->next_rule_id = (uint32_t)value;
    return true;
}

static bool read_match(Reader *reader, GKeyFile *line, const char *key)
{
    g_autofree char *text = g_key_file_get_value(line, LINE_SECTION, key, NULL);
    g_autoptr(GError) error = NULL;

    reader->rule->rule = rule_parse(text, &error);
    if (!reader->rule->rule)
        return refuse(reader, reader->line, FERRY_ERROR_INVALID_RULE, "%s", error->message);
    reader->rule->text = rule_print(reader->rule->rule);
    return true;
}

static bool read_rule_enabled(Reader *reader, GKeyFile *line, const char *key)
{
    return read_flag(reader, line, key, &reader->rule->enabled);
}

static bool read_origin(Reader *reader, GKeyFile *line, const char *key)
{
    g_autofree char *origin = NULL;

    if (!read_text(reader, line, key, &origin))
        return false;
    if (!g_str_equal(origin, GROUP_ORIGIN_ADMIN) && !g_str_has_prefix(origin, "auto:") &&
        !g_str_has_prefix(origin, "file:"))
        return refuse_value(reader, FERRY_ERROR_INVALID_OPTION, key, origin,
                            GROUP_ORIGIN_ADMIN ", auto:… or file:…");
    if (!reader->from_drop_in) {
        g_free(reader->rule->origin);
        reader->rule->origin = g_steal_pointer(&origin);
    }
    return true;
}

typedef struct Key {
    const char *name;
    bool (*read)(Reader *reader, GKeyFile *line, const char *key);
} Key;

/* The first one of each must be there. */
static const Key group_keys[] = {
    { "Name", read_name },
    { "Description", read_description },
    { "Class", read_class },
    { "Enabled", read_enabled },
    { "AllowGuestReset", read_allow_guest_reset },
    { "AllowGuestResetsAll", read_allow_guest_resets_all },
    { "Priority", read_priority },
    { "NextRule", read_next_rule },
    { NULL, NULL },
};

static const Key rule_keys[] = {
    { "Match", read_match },
    { "Enabled", read_rule_enabled },
    { "Origin", read_origin },
    { NULL, NULL },
};

static bool end_section(Reader *reader)
{
    if (reader->section_line == 0 || (reader->seen & 1))
        return true;
    if (reader->rule)
        return refuse(reader, reader->section_line, FERRY_ERROR_INVALID_OPTION,
                      "[" RULE_SECTION_PREFIX "%" G_GUINT32_FORMAT "] has no Match", reader->rule->id);
    return refuse(reader, reader->section_line, FERRY_ERROR_INVALID_OPTION,
                  "[" GROUP_SECTION "] has no Name");
}

/* The id of "Rule 12", 0 when it is something else. */
static uint32_t rule_section_id(const char *section)
{
    const char *digits = section + strlen(RULE_SECTION_PREFIX);
    guint64 id;

    if (!g_str_has_prefix(section, RULE_SECTION_PREFIX) || !g_ascii_isdigit(*digits) || *digits == '0')
        return 0;
    return g_ascii_string_to_unsigned(digits, 10, 1, GROUP_RULE_ID_MAX, &id, NULL) ? (uint32_t)id : 0;
}

static bool begin_rule(Reader *reader, uint32_t id)
{
    GPtrArray *rules = reader->group->rules;
    GroupRule *rule;
    guint at = rules->len;

    while (at > 0 && ((GroupRule *)rules->pdata[at - 1])->id > id)
        at--;
    if (at > 0 && ((GroupRule *)rules->pdata[at - 1])->id == id)
        return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                      "[" RULE_SECTION_PREFIX "%" G_GUINT32_FORMAT "] is already there", id);
    if (rules->len >= GROUP_RULES_MAX)
        return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                      "a group has at most " G_STRINGIFY(GROUP_RULES_MAX) " rules");

    rule = g_new0(GroupRule, 1);
    rule->id = id;
    rule->enabled = true;
    rule->origin =
        reader->from_drop_in ? g_strconcat("file:", reader->path, NULL) : g_strdup(GROUP_ORIGIN_ADMIN);
    g_ptr_array_insert(rules, (gint)at, rule);
    reader->rule = rule;
    return true;
}

static bool begin_section(Reader *reader, const char *section)
{
    uint32_t id = rule_section_id(section);

    if (!end_section(reader))
        return false;
    reader->section_line = reader->line;
    reader->seen = 0;
    reader->rule = NULL;
    if (id > 0)
        return begin_rule(reader, id);
    if (!g_str_equal(section, GROUP_SECTION)) {
        g_autofree char *section_shown = shown(section);

        return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                      "unknown section %s, expected [" GROUP_SECTION "] or [" RULE_SECTION_PREFIX
                      "N] with N from 1",
                      section_shown);
    }
    if (reader->group_seen)
        return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                      "[" GROUP_SECTION "] is already there: one file holds one group");
    reader->group_seen = true;
    return true;
}

static bool refuse_key(const Reader *reader, const Key *keys, const char *name)
{
    g_autofree char *name_shown = shown(name);
    g_autoptr(GString) expected = g_string_new(NULL);

    for (const Key *key = keys; key->name; key++)
        g_string_append_printf(expected, "%s%s", key > keys ? ", " : "", key->name);
    return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION, "unknown key %s, expected one of %s",
                  name_shown, expected->str);
}

static bool read_key(Reader *reader, GKeyFile *line, const char *name)
{
    const Key *keys = reader->rule ? rule_keys : group_keys;

    if (reader->section_line == 0)
        return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                      "expected [" GROUP_SECTION "] before the first key");
    for (unsigned i = 0; keys[i].name; i++) {
        if (!g_str_equal(keys[i].name, name))
            continue;
        if (reader->seen & (1u << i))
            return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                          "%s is already there in this section", name);
        reader->seen |= 1u << i;
        return keys[i].read(reader, line, name);
    }
    return refuse_key(reader, keys, name);
}

/* The line is neither empty nor a comment. */
static bool read_line(Reader *reader, const char *line)
{
    bool is_section = *line == '[';
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *in_section = is_section ? NULL : g_strconcat("[" LINE_SECTION "]\n", line, NULL);
    g_autofree char *section = NULL;
    g_auto(GStrv) keys = NULL;

    /* without the flag it would drop Name[de]= unseen */
    if (!g_key_file_load_from_data(file, is_section ? line : in_section, (gsize)-1,
                                   G_KEY_FILE_KEEP_TRANSLATIONS, NULL))
        return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                      "expected [Section], Key=value or a comment after #");
    section = g_key_file_get_start_group(file);
    if (is_section)
        return begin_section(reader, section);
    keys = g_key_file_get_keys(file, LINE_SECTION, NULL, NULL);
    return read_key(reader, file, keys[0]);
}

static bool read_lines(Reader *reader, const char *text)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        g_autofree char *line = NULL;

        end = strchrnul(text, '\n');
        line = g_strndup(text, (gsize)(end - text));
        reader->line++;
        if (!g_utf8_validate(line, -1, NULL))
            return refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION, "expected UTF-8");
        g_strstrip(line);
        if (*line && *line != '#' && !read_line(reader, line))
            return false;
    }
    if (!reader->group_seen)
        return refuse(reader, MAX(reader->line, 1), FERRY_ERROR_INVALID_OPTION,
                      "expected [" GROUP_SECTION "] somewhere in the file");
    return end_section(reader);
}

/* One more than the last rule's. */
static uint32_t following_id(const Group *group)
{
    const GPtrArray *rules = group->rules;

    return rules->len > 0 ? ((const GroupRule *)rules->pdata[rules->len - 1])->id + 1 : 1;
}

Group *group_from_text(const char *text, const char *path, bool from_drop_in, GError **error)
{
    g_autoptr(Group) group = group_new("");
    g_autofree char *clean_path = text_sanitize(path, PATH_MAX);
    Reader reader = { .path = clean_path, .error = error, .group = group, .from_drop_in = from_drop_in };

    g_return_val_if_fail(text, NULL);

    if (!read_lines(&reader, text))
        return NULL;
    group->next_rule_id = MAX(reader.next_rule_id, following_id(group));
    if (from_drop_in)
        group->file = g_steal_pointer(&clean_path);
    return g_steal_pointer(&group);
}

static void set_flag(GKeyFile *file, const char *section, const char *key, bool value, bool usual)
{
    if (value != usual)
        g_key_file_set_boolean(file, section, key, value);
}

char *group_to_text(const Group *group)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    /* what is as usual isn't written: the file says what somebody decided */
    g_key_file_set_string(file, GROUP_SECTION, "Name", group->name);
    if (*group->description)
        g_key_file_set_string(file, GROUP_SECTION, "Description", group->description);
    if (group->class_value != GROUP_CLASS_GENERIC)
        g_key_file_set_string(file, GROUP_SECTION, "Class", group_class_to_string(group->class_value));
    set_flag(file, GROUP_SECTION, "Enabled", group->enabled, true);
    set_flag(file, GROUP_SECTION, "AllowGuestReset", group->allow_guest_reset, false);
    set_flag(file, GROUP_SECTION, "AllowGuestResetsAll", group->allow_guest_resets_all, false);
    if (group->priority != 0)
        g_key_file_set_integer(file, GROUP_SECTION, "Priority", group->priority);
    if (group->next_rule_id != following_id(group))
        g_key_file_set_uint64(file, GROUP_SECTION, "NextRule", group->next_rule_id);

    for (guint i = 0; i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];
        g_autofree char *section = g_strdup_printf(RULE_SECTION_PREFIX "%" G_GUINT32_FORMAT, rule->id);

        g_key_file_set_value(file, section, "Match", rule->text);
        set_flag(file, section, "Enabled", rule->enabled, true);
        if (!group->file && !g_str_equal(rule->origin, GROUP_ORIGIN_ADMIN))
            g_key_file_set_string(file, section, "Origin", rule->origin);
    }
    return g_key_file_to_data(file, NULL, NULL);
}
