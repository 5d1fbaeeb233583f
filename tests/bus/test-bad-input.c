/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bad input for every method of the contract: the named error, and not an object, not a file and not a signal
 * more or less than before. A method without a row in tests/bus/bad-input-table.c fails the test. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/bus/variant.h"
#include "tests/bus/bad-input-table.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"

/* Bad for an option of any type: a variant in a variant, and lists. */
static const char *const bad_values[] = { "<<'x'>>", "<@as []>", "<[true]>" };

/* ------------------------------------------------------------------ the world */

typedef struct World {
    Fixture *fixture;
    GPtrArray *words; /* "@name@", and what stands for it, in turns */
    unsigned signals; /* heard of the service */
    sd_bus_slot *slot;
    char *objects_before, *files_before;
    unsigned calls;
} World;

/* Takes the value. */
static void define(World *world, const char *name, char *value)
{
    g_ptr_array_add(world->words, g_strdup_printf("@%s@", name));
    g_ptr_array_add(world->words, value);
}

static char *expand(const World *world, const char *text)
{
    GString *expanded = g_string_new(text);

    for (guint i = 0; i < world->words->len; i += 2)
        g_string_replace(expanded, world->words->pdata[i], world->words->pdata[i + 1], 0);
    return g_string_free(expanded, FALSE);
}

static int hear(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    ((World *)userdata)->signals++;
    return 0;
}

static void make_devices(World *world)
{
    Fixture *fixture = world->fixture;

    groups_plug(fixture, "1-1", "046d:c31c", "KBD-1");
    groups_plug(fixture, "1-2", "046d:c31c", "KBD-2");
    groups_plug(fixture, "1-3", "1234:0001", "");
    groups_plug(fixture, "1-5", "0529:0001", "");
    groups_plug(fixture, "1-6", "1234:0002", "OWNED");
    define(world, "free", fixture_device_path("1-1"));
    define(world, "busy", fixture_device_path("1-2"));
    define(world, "gone-device", fixture_device_path("1-3"));
    define(world, "hub", fixture_device_path("1-4"));
    define(world, "drawn", fixture_device_path("1-5"));
    fixture_unplug(fixture, "1-3");
    fixture_plug_hub(fixture, "1-4");
}

static void make_tenants(World *world)
{
    Fixture *fixture = world->fixture;
    g_autofree char *acme = tenant_create_with(fixture, "acme", "user:nobody", FIXTURE_STUDIO);
    g_autofree char *gone = tenant_create(fixture, "gone", "user:nobody");

    g_free(tenant_grant(fixture, acme, "1-6", "keys"));
    sd_bus_message_unref(fixture_call_ok(fixture, gone, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 0));
    define(world, "acme", g_steal_pointer(&acme));
    define(world, "gone-tenant", g_steal_pointer(&gone));
    define(world, "other", tenant_create(fixture, "other", "user:nobody"));
    define(world, "owned", fixture_device_path("1-6"));
}

static void make_world(World *world, Fixture *fixture)
{
    g_autofree char *pinned = NULL;
    g_autofree char *pool = NULL;
    g_autofree char *gone = NULL;
    g_autofree char *gone_group = NULL;
    g_autofree char *keys = NULL;
    g_autofree char *file =
        groups_drop_in("etc", "file.conf", "[Group]\nName=file\n\n[Rule 1]\nMatch=vendor=1\n");
    g_autofree char *file_path = group_path("file");
    g_autofree char *hub = fixture_device_path("1-4");
    g_autofree char *gone_device = fixture_device_path("1-3");

    *world = (World){ .fixture = fixture, .words = g_ptr_array_new_with_free_func(g_free) };
    assert_int_equal(kill(fixture->daemon_pid, SIGHUP), 0);
    fixture_wait_object(fixture, file_path, FERRY_INTERFACE_GROUP, true);
    make_devices(world);
    keys = group_create_with(fixture, "keys", "vendor=0529");
    gone_group = group_create(fixture, "gone");
    group_call(fixture, gone_group, "Delete", "a{sv}", 0);
    pinned = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    pool = group_assign(fixture, keys, FIXTURE_DESK, NULL, NULL);
    make_tenants(world);
    gone = fixture_assign(fixture, "1-1", FIXTURE_STUDIO);
    sd_bus_message_unref(fixture_call_ok(fixture, gone, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, gone, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait_object(fixture, gone_device, FERRY_INTERFACE_DEVICE, false);
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    fixture_wait(fixture, pinned, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_wait(fixture, pool, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");

    define(world, "root", g_strdup(FERRY_PATH_ROOT));
    define(world, "desk", fixture_machine_path(FIXTURE_DESK));
    define(world, "studio", fixture_machine_path(FIXTURE_STUDIO));
    define(world, "gone-machine", fixture_machine_path("33333333-3333-3333-3333-333333333333"));
    define(world, "keys", g_strdup(keys));
    define(world, "file", g_strdup(file_path));
    define(world, "gone-group", g_strdup(gone_group));
    define(world, "pinned", g_strdup(pinned));
    define(world, "pool", g_strdup(pool));
    define(world, "gone-assignment", g_strdup(gone));
    define(world, "x65", g_strnfill(65, 'x'));
    define(world, "x5000", g_strnfill(5000, 'x'));
    define(world, "too-long", g_strnfill(1024 * 1024 + 1, 'x'));
}

/* ------------------------------------------------------------------ before and after */

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* Name, inode, time and contents: a file that was written again is another one. */
static void dump_folder(const char *path, GPtrArray *lines)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        g_autofree char *text = NULL;
        struct stat info;

        if (g_file_test(child, G_FILE_TEST_IS_DIR)) {
            dump_folder(child, lines);
            continue;
        }
        assert_int_equal(stat(child, &info), 0);
        if (S_ISREG(info.st_mode))
            assert_true(g_file_get_contents(child, &text, NULL, NULL));
        g_ptr_array_add(lines, g_strdup_printf("%s %ju %jd.%09ld %s", child, (uintmax_t)info.st_ino,
                                               (intmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, text));
    }
}

static char *sort_lines(GPtrArray *lines)
{
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

/* Every file of the store. */
static char *dump_files(Fixture *fixture)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    static const char *const folders[] = { "state", "run" };

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename(fixture->dir, folders[i], NULL);

        dump_folder(folder, lines);
    }
    return sort_lines(lines);
}

/* Every object with its properties. */
static char *dump_objects(Fixture *fixture)
{
    g_autoptr(sd_bus_message) reply = fixture_call_ok(
        fixture, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
    g_autoptr(GVariant) objects = variant_read(reply, NULL);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    assert_non_null(objects);
    for (gsize i = 0; i < g_variant_n_children(objects); i++) {
        g_autoptr(GVariant) object = g_variant_get_child_value(objects, i);

        g_ptr_array_add(lines, g_variant_print(object, FALSE));
    }
    return sort_lines(lines);
}

/* The end of what was released is told a turn after its object is gone. */
static bool is_at_rest(Fixture *fixture, void *userdata)
{
    char *objects = dump_objects(fixture);
    bool same = g_strcmp0(fixture->last_seen, objects) == 0;

    g_free(fixture->last_seen);
    fixture->last_seen = objects;
    return same;
}

static void assert_same(const char *call, const char *before, const char *after)
{
    if (strcmp(after, before) != 0)
        fail_msg("%s has changed something\n---- before\n%s\n---- after\n%s", call, before, after);
}

/* After each call: what changes is signalled or written. */
static void assert_quiet(World *world, const char *call)
{
    g_autofree char *files = dump_files(world->fixture);

    assert_same(call, world->files_before, files);
    while (sd_bus_process(world->fixture->bus, NULL) > 0)
        continue;
    if (world->signals > 0)
        fail_msg("%s was signalled", call);
}

/* After all calls of a method. */
static void assert_as_before(World *world, const char *member)
{
    g_autofree char *objects = dump_objects(world->fixture);

    assert_quiet(world, member);
    assert_same(member, world->objects_before, objects);
}

/* ------------------------------------------------------------------ calls */

/* arguments: a tuple. says: what the error's text has to name. */
static void call_badly(World *world, const Method *method, const char *object, GVariant *arguments,
                       const char *error_name, const char *says)
{
    Fixture *fixture = world->fixture;
    g_autofree char *path = expand(world, object);
    g_autofree char *text = g_variant_print(arguments, FALSE);
    g_autofree char *call =
        g_strdup_printf("%s.%s%.200s on %s", method->interface, method->member, text, path);
    g_autofree char *name =
        strchr(error_name, '.') ? g_strdup(error_name) : g_strconcat(FERRY_ERROR_PREFIX, error_name, NULL);
    sd_bus_error error = SD_BUS_ERROR_NULL;
    g_autoptr(sd_bus_message) message = NULL;
    int r;

    assert_true(sd_bus_message_new_method_call(fixture->bus, &message, FERRY_BUS_NAME, path,
                                               method->interface, method->member) >= 0);
    assert_true(variant_append(message, arguments) >= 0);
    r = sd_bus_call(fixture->bus, message, 0, &error, NULL);
    if (r >= 0 || g_strcmp0(error.name, name) != 0)
        fail_msg("%s: %s (%s), expected %s", call, r < 0 ? error.name : "success", r < 0 ? error.message : "",
                 name);
    if (!error.message || !*error.message || !g_utf8_validate(error.message, -1, NULL))
        fail_msg("%s: the error says nothing that can be read", call);
    if (!strstr(error.message, says))
        fail_msg("%s: \"%s\" does not say \"%s\"", call, error.message, says);
    sd_bus_error_free(&error);
    world->calls++;
    assert_quiet(world, call);
}

static void call_text(World *world, const Method *method, const char *signature, const char *object,
                      const char *arguments, const char *error_name, const char *says)
{
    g_autofree char *expanded = expand(world, arguments);
    const GVariantType *type = G_VARIANT_TYPE(signature);
    g_autofree char *tuple =
        g_strdup_printf("(%s%s)", expanded, g_variant_type_n_items(type) == 1 ? "," : "");
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) value = g_variant_parse(type, tuple, NULL, NULL, &error);

    if (!value)
        fail_msg("%s.%s: %s is not %s: %s", method->interface, method->member, tuple, signature,
                 error->message);
    call_badly(world, method, object, value, error_name, says);
}

static void try_option(World *world, const Method *method, const char *signature, const char *options,
                       const char *name)
{
    g_auto(GStrv) parts = g_strsplit(method->arguments, BAD_INPUT_OPTIONS, 2);
    g_autofree char *arguments = g_strconcat(parts[0], options, parts[1], NULL);

    call_text(world, method, signature, method->object, arguments, "InvalidOption", name);
}

static void try_options(World *world, const Method *method, const char *signature)
{
    g_auto(GStrv) options = g_strsplit(method->options, ", ", -1);

    try_option(world, method, signature, "{'Colour': <'red'>}", "Colour");
    try_option(world, method, signature, "{'': <'red'>}", "");
    for (char **option = options; *option; option++) {
        g_auto(GStrv) words = g_strsplit(*option, " ", 2);
        g_autofree char *lower = g_ascii_strdown(words[0], -1);
        g_autofree char *value = g_strdup_printf("<%s>", *words[1] == 's'   ? "''"
                                                         : *words[1] == 'b' ? "true"
                                                         : *words[1] == 'i' ? "1"
                                                                            : "uint32 1");
        g_autofree char *twice = g_strdup_printf("{'%s': %s, '%s': %s}", words[0], value, words[0], value);
        g_autofree char *misspelt = g_strdup_printf("{'%s': %s}", lower, value);
        g_autofree char *other =
            g_strdup_printf("{'%s': %s}", words[0], *words[1] == 's' ? "<uint32 7>" : "<'yes'>");

        try_option(world, method, signature, twice, words[0]);
        try_option(world, method, signature, misspelt, lower);
        try_option(world, method, signature, other, words[0]);
        for (gsize i = 0; i < G_N_ELEMENTS(bad_values); i++) {
            if (g_str_has_prefix(bad_values[i], "<@as") && g_str_equal(words[1], "as"))
                continue; /* a good one */
            g_autofree char *bad = g_strdup_printf("{'%s': %s}", words[0], bad_values[i]);

            try_option(world, method, signature, bad, words[0]);
        }
    }
}

static void try_method(World *world, const Method *method, const char *signature)
{
    g_autoptr(GVariant) other = g_variant_ref_sink(g_variant_new("(ii)", 1, 1));

    if ((method->options != NULL) != (strstr(signature, "a{sv}") != NULL))
        fail_msg("%s.%s: say in the table which options it knows", method->interface, method->member);
    call_badly(world, method, method->object, other, INVALID_ARGS, "");
    if (method->options)
        try_options(world, method, signature);
    for (const Bad *bad = method->bad; bad->error; bad++)
        call_text(world, method, signature, bad->object ? bad->object : method->object, bad->arguments,
                  bad->error, strcmp(bad->error, "InvalidRule") == 0 ? "column" : "");
    assert_as_before(world, method->member);
}

/* ------------------------------------------------------------------ the contract */

static char *attribute(xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
    char *copy = g_strdup(value ? (const char *)value : "");

    xmlFree(value);
    return copy;
}

static bool is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

/* "(sa{sv})" */
static char *signature_of(const xmlNode *method)
{
    GString *signature = g_string_new("(");

    for (xmlNode *child = method->children; child; child = child->next) {
        g_autofree char *type = is_element(child, "arg") ? attribute(child, "type") : NULL;
        g_autofree char *direction = is_element(child, "arg") ? attribute(child, "direction") : NULL;

        if (g_strcmp0(direction, "in") == 0)
            g_string_append(signature, type);
    }
    g_string_append_c(signature, ')');
    return g_string_free(signature, FALSE);
}

/* "INTERFACE.MEMBER" → signature */
static void read_contract(const char *file, GHashTable *signatures)
{
    g_autoptr(xmlDoc) document = xmlReadFile(file, NULL, XML_PARSE_NONET);

    assert_non_null(document);
    for (xmlNode *interface = xmlDocGetRootElement(document)->children; interface;
         interface = interface->next) {
        g_autofree char *name = is_element(interface, "interface") ? attribute(interface, "name") : NULL;

        for (xmlNode *method = name ? interface->children : NULL; method; method = method->next) {
            g_autofree char *member = is_element(method, "method") ? attribute(method, "name") : NULL;

            if (member)
                g_hash_table_insert(signatures, g_strdup_printf("%s.%s", name, member), signature_of(method));
        }
    }
}

static GHashTable *read_contracts(void)
{
    GHashTable *signatures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GDir) dir = g_dir_open(g_getenv("FERRY_TEST_XML"), 0, NULL);
    const char *name;

    assert_non_null(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(g_getenv("FERRY_TEST_XML"), name, NULL);

        if (g_str_has_suffix(name, ".xml"))
            read_contract(file, signatures);
    }
    return signatures;
}

static void test_bad_input(void **state)
{
    g_autoptr(GHashTable) signatures = read_contracts();
    GHashTableIter iter;
    gpointer member;
    World world;

    make_world(&world, *state);
    g_free(fixture_script(*state, "run 0")); /* what it has seen last is stored */
    fixture_wait_for(*state, is_at_rest, NULL, "everything is at rest");
    world.objects_before = dump_objects(world.fixture);
    world.files_before = dump_files(world.fixture);
    assert_true(sd_bus_add_match(world.fixture->bus, &world.slot, "type='signal',sender='" FERRY_BUS_NAME "'",
                                 hear, &world) >= 0);
    while (sd_bus_process(world.fixture->bus, NULL) > 0)
        continue;
    world.signals = 0;
    for (gsize i = 0; i < bad_input_n_methods; i++) {
        g_autofree char *name =
            g_strdup_printf("%s.%s", bad_input_methods[i].interface, bad_input_methods[i].member);
        const char *signature = g_hash_table_lookup(signatures, name);

        if (!signature)
            fail_msg("%s is in the table and not in the contract", name);
        try_method(&world, &bad_input_methods[i], signature);
        g_hash_table_remove(signatures, name);
    }
    g_hash_table_iter_init(&iter, signatures);
    if (g_hash_table_iter_next(&iter, &member, NULL))
        fail_msg("%s has no row in the table of bad input", (const char *)member);

    printf("# %u bad calls of %zu methods\n", world.calls, bad_input_n_methods);
    sd_bus_slot_unref(world.slot);
    g_ptr_array_unref(world.words);
    g_free(world.objects_before);
    g_free(world.files_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_input, groups_setup, groups_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
