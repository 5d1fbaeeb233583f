/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In which order it is told what came, what is otherwise and what has gone: each line is a signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dbus/names.h"
#include "dbus/service/changes.h"

static GString *told;

int __wrap_sd_bus_emit_object_added(sd_bus *bus, const char *path);
int __wrap_sd_bus_emit_properties_changed_strv(sd_bus *bus, const char *path, const char *interface,
                                               char **names);
int __wrap_sd_bus_message_new_signal(sd_bus *bus, sd_bus_message **ret_message, const char *path,
                                     const char *interface, const char *member);
int __wrap_sd_bus_message_append(sd_bus_message *message, const char *types, ...);
int __wrap_sd_bus_send(sd_bus *bus, sd_bus_message *message, uint64_t *ret_cookie);
sd_bus_message *__wrap_sd_bus_message_unref(sd_bus_message *message);
void __wrap_notices_send(Notices *notices);

int __wrap_sd_bus_emit_object_added(sd_bus *bus, const char *path)
{
    g_string_append_printf(told, "came %s\n", path + strlen(FERRY_PATH_ROOT));
    return 0;
}

int __wrap_sd_bus_emit_properties_changed_strv(sd_bus *bus, const char *path, const char *interface,
                                               char **names)
{
    g_autofree char *all = g_strjoinv(" ", names);

    g_string_append_printf(told, "%s of %s\n", all, path + strlen(FERRY_PATH_ROOT));
    return 0;
}

int __wrap_sd_bus_message_new_signal(sd_bus *bus, sd_bus_message **ret_message, const char *path,
                                     const char *interface, const char *member)
{
    assert_string_equal(member, "InterfacesRemoved");
    *ret_message = NULL;
    return 0;
}

int __wrap_sd_bus_message_append(sd_bus_message *message, const char *types, ...)
{
    va_list list;

    va_start(list, types);
    g_string_append_printf(told, "gone %s\n", va_arg(list, const char *) + strlen(FERRY_PATH_ROOT));
    va_end(list);
    return 0;
}

int __wrap_sd_bus_send(sd_bus *bus, sd_bus_message *message, uint64_t *ret_cookie)
{
    return 0;
}

sd_bus_message *__wrap_sd_bus_message_unref(sd_bus_message *message)
{
    return NULL;
}

void __wrap_notices_send(Notices *notices)
{
}

/* ------------------------------------------------------------------ records */

#define FIELD_GROUPS 1

static const FieldProperty properties[] = { { FIELD_GROUPS, "Groups" }, {} };
static const ObjectKind kind = { .interface = "org.usbferry1.Any", .properties = properties };

static int setup(void **state)
{
    static const ObjectKind *const kinds[_OBJECT_TYPE_MAX] = { &kind, &kind, &kind, &kind, &kind, &kind };

    told = g_string_new(NULL);
    *state = changes_new(NULL, kinds, NULL);
    changes_begin(*state);
    return 0;
}

static int teardown(void **state)
{
    changes_free(*state);
    g_string_free(told, TRUE);
    return 0;
}

static void record(Changes *changes, ChangeKind what, ObjectType type, const char *id)
{
    changes_record(
        &(Change){ .kind = what, .type = type, .id = id, .fields = what == CHANGE_FIELDS ? FIELD_GROUPS : 0 },
        changes);
}

static void assert_told(Changes *changes, const char *expected)
{
    changes_flush(changes);
    assert_string_equal(told->str, expected);
}

/* ------------------------------------------------------------------ the tests */

static void test_each_in_its_place(void **state)
{
    record(*state, CHANGE_REMOVED, OBJECT_DEVICE, "away");
    record(*state, CHANGE_FIELDS, OBJECT_GROUP, "keys");
    record(*state, CHANGE_ADDED, OBJECT_DEVICE, "here");
    assert_told(*state, "came /device/here\nGroups of /group/keys\ngone /device/away\n");
}

static void test_once_for_each(void **state)
{
    record(*state, CHANGE_ADDED, OBJECT_DEVICE, "here");
    record(*state, CHANGE_FIELDS, OBJECT_DEVICE, "here");
    record(*state, CHANGE_FIELDS, OBJECT_GROUP, "keys");
    record(*state, CHANGE_FIELDS, OBJECT_GROUP, "keys");
    assert_told(*state, "came /device/here\nGroups of /group/keys\n");
}

static void test_what_came_and_went(void **state)
{
    record(*state, CHANGE_ADDED, OBJECT_DEVICE, "here");
    record(*state, CHANGE_REMOVED, OBJECT_DEVICE, "here");
    assert_told(*state, "");
}

static void test_what_changes_and_goes(void **state)
{
    record(*state, CHANGE_FIELDS, OBJECT_GROUP, "keys");
    record(*state, CHANGE_REMOVED, OBJECT_GROUP, "keys");
    assert_told(*state, "gone /group/keys\n");
}

/* A tenant goes, and its group just before it: the tenant is still there then, and must not name it. */
static void test_what_goes_after_another_does_not_name_it(void **state)
{
    record(*state, CHANGE_FIELDS, OBJECT_TENANT, "acme");
    record(*state, CHANGE_REMOVED, OBJECT_GROUP, "keys");
    record(*state, CHANGE_REMOVED, OBJECT_TENANT, "acme");
    assert_told(*state, "Groups of /tenant/acme\ngone /group/keys\ngone /tenant/acme\n");
}

/* Who can't know an object yet is told nothing of it, and of what is removed later all the same. */
static void test_not_before_anybody_can_know(void **state)
{
    static const ObjectKind *const kinds[_OBJECT_TYPE_MAX] = { &kind, &kind, &kind, &kind, &kind, &kind };
    Changes *changes = changes_new(NULL, kinds, NULL);

    record(changes, CHANGE_ADDED, OBJECT_DEVICE, "here");
    record(changes, CHANGE_FIELDS, OBJECT_GROUP, "keys");
    assert_told(changes, "");
    changes_begin(changes);
    assert_told(changes, "");
    record(changes, CHANGE_FIELDS, OBJECT_DEVICE, "here");
    record(changes, CHANGE_REMOVED, OBJECT_GROUP, "keys");
    assert_told(changes, "Groups of /device/here\ngone /group/keys\n");
    changes_free(changes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_in_its_place),
        TEST(test_once_for_each),
        TEST(test_what_came_and_went),
        TEST(test_what_changes_and_goes),
        TEST(test_what_goes_after_another_does_not_name_it),
        TEST(test_not_before_anybody_can_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
