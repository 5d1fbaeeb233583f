/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Export and Apply: groups and assignments as one text, all of it or nothing, and the second time nothing. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bus/tenant-calls.h"

#define SOURCE "host.conf"

static char *export(Fixture *fixture)
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
static char *apply_with(Fixture *fixture, const char *text, bool dry_run, bool prune)
{
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}", text, SOURCE,
                        2, "DryRun", "b", (int)dry_run, "Prune", "b", (int)prune);
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

static char *apply(Fixture *fixture, const char *text)
{
    return apply_with(fixture, text, false, false);
}

static void assert_apply(Fixture *fixture, const char *text, const char *expected)
{
    g_autofree char *said = apply(fixture, text);

    assert_string_equal(said, expected);
}

/* The text of the error begins with source and line. */
static void refuse(Fixture *fixture, const char *text, bool prune, const char *name, const char *expected)
{
    g_autofree char *said = fixture_call_error(fixture, name, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                                               "Apply", "ssa{sv}", text, SOURCE, 1, "Prune", "b", (int)prune);

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
static char *store_state(Fixture *fixture)
{
    g_autofree char *folder = fixture_state_path(fixture, "");
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    list_folder(lines, folder);
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

/* Nothing is otherwise than in these two texts, which it frees. */
static void assert_untouched(Fixture *fixture, char *exported, char *stored)
{
    g_autofree char *exported_now = export(fixture), *stored_now = store_state(fixture);

    assert_string_equal(exported_now, exported);
    assert_string_equal(stored_now, stored);
    g_free(exported);
    g_free(stored);
}

static void update(Fixture *fixture, const char *path, const char *interface, const char *description)
{
    sd_bus_message_unref(fixture_call_ok(fixture, path, interface, "Update", "a{sv}", 2, "Description", "s",
                                         description, "Priority", "i", 7));
}

/* Two groups, three assignments, by other means. Gives the paths of the assignments. */
static void make_things(Fixture *fixture, char *ret_assignments[3])
{
    g_autofree char *keys = group_create_with(fixture, "keys.a", "vendor=0529 serial=\"A \\\"B\\\"*\"");
    g_autofree char *spare = group_create(fixture, "spare");

    group_add_rule(fixture, keys, "vendor=0001");
    group_add_rule(fixture, keys, "vendor=0529 product!=0002");
    group_call(fixture, keys, "RemoveRule", "u", 2);
    group_call(fixture, keys, "UpdateRule", "usa{sv}", 3, "", 1, "Enabled", "b", 0);
    update(fixture, keys, FERRY_INTERFACE_GROUP, "[x]=y; # z \\n ");
    ret_assignments[0] = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    ret_assignments[1] = group_assign(fixture, keys, FIXTURE_STUDIO, "set", "vendor=0529");
    ret_assignments[2] = group_assign(fixture, spare, FIXTURE_DESK, "all", NULL);
    update(fixture, ret_assignments[1], FERRY_INTERFACE_ASSIGNMENT, " [Group] ");
    sd_bus_message_unref(
        fixture_call_ok(fixture, ret_assignments[2], FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
}

static void wipe(Fixture *fixture, char *assignments[3])
{
    static const char *const groups[] = { "keys.a", "spare" };

    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "ReleaseAll", "a{sv}", 0));
    for (int i = 0; i < 3; i++)
        fixture_wait_object(fixture, assignments[i], FERRY_INTERFACE_ASSIGNMENT, false);
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
        g_autofree char *path = group_path(groups[i]);

        group_call(fixture, path, "Delete", "a{sv}", 0);
    }
}

static void test_there_and_back(void **state)
{
    Fixture *fixture = *state;
    char *assignments[3];
    g_autofree char *before = NULL, *wiped = NULL, *after = NULL, *device = fixture_device_path("1-2");

    groups_plug(fixture, "1-2", "046d:c31c", "KBD-0001");
    make_things(fixture, assignments);
    before = export(fixture);
    assert_says(before, "Machine=desk\n");
    assert_says(before, "Selector=vendor=046d product=c31c serial=KBD-0001\n");

    /* what is there already is nothing to do, and no file is written */
    {
        g_autofree char *stored = store_state(fixture);

        assert_apply(fixture, before, "");
        assert_untouched(fixture, g_strdup(before), g_steal_pointer(&stored));
    }
    wipe(fixture, assignments);
    wiped = export(fixture);
    assert_string_equal(wiped, "");

    g_free(apply(fixture, before));
    after = export(fixture);
    assert_string_equal(after, before);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
    {
        g_autofree char *stored = store_state(fixture);

        assert_apply(fixture, before, "");
        assert_untouched(fixture, g_steal_pointer(&after), g_steal_pointer(&stored));
    }
    /* and after a crash */
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
    after = export(fixture);
    assert_string_equal(after, before);
    for (int i = 0; i < 3; i++)
        g_free(assignments[i]);
}

#define TWO                                                                                            \
    "[Group]\nName=a\nDescription=A\n\n[Rule 1]\nMatch=vendor=0529\n\n[Rule 2]\nMatch=vendor=0001\n\n" \
    "[Group]\nName=b\n\n[Assignment]\nName=x\nMachine=desk\nGroup=a\n"

/* Killed right after the answer: all of it is there. */
static void test_answered_means_stored(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *before = NULL, *after = NULL;

    g_free(apply(fixture, TWO));
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
    after = export(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    assert_string_equal(after, TWO);
}

static void test_only_what_differs(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = fixture_state_path(fixture, "groups/b");
    g_autofree char *group = group_path("a");
    struct stat before, after;

    assert_apply(fixture, TWO,
                 "added group a Group/Name:>a Group/Description:>A Rule 1/Match:>vendor=0529 "
                 "Rule 2/Match:>vendor=0001; added group b Group/Name:>b; added assignment x@desk "
                 "Assignment/Name:>x Assignment/Machine:>desk Assignment/Group:>a");
    assert_int_equal(stat(keys, &before), 0);
    assert_apply(fixture,
                 "[Group]\nName=a\nClass=hid\n\n[Rule 1]\nMatch=vendor=0529\nEnabled=false\n\n[Rule 4]\n"
                 "Match=vendor=0004\n\n[Group]\nName=b\n",
                 "changed group a Group/Class:>hid Group/Description:A> Rule 1/Enabled:>false "
                 "Rule 4/Match:>vendor=0004 Rule 2/Match:vendor=0001>");
    assert_int_equal(stat(keys, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Rules",
              "1 false vendor=0529 admin; 4 true vendor=0004 admin");
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Class", "hid");
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Description", "");
    /* the next rule has a number that none had */
    assert_int_equal(group_add_rule(fixture, group, "vendor=0005"), 5);
    g_free(apply(fixture, "[Group]\nName=a\n\n[Rule 1]\nMatch=vendor=0529\n"));
    wait_list(fixture, group, FERRY_INTERFACE_GROUP, "Rules", "1 true vendor=0529 admin");
    assert_int_equal(group_add_rule(fixture, group, "vendor=0005"), 6);
}

/* Its devices stay where they are. */
static void test_an_assignment_is_changed_in_place(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *path = NULL, *name = NULL, *text = NULL, *counts = NULL;
    g_autofree char *other = group_create_with(fixture, "other", "vendor=0529");

    groups_plug(fixture, "1-1", "0529:0001", "KEY-0001");
    groups_plug(fixture, "1-2", "0529:0001", "KEY-0002");
    path = group_assign(fixture, keys, FIXTURE_DESK, "1", NULL);
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    name = fixture_get(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Name");

    text = g_strdup_printf("[Assignment]\nName=%s\nMachine=" FIXTURE_DESK "\nGroup=other\nQuantity=2\n"
                           "Persistent=false\nPriority=4\nDescription=D\n",
                           name);
    g_free(apply(fixture, text));
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Quantity", "2");
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Group", other);
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Persistent", "false");
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Priority", "4");
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Description", "D");
    wait_list(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-1 attached; 1-2 attached");
    counts = fixture_script(fixture, "counts");
    assert_says(counts, "attach=2 detach=0");
    {
        g_autofree char *folder = fixture_state_path(fixture, "assignments");
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

        assert_null(g_dir_read_name(dir));
    }
    assert_apply(fixture, text, "");

    g_free(text);
    text = g_strdup_printf("[Assignment]\nName=%s\nMachine=desk\nGroup=other\nEnabled=false\n", name);
    g_free(apply(fixture, text));
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", "disabled");
    g_free(text);
    text = g_strdup_printf("[Assignment]\nName=%s\nMachine=desk\nSelector=serial=KEY-0002\n", name);
    g_free(apply(fixture, text));
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    wait_list(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-2 attached");
}

/* Names that are made of what devices call themselves are good for a text, too. */
static void test_long_names(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GString) product = g_string_new(NULL);
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *first = NULL, *text = NULL;

    while (product->len < 360)
        g_string_append(product, "Größe ");
    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", product->str);
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    first = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    sd_bus_message_unref(fixture_call_ok(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    text = export(fixture);
    assert_apply(fixture, text, "");
}

#define GOOD "[Group]\nName=new\n\n[Rule 1]\nMatch=vendor=0529\n\n"

static void test_one_fault_changes_nothing(void **state)
{
    Fixture *fixture = *state;
    static const struct {
        const char *text, *error, *expected;
        bool prune;
    } bad[] = {
        { GOOD "[Group]\nName=keys\n\n[Rule 1]\nMatch=vendor=xyz\n", "InvalidRule", SOURCE ":11: ", false },
        { GOOD "[Group]\nName=my keys\n", "InvalidName", SOURCE ":8: ", false },
        { GOOD "[Group]\nName=keys\nColour=red\n", "InvalidOption", SOURCE ":9: ", false },
        { GOOD "\x01", "InvalidOption", SOURCE ":7: ", false },
        { GOOD "[Group]\nName=new\n", "AlreadyExists", SOURCE ":7: ", false },
        { GOOD "[Group]\nName=file\n", "AlreadyExists", SOURCE ":7: group file comes from ", false },
        { GOOD "[Assignment]\nName=x\nMachine=mars\nGroup=new\n", "NoSuchMachine", SOURCE ":9: \"mars\"",
          false },
        { GOOD "[Assignment]\nName=x\nMachine=desk\nGroup=nowhere\n", "NoSuchGroup", SOURCE ":10: ", false },
        { GOOD "[Assignment]\nName=x\nMachine=desk\nGroup=keys\n", "GroupInUse", SOURCE ":10: ", true },
        { GOOD "[Assignment]\nName=twin\nMachine=desk\nGroup=new\n", "Ambiguous", SOURCE ":7: ", false },
        { GOOD
          "[Assignment]\nName=x\nMachine=desk\nGroup=new\n[Assignment]\nName=one\nMachine=desk\nGroup=new\n"
          "[Assignment]\nName=one\nMachine=" FIXTURE_DESK "\nGroup=new\n",
          "AlreadyExists", SOURCE ":15: ", false },
        { "", "InvalidOption", SOURCE ":1: ", true },
    };
    static const char *const names[] = { "twin", "twin", "one" };
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *file = groups_drop_in("etc", "file.conf", "[Group]\nName=file\n");
    g_autofree char *file_path = group_path("file"), *new_path = group_path("new");

    assert_int_equal(kill(fixture->daemon_pid, SIGHUP), 0);
    fixture_wait_object(fixture, file_path, FERRY_INTERFACE_GROUP, true);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = group_assign(fixture, keys, FIXTURE_DESK, NULL, NULL);

        sd_bus_message_unref(fixture_call_ok(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                                             "Name", "s", names[i]));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *exported = export(fixture), *stored = store_state(fixture);

        refuse(fixture, bad[i].text, bad[i].prune, bad[i].error, bad[i].expected);
        assert_untouched(fixture, exported, stored);
        fixture_wait_object(fixture, new_path, FERRY_INTERFACE_GROUP, false);
    }
    g_free(fixture_call_error(fixture, "InvalidOption", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply",
                              "ssa{sv}", GOOD, SOURCE, 1, "Really", "b", 1));
}

static void test_dry_run_and_prune(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *file = groups_drop_in("etc", "file.conf", "[Group]\nName=file\n");
    g_autofree char *file_path = group_path("file"), *new_path = group_path("new");
    g_autofree char *assignment = group_assign(fixture, keys, FIXTURE_STUDIO, NULL, NULL);
    g_autofree char *planned = NULL, *done = NULL;
    char *exported, *stored;

    assert_int_equal(kill(fixture->daemon_pid, SIGHUP), 0);
    fixture_wait_object(fixture, file_path, FERRY_INTERFACE_GROUP, true);
    exported = export(fixture);
    stored = store_state(fixture);
    planned = apply_with(fixture, GOOD, true, true);
    assert_string_equal(
        planned, "added group new Group/Name:>new Rule 1/Match:>vendor=0529; removed assignment "
                 "keys to studio@studio Assignment/Name:keys to studio> Assignment/Machine:studio> "
                 "Assignment/Group:keys>; removed group keys Group/Name:keys> Rule 1/Match:vendor=0529>");
    assert_untouched(fixture, exported, stored);

    done = apply_with(fixture, GOOD, false, true);
    assert_string_equal(done, planned);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait_object(fixture, keys, FERRY_INTERFACE_GROUP, false);
    fixture_wait_object(fixture, new_path, FERRY_INTERFACE_GROUP, true);
    fixture_wait_object(fixture, file_path, FERRY_INTERFACE_GROUP, true);
    exported = export(fixture);
    assert_string_equal(exported, "[Group]\nName=new\n\n[Rule 1]\nMatch=vendor=0529\n");
    g_free(exported);
}

/* What is a tenant's is neither told nor touched, whatever the text says. */
static void test_tenants_are_left_alone(void **state)
{
    static const char text[] = "[Group]\nName=new\n";
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *tenant = NULL, *group = NULL, *assignment = NULL, *said = NULL, *exported = NULL;

    groups_plug(fixture, "1-2", "0529:0001", "AB");
    tenant = tenant_create_with(fixture, "acme", "user:nobody", FIXTURE_DESK);
    group = tenant_grant(fixture, tenant, "1-2", "keys");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "all", NULL);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    exported = export(fixture);
    assert_string_equal(exported, "");

    said = apply_with(fixture, text, false, true);
    assert_string_equal(said, "added group new Group/Name:>new");
    refuse(fixture, "[Group]\nName=acme/keys\n", true, "NotOwned", SOURCE ":1: ");
    refuse(fixture, "[Assignment]\nName=mine\nMachine=studio\nGroup=acme/keys\n", true, "NotOwned",
           SOURCE ":4: ");
    refuse(fixture, "[Assignment]\nName=acme/keys to desk\nMachine=desk\nSelector=vendor=0529\n", false,
           "NotOwned", SOURCE ":1: ");
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
}

/* Its machine or its group is gone: what stays as it is is no error. */
static void test_what_waits_may_stay(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create(fixture, "keys");
    g_autofree char *machine = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *text = NULL;

    g_free(group_assign(fixture, keys, FIXTURE_STUDIO, NULL, NULL));
    group_call(fixture, keys, "Delete", "a{sv}", 1, "Force", "b", 1);
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_STUDIO));
    fixture_wait_object(fixture, machine, FERRY_INTERFACE_MACHINE, false);
    text = export(fixture);
    assert_says(text, "Machine=studio\nGroup=keys\n");
    assert_apply(fixture, text, "");
}

static void test_strangers(void **state)
{
    Fixture *fixture = *state;
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    sd_bus *root = fixture->bus;
    char *exported, *stored;

    g_free(group_create_with(fixture, "keys", "vendor=0529"));
    exported = export(fixture);
    stored = store_state(fixture);
    fixture->bus = stranger;
    for (int dry_run = 0; dry_run < 2; dry_run++)
        g_free(fixture_call_error(fixture, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
                                  FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}", GOOD, SOURCE,
                                  1, "DryRun", "b", dry_run));
    /* reads are open */
    assert_untouched(fixture, g_strdup(exported), g_strdup(stored));
    fixture->bus = root;
    assert_untouched(fixture, exported, stored);
    sd_bus_flush_close_unref(stranger);
}

static void test_what_cannot_be_stored_is_not_done(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *journal = fixture_state_path(fixture, "journal");
    g_autofree char *in_it = g_build_filename(journal, "x", NULL);
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *text = export(fixture);
    g_autofree char *new_path = group_path("new");
    char *stored;

    assert_int_equal(g_mkdir(journal, 0700), 0);
    assert_true(g_file_set_contents(in_it, "", -1, NULL));
    stored = store_state(fixture);
    refuse(fixture, GOOD "[Group]\nName=keys\n[Assignment]\nName=x\nMachine=desk\nGroup=new\n", false,
           "Storage", "");
    assert_untouched(fixture, g_strdup(text), stored);
    fixture_wait_object(fixture, new_path, FERRY_INTERFACE_GROUP, false);
    assert_int_equal(g_unlink(in_it), 0);
    assert_int_equal(g_rmdir(journal), 0);
    /* nothing is left locked */
    group_add_rule(fixture, keys, "vendor=0001");
    g_free(apply(fixture, GOOD));
    fixture_wait_object(fixture, new_path, FERRY_INTERFACE_GROUP, true);
}

typedef struct Answers {
    unsigned n;
    unsigned refused; /* with LimitExceeded or, for a group that is being made, AlreadyExists */
} Answers;

static int count_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Answers *answers = userdata;

    answers->n++;
    if (sd_bus_message_is_method_error(reply, FERRY_ERROR_PREFIX "LimitExceeded") ||
        sd_bus_message_is_method_error(reply, FERRY_ERROR_PREFIX "AlreadyExists"))
        answers->refused++;
    else
        assert_false(sd_bus_message_is_method_error(reply, NULL));
    return 0;
}

static bool all_answered(Fixture *fixture, void *userdata)
{
    const Answers *answers = userdata;

    while (sd_bus_process(fixture->bus, NULL) > 0)
        ;
    return answers->n == 3;
}

/* While one is on its way to the disk, others wait outside. */
static void test_one_at_a_time(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *group = group_create_with(fixture, "g0", "vendor=0529");
    Answers answers = {};

    for (int i = 0; i < 200; i++)
        g_string_append_printf(text, "[Group]\nName=g%d\n", i);
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                         FERRY_INTERFACE_MANAGER, "Apply", count_answer, &answers, "ssa{sv}",
                                         text->str, SOURCE, 0) >= 0);
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                         FERRY_INTERFACE_MANAGER, "Apply", count_answer, &answers, "ssa{sv}",
                                         GOOD, SOURCE, 0) >= 0);
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, group, FERRY_INTERFACE_GROUP,
                                         "AddRule", count_answer, &answers, "sa{sv}", "vendor=1", 0) >= 0);
    fixture_wait_for(fixture, all_answered, &answers, "three answers");
    assert_int_equal(answers.refused, 2);
}

typedef struct Killing {
    char *journal;
    Answers answers;
} Killing;

static bool under_way(Fixture *fixture, void *userdata)
{
    const Killing *killing = userdata;

    while (sd_bus_process(fixture->bus, NULL) > 0)
        ;
    return killing->answers.n > 0 || g_file_test(killing->journal, G_FILE_TEST_EXISTS);
}

/* Killed in the middle of writing: all of it is there. */
static void test_killed_in_between(void **state)
{
    Fixture *fixture = *state;
    enum { GROUPS = 200, ROUNDS = 2 };

    for (int round = 0; round < ROUNDS; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        Killing killing = { .journal = fixture_state_path(fixture, "journal") };
        sd_bus_slot *slot = NULL;
        g_autofree char *after = NULL;

        for (int i = 0; i < GROUPS; i++)
            g_string_append_printf(text, "%s[Group]\nName=g%03d\nPriority=%d\n", i > 0 ? "\n" : "", i,
                                   round + 1);
        assert_true(sd_bus_call_method_async(fixture->bus, &slot, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                             FERRY_INTERFACE_MANAGER, "Apply", count_answer, &killing.answers,
                                             "ssa{sv}", text->str, SOURCE, 0) >= 0);
        fixture_wait_for(fixture, under_way, &killing, "the change is under way");
        sd_bus_slot_unref(slot);
        fixture_stop_daemon(fixture, SIGKILL);
        fixture_start_daemon(fixture);
        fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
        after = export(fixture);
        assert_string_equal(after, text->str);
        assert_false(g_file_test(killing.journal, G_FILE_TEST_EXISTS));
        g_free(killing.journal);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back),
        TEST(test_answered_means_stored),
        TEST(test_only_what_differs),
        TEST(test_an_assignment_is_changed_in_place),
        TEST(test_long_names),
        TEST(test_one_fault_changes_nothing),
        TEST(test_dry_run_and_prune),
        TEST(test_tenants_are_left_alone),
        TEST(test_what_waits_may_stay),
        TEST(test_strangers),
        TEST(test_what_cannot_be_stored_is_not_done),
        TEST(test_one_at_a_time),
        TEST(test_killed_in_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
