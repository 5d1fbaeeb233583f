/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened: GetHistory, and the signal Notice, which tell the same things in the same words. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/host-calls.h"
#include "tests/bus/memory-folder.h"

#define MANAGER    FERRY_INTERFACE_MANAGER
#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT
#define DEVICE     FERRY_INTERFACE_DEVICE

/* As the contract has them. */
#define HISTORY_MAX        1000
#define HISTORY_TEXT_MAX   1024
#define NOTICES_OF_ONE_MAX 12

#define QUESTIONS 20

#define ALLOW(action) \
    "polkit.addRule(function (asked) { if (asked.id == '" action "') return polkit.Result.YES; });\n"

/* ------------------------------------------------------------------ reading */

/* One of "s", "t" and "u" of an open a{sv}, into a table of texts. */
static void read_pairs(sd_bus_message *message, GHashTable *pairs)
{
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        const char *key, *contents, *text;
        uint64_t time;
        uint32_t number;
        char *value = NULL;

        assert_true(sd_bus_message_read(message, "s", &key) > 0);
        assert_true(sd_bus_message_peek_type(message, NULL, &contents) > 0);
        if (strcmp(contents, "s") == 0) {
            assert_true(sd_bus_message_read(message, "v", "s", &text) > 0);
            value = g_strdup(text);
        } else if (strcmp(contents, "t") == 0) {
            assert_true(sd_bus_message_read(message, "v", "t", &time) > 0);
            value = g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)time);
        } else {
            assert_true(sd_bus_message_read(message, "v", "u", &number) > 0);
            value = g_strdup_printf("%u", number);
        }
        assert_false(g_hash_table_contains(pairs, key));
        g_hash_table_insert(pairs, g_strdup(key), value);
        assert_true(sd_bus_message_exit_container(message) >= 0);
    }
}

static GHashTable *pairs_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void free_pairs(gpointer pairs)
{
    g_hash_table_unref(pairs);
}

static const char *value(GPtrArray *list, guint i, const char *key)
{
    assert_true(i < list->len);
    return g_hash_table_lookup(list->pdata[i], key);
}

static void assert_value(GPtrArray *list, guint i, const char *key, const char *expected)
{
    const char *is = value(list, i, key);

    assert_non_null(is);
    assert_string_equal(is, expected);
}

/* Of GHashTable of texts. */
static GPtrArray *get_history(sd_bus *bus, uint32_t max)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(free_pairs);
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;

    if (sd_bus_call_method(bus, FERRY_BUS_NAME, FERRY_PATH_ROOT, MANAGER, "GetHistory", &error, &reply,
                           "ua{sv}", max, 0) < 0)
        fail_msg("GetHistory: %s: %s", error.name, error.message);
    assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") > 0);
    while (sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
        g_ptr_array_add(list, pairs_new());
        read_pairs(reply, list->pdata[list->len - 1]);
        assert_true(sd_bus_message_exit_container(reply) >= 0);
    }
    sd_bus_message_unref(reply);
    return list;
}

/* "plugged assigned …" of what is about this device or, with NULL, all. New string. */
static char *kinds(GPtrArray *list, const char *label)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++)
        if (!label || g_strcmp0(value(list, i, "DeviceLabel"), label) == 0)
            g_string_append_printf(text, "%s%s", text->len ? " " : "", value(list, i, "Kind"));
    return g_string_free(text, FALSE);
}

/* ------------------------------------------------------------------ hearing */

typedef struct Ear {
    Fixture *fixture;
    GPtrArray *notices; /* of GHashTable: the pairs of the details, and Kind, Subject and Text */
    sd_bus_slot *slot;
} Ear;

static int on_notice(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Ear *ear = userdata;
    GHashTable *pairs = pairs_new();
    const char *kind, *subject, *text;

    assert_true(sd_bus_message_read(message, "sos", &kind, &subject, &text) > 0);
    g_hash_table_insert(pairs, g_strdup("Kind"), g_strdup(kind));
    g_hash_table_insert(pairs, g_strdup("Subject"), g_strdup(subject));
    g_hash_table_insert(pairs, g_strdup("Text"), g_strdup(text));
    assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
    read_pairs(message, pairs);
    g_ptr_array_add(ear->notices, pairs);
    return 0;
}

static void listen(Ear *ear, Fixture *fixture)
{
    *ear = (Ear){ .fixture = fixture, .notices = g_ptr_array_new_with_free_func(free_pairs) };
    assert_true(sd_bus_add_match(fixture->bus, &ear->slot,
                                 "type='signal',sender='" FERRY_BUS_NAME "',interface='" MANAGER
                                 "',member='Notice'",
                                 on_notice, ear) >= 0);
}

static void listen_no_more(Ear *ear)
{
    sd_bus_slot_unref(ear->slot);
    g_ptr_array_unref(ear->notices);
}

/* What was told by now. */
static void drain(Ear *ear)
{
    while (sd_bus_process(ear->fixture->bus, NULL) > 0)
        continue;
}

typedef struct Expected {
    Ear *ear;
    const char *kind, *label;
    guint found;
} Expected;

static bool was_heard(Fixture *fixture, void *userdata)
{
    Expected *expected = userdata;
    GPtrArray *notices = expected->ear->notices;

    for (guint i = 0; i < notices->len; i++)
        if (g_strcmp0(value(notices, i, "Kind"), expected->kind) == 0 &&
            g_strcmp0(value(notices, i, "DeviceLabel"), expected->label) == 0) {
            expected->found = i;
            return true;
        }
    return false;
}

static guint wait_notice(Ear *ear, const char *kind, const char *label)
{
    Expected expected = { ear, kind, label, 0 };

    fixture_wait_for(ear->fixture, was_heard, &expected, kind);
    return expected.found;
}

/* ------------------------------------------------------------------ the tests */

static void call(Fixture *fixture, const char *assignment, const char *member)
{
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, member, ""));
}

static void release(Fixture *fixture, const char *assignment)
{
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
}

static void plug(Fixture *fixture, const char *sysname, const char *serial, const char *name)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "046d", "c31c", serial, name);
    fixture_wait_object(fixture, device, DEVICE, true);
}

static void test_one_list(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2"), *assignment = NULL, *said = NULL, *told = NULL;
    g_autofree char *id = NULL;
    g_autoptr(GPtrArray) history = NULL;
    Ear ear;

    listen(&ear, fixture);
    plug(fixture, "1-2", "KBD-0001", "Keyboard K120");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    (void)wait_notice(&ear, "attached", "Keyboard K120");
    call(fixture, assignment, "Detach");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "disabled");
    fixture_wait(fixture, device, DEVICE, "State", "host");
    release(fixture, assignment);
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, DEVICE, false);

    history = get_history(fixture->bus, 1000);
    said = kinds(history, "Keyboard K120");
    assert_string_equal(said, "plugged assigned attached changed home released unplugged");
    drain(&ear);
    told = kinds(ear.notices, "Keyboard K120");
    assert_string_equal(told, "attached home");

    /* how much each of them says */
    assert_true(sd_bus_path_decode(assignment, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    assert_value(ear.notices, 0, "Subject", device);
    assert_value(ear.notices, 0, "Device", "1-2");
    assert_value(ear.notices, 0, "Machine", FIXTURE_DESK);
    assert_value(ear.notices, 0, "MachineName", "desk");
    assert_value(ear.notices, 0, "Assignment", id);
    assert_value(ear.notices, 0, "Code", "attached");
    assert_value(ear.notices, 0, "Text", "046d:c31c \"Keyboard K120\" (1-2) is attached to VM \"desk\"");
    assert_null(value(ear.notices, 0, "Who"));
    assert_null(value(ear.notices, 0, "LeftOut"));
    assert_value(ear.notices, 1, "Code", "disabled");
    assert_says(value(ear.notices, 1, "Text"), "came home from VM \"desk\": it was taken home");
    listen_no_more(&ear);
}

static void test_only_the_newest(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GPtrArray) none = NULL, three = NULL, all = NULL;

    for (guint i = 0; i < HISTORY_MAX + 4; i++)
        sd_bus_message_unref(
            fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "SetEnabled", "b", (int)(i % 2)));
    none = get_history(fixture->bus, 0);
    assert_int_equal(none->len, 0);
    three = get_history(fixture->bus, 3);
    assert_int_equal(three->len, 3);
    assert_value(three, 2, "Text", "usbferry is switched on");
    assert_value(three, 1, "Text", "usbferry is switched off: nothing more is given");
    assert_value(three, 1, "Who", "0");
    all = get_history(fixture->bus, UINT32_MAX);
    assert_int_equal(all->len, HISTORY_MAX);
    for (guint i = 0; i < all->len; i++)
        assert_value(all, i, "Kind", "switched");
}

/* What a device calls itself is told clean, and long names in bounds. */
static void test_hostile_names(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *label = NULL, *device = fixture_device_path("1-2");
    g_autofree char *path = fixture_device_path("1-3"), *long_name = g_strnfill(500, 'x');
    g_autoptr(GPtrArray) history = NULL;
    bool seen = false;
    Ear ear;

    listen(&ear, fixture);
    plug(fixture, "1-2", "KBD-0001", "\xe2\x80\xae evil \x1b[2J\" is attached to VM \"bank");
    label = fixture_get(fixture, device, DEVICE, "Label");
    plug(fixture, "1-3", "KBD-0002", long_name);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    (void)wait_notice(&ear, "attached", label);
    assert_value(ear.notices, 0, "Subject", device);
    assert_says(value(ear.notices, 0, "Text"), "evil [2J\\\" is attached to VM \\\"bank\" (1-2) is attached");
    history = get_history(fixture->bus, 1000);
    for (guint i = 0; i < history->len; i++) {
        GHashTableIter iter;
        gpointer text;

        g_hash_table_iter_init(&iter, history->pdata[i]);
        while (g_hash_table_iter_next(&iter, NULL, &text)) {
            assert_true(g_utf8_validate(text, -1, NULL));
            assert_null(strpbrk(text, "\x1b\n\r\t"));
            assert_null(strstr(text, "\xe2\x80\xae"));
            assert_in_range(strlen(text), 0, HISTORY_TEXT_MAX);
        }
        seen |= g_strcmp0(value(history, i, "DeviceLabel"), long_name) == 0;
    }
    assert_true(seen);
    listen_no_more(&ear);
}

static char *assign_as(Fixture *fixture, sd_bus *bus, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname), *desk = fixture_machine_path(FIXTURE_DESK);
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    const char *path;
    char *copy;

    if (sd_bus_call_method(bus, FERRY_BUS_NAME, FERRY_PATH_ROOT, MANAGER, "Assign", &error, &reply, "ooa{sv}",
                           device, desk, 0) < 0)
        fail_msg("Assign: %s: %s", error.name, error.message);
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

/* Who of the newest of this kind, as this user sees it; "-" when he doesn't. New string. */
static char *who_of(sd_bus *bus, const char *kind)
{
    g_autoptr(GPtrArray) history = get_history(bus, 1000);

    for (guint i = history->len; i > 0; i--)
        if (strcmp(value(history, i - 1, "Kind"), kind) == 0) {
            const char *who = value(history, i - 1, "Who");

            return g_strdup(who ? who : "-");
        }
    return g_strdup("none");
}

static void assert_who(sd_bus *bus, const char *kind, const char *expected)
{
    g_autofree char *who = who_of(bus, kind);

    assert_string_equal(who, expected);
}

/* Everybody sees what happened. Who did it only those see whom it concerns, but for what Owner says. */
static void test_who(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    sd_bus *owner, *stranger;

    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, ALLOW("org.usbferry1.assign"));
    owner = fixture_connect(fixture, FIXTURE_OTHER);
    stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    plug(fixture, "1-2", "KBD-0001", "Keyboard K120");
    assignment = assign_as(fixture, owner, "1-2");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    assert_who(stranger, "assigned", "1");
    /* nobody decided that just now */
    assert_who(fixture->bus, "plugged", "-");
    assert_who(fixture->bus, "attached", "-");

    /* root takes it */
    call(fixture, assignment, "Detach");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "disabled");
    assert_who(stranger, "changed", "-");
    assert_who(owner, "changed", "0");
    assert_who(fixture->bus, "changed", "0");
    /* what comes of it was his decision, too */
    assert_who(stranger, "home", "-");
    assert_who(owner, "home", "0");
    release(fixture, assignment);
    assert_who(stranger, "released", "-");
    assert_who(owner, "released", "0");
    sd_bus_flush_close_unref(owner);
    sd_bus_flush_close_unref(stranger);
}

/* One of several, of an assignment that goes on. */
static void test_who_took_one(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=046d");
    g_autofree char *device = fixture_device_path("1-2"), *assignment = NULL;

    plug(fixture, "1-2", "KBD-0001", "Keyboard K120");
    plug(fixture, "1-3", "KBD-0002", "Keyboard K120");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "2", NULL);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, ASSIGNMENT, "ReleaseDevice", "oa{sv}", device, 0));
    fixture_wait(fixture, device, DEVICE, "State", "host");
    assert_who(fixture->bus, "home", "0");
}

/* What isn't stored didn't happen. */
static void test_not_stored(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2"), *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *refused = NULL, *said = NULL;
    g_autoptr(GPtrArray) history = NULL;

    plug(fixture, "1-2", "KBD-0001", "Keyboard K120");
    fixture_break_disk(fixture);
    refused = fixture_call_error(fixture, "Storage", FERRY_PATH_ROOT, MANAGER, "Assign", "ooa{sv}", device,
                                 desk, 0);
    fixture_mend_disk(fixture);
    history = get_history(fixture->bus, 1000);
    said = kinds(history, "Keyboard K120");
    assert_string_equal(said, "plugged");
}

/* One that comes and goes all the time. */
static void test_bounded(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *device = fixture_device_path("1-2");
    gint64 begun = g_get_monotonic_time();
    guint minutes;
    Ear ear;

    listen(&ear, fixture);
    plug(fixture, "1-2", "KBD-0001", "Keyboard K120");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    for (guint i = 0; i < NOTICES_OF_ONE_MAX; i++) {
        fixture_wait(fixture, device, DEVICE, "State", "attached");
        call(fixture, assignment, "Detach");
        fixture_wait(fixture, device, DEVICE, "State", "host");
        call(fixture, assignment, "Attach");
    }
    fixture_wait(fixture, device, DEVICE, "State", "attached");
    drain(&ear);
    minutes = 1 + (guint)((g_get_monotonic_time() - begun) / (60 * G_USEC_PER_SEC));
    assert_in_range(ear.notices->len, 2, NOTICES_OF_ONE_MAX * minutes);
    /* others are told of */
    plug(fixture, "1-3", "KBD-0002", "Keyboard K121");
    g_free(fixture_assign(fixture, "1-3", FIXTURE_DESK));
    (void)wait_notice(&ear, "attached", "Keyboard K121");
    listen_no_more(&ear);
}

/* The host keeps what it uses, and says so when somebody waits for it. */
static void test_guarded(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *device = fixture_device_path("1-2");
    guint guarded;
    Ear ear;

    listen(&ear, fixture);
    groups_plug(fixture, "1-2", "0781:5567", "S-1");
    host_put_disk(fixture, "1-2", "sda1", "8:1\n");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "waiting-machine");
    host_mount(fixture, "8:1", "/home");
    host_hint(fixture);
    wait_list(fixture, device, DEVICE, "HostUse", "mounted:/home");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    fixture_wait(fixture, assignment, ASSIGNMENT, "ReasonCode", "guarded");
    {
        g_autofree char *label = fixture_get(fixture, device, DEVICE, "Label");

        guarded = wait_notice(&ear, "guarded", label);
    }
    assert_value(ear.notices, guarded, "Subject", device);
    assert_value(ear.notices, guarded, "Code", "guarded");
    assert_value(ear.notices, guarded, "MachineName", "studio");
    assert_says(value(ear.notices, guarded, "Text"), "/home");
    listen_no_more(&ear);
}

/* What goes where it was is no news; what is wrong is. */
static void test_start(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *good = NULL, *bad = NULL, *id = NULL,
                    *folder = fixture_state_path(fixture, "assignments"),
                    *device = fixture_device_path("1-2");
    g_autofree char *path = NULL, *text = NULL, *more = NULL, *shown = NULL;
    g_auto(GStrv) words = NULL;
    Expected moved;
    guint failed;
    Ear ear;

    plug(fixture, "1-2", "KBD-0001", "Keyboard K120");
    plug(fixture, "1-3", "KBD-0002", "Keyboard K121");
    good = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    bad = fixture_assign(fixture, "1-3", FIXTURE_STUDIO);
    fixture_wait(fixture, good, ASSIGNMENT, "State", "attached");
    assert_true(sd_bus_path_decode(bad, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    words = g_strsplit(shown, " ", 3); /* "desk running LIFE…" */
    fixture_stop_daemon(fixture, SIGTERM);
    path = g_build_filename(folder, id, NULL);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    more = g_strconcat(text, "Colour=red\n", NULL);
    assert_true(g_file_set_contents(path, more, -1, NULL));
    listen(&ear, fixture);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    /* The only VM: it is seen to have the device in the turn that ends the settling. */
    g_free(fixture_script(fixture, "carry-on %s %s", FIXTURE_DESK, words[2]));
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, MANAGER, "Settling", "false");
    fixture_wait(fixture, good, ASSIGNMENT, "State", "attached");
    failed = wait_notice(&ear, "failed", "Keyboard K121");
    assert_value(ear.notices, failed, "Code", "damaged");
    /* It is where it was. Whatever was to be said is said by the answer to the last question. */
    for (unsigned i = 0; i < QUESTIONS; i++)
        g_free(fixture_get(fixture, good, ASSIGNMENT, "State"));
    drain(&ear);
    moved = (Expected){ &ear, "attached", "Keyboard K120", 0 };
    assert_false(was_heard(fixture, &moved));
    listen_no_more(&ear);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_list),      TEST(test_only_the_newest),
        TEST(test_hostile_names), TEST(test_who),
        TEST(test_who_took_one),  TEST(test_not_stored),
        TEST(test_bounded),       cmocka_unit_test_setup_teardown(test_guarded, host_setup, fixture_teardown),
        TEST(test_start),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
