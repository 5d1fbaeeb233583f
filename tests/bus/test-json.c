/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every verb prints with --json, of a service that has nothing and of one that has everything, against
 * the schemas in data/schema. tests/bus/check-json.py does the checking. */

#include "tests/bus/cmocka-include.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/view/json.h"
#include "tests/bus/deadline.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

typedef struct Case {
    const char *line;   /* without --json */
    const char *schema; /* with " partial": words may be missing */
} Case;

/* ------------------------------------------------------------------ what was said */

static char *outputs_path(Fixture *fixture)
{
    return g_build_filename(fixture->dir, "outputs", NULL);
}

static void note_output(Fixture *fixture, const char *line, const char *schema, const char *output)
{
    g_autofree char *path = outputs_path(fixture);
    g_auto(GStrv) words = g_strsplit(schema, " ", 2);
    g_autoptr(GVariant) record = g_variant_ref_sink(
        g_variant_new_parsed("{'command': <%s>, 'schema': <%s>, 'partial': <%b>, 'output': <%s>}", line,
                             words[0], (gboolean)(words[1] != NULL), output));
    g_autofree char *json = json_from_variant(record, /* pretty= */ false);
    FILE *file = fopen(path, "ae");

    assert_non_null(file);
    assert_true(fprintf(file, "%s\n", json) > 0);
    assert_int_equal(fclose(file), 0);
}

/* what: the outputs that were noted, or the folder of the bus's XML files. */
static void check(Fixture *fixture, const char *what)
{
    const char *const argv[] = { g_getenv("FERRY_TEST_CHECK_JSON"), g_getenv("FERRY_TEST_SCHEMAS"), what,
                                 NULL };
    g_auto(GStrv) environment = client_environment();
    g_autofree char *out = NULL, *err = NULL;
    g_autoptr(GError) error = NULL;
    int status;

    if (!g_spawn_sync(NULL, (char **)argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &out, &err, &status,
                      &error))
        fail_msg("%s: %s", argv[0], error->message);
    if (status != 0) {
        if (fixture)
            fixture_print_log(fixture);
        fail_msg("%s%s", out, err);
    }
}

static void check_outputs(Fixture *fixture)
{
    g_autofree char *path = outputs_path(fixture);

    check(fixture, path);
}

/* Runs it, which must work, and notes what it said. */
static void run(Fixture *fixture, const char *line, const char *schema)
{
    g_autofree char *json_line = g_strdup_printf("%s --json", line);
    g_auto(Said) said = client_run(fixture, json_line);

    if (said.status != DONE || *said.err) {
        fixture_print_log(fixture);
        fail_msg("usbferry %s: exit %d\n%s%s", json_line, said.status, said.out, said.err);
    }
    note_output(fixture, json_line, schema, said.out);
}

static void run_all(Fixture *fixture, const Case *cases, gsize n)
{
    for (gsize i = 0; i < n; i++)
        run(fixture, cases[i].line, cases[i].schema);
}

/* ------------------------------------------------------------------ nothing */

static void test_schemas(void **state)
{
    check(NULL, g_getenv("FERRY_TEST_XML"));
}

static void test_empty(void **state)
{
    Fixture *fixture = *state;
    static const Case lists[] = {
        { "", "overview" },
        { "list", "devices" },
        { "list devices", "devices" },
        { "list vms", "vms" },
        { "list machines", "vms" },
        { "list assignments", "assignments" },
        { "list groups", "groups" },
        { "group", "groups" },
        { "list tenants", "tenants" },
        { "tenant", "tenants" },
        { "rule", "rules" },
        { "take --all", "results" },
        { "list -o vm,device", "devices partial" },
    };
    static const Case others[] = {
        { "show", "show" },      { "rule test 'vendor=*'", "rule-test" },
        { "rescan", "rescan" },  { "log", "log" },
        { "export", "export" },  { "disable", "enabled" },
        { "enable", "enabled" },
    };
    static const char *const machines[] = { FIXTURE_DESK, FIXTURE_STUDIO };

    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++) {
        g_autofree char *path = fixture_machine_path(machines[i]);
        g_free(fixture_script(fixture, "undefine %s", machines[i]));
        fixture_wait_object(fixture, path, FERRY_INTERFACE_MACHINE, false);
    }

    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autofree char *line = g_strdup_printf("%s --json", lists[i].line);
        g_auto(Said) said = client_run(fixture, line);
        if (said.status != DONE || !g_str_equal(said.out, "[]\n"))
            fail_msg("usbferry %s: exit %d, not an empty list: %s%s", line, said.status, said.out, said.err);
        note_output(fixture, line, lists[i].schema, said.out);
    }
    run_all(fixture, others, G_N_ELEMENTS(others));
    check_outputs(fixture);
}

/* ------------------------------------------------------------------ everything */

static void plug(Fixture *fixture, const char *sysname, const char *product, const char *serial)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "046d", product, serial, "Keyboard K120");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void plug_all(Fixture *fixture)
{
    g_autofree char *hub = fixture_device_path("1-1"), *foreign = fixture_device_path("1-5");

    fixture_plug_hub(fixture, "1-1");
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    plug(fixture, "1-1.1", "c31c", "KBD-A");
    plug(fixture, "1-2", "c31c", "KBD-B");
    plug(fixture, "1-3", "c31d", "KBD-C");
    plug(fixture, "1-4", "c31e", "KBD-D");
    plug(fixture, "1-5", "c31f", "");
    g_autofree char *number = fixture_get(fixture, foreign, FERRY_INTERFACE_DEVICE, "DeviceNumber");
    g_free(fixture_script(fixture, "foreign %s 1 %s 046d c31f", FIXTURE_DESK, number));
    fixture_wait(fixture, foreign, FERRY_INTERFACE_DEVICE, "State", "foreign");
}

/* Each makes what the next ones show. */
static const Case making[] = {
    { "group add keys --class hid --description 'For the desk'", "group-change" },
    { "group set keys --priority 3 --allow-guest-reset", "group-change" },
    { "rule add keys 'vendor=046d product=c31c'", "rule-change" },
    { "rule add keys 'vendor=ffff' --disabled", "rule-change" },
    { "rule set keys 2 --enable", "rule-change" },
    { "passthrough 1-4", "passthrough" },
    { "passthrough 1-4 --group keys", "passthrough" },
    { "rule test 'vendor=046d' --group keys", "rule-test" },
    { "tenant add acme --member user:daemon --member group:ferry-none", "tenant-change" },
    { "tenant set acme --description 'Of ACME'", "tenant-change" },
    { "tenant machine acme studio", "tenant-machine" },
    { "tenant grant acme 1-3 --group pool", "tenant-grant" },
    { "give 1-1.1 desk --name desk-keyboard --allow-guest-reset", "results" },
    { "give keys desk --quantity 7 --no-wait", "results" },
    { "give acme/pool studio --quantity set --temporary", "results" },
};

static const Case showing[] = {
    { "", "overview" },
    { "list", "devices" },
    { "list devices -o device,rules,vm,speed,is-hub", "devices partial" },
    { "list vms", "vms" },
    { "list assignments", "assignments" },
    { "list assignments -o assignment,pending", "assignments partial" },
    { "list groups", "groups" },
    { "list tenants", "tenants" },
    { "rule", "rules" },
    { "show", "show" },
    { "show 1-1.1 1-5 desk desk-keyboard keys acme /org/usbferry1", "show" },
    { "group show keys acme/pool", "show" },
    { "show 1-1.1 desk-keyboard -p state,vm", "show partial" },
    { "tenant show acme", "show" },
    { "explain 1-1.1", "explain" },
    { "explain 1-2", "explain" },
    { "explain 1-3", "explain" },
    { "explain 1-5", "explain" },
    { "explain desk-keyboard", "explain" },
    { "explain desk", "explain" },
    { "explain keys", "explain" },
    { "export", "export" },
};

static const Case ending[] = {
    { "wait desk-keyboard", "results" }, /* a group gets it as soon as it is detached */
    { "reset 1-1.1", "reset" },
    { "reset desk-keyboard", "reset" },
    { "set desk-keyboard --priority 3 --description Mine", "assignment-change" },
    { "detach desk-keyboard", "results" },
    { "attach desk-keyboard", "results" },
    { "confirm desk-keyboard", "confirm" },
    { "confirm", "confirm" },
    { "retry desk-keyboard", "results" },
    { "retry 1-1.1 --no-wait", "results" },
    { "start desk studio", "start" },
    { "vm controller desk usb-ehci", "vm-controller" },
    { "take 'keys to desk' 1-4", "results" },
    { "take 1-1.1", "results" },
    { "take 1-2", "results" }, /* is home already */
    { "take --all --no-wait", "results" },
    { "tenant revoke acme --group pool", "tenant-revoke" },
    { "tenant machine acme studio --remove", "tenant-machine" },
    { "tenant rm acme", "tenant-change" },
    { "rule rm keys 2", "rule-change" },
    { "group rm keys --force", "group-change" },
};

static void apply(Fixture *fixture)
{
    static const char text[] = "[Group]\nName=pool\nClass=storage\n[Rule 1]\nMatch=vendor=0529\n"
                               "[Assignment]\nName=pooled\nMachine=desk\nGroup=pool\n";
    g_autofree char *path = g_build_filename(fixture->dir, "manifest", NULL);
    g_autofree char *dry = g_strdup_printf("apply --dry-run %s", path);
    g_autofree char *line = g_strdup_printf("apply %s", path);

    assert_true(g_file_set_contents(path, text, -1, NULL));
    run(fixture, dry, "apply");
    run(fixture, line, "apply");
    run(fixture, line, "apply");
}

static void test_full(void **state)
{
    Fixture *fixture = *state;

    plug_all(fixture);
    run_all(fixture, making, G_N_ELEMENTS(making));
    apply(fixture);
    run_all(fixture, showing, G_N_ELEMENTS(showing));
    run_all(fixture, ending, G_N_ELEMENTS(ending));
    check_outputs(fixture);
}

/* ------------------------------------------------------------------ watch */

typedef struct Watch {
    Fixture *fixture;
    GPid pid;
    int fd;
    GString *unread;
} Watch;

static void watch_begin(Watch *watch)
{
    g_auto(GStrv) words = client_words("watch --json");
    g_auto(GStrv) environment = client_environment();
    g_autoptr(GError) error = NULL;

    watch->unread = g_string_new(NULL);
    if (!g_spawn_async_with_pipes(NULL, words, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                                  &watch->pid, NULL, &watch->fd, NULL, &error))
        fail_msg("usbferry watch: %s", error->message);
}

static char *read_line(Watch *watch)
{
    for (;;) {
        char part[4096];
        struct pollfd pollfd = { .fd = watch->fd, .events = POLLIN };
        char *end = strchr(watch->unread->str, '\n');

        if (end) {
            char *line = g_strndup(watch->unread->str, (gsize)(end - watch->unread->str));
            g_string_erase(watch->unread, 0, end - watch->unread->str + 1);
            return line;
        }
        ssize_t length = poll(&pollfd, 1, DEADLINE_MS) > 0 ? read(watch->fd, part, sizeof part) : 0;
        if (length <= 0) {
            fixture_print_log(watch->fixture);
            fail_msg("usbferry watch: no more lines");
        }
        g_string_append_len(watch->unread, part, length);
    }
}

/* Notes lines until one has both texts. */
static void watch_until(Watch *watch, const char *one, const char *other)
{
    for (;;) {
        g_autofree char *line = read_line(watch);

        note_output(watch->fixture, "watch --json", "watch", line);
        if (strstr(line, one) && strstr(line, other))
            return;
    }
}

static void watch_end(Watch *watch)
{
    kill(watch->pid, SIGTERM);
    while (waitpid(watch->pid, NULL, 0) < 0)
        ;
    close(watch->fd);
    g_string_free(watch->unread, TRUE);
}

static void test_watch(void **state)
{
    Fixture *fixture = *state;
    Watch watch = { .fixture = fixture };

    watch_begin(&watch);
    watch_until(&watch, "\"watching\"", "\"service\"");
    plug(fixture, "1-2", "c31c", "KBD-A");
    watch_until(&watch, "\"added\"", "\"1-2\"");
    run(fixture, "group add keys", "group-change");
    watch_until(&watch, "\"added\"", "\"kind\":\"group\"");
    run(fixture, "tenant add acme", "tenant-change");
    watch_until(&watch, "\"added\"", "\"kind\":\"tenant\"");
    run(fixture, "give 1-2 desk", "results");
    watch_until(&watch, "\"attached\"", "\"kind\":\"device\"");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    watch_until(&watch, "\"changed\"", "\"kind\":\"vm\"");
    run(fixture, "disable", "enabled");
    watch_until(&watch, "\"enabled\":false", "\"kind\":\"service\"");
    run(fixture, "take 1-2", "results");
    watch_until(&watch, "\"removed\"", "\"kind\":\"assignment\"");

    fixture_stop_daemon(fixture, SIGTERM);
    watch_until(&watch, "\"gone\"", "\"service\"");
    fixture_start_daemon(fixture);
    watch_until(&watch, "\"back\"", "\"service\"");
    watch_end(&watch);
    check_outputs(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schemas),
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
        TEST(test_empty),
        TEST(test_full),
        TEST(test_watch),
#undef TEST
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
