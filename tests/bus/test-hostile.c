/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user without any right can send, and that it costs others next to nothing. */

#include "tests/bus/cmocka-include.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dbus/bus/limits.h"
#include "tests/bus/hostile.h"
#include "tests/bus/memory-folder.h"

#define LONG_BYTES (1100 * 1000)
#define HUGE_BYTES (15 * LONG_BYTES)
/* What an error may have. */
#define ERROR_BYTES 4096

#define PROPERTIES "org.freedesktop.DBus.Properties"

/* ------------------------------------------------------------------ descriptors */

#define FD_CALLS 400
#define FDS      16

static bool send_fds(const char *socket_path, HostileReport *report)
{
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    g_autoptr(GByteArray) body = g_byte_array_new();
    int fds[FDS];
    bool good = bus;

    /* Nothing below /dev: umockdev asks for that what the attacker may not. */
    for (int i = 0; i < FDS; i++)
        fds[i] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    raw_number(body, 1);
    for (int i = 0; good && i < FD_CALLS; i++)
        good = raw_bus_call_with_fds(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", body,
                                     fds, FDS);
    for (int i = 0; good && i < FD_CALLS; i++)
        good = hostile_read(bus, report);
    for (int i = 0; i < FDS; i++)
        close(fds[i]);
    return good;
}

static void test_descriptors(void **state)
{
    Hostile *hostile = *state;
    guint before = hostile_count_fds(hostile), during = 0;

    hostile_begin(hostile, send_fds, true);
    while (hostile->report->rounds == 0 && hostile_attacks(hostile)) {
        hostile_ping(hostile);
        during = MAX(during, hostile_count_fds(hostile));
    }
    hostile_end(hostile, false);
    assert_in_range(during, 1, before + FDS);
    hostile_attack(hostile, send_fds);
}

/* ------------------------------------------------------------------ long texts */

static const struct {
    const char *path, *interface, *member, *types;
} texts[] = {
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetDevice", "s" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetGroup", "s" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetTenant", "s" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetMachine", "s" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "TestRule", "s" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateTenant", "sa{sv}" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule", "sa{sv}" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}" },
    { FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "NoMethod", "s" },
    { FERRY_PATH_ROOT, PROPERTIES, "GetAll", "s" },
    { "/nothing", PROPERTIES, "Get", "ss" },
};

/* The other arguments are missing: nothing looks for them. */
static bool send_texts(const char *socket_path, HostileReport *report)
{
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    g_autoptr(GByteArray) body = g_byte_array_new();
    bool good = bus;

    raw_long_text(body, '\x01', LONG_BYTES);
    for (gsize i = 0; good && i < G_N_ELEMENTS(texts); i++) {
        guint text_end = body->len;

        for (const char *rest = texts[i].types + 1; *rest == 's'; rest++)
            raw_text(body, "");
        if (strchr(texts[i].types, 'a')) {
            raw_number(body, 0);
            raw_align(body, 8);
        }
        good = raw_bus_call(bus, texts[i].path, texts[i].interface, texts[i].member, texts[i].types, body) &&
               hostile_read(bus, report);
        g_byte_array_set_size(body, text_end);
    }
    return good;
}

static void test_long_texts(void **state)
{
    Hostile *hostile = *state;

    hostile_attack(hostile, send_texts);
    assert_int_equal(hostile->report->limited, hostile->report->answers);
    assert_in_range(hostile->report->longest, 1, ERROR_BYTES);
}

/* Quoted, that was longer than the bus's longest message. */
static bool send_huge_text(const char *socket_path, HostileReport *report)
{
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    g_autoptr(GByteArray) body = g_byte_array_new();

    raw_long_text(body, '\x01', HUGE_BYTES);
    return bus && raw_bus_call(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetGroup", "s", body) &&
           hostile_read(bus, report);
}

static void test_huge_text(void **state)
{
    Hostile *hostile = *state;

    hostile_watch_memory(hostile);
    hostile_once(hostile, send_huge_text);
    hostile_check_memory(hostile, HOSTILE_MEMORY);
    assert_int_equal(hostile->report->limited, 1);
    assert_in_range(hostile->report->longest, 1, ERROR_BYTES);
}

/* ------------------------------------------------------------------ long options, long paths, many values */

/* Empty ones: as many as there is room for. */
static void add_texts(GByteArray *body, guint n)
{
    RawArray array = raw_open_array(body, sizeof(guint32));

    for (guint i = 0; i < n; i++)
        raw_text(body, "");
    raw_close_array(body, array);
}

enum { LONG_KEY, LONG_VALUE, MANY_TEXTS, MANY_OPTIONS, DEEP, OPTIONS_KINDS };

#define TEXTS_MANY   50000
#define OPTIONS_MANY 20000
#define DEPTH        16 /* of arrays; signatures go no deeper than 32 */

static void add_entry(GByteArray *body, int kind)
{
    g_autofree char *arrays = g_strnfill(DEPTH, 'a');
    g_autofree char *deep = g_strconcat(arrays, "s", NULL);
    RawArray open[DEPTH];

    raw_align(body, 8);
    switch (kind) {
    case LONG_KEY:
        raw_long_text(body, 'x', LONG_BYTES);
        raw_signature(body, "b");
        raw_number(body, 1);
        break;
    case LONG_VALUE:
        raw_text(body, "Description");
        raw_signature(body, "s");
        raw_long_text(body, '\x01', LONG_BYTES);
        break;
    case MANY_TEXTS:
        raw_text(body, "Members");
        raw_signature(body, "as");
        add_texts(body, TEXTS_MANY);
        break;
    case DEEP:
        raw_text(body, "Members");
        raw_signature(body, deep);
        for (int i = 0; i < DEPTH; i++)
            open[i] = raw_open_array(body, sizeof(guint32));
        for (int i = DEPTH; i-- > 0;)
            raw_close_array(body, open[i]);
        break;
    default:
        raw_text(body, "Enabled");
        raw_signature(body, "b");
        raw_number(body, 1);
        break;
    }
}

static bool send_options(const char *socket_path, HostileReport *report)
{
    static const char *const members[] = { "CreateGroup", "CreateTenant" };
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    bool good = bus;

    for (int i = 0; good && i < OPTIONS_KINDS * (int)G_N_ELEMENTS(members); i++) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        int kind = i / (int)G_N_ELEMENTS(members);
        RawArray dictionary;

        raw_text(body, "t1");
        dictionary = raw_open_array(body, 8);
        for (int k = 0; k < (kind == MANY_OPTIONS ? OPTIONS_MANY : 1); k++)
            add_entry(body, kind);
        raw_close_array(body, dictionary);
        good = raw_bus_call(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                            members[(gsize)i % G_N_ELEMENTS(members)], "sa{sv}", body) &&
               hostile_read(bus, report);
    }
    return good;
}

static void test_options(void **state)
{
    Hostile *hostile = *state;

    hostile_attack(hostile, send_options);
    assert_int_equal(hostile->report->limited, hostile->report->answers);
    assert_in_range(hostile->report->longest, 1, ERROR_BYTES);
}

/* So many that going over those before for each one takes seconds. */
#define TEXTS_OF_A_MESSAGE 100000

static bool send_members(const char *socket_path, HostileReport *report)
{
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    g_autoptr(GByteArray) body = g_byte_array_new();
    RawArray dictionary;

    raw_text(body, "t1");
    dictionary = raw_open_array(body, 8);
    raw_text(body, "Members");
    raw_signature(body, "as");
    add_texts(body, TEXTS_OF_A_MESSAGE);
    raw_close_array(body, dictionary);
    return bus &&
           raw_bus_call(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateTenant", "sa{sv}", body) &&
           hostile_read(bus, report);
}

static void test_members(void **state)
{
    Hostile *hostile = *state;

    hostile_attack(hostile, send_members);
    assert_int_equal(hostile->report->limited, hostile->report->answers);
}

/* sd-bus takes paths of 64 KiB, and looks for an object at each of their parts. */
#define PATH_PARTS 32000
#define PATH_CALLS 20

static bool send_paths(const char *socket_path, HostileReport *report)
{
    static const char *const prefixes[] = { "", FERRY_PATH_ROOT, FERRY_PATH_GROUP_PREFIX };
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    bool good = bus;

    for (gsize i = 0; good && i < PATH_CALLS; i++) {
        g_autoptr(GString) path = g_string_new(prefixes[i % G_N_ELEMENTS(prefixes)]);

        for (int part = 0; part < PATH_PARTS; part++)
            g_string_append(path, "/a");
        good = raw_bus_call(bus, path->str, FERRY_INTERFACE_GROUP, "Delete", "", NULL);
    }
    for (gsize i = 0; good && i < PATH_CALLS; i++)
        good = hostile_read(bus, report);
    return good;
}

static void test_paths(void **state)
{
    Hostile *hostile = *state;

    hostile_attack(hostile, send_paths);
    assert_int_equal(hostile->report->limited, hostile->report->answers);
    assert_in_range(hostile->report->longest, 1, ERROR_BYTES);
}

/* ------------------------------------------------------------------ what is looked at before a right is
 * asked for */

#define MANIFEST_BYTES (1024 * 1024)

/* One byte more than there may be, and that one less. */
static bool send_manifests(const char *socket_path, HostileReport *report)
{
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    bool good = bus;

    for (int more = 1; good && more >= 0; more--) {
        g_autoptr(GByteArray) body = g_byte_array_new();

        raw_long_text(body, '#', MANIFEST_BYTES + (gsize)more);
        raw_text(body, "a file");
        raw_close_array(body, raw_open_array(body, 8));
        good = raw_bus_call(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}", body) &&
               hostile_read(bus, report);
    }
    return good;
}

static void test_manifests(void **state)
{
    Hostile *hostile = *state;

    hostile_attack(hostile, send_manifests);
    assert_int_equal(2 * hostile->report->limited, hostile->report->answers);
    assert_non_null(strstr(hostile->report->other, "needs the right org.usbferry1.manage-service"));
}

#define PIPELINES 2
#define PIPELINED 50 /* of each: in all less than what the bus keeps for the service */

/* Room for 16 of them, and for those on their way. In MiB. */
#define LONG_CALLS_MEMORY 48

/* All of them are sent before the first answer is read: each is kept until the bus has said who calls. */
static bool pipeline_manifests(const char *socket_path, HostileReport *report)
{
    RawBus *buses[PIPELINES] = { NULL };
    g_autoptr(GByteArray) body = g_byte_array_new();
    bool good = true;

    raw_long_text(body, '#', MANIFEST_BYTES);
    raw_text(body, "a file");
    raw_close_array(body, raw_open_array(body, 8));
    for (int i = 0; good && i < PIPELINES; i++)
        good = (buses[i] = raw_bus_new(socket_path));
    for (int i = 0; good && i < PIPELINES * PIPELINED; i++)
        good = raw_bus_call(buses[i % PIPELINES], FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply",
                            "ssa{sv}", body);
    for (int i = 0; good && i < PIPELINES * PIPELINED; i++)
        good = hostile_read(buses[i % PIPELINES], report);
    for (int i = 0; i < PIPELINES; i++)
        raw_bus_free(buses[i]);
    return good;
}

static void test_pipelined_manifests(void **state)
{
    Hostile *hostile = *state;

    hostile_watch_memory(hostile);
    hostile_once(hostile, pipeline_manifests);
    hostile_check_memory(hostile, LONG_CALLS_MEMORY);
    assert_true(hostile->report->limited > 0);
}

#define UNANSWERED_CALLS 20000
/* 128 of them are kept; all of them would need 25. In MiB. */
#define SHORT_CALLS_MEMORY 12

/* The bus doesn't count these as waiting for an answer, so it lets any number of them through. */
static bool want_no_answers(const char *socket_path, HostileReport *report)
{
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    g_autoptr(GByteArray) body = g_byte_array_new();
    bool good = bus;

    raw_number(body, 1);
    if (good)
        bus->no_answers = true;
    for (int i = 0; good && i < UNANSWERED_CALLS; i++)
        good = raw_bus_call(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", body);
    if (good)
        bus->no_answers = false;
    return good && raw_bus_call(bus, FERRY_PATH_ROOT, "org.freedesktop.DBus.Peer", "Ping", "", NULL) &&
           hostile_read(bus, report);
}

static void test_calls_without_answers(void **state)
{
    Hostile *hostile = *state;

    hostile_watch_memory(hostile);
    hostile_once(hostile, want_no_answers);
    hostile_check_memory(hostile, SHORT_CALLS_MEMORY);
}

/* ------------------------------------------------------------------ work for the main loop, lines for the
 * log */

#define RESCAN_CONNECTIONS 8
#define RESCANS            40 /* of each */

static bool ask_for_rescans(const char *socket_path, HostileReport *report)
{
    RawBus *buses[RESCAN_CONNECTIONS] = { NULL };
    bool good = true;

    for (int i = 0; good && i < RESCAN_CONNECTIONS; i++)
        good = (buses[i] = raw_bus_new(socket_path));
    for (int i = 0; good && i < RESCAN_CONNECTIONS * RESCANS; i++)
        good = raw_bus_call(buses[i % RESCAN_CONNECTIONS], FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Rescan",
                            "", NULL);
    for (int i = 0; good && i < RESCAN_CONNECTIONS * RESCANS; i++)
        good = hostile_read(buses[i % RESCAN_CONNECTIONS], report);
    for (int i = 0; i < RESCAN_CONNECTIONS; i++)
        raw_bus_free(buses[i]);
    return good;
}

static void test_rescans(void **state)
{
    enum { DEVICES = 40 };
    Hostile *hostile = *state;

    for (int i = 1; i <= DEVICES; i++) {
        g_autofree char *sysname = g_strdup_printf("1-%d", i);
        g_autofree char *path = fixture_device_path(sysname);

        fixture_plug(hostile->fixture, sysname, "046d", "c31c", "", "Keyboard");
        fixture_wait_object(hostile->fixture, path, FERRY_INTERFACE_DEVICE, true);
    }
    hostile_attack(hostile, ask_for_rescans);
    assert_int_equal(hostile->report->successes, hostile->report->answers);
}

#define LOG_CALLS 300

static bool call_without_polkit(const char *socket_path, HostileReport *report)
{
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);
    g_autoptr(GByteArray) body = g_byte_array_new();
    bool good = bus;

    raw_number(body, 1);
    for (int i = 0; good && i < LOG_CALLS; i++)
        good = raw_bus_call(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", body) &&
               hostile_read(bus, report);
    return good;
}

static void test_log(void **state)
{
    Hostile *hostile = *state;
    g_autofree char *path = g_build_filename(hostile->fixture->dir, "daemon.log", NULL);
    g_autofree char *log = NULL;
    gint64 begun = g_get_monotonic_time();
    guint lines = 0, lines_max;

    fixture_stop_polkit(hostile->fixture);
    hostile_attack(hostile, call_without_polkit);
    assert_true(g_file_get_contents(path, &log, NULL, NULL));
    for (const char *line = log; (line = strstr(line, "polkit could not be asked")); line++)
        lines++;
    lines_max = 1 + (guint)((g_get_monotonic_time() - begun) / (LIMIT_LOG_INTERVAL_S * G_USEC_PER_SEC));
    assert_in_range(lines, 1, lines_max);
    assert_non_null(strstr(log, "of uid 65534"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hostile_setup, hostile_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_descriptors),
        TEST(test_long_texts),
        TEST(test_huge_text),
        TEST(test_options),
        TEST(test_members),
        TEST(test_paths),
        TEST(test_manifests),
        TEST(test_pipelined_manifests),
        TEST(test_calls_without_answers),
        TEST(test_rescans),
        TEST(test_log),
    };

    hostile_init();
    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
