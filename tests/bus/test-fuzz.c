/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every method of the live introspection with arguments of the right types and hostile contents: as a
 * stranger, who must not be able to change anything, and as root. The service must answer each call and live;
 * that it leaks nothing is AddressSanitizer's to say when it ends. Texts and arrays have sizes up to what a
 * message of the bus can hold. Debian 12 has no dfuzzer, neither as a package nor as a source.
 *
 * FERRY_TEST_SEED and FERRY_TEST_CALLS choose another run than the usual one. */

#include "tests/bus/cmocka-include.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bus/chance.h"
#include "tests/bus/tenant-calls.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)

#define SEED  20260101
#define CALLS 10000 /* half of them as each user */

/* How often the objects are looked up anew, in calls. */
#define LOOK_EVERY 50

/* How often a call has a text or an array of one of these sizes: about the service's own limits, and up to
 * the bus's, which is 32 MiB for the whole message. */
#define HUGE_EVERY 500
/* AddressSanitizer copies what was read of a message with every piece that is read. */
#define HUGE_DEADLINE_US (120 * G_USEC_PER_SEC)
static const gsize huge_sizes[] = {
    8192, 8193, 512 * 1024, 1024 * 1024, 1024 * 1024 + 1, 8 * 1024 * 1024, 32 * 1000 * 1000
};

typedef struct Target {
    char *path;
    char *interface;
    char *member;
    GPtrArray *arguments; /* of Argument: its input */
} Target;

typedef struct Argument {
    char *name;
    char *type;
} Argument;

typedef struct Fuzz {
    Fixture *fixture;
    Chance chance;
    guint32 seed;
    GPtrArray *targets; /* of Target */
    unsigned huge;      /* calls that had such a size */
    GHashTable *worked; /* "interface.member" → how often, of our own methods */
} Fuzz;

/* ------------------------------------------------------------------ what there is */

static void target_free(gpointer data)
{
    Target *target = data;

    g_free(target->path);
    g_free(target->interface);
    g_free(target->member);
    g_ptr_array_unref(target->arguments);
    g_free(target);
}

static void argument_free(gpointer data)
{
    Argument *argument = data;

    g_free(argument->name);
    g_free(argument->type);
    g_free(argument);
}

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

static void add_methods(Fuzz *fuzz, const char *path, xmlNode *interface)
{
    for (xmlNode *node = interface->children; node; node = node->next) {
        Target *target;

        if (!is_element(node, "method"))
            continue;
        target = g_new(Target, 1);
        *target = (Target){ .path = g_strdup(path),
                            .interface = attribute(interface, "name"),
                            .member = attribute(node, "name"),
                            .arguments = g_ptr_array_new_with_free_func(argument_free) };
        for (xmlNode *child = node->children; child; child = child->next) {
            g_autofree char *direction = is_element(child, "arg") ? attribute(child, "direction") : NULL;
            Argument *argument;

            if (g_strcmp0(direction, "in") != 0)
                continue;
            argument = g_new(Argument, 1);
            *argument = (Argument){ .name = attribute(child, "name"), .type = attribute(child, "type") };
            g_ptr_array_add(target->arguments, argument);
        }
        g_ptr_array_add(fuzz->targets, target);
    }
}

static bool add_targets(Fuzz *fuzz, const char *path)
{
    sd_bus_message *reply = NULL;
    const char *text = NULL;
    xmlDoc *document;

    if (sd_bus_call_method(fuzz->fixture->bus, FERRY_BUS_NAME, path, "org.freedesktop.DBus.Introspectable",
                           "Introspect", NULL, &reply, "") < 0)
        return false; /* it has gone meanwhile */
    assert_true(sd_bus_message_read(reply, "s", &text) >= 0);
    document = xmlReadMemory(text, (int)strlen(text), path, NULL, XML_PARSE_NONET);
    sd_bus_message_unref(reply);
    assert_non_null(document);
    for (xmlNode *node = xmlDocGetRootElement(document)->children; node; node = node->next)
        if (is_element(node, "interface"))
            add_methods(fuzz, path, node);
    xmlFreeDoc(document);
    return true;
}

static bool is_ours(const Target *target)
{
    return g_str_has_prefix(target->interface, FERRY_BUS_NAME ".");
}

/* Most often one of our own methods. */
static const Target *random_target(Fuzz *fuzz)
{
    const Target *target = NULL;

    do
        target = fuzz->targets->pdata[chance_below(&fuzz->chance, fuzz->targets->len)];
    while (!is_ours(target) && chance_below(&fuzz->chance, 20) != 0);
    return target;
}

static void note(Fuzz *fuzz, const Target *target, bool worked)
{
    g_autofree char *name = g_strdup_printf("%s.%s", target->interface, target->member);
    guint n;

    if (!is_ours(target))
        return;
    n = GPOINTER_TO_UINT(g_hash_table_lookup(fuzz->worked, name));
    g_hash_table_replace(fuzz->worked, g_steal_pointer(&name), GUINT_TO_POINTER(n + worked));
}

/* How deep it went. */
static void print_worked(Fuzz *fuzz)
{
    GHashTableIter iter;
    gpointer name, n;

    g_hash_table_iter_init(&iter, fuzz->worked);
    while (g_hash_table_iter_next(&iter, &name, &n))
        print_message("# %s worked %u times\n", (char *)name, GPOINTER_TO_UINT(n));
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* What lives now, and the methods of one object of each kind. */
static void look(Fuzz *fuzz)
{
    sd_bus_message *reply = fixture_call_ok(fuzz->fixture, FERRY_PATH_ROOT,
                                            "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
    g_autoptr(GHashTable) kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *path;

    g_ptr_array_set_size(fuzz->chance.paths, 0);
    g_ptr_array_set_size(fuzz->targets, 0);
    assert_true(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}") >= 0);
    while (sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}") > 0) {
        assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
        g_ptr_array_add(fuzz->chance.paths, g_strdup(path));
        assert_true(sd_bus_message_skip(reply, "a{sa{sv}}") >= 0);
        assert_true(sd_bus_message_exit_container(reply) >= 0);
    }
    sd_bus_message_unref(reply);
    /* the root is none of its own managed objects */
    g_ptr_array_add(fuzz->chance.paths, g_strdup(FERRY_PATH_ROOT));
    g_ptr_array_sort(fuzz->chance.paths, compare_texts);
    for (guint i = 0; i < fuzz->chance.paths->len; i++) {
        g_autofree char *kind = g_path_get_dirname(fuzz->chance.paths->pdata[i]);

        if (!g_hash_table_contains(kinds, kind) && add_targets(fuzz, fuzz->chance.paths->pdata[i]))
            g_hash_table_add(kinds, g_steal_pointer(&kind));
    }
}

/* ------------------------------------------------------------------ everything, as text */

static void dump_properties(Fuzz *fuzz, const char *path, const char *interface, FILE *file)
{
    sd_bus_message *reply = NULL;

    /* each object has one interface of ours */
    if (sd_bus_call_method(fuzz->fixture->bus, FERRY_BUS_NAME, path, "org.freedesktop.DBus.Properties",
                           "GetAll", NULL, &reply, "s", interface) < 0)
        return;
    fprintf(file, "%s %s\n", path, interface);
    assert_true(sd_bus_message_dump(reply, file, 0) >= 0);
    sd_bus_message_unref(reply);
}

static void dump_folder(const char *folder, FILE *file)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(names, compare_texts);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *text = NULL;

        fprintf(file, "%s\n", (char *)names->pdata[i]);
        if (g_file_test(names->pdata[i], G_FILE_TEST_IS_DIR))
            dump_folder(names->pdata[i], file);
        else if (g_file_get_contents(names->pdata[i], &text, NULL, NULL))
            fprintf(file, "%s\n", text);
    }
}

/* All properties of all objects, and all that is stored. New string. */
static char *dump(Fuzz *fuzz)
{
    static const char *const interfaces[] = { FERRY_INTERFACE_MANAGER,    FERRY_INTERFACE_DEVICE,
                                              FERRY_INTERFACE_MACHINE,    FERRY_INTERFACE_GROUP,
                                              FERRY_INTERFACE_ASSIGNMENT, FERRY_INTERFACE_TENANT };
    g_autofree char *state = fixture_state_path(fuzz->fixture, "");
    g_autofree char *runtime = g_build_filename(fuzz->fixture->dir, "run", NULL);
    char *text = NULL, *copy;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    assert_non_null(file);
    look(fuzz);
    for (guint i = 0; i < fuzz->chance.paths->len; i++)
        for (gsize k = 0; k < G_N_ELEMENTS(interfaces); k++)
            dump_properties(fuzz, fuzz->chance.paths->pdata[i], interfaces[k], file);
    dump_folder(state, file);
    dump_folder(runtime, file);
    assert_int_equal(fclose(file), 0);
    copy = g_strdup(text);
    free(text);
    return copy;
}

/* ------------------------------------------------------------------ the calls */

static void call(Fuzz *fuzz, sd_bus *bus, unsigned number)
{
    const Target *target = random_target(fuzz);
    g_autofree char *folder = g_path_get_dirname(target->path);
    const char *path;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *message = NULL;
    bool is_huge;
    int r;

    fuzz->chance.kind = chance_below(&fuzz->chance, 2) == 0;
    fuzz->chance.huge = 0;
    if (number % HUGE_EVERY == HUGE_EVERY - 1) {
        fuzz->chance.kind = false;
        fuzz->chance.huge = huge_sizes[number / HUGE_EVERY % G_N_ELEMENTS(huge_sizes)];
    }
    if (fuzz->chance.kind || chance_below(&fuzz->chance, 2) == 0) /* one that has the method */
        path = strcmp(target->path, FERRY_PATH_ROOT) == 0
                   ? target->path
                   : chance_path(&fuzz->chance, strrchr(folder, '/') + 1);
    else
        path = chance_below(&fuzz->chance, 2) == 0 ? chance_dead_path(&fuzz->chance)
                                                   : chance_path(&fuzz->chance, NULL);
    assert_true(sd_bus_message_new_method_call(bus, &message, FERRY_BUS_NAME, path, target->interface,
                                               target->member) >= 0);
    assert_true(sd_bus_message_set_allow_interactive_authorization(message,
                                                                   (int)chance_below(&fuzz->chance, 2)) >= 0);
    for (guint i = 0; i < target->arguments->len; i++) {
        const Argument *argument = target->arguments->pdata[i];

        chance_append(&fuzz->chance, message, argument->type, argument->name);
    }
    is_huge = number % HUGE_EVERY == HUGE_EVERY - 1 && fuzz->chance.huge == 0;
    fuzz->huge += is_huge;
    r = sd_bus_call(bus, message, is_huge ? HUGE_DEADLINE_US : DEADLINE_US, &error, NULL);
    if (sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY) ||
        sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
        sd_bus_error_has_name(&error, SD_BUS_ERROR_TIMEOUT) || (r < 0 && !sd_bus_error_is_set(&error)) ||
        !fixture_daemon_lives(fuzz->fixture)) {
        fixture_print_log(fuzz->fixture);
        sd_bus_message_rewind(message, true);
        sd_bus_message_dump(message, stderr, SD_BUS_MESSAGE_DUMP_WITH_HEADER);
        fail_msg("seed %u, call %u, %s on %s: %s: %s", fuzz->seed, number, target->member, path, error.name,
                 error.message);
    }
    note(fuzz, target, r >= 0);
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
}

static unsigned from_environment(const char *name, unsigned usual)
{
    const char *text = g_getenv(name);

    return text ? (unsigned)g_ascii_strtoull(text, NULL, 10) : usual;
}

static void calls_as(Fuzz *fuzz, uid_t uid)
{
    sd_bus *bus = fixture_connect(fuzz->fixture, uid);
    unsigned n = from_environment("FERRY_TEST_CALLS", CALLS) / 2;

    for (unsigned i = 0; i < n; i++) {
        if (i % LOOK_EVERY == 0)
            look(fuzz);
        call(fuzz, bus, i);
        /* what the root connection hears is not read */
        while (i % LOOK_EVERY == 0 && sd_bus_process(fuzz->fixture->bus, NULL) > 0)
            continue;
    }
    print_worked(fuzz);
    print_message("# %u calls were huge\n", fuzz->huge);
    sd_bus_flush_close_unref(bus);
}

static Fuzz *fuzz_new(Fixture *fixture)
{
    Fuzz *fuzz = g_new0(Fuzz, 1);
    g_autofree char *group = NULL;
    g_autofree char *pool = NULL;
    g_autofree char *assignment = NULL;
    g_autofree char *tenant = NULL;

    fuzz->fixture = fixture;
    fuzz->seed = from_environment("FERRY_TEST_SEED", SEED);
    fuzz->chance.rand = g_rand_new_with_seed(fuzz->seed);
    fuzz->chance.paths = g_ptr_array_new_with_free_func(g_free);
    fuzz->targets = g_ptr_array_new_with_free_func(target_free);
    fuzz->worked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    print_message("# seed %u\n", fuzz->seed);

    groups_plug(fixture, "1-2", "046d:c31c", "KBD-0001");
    groups_plug(fixture, "1-3", "046d:c31c", "KBD-0002");
    groups_plug(fixture, "1-4", "0529:0001", "");
    fixture_plug_hub(fixture, "1-5");
    group = group_create_with(fixture, "keys", "vendor=0529");
    pool = group_assign(fixture, group, FIXTURE_STUDIO, "all", NULL);
    tenant = tenant_create_with(fixture, "acme", "user:daemon", FIXTURE_DESK);
    g_free(tenant_grant(fixture, tenant, "1-3", "own"));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    return fuzz;
}

static void fuzz_free(Fuzz *fuzz)
{
    g_rand_free(fuzz->chance.rand);
    g_ptr_array_unref(fuzz->chance.paths);
    g_ptr_array_unref(fuzz->targets);
    g_hash_table_unref(fuzz->worked);
    g_free(fuzz);
}

static void test_stranger_changes_nothing(void **state)
{
    Fuzz *fuzz = fuzz_new(*state);
    g_autofree char *before = dump(fuzz);
    g_autofree char *after = NULL;

    calls_as(fuzz, FIXTURE_STRANGER);
    after = dump(fuzz);
    if (strcmp(before, after) != 0) {
        fixture_print_log(fuzz->fixture);
        print_error("---- before\n%s---- after\n%s", before, after);
        fail_msg("seed %u: a stranger has changed something", fuzz->seed);
    }
    fuzz_free(fuzz);
}

static void test_root(void **state)
{
    Fuzz *fuzz = fuzz_new(*state);

    calls_as(fuzz, 0);
    g_free(dump(fuzz));
    fuzz_free(fuzz);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stranger_changes_nothing),
        TEST(test_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
