/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups as text: read with the line of what is wrong, and printed. */

#include "daemon/config/group-text.h"

#include <limits.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"

#define RULE_SECTION_PREFIX "Rule "

static bool read_name(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;
    g_autofree char *name = key_file_reader_value(reader);

    if (!group_name_is_valid(name) && (into->from_drop_in || !group_name_is_tenants(name, NULL)))
        return key_file_reader_refuse_value(
            reader, FERRY_ERROR_INVALID_NAME,
            "a group's name, which is 1 to " G_STRINGIFY(GROUP_NAME_MAX) " of A-Za-z0-9._-");
    g_free(into->group->name);
    into->group->name = g_steal_pointer(&name);
    g_clear_pointer(&into->group->tenant, g_free);
    (void)group_name_is_tenants(into->group->name, &into->group->tenant);
    return true;
}

static bool read_description(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;

    return key_file_reader_text(reader, &into->group->description);
}

static bool read_class(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;
    g_autofree char *name = key_file_reader_value(reader);
    GroupClass value = group_class_from_string(name);

    if (value == _GROUP_CLASS_INVALID) {
        g_autoptr(GString) expected = g_string_new("one of");

        for (int i = 0; i < _GROUP_CLASS_MAX; i++)
            g_string_append_printf(expected, "%s %s", i > 0 ? "," : "", group_class_to_string((GroupClass)i));
        return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_OPTION, expected->str);
    }
    into->group->class_value = value;
    return true;
}

static bool read_enabled(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;

    return key_file_reader_flag(reader, &into->group->enabled);
}

static bool read_allow_guest_reset(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;

    return key_file_reader_flag(reader, &into->group->allow_guest_reset);
}

static bool read_allow_guest_resets_all(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;

    return key_file_reader_flag(reader, &into->group->allow_guest_resets_all);
}

static bool read_priority(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;

    return key_file_reader_number(reader, &into->group->priority);
}

static bool read_next_rule(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;
    g_autofree char *text = key_file_reader_value(reader);
    guint64 value;

    if (!g_ascii_string_to_unsigned(text, 10, 1, (guint64)GROUP_RULE_ID_MAX + 1, &value, NULL))
        return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_OPTION,
                                            "a number that a rule can have");
    into->next_rule_id = (uint32_t)value;
    return true;
}

static bool read_match(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;
    g_autofree char *text = key_file_reader_value(reader);
    g_autoptr(GError) error = NULL;

    into->rule->rule = rule_parse(text, &error);
    if (!into->rule->rule)
        return key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_RULE, "%s", error->message);
    into->rule->text = rule_print(into->rule->rule);
    return true;
}

static bool read_rule_enabled(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;

    return key_file_reader_flag(reader, &into->rule->enabled);
}

static bool read_origin(KeyFileReader *reader, void *userdata)
{
    GroupReader *into = userdata;
    g_autofree char *origin = NULL;

    if (!key_file_reader_text(reader, &origin))
        return false;
    if (!g_str_equal(origin, GROUP_ORIGIN_ADMIN) && !g_str_has_prefix(origin, "auto:") &&
        !g_str_has_prefix(origin, "file:"))
        return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_OPTION,
                                            GROUP_ORIGIN_ADMIN ", auto:… or file:…");
    if (!into->from_drop_in) {
        g_free(into->rule->origin);
        into->rule->origin = g_steal_pointer(&origin);
    }
    return true;
}

static const KeyFileKey group_keys[] = {
    { "Name", read_name, true },
    { "Description", read_description },
    { "Class", read_class },
    { "Enabled", read_enabled },
    { "AllowGuestReset", read_allow_guest_reset },
    { "AllowGuestResetsAll", read_allow_guest_resets_all },
    { "Priority", read_priority },
    { "NextRule", read_next_rule },
    {},
};

static const KeyFileKey rule_keys[] = {
    { "Match", read_match, true },
    { "Enabled", read_rule_enabled },
    { "Origin", read_origin },
    {},
};

bool group_reader_is_rule(const char *section)
{
    return g_str_has_prefix(section, RULE_SECTION_PREFIX);
}

/* The id of "Rule 12", 0 when it is something else. */
static uint32_t rule_section_id(const char *section)
{
    const char *digits = section + strlen(RULE_SECTION_PREFIX);
    guint64 id;

    if (!group_reader_is_rule(section) || !g_ascii_isdigit(*digits) || *digits == '0')
        return 0;
    return g_ascii_string_to_unsigned(digits, 10, 1, GROUP_RULE_ID_MAX, &id, NULL) ? (uint32_t)id : 0;
}

static bool begin_rule(GroupReader *into, KeyFileReader *reader, uint32_t id)
{
    GPtrArray *rules = into->group->rules;
    GroupRule *rule;
    guint at = rules->len;

    while (at > 0 && ((GroupRule *)rules->pdata[at - 1])->id > id)
        at--;
    if (at > 0 && ((GroupRule *)rules->pdata[at - 1])->id == id)
        return key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                                      "[" RULE_SECTION_PREFIX "%" G_GUINT32_FORMAT "] is already there", id);
    if (rules->len >= GROUP_RULES_MAX)
        return key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                                      "a group has at most " G_STRINGIFY(GROUP_RULES_MAX) " rules");

    rule = g_new0(GroupRule, 1);
    rule->id = id;
    rule->enabled = true;
    rule->origin =
        into->from_drop_in ? g_strconcat("file:", reader->path, NULL) : g_strdup(GROUP_ORIGIN_ADMIN);
    g_ptr_array_insert(rules, (gint)at, rule);
    into->rule = rule;
    return true;
}

const KeyFileKey *group_reader_begin(GroupReader *into, KeyFileReader *reader, const char *section)
{
    uint32_t id = rule_section_id(section);

    reader->keys_userdata = into;
    if (id > 0)
        return begin_rule(into, reader, id) ? rule_keys : NULL;
    if (!g_str_equal(section, GROUP_SECTION)) {
        g_autofree char *section_shown = key_file_reader_show(section);

        key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                               "unknown section %s, expected %s or [" RULE_SECTION_PREFIX "N] with N from 1",
                               section_shown, reader->first);
        return NULL;
    }
    if (into->seen) {
        key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                               "[" GROUP_SECTION "] is already there: one file holds one group");
        return NULL;
    }
    into->seen = true;
    return group_keys;
}

/* One more than the last rule's. */
static uint32_t following_id(const Group *group)
{
    const GPtrArray *rules = group->rules;

    return rules->len > 0 ? ((const GroupRule *)rules->pdata[rules->len - 1])->id + 1 : 1;
}

void group_reader_end(GroupReader *into)
{
    into->group->next_rule_id = MAX(into->next_rule_id, following_id(into->group));
}

static const KeyFileKey *begin_section(KeyFileReader *reader, const char *section, void *userdata)
{
    return group_reader_begin(userdata, reader, section);
}

Group *group_from_text(const char *text, const char *path, bool from_drop_in, GError **error)
{
    g_autoptr(Group) group = group_new("");
    g_autofree char *clean_path = text_sanitize(path, PATH_MAX);
    GroupReader into = { .group = group, .from_drop_in = from_drop_in };
    KeyFileReader reader = {
        .path = clean_path,
        .first = "[" GROUP_SECTION "]",
        .error = error,
        .begin = begin_section,
        .userdata = &into,
    };

    g_return_val_if_fail(text, NULL);

    if (!key_file_reader_read(&reader, text))
        return NULL;
    if (!into.seen) {
        key_file_reader_refuse(&reader, MAX(reader.line, 1), FERRY_ERROR_INVALID_OPTION,
                               "expected [" GROUP_SECTION "] somewhere in the file");
        return NULL;
    }
    group_reader_end(&into);
    if (from_drop_in)
        group->file = g_steal_pointer(&clean_path);
    return g_steal_pointer(&group);
}

/* False when there were some that can't be read. */
static bool drop_unread_rules(Group *group)
{
    guint before = group->rules->len;

    for (guint i = before; i-- > 0;)
        if (!((const GroupRule *)group->rules->pdata[i])->rule)
            g_ptr_array_remove_index(group->rules, i);
    return group->rules->len == before;
}

Group *group_from_damaged_text(const char *name, const char *text, const char *path, const char *why)
{
    Group *group = group_new(""), *named = NULL;
    GroupReader into = { .group = group };
    KeyFileReader reader = {
        .path = path,
        .first = "[" GROUP_SECTION "]",
        .begin = begin_section,
        .userdata = &into,
        .keep_going = true,
    };

    (void)key_file_reader_read(&reader, text);
    group->rules_lost = !drop_unread_rules(group) || reader.lost || !into.seen;
    group_reader_end(&into);
    /* Whatever stands there: its file is the one of this name. */
    named = group_new(name);
    g_free(group->name);
    g_free(group->tenant);
    group->name = g_steal_pointer(&named->name);
    group->tenant = g_steal_pointer(&named->tenant);
    group_free(named);
    group->damage = g_strdup(why);
    g_free(group->description);
    group->description = g_strdup_printf("Damaged: %s", why);
    return group;
}

char *group_to_text(const Group *group)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    /* what is as usual isn't written: the file says what somebody decided */
    g_key_file_set_string(file, GROUP_SECTION, "Name", group->name);
    if (*group->description)
        key_file_reader_set_text(file, GROUP_SECTION, "Description", group->description);
    if (group->class_value != GROUP_CLASS_GENERIC)
        g_key_file_set_string(file, GROUP_SECTION, "Class", group_class_to_string(group->class_value));
    key_file_reader_set_flag(file, GROUP_SECTION, "Enabled", group->enabled, true);
    key_file_reader_set_flag(file, GROUP_SECTION, "AllowGuestReset", group->allow_guest_reset, false);
    key_file_reader_set_flag(file, GROUP_SECTION, "AllowGuestResetsAll", group->allow_guest_resets_all,
                             false);
    if (group->priority != 0)
        g_key_file_set_integer(file, GROUP_SECTION, "Priority", group->priority);
    if (group->next_rule_id != following_id(group))
        g_key_file_set_uint64(file, GROUP_SECTION, "NextRule", group->next_rule_id);

    for (guint i = 0; i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];
        g_autofree char *section = g_strdup_printf(RULE_SECTION_PREFIX "%" G_GUINT32_FORMAT, rule->id);

        g_key_file_set_value(file, section, "Match", rule->text);
        key_file_reader_set_flag(file, section, "Enabled", rule->enabled, true);
        if (!group->file && !g_str_equal(rule->origin, GROUP_ORIGIN_ADMIN))
            key_file_reader_set_text(file, section, "Origin", rule->origin);
    }
    return g_key_file_to_data(file, NULL, NULL);
}
