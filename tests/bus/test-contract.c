/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract: the XML in dbus/ and the live service say the same, member by member, and every member is
 * documented. */

#include "tests/bus/cmocka-include.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

static xmlNode *find_interface(xmlDoc *document, const char *name)
{
    for (xmlNode *node = xmlDocGetRootElement(document)->children; node; node = node->next) {
        g_autofree char *its_name = NULL;
        xmlChar *value;

        if (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, "interface") != 0)
            continue;
        value = xmlGetProp(node, (const xmlChar *)"name");
        its_name = g_strdup((const char *)value);
        xmlFree(value);
        if (g_strcmp0(its_name, name) == 0)
            return node;
    }
    return NULL;
}

static char *attribute(xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
    char *copy = g_strdup(value ? (const char *)value : "");

    xmlFree(value);
    return copy;
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* One line a member, sorted: kind, name, arguments with name, type and direction, access, the EmitsChanged
 * annotation. */
static char *signature(xmlNode *interface)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (xmlNode *member = interface->children; member; member = member->next) {
        g_autofree char *name = NULL;
        g_autofree char *type = NULL;
        g_autofree char *access = NULL;
        GString *line;

        if (member->type != XML_ELEMENT_NODE || strcmp((const char *)member->name, "annotation") == 0)
            continue;
        name = attribute(member, "name");
        type = attribute(member, "type");
        access = attribute(member, "access");
        line = g_string_new((const char *)member->name);
        g_string_append_printf(line, " %s %s %s", name, type, access);
        for (xmlNode *child = member->children; child; child = child->next) {
            g_autofree char *child_name = NULL;
            g_autofree char *child_type = NULL;
            g_autofree char *direction = NULL;
            g_autofree char *value = NULL;

            if (child->type != XML_ELEMENT_NODE)
                continue;
            child_name = attribute(child, "name");
            child_type = attribute(child, "type");
            direction = attribute(child, "direction");
            value = attribute(child, "value");
            /* sd-bus marks what is open to all; that is no part of the contract. */
            if (strstr(child_name, "systemd1.Privileged") || strstr(child_name, "Unprivileged"))
                continue;
            /* The default, which the XML may leave out. */
            if (strstr(child_name, "EmitsChangedSignal") && strcmp(value, "true") == 0)
                continue;
            g_string_append_printf(line, " [%s %s %s %s]", child_name, child_type, direction, value);
        }
        g_ptr_array_add(lines, g_string_free(line, FALSE));
    }
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

static xmlDoc *read_contract(const char *interface, char **ret_text)
{
    g_autofree char *file = g_strdup_printf("%s/%s.xml", g_getenv("FERRY_TEST_XML"), interface);
    gsize length = 0;
    xmlDoc *document;

    if (!g_file_get_contents(file, ret_text, &length, NULL))
        fail_msg("%s: cannot be read", file);
    document = xmlReadMemory(*ret_text, (int)length, file, NULL, XML_PARSE_NONET);
    assert_non_null(document);
    return document;
}

static xmlDoc *introspect(Fixture *fixture, const char *path)
{
    sd_bus_message *reply =
        fixture_call_ok(fixture, path, "org.freedesktop.DBus.Introspectable", "Introspect", "");
    const char *text = NULL;
    xmlDoc *document;

    assert_true(sd_bus_message_read(reply, "s", &text) >= 0);
    document = xmlReadMemory(text, (int)strlen(text), path, NULL, XML_PARSE_NONET);
    sd_bus_message_unref(reply);
    assert_non_null(document);
    return document;
}

/* "Name:" in a comment, for each member. */
static void assert_documented(const char *text, xmlNode *interface, const char *interface_name)
{
    for (xmlNode *member = interface->children; member; member = member->next) {
        g_autofree char *name = NULL;
        g_autofree char *heading = NULL;

        if (member->type != XML_ELEMENT_NODE || strcmp((const char *)member->name, "annotation") == 0)
            continue;
        name = attribute(member, "name");
        heading = g_strdup_printf(" %s:", name);
        if (!strstr(text, heading))
            fail_msg("%s.%s is not documented", interface_name, name);
    }
}

static void check(Fixture *fixture, const char *path, const char *interface)
{
    g_autofree char *text = NULL;
    g_autoptr(xmlDoc) contract = read_contract(interface, &text);
    g_autoptr(xmlDoc) live = introspect(fixture, path);
    xmlNode *promised = find_interface(contract, interface);
    xmlNode *kept = find_interface(live, interface);
    g_autofree char *promised_text = NULL;
    g_autofree char *kept_text = NULL;

    assert_non_null(promised);
    assert_non_null(kept);
    promised_text = signature(promised);
    kept_text = signature(kept);
    assert_string_equal(kept_text, promised_text);
    assert_documented(text, promised, interface);
}

static void test_live_service_is_the_contract(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *group = group_create(fixture, "keys");
    g_autofree char *tenant = tenant_create(fixture, "acme", NULL);
    g_autofree char *assignment = NULL;

    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    check(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER);
    check(fixture, device, FERRY_INTERFACE_DEVICE);
    check(fixture, machine, FERRY_INTERFACE_MACHINE);
    check(fixture, group, FERRY_INTERFACE_GROUP);
    check(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT);
    check(fixture, tenant, FERRY_INTERFACE_TENANT);
}

/* ------------------------------------------------------------------ signals */

typedef struct Heard {
    unsigned added;
    unsigned removed;
    unsigned removed_with_interface;
    unsigned changed;
    const char *path;
} Heard;

static int hear(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Heard *heard = userdata;
    const char *path = NULL, *interface = NULL;

    if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Properties", "PropertiesChanged"))
        heard->changed += g_strcmp0(sd_bus_message_get_path(message), heard->path) == 0;
    if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded")) {
        assert_true(sd_bus_message_read(message, "o", &path) >= 0);
        heard->added += g_strcmp0(path, heard->path) == 0;
    }
    if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved")) {
        assert_true(sd_bus_message_read(message, "o", &path) >= 0);
        if (g_strcmp0(path, heard->path) == 0) {
            heard->removed++;
            assert_true(sd_bus_message_enter_container(message, 'a', "s") >= 0);
            while (sd_bus_message_read(message, "s", &interface) > 0)
                heard->removed_with_interface += g_strcmp0(interface, FERRY_INTERFACE_DEVICE) == 0;
        }
    }
    return 0;
}

/* It is gone first, and told so in the same turn. */
static bool has_heard_the_end(Fixture *fixture, void *userdata)
{
    const Heard *heard = userdata;

    return heard->removed > 0;
}

static void test_signals(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Heard heard = { .path = device };
    sd_bus_slot *slot = NULL;

    assert_true(sd_bus_add_match(fixture->bus, &slot, "type='signal',sender='" FERRY_BUS_NAME "'", hear,
                                 &heard) >= 0);
    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    fixture_wait_for(fixture, has_heard_the_end, &heard, "that the device has gone is told");
    assert_int_equal(heard.added, 1);
    assert_true(heard.changed >= 1);
    assert_int_equal(heard.removed, 1);
    /* Said while the object could still be found. */
    assert_int_equal(heard.removed_with_interface, 1);
    sd_bus_slot_unref(slot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_live_service_is_the_contract),
        TEST(test_signals),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
