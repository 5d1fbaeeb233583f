/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model that follows the service: what counts as its word, and what doesn't. The service is a thread at the
 * other end of a pair of sockets, which says what its script has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/follow.h"
#include "tests/unit/client/fixture.h"
#include "tests/unit/client/service.h"

#define SERVICE  ":1.7"
#define STRANGER ":1.8"
#define BUS      SERVICE_BUS
#define MANAGER  "{'org.usbferry1.Manager': {'Node': <'desk'>}}"

static const char objects[] = "(@a{oa{sa{sv}}} {'/org/usbferry1': " MANAGER ", '" GROUP
                              "': {'org.usbferry1.ResourceGroup': {'Name': <'g'>, 'Class': <'hid'>}}},)";

#define CHANGED(sender, class_name)                                                  \
    {                                                                                \
        sender, GROUP, BUS ".Properties", "PropertiesChanged",                       \
            "('org.usbferry1.ResourceGroup', {'Class': <'" class_name "'>}, @as [])" \
    }
#define OWNER(old_owner, new_owner)                               \
    {                                                             \
        BUS, "/org/freedesktop/DBus", BUS, "NameOwnerChanged",    \
            "('org.usbferry1', '" old_owner "', '" new_owner "')" \
    }

/* ------------------------------------------------------------------ the tests */

static void note(const Model *model, ModelEvent event, const Object *object, GHashTable *before,
                 void *userdata)
{
    g_string_append_printf(userdata, "%u%s ", event, object_string(object, "Class"));
}

static const char *class_of(const Follow *follow)
{
    return object_string(model_get(follow_model(follow), GROUP, KIND_GROUP), "Class");
}

/* What was said before the answer is in the answer, and others' words don't count. */
static void test_whose_word(void **state)
{
    static const Step steps[] = {
        CHANGED(SERVICE, "early"),
        { SERVICE, NULL, NULL, NULL, objects },
        CHANGED(STRANGER, "forged"),
        CHANGED(SERVICE, "storage"),
        { NULL },
    };
    Client client = { 0 };
    Service service;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) heard = g_string_new(NULL);

    service_start(&service, &client, steps);
    Follow *follow = follow_new(&client, note, heard, &error);
    assert_non_null(follow);
    assert_true(follow_fetch(follow, &error));
    assert_string_equal(class_of(follow), "hid");
    assert_string_equal(heard->str, ""); /* the first fetch changes nothing */

    assert_int_equal(follow_next(follow, G_MAXINT64, &error), FOLLOW_CHANGED);
    assert_string_equal(class_of(follow), "storage");
    assert_string_equal(heard->str, "1storage ");
    assert_int_equal(follow_next(follow, /* deadline= */ 0, &error), FOLLOW_DEADLINE);
    follow_free(follow);
    service_stop(&service, &client);
}

/* A service whose library doesn't count the manager among the objects. */
static void test_manager(void **state)
{
    static const Step steps[] = {
        { SERVICE, NULL, NULL, NULL, "(@a{oa{sa{sv}}} {},)" },
        { SERVICE, NULL, NULL, NULL, "({'Node': <'desk'>},)" },
        { SERVICE, "/org/usbferry1", BUS ".ObjectManager", "InterfacesAdded",
          "(objectpath '" GROUP "', {'org.usbferry1.ResourceGroup': {'Class': <'audio'>}})" },
        { SERVICE, "/org/usbferry1", BUS ".ObjectManager", "InterfacesRemoved",
          "(objectpath '" GROUP "', ['org.usbferry1.ResourceGroup'])" },
        { NULL },
    };
    Client client = { 0 };
    Service service;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) heard = g_string_new(NULL);

    service_start(&service, &client, steps);
    Follow *follow = follow_new(&client, note, heard, &error);
    assert_true(follow_fetch(follow, &error));
    assert_string_equal(object_name(model_manager(follow_model(follow))), "desk");
    while (!strstr(heard->str, "2audio"))
        assert_int_equal(follow_next(follow, G_MAXINT64, &error), FOLLOW_CHANGED);
    assert_string_equal(heard->str, "0audio 2audio ");
    follow_free(follow);
    service_stop(&service, &client);
}

/* It leaves, and another one comes: told, and what changed meanwhile is told as a change. */
static void test_gone_and_back(void **state)
{
    static const Step steps[] = {
        { SERVICE, NULL, NULL, NULL, objects },
        OWNER("", ":1.7"), /* of its start: nothing new */
        OWNER(":1.7", ""),
        OWNER("", ":1.9"),
        { ":1.9", NULL, NULL, NULL, "(@a{oa{sa{sv}}} {'/org/usbferry1': " MANAGER "},)" },
        { NULL },
    };
    Client client = { 0 };
    Service service;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) heard = g_string_new(NULL);

    service_start(&service, &client, steps);
    Follow *follow = follow_new(&client, note, heard, &error);
    assert_true(follow_fetch(follow, &error));
    assert_int_equal(follow_next(follow, G_MAXINT64, &error), FOLLOW_GONE);
    assert_string_equal(class_of(follow), "hid"); /* as it was */
    assert_int_equal(follow_next(follow, G_MAXINT64, &error), FOLLOW_BACK);
    assert_true(follow_fetch(follow, &error));
    assert_string_equal(heard->str, "2hid ");
    follow_free(follow);
    service_stop(&service, &client);
}

static void test_bad_answers(void **state)
{
    static const Step steps[] = {
        { SERVICE },
        { SERVICE, NULL, NULL, NULL, "('something else',)" },
        { NULL },
    };
    Client client = { 0 };
    Service service;
    g_autoptr(GError) error = NULL;

    service_start(&service, &client, steps);
    Follow *follow = follow_new(&client, NULL, NULL, &error);
    assert_false(follow_fetch(follow, &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_NOT_FOUND));
    g_clear_error(&error);
    assert_false(follow_fetch(follow, &error));
    assert_non_null(strstr(error->message, "unknown form"));
    g_clear_error(&error);
    follow_free(follow);
    service_stop(&service, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whose_word),
        cmocka_unit_test(test_manager),
        cmocka_unit_test(test_gone_and_back),
        cmocka_unit_test(test_bad_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
