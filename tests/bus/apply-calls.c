/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/bus/cmocka-include.h"

#include "tests/bus/apply-calls.h"

#include <string.h>
#include <sys/stat.h>

#include "dbus/names.h"

char *apply_export(Fixture *fixture)
{
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Export", "a{sv}", 0);
    const char *text = NULL;
    char *copy;

    assert_true(sd_bus_message_read(reply, "s", &text) >= 0);
    copy = g_strdup(text);
    sd_bus_message_unref(reply);
    return copy;
}

static void append_lines(GString *text, sd_bus_message *reply)
{
    const char *section, *key, *before, *after;

    assert_true(sd_bus_message_enter_container(reply, 'v', "a(ssss)") > 0);
    assert_true(sd_bus_message_enter_container(reply, 'a', "(ssss)") > 0);
    while (sd_bus_message_read(reply, "(ssss)", &section, &key, &before, &after) > 0)
        g_string_append_printf(text, " %s/%s:%s>%s", section, key, before, after);
    assert_true(sd_bus_message_exit_container(reply) >= 0);
    assert_true(sd_bus_message_exit_container(reply) >= 0);
}

/* "added group a Group/Name:>a; …" */
char *apply_with(Fixture *fixture, const char *text, bool dry_run, bool prune)
{
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}", text,
                        APPLY_SOURCE, 2, "DryRun", "b", (int)dry_run, "Prune", "b", (int)prune);
    GString *said = g_string_new(NULL);

    assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") > 0);
    while (sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
        const char *key, *kind = NULL, *name = NULL, *machine = NULL, *change = NULL;
        g_autoptr(GString) lines = g_string_new(NULL);

        while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
            assert_true(sd_bus_message_read(reply, "s", &key) > 0);
            if (g_str_equal(key, "Lines")) {
                append_lines(lines, reply);
            } else {
                const char **to = g_str_equal(key, "Kind")      ? &kind
                                  : g_str_equal(key, "Name")    ? &name
                                  : g_str_equal(key, "Machine") ? &machine
                                                                : &change;

                assert_true(sd_bus_message_read(reply, "v", "s", to) > 0);
            }
            assert_true(sd_bus_message_exit_container(reply) >= 0);
        }
        g_string_append_printf(said, "%s%s %s %s%s%s%s", said->len > 0 ? "; " : "", change, kind, name,
                               *machine ? "@" : "", machine, lines->str);
        assert_true(sd_bus_message_exit_container(reply) >= 0);
    }
    sd_bus_message_unref(reply);
    return g_string_free(said, FALSE);
}

char *apply(Fixture *fixture, const char *text)
{
    return apply_with(fixture, text, false, false);
}

void apply_assert(Fixture *fixture, const char *text, const char *expected)
{
    g_autofree char *said = apply(fixture, text);

    assert_string_equal(said, expected);
}

/* The text of the error begins with source and line. */
void apply_refuse(Fixture *fixture, const char *text, bool prune, const char *name, const char *expected)
{
    g_autofree char *said =
        fixture_call_error(fixture, name, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}", text,
                           APPLY_SOURCE, 1, "Prune", "b", (int)prune);

    if (!g_str_has_prefix(said, expected))
        fail_msg("\"%s\", expected \"%s\"", said, expected);
}

static void list_folder(GPtrArray *lines, const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat info;

        assert_int_equal(stat(path, &info), 0);
        if (S_ISDIR(info.st_mode))
            list_folder(lines, path);
        else
            g_ptr_array_add(lines, g_strdup_printf("%s %ju %jd.%09ld", path, (uintmax_t)info.st_ino,
                                                   (intmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec));
    }
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every file of the store, such that a rewritten one is seen. */
char *apply_store_state(Fixture *fixture)
{
    g_autofree char *folder = fixture_state_path(fixture, "");
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    list_folder(lines, folder);
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

/* Nothing is otherwise than in these two texts, which it frees. */
void apply_assert_untouched(Fixture *fixture, char *exported, char *stored)
{
    g_autofree char *exported_now = apply_export(fixture), *stored_now = apply_store_state(fixture);

    assert_string_equal(exported_now, exported);
    assert_string_equal(stored_now, stored);
    g_free(exported);
    g_free(stored);
}
