/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls for groups, and their properties as text. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/group-calls.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* As the service reads it. */
#define FOLDERS_VARIABLE "FERRY_GROUPS_PATH"

static const char *const folder_names[] = { "lib", "etc" };
static char *folders; /* of this test */

int groups_setup(void **state)
{
    g_autofree char *path = NULL;

    folders = g_dir_make_tmp("ferry-groups-XXXXXX", NULL);
    assert_non_null(folders);
    for (gsize i = 0; i < G_N_ELEMENTS(folder_names); i++) {
        g_autofree char *folder = g_build_filename(folders, folder_names[i], NULL);

        assert_int_equal(g_mkdir(folder, 0755), 0);
    }
    path = g_strdup_printf("%s/lib:%s/etc", folders, folders);
    assert_true(g_setenv(FOLDERS_VARIABLE, path, TRUE));
    return fixture_setup(state);
}

int groups_teardown(void **state)
{
    int r = fixture_teardown(state);

    for (gsize i = 0; i < G_N_ELEMENTS(folder_names); i++) {
        g_autofree char *folder = g_build_filename(folders, folder_names[i], NULL);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
            g_autofree char *file = g_build_filename(folder, name, NULL);

            g_unlink(file);
        }
        g_rmdir(folder);
    }
    g_rmdir(folders);
    g_clear_pointer(&folders, g_free);
    g_unsetenv(FOLDERS_VARIABLE);
    return r;
}

char *groups_drop_in(const char *folder, const char *name, const char *text)
{
    char *path = g_build_filename(folders, folder, name, NULL);

    if (text)
        assert_true(g_file_set_contents(path, text, -1, NULL));
    else
        assert_int_equal(g_unlink(path), 0);
    return path;
}

void groups_plug(Fixture *fixture, const char *sysname, const char *ids, const char *serial)
{
    g_autofree char *path = fixture_device_path(sysname);
    g_auto(GStrv) parts = g_strsplit(ids, ":", 2);
    g_autofree char *name = g_strdup_printf("Device %s", ids);

    fixture_plug(fixture, sysname, parts[0], parts[1], serial, name);
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

char *group_path(const char *name)
{
    char *encoded = NULL;
    char *path;

    assert_true(sd_bus_path_encode(FERRY_PATH_GROUP_PREFIX, name, &encoded) >= 0);
    path = g_strdup(encoded);
    free(encoded);
    return path;
}

/* The path in an answer, which it frees. */
static char *take_path(sd_bus_message *reply)
{
    const char *path = NULL;
    char *copy;

    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

char *group_create(Fixture *fixture, const char *name)
{
    return take_path(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}", name, 0));
}

char *group_create_with(Fixture *fixture, const char *name, const char *rule)
{
    char *group = group_create(fixture, name);

    group_add_rule(fixture, group, rule);
    return group;
}

uint32_t group_add_rule(Fixture *fixture, const char *group, const char *rule)
{
    sd_bus_message *reply =
        fixture_call_ok(fixture, group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}", rule, 0);
    uint32_t id = 0;

    assert_true(sd_bus_message_read(reply, "u", &id) >= 0);
    sd_bus_message_unref(reply);
    return id;
}

char *group_assign(Fixture *fixture, const char *group, const char *uuid, const char *quantity,
                   const char *selector)
{
    g_autofree char *machine = fixture_machine_path(uuid);

    return take_path(fixture_call_ok(fixture, group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", machine, 2,
                                     "Quantity", "s", quantity ? quantity : "1", "Selector", "s",
                                     selector ? selector : ""));
}

void group_call(Fixture *fixture, const char *group, const char *member, const char *types, ...)
{
    sd_bus_message *message = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    va_list arguments;

    assert_true(sd_bus_message_new_method_call(fixture->bus, &message, FERRY_BUS_NAME, group,
                                               FERRY_INTERFACE_GROUP, member) >= 0);
    va_start(arguments, types);
    assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    va_end(arguments);
    if (sd_bus_call(fixture->bus, message, 0, &error, NULL) < 0) {
        fixture_print_log(fixture);
        fail_msg("%s on %s: %s: %s", member, group, error.name, error.message);
    }
    sd_bus_message_unref(message);
}

/* ------------------------------------------------------------------ arrays as text */

static void append_id(GString *text, const char *path)
{
    static const char *const prefixes[] = { FERRY_PATH_DEVICE_PREFIX, FERRY_PATH_MACHINE_PREFIX,
                                            FERRY_PATH_GROUP_PREFIX, FERRY_PATH_ASSIGNMENT_PREFIX,
                                            FERRY_PATH_TENANT_PREFIX };

    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        char *id = NULL;

        if (sd_bus_path_decode(path, prefixes[i], &id) > 0) {
            g_string_append(text, id);
            free(id);
            return;
        }
    }
    g_string_append(text, path);
}

static void append_basic(GString *text, sd_bus_message *message, char type)
{
    union {
        const char *string;
        int boolean;
        uint32_t u32;
    } value = { .string = NULL };

    assert_true(sd_bus_message_read_basic(message, type, &value) > 0);
    if (type == 'o')
        append_id(text, value.string);
    else if (type == 's')
        g_string_append(text, value.string);
    else if (type == 'b')
        g_string_append(text, value.boolean ? "true" : "false");
    else if (type == 'u')
        g_string_append_printf(text, "%u", value.u32);
    else
        fail_msg("no text for a value of type %c", type);
}

static void append_member(GString *text, sd_bus_message *message, char type, const char *contents)
{
    if (type != SD_BUS_TYPE_STRUCT) {
        append_basic(text, message, type);
        return;
    }
    assert_true(sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, contents) > 0);
    for (const char *part = contents; *part; part++) {
        if (part > contents)
            g_string_append_c(text, ' ');
        append_basic(text, message, *part);
    }
    assert_true(sd_bus_message_exit_container(message) > 0);
}

char *read_list(sd_bus_message *message)
{
    GString *text = g_string_new(NULL);
    const char *contents = NULL;
    char type;

    assert_true(sd_bus_message_peek_type(message, &type, &contents) > 0);
    assert_int_equal(type, SD_BUS_TYPE_ARRAY);
    assert_true(sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, contents) > 0);
    while (sd_bus_message_peek_type(message, &type, &contents) > 0) {
        if (text->len > 0)
            g_string_append(text, "; ");
        append_member(text, message, type, contents);
    }
    assert_true(sd_bus_message_exit_container(message) > 0);
    return g_string_free(text, FALSE);
}

char *get_list(Fixture *fixture, const char *path, const char *interface, const char *property)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    const char *contents = NULL;
    char *text;

    if (sd_bus_call_method(fixture->bus, FERRY_BUS_NAME, path, "org.freedesktop.DBus.Properties", "Get",
                           &error, &reply, "ss", interface, property) < 0) {
        sd_bus_error_free(&error);
        return NULL;
    }
    assert_true(sd_bus_message_peek_type(reply, NULL, &contents) > 0);
    assert_true(sd_bus_message_enter_container(reply, SD_BUS_TYPE_VARIANT, contents) > 0);
    text = read_list(reply);
    sd_bus_message_unref(reply);
    return text;
}

typedef struct ExpectedList {
    const char *path;
    const char *interface;
    const char *property;
    const char *value;
} ExpectedList;

static bool has_list(Fixture *fixture, void *userdata)
{
    const ExpectedList *expected = userdata;

    g_free(fixture->last_seen);
    fixture->last_seen = get_list(fixture, expected->path, expected->interface, expected->property);
    return g_strcmp0(fixture->last_seen, expected->value) == 0;
}

void wait_list(Fixture *fixture, const char *path, const char *interface, const char *property,
               const char *value)
{
    ExpectedList expected = { .path = path, .interface = interface, .property = property, .value = value };
    g_autofree char *what = g_strdup_printf("%s of %s is \"%s\"", property, path, value);

    fixture_wait_for(fixture, has_list, &expected, what);
}

void assert_says(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text ? text : "", part);
}
