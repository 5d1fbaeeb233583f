/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects, the calls, and the texts of everything. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/fuzz-world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bus/deadline.h"
#include "tests/bus/tenant-calls.h"

/* ------------------------------------------------------------------ begin and end */

unsigned fuzz_from_environment(const char *name, unsigned usual)
{
    const char *text = g_getenv(name);

    return text ? (unsigned)g_ascii_strtoull(text, NULL, 10) : usual;
}

Fuzz *fuzz_new(Hostile *hostile, uid_t uid, unsigned seed)
{
    Fixture *fixture = hostile->fixture;
    Fuzz *fuzz = g_new0(Fuzz, 1);
    g_autofree char *hub = fixture_device_path("1-5");
    g_autofree char *group = NULL;
    g_autofree char *pool = NULL;
    g_autofree char *assignment = NULL;
    g_autofree char *tenant = NULL;

    fuzz->hostile = hostile;
    fuzz->fixture = fixture;
    fuzz->bus = fixture_connect(fixture, uid);
    fuzz->seed = fuzz_from_environment("FERRY_TEST_SEED", seed);
    fuzz->chance.rand = g_rand_new_with_seed(fuzz->seed);
    fuzz->chance.paths = g_ptr_array_new_with_free_func(g_free);
    fuzz->done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    fuzz->worked = g_hash_table_new(g_str_hash, g_str_equal);
    print_message("# seed %u\n", fuzz->seed);

    groups_plug(fixture, "1-2", "046d:c31c", "KBD-0001");
    groups_plug(fixture, "1-3", "046d:c31c", "KBD-0002");
    groups_plug(fixture, "1-4", "0529:0001", "");
    fixture_plug_hub(fixture, "1-5");
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    group = group_create_with(fixture, "keys", "vendor=0529");
    pool = group_assign(fixture, group, FIXTURE_STUDIO, "all", NULL);
    tenant = tenant_create_with(fixture, "acme", "user:daemon", FIXTURE_DESK);
    g_free(tenant_grant(fixture, tenant, "1-3", "own"));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fuzz->shown = shown_by_service(fixture->bus);
    fuzz_look(fuzz);
    return fuzz;
}

Fuzz *fuzz_free(Fuzz *fuzz)
{
    g_rand_free(fuzz->chance.rand);
    g_ptr_array_unref(fuzz->chance.paths);
    g_hash_table_unref(fuzz->worked);
    g_hash_table_unref(fuzz->done);
    g_ptr_array_unref(fuzz->shown);
    sd_bus_flush_close_unref(fuzz->bus);
    g_free(fuzz);
    return NULL;
}

/* ------------------------------------------------------------------ what lives */

static gint compare_texts(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

void fuzz_look(Fuzz *fuzz)
{
    sd_bus_message *reply = fixture_call_ok(fuzz->fixture, FERRY_PATH_ROOT,
                                            "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
    const char *path;

    fuzz->must_look = false;
    g_ptr_array_set_size(fuzz->chance.paths, 0);
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
    /* what the root connection hears is not read */
    while (sd_bus_process(fuzz->fixture->bus, NULL) > 0)
        continue;
}

const char *fuzz_living_path(Fuzz *fuzz, const Shown *shown)
{
    g_autofree char *folder = g_path_get_dirname(shown->path);
    g_autoptr(GPtrArray) fitting = g_ptr_array_new();

    if (!*shown->kind || strcmp(shown->path, FERRY_PATH_ROOT) == 0)
        return shown->path;
    for (guint i = 0; i < fuzz->chance.paths->len; i++) {
        g_autofree char *its_folder = g_path_get_dirname(fuzz->chance.paths->pdata[i]);

        if (strcmp(its_folder, folder) == 0)
            g_ptr_array_add(fitting, fuzz->chance.paths->pdata[i]);
    }
    return fitting->len > 0 ? fitting->pdata[chance_below(&fuzz->chance, fitting->len)] : NULL;
}

const char *fuzz_need_path(Fuzz *fuzz, const Shown *shown)
{
    g_autofree char *name = NULL;
    g_autofree char *object = NULL;
    g_autofree char *assignment = NULL;
    const char *path;

    if (fuzz->must_look)
        fuzz_look(fuzz);
    path = fuzz_living_path(fuzz, shown);
    if (path)
        return path;
    name = g_strdup_printf("more-%u", fuzz->made++);
    if (strcmp(shown->kind, FERRY_INTERFACE_TENANT) == 0)
        object = tenant_create(fuzz->fixture, name, "user:daemon");
    else
        object = group_create_with(fuzz->fixture, name, "vendor=0529");
    if (strcmp(shown->kind, FERRY_INTERFACE_ASSIGNMENT) == 0)
        assignment = group_assign(fuzz->fixture, object, FIXTURE_STUDIO, "all", NULL);
    fuzz_look(fuzz);
    path = fuzz_living_path(fuzz, shown);
    if (!path)
        fail_msg("there is no object of the kind %s any more", shown->kind);
    return path;
}

/* ------------------------------------------------------------------ one call */

sd_bus_message *fuzz_begin_call(Fuzz *fuzz, const char *path, const char *interface, const char *member)
{
    sd_bus_message *message = NULL;

    assert_true(
        sd_bus_message_new_method_call(fuzz->bus, &message, FERRY_BUS_NAME, path, interface, member) >= 0);
    assert_true(sd_bus_message_set_allow_interactive_authorization(message,
                                                                   (int)chance_below(&fuzz->chance, 2)) >= 0);
    return message;
}

void fuzz_fail(Fuzz *fuzz, const Shown *shown, sd_bus_message *message, const char *what)
{
    fixture_print_log(fuzz->fixture);
    fail_msg("seed %u, call %u, %s, on %s: %s", fuzz->seed, fuzz->calls, shown->name,
             sd_bus_message_get_path(message), what);
    abort();
}

/* An error that a caller can do something with, and not that there is no answer. */
static bool is_answer(const char *error)
{
    static const char *const none[] = { SD_BUS_ERROR_NO_REPLY,          SD_BUS_ERROR_SERVICE_UNKNOWN,
                                        SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_TIMEOUT,
                                        SD_BUS_ERROR_DISCONNECTED,      NULL };

    /* sd-bus's, of a path without an object and an interface that such objects don't have */
    if (strcmp(error, "System.Error.ENXIO") == 0)
        return true;
    return g_str_has_prefix(error, FERRY_ERROR_PREFIX) ||
           (g_str_has_prefix(error, "org.freedesktop.DBus.Error.") && !g_strv_contains(none, error));
}

bool fuzz_end_call(Fuzz *fuzz, const Shown *shown, sd_bus_message *message)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    bool worked = sd_bus_call(fuzz->bus, message, DEADLINE_US, &error, NULL) >= 0;

    fuzz->calls++;
    fuzz->must_look |= worked && !shown->is_property;
    if (!fixture_daemon_lives(fuzz->fixture))
        fuzz_fail(fuzz, shown, message, "the service has ended");
    if (!worked && (!error.name || !is_answer(error.name)))
        fuzz_fail(fuzz, shown, message, error.name ? error.name : "no answer");
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
    return worked;
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

static char *dump_now(Fixture *fixture, void *userdata)
{
    Fuzz *fuzz = userdata;
    static const char *const interfaces[] = { FERRY_INTERFACE_MANAGER,    FERRY_INTERFACE_DEVICE,
                                              FERRY_INTERFACE_MACHINE,    FERRY_INTERFACE_GROUP,
                                              FERRY_INTERFACE_ASSIGNMENT, FERRY_INTERFACE_TENANT };
    g_autofree char *state = fixture_state_path(fuzz->fixture, "");
    g_autofree char *runtime = g_build_filename(fuzz->fixture->dir, "run", NULL);
    char *text = NULL, *copy;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    assert_non_null(file);
    fuzz_look(fuzz);
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

char *fuzz_dump(Fuzz *fuzz)
{
    return fixture_wait_steady(fuzz->fixture, dump_now, fuzz);
}
