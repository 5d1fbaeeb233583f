/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client against the service: what it prints, where, and with which exit status. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

/* It is refused: programs read the error's name, people a sentence without it. */
static void expect_error(Fixture *fixture, const char *line, int status, const char *name)
{
    g_autofree char *for_programs = g_strdup_printf("%s --json", line);
    g_autofree char *object = g_strdup_printf("Error.%s\",\"text\":\"", name);
    g_autofree char *end = g_strdup_printf("\",\"exit-status\":%d}\n", status);

    client_expect(fixture, line, status, NULL, "usbferry: ");
    g_auto(Said) people = client_run(fixture, line);
    if (strstr(people.err, name))
        fail_msg("usbferry %s: says %s: %s", line, name, people.err);
    g_auto(Said) programs = client_run(fixture, for_programs);
    client_expect_said(fixture, &programs, for_programs, status, "", object);
    assert_true(g_str_has_suffix(programs.err, end));
}

static void test_give_and_take(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "list devices -o device,state,vm", DONE, "1-2", NULL);
    client_expect(fixture, "give KBD-A desk", DONE, "attached", NULL);
    client_expect(fixture, "list devices -o device,state,vm", DONE, "attached", NULL);
    client_expect(fixture, "explain 1-2", DONE, "desk", NULL);
    client_expect(fixture, "give KBD-A desk", DONE, "is attached to VM \"desk\" already.", NULL);
    expect_error(fixture, "give KBD-A studio", BUSY, "DeviceBusy");
    client_expect(fixture, "take 1-2", DONE, "1-2", NULL);
    client_expect(fixture, "list devices -o device,state,vm", DONE, "host", NULL);
    client_expect(fixture, "take 1-2", DONE, "on the host", NULL);
}

/* Named twice, it is still one. */
static void test_twice_in_one_line(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "give 1-2 KBD-A desk", DONE, "attached", NULL);
    client_expect(fixture, "take 1-2 KBD-A", DONE, "1-2", NULL);
    client_expect(fixture, "list assignments --json", DONE, "[]", NULL);
}

/* Devices before a VM are these, and not all that it has; what is wrong stops all of it. */
static void test_take_just_these(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_plug_keyboard(fixture, "1-4", "KBD-C", "Keyboard K120");
    client_expect(fixture, "give 1-2 1-3 desk", DONE, "attached", NULL);
    client_expect(fixture, "take 1-2 studio", NOT_FOUND, NULL,
                  "(1-2) is given to VM \"desk\", not to VM \"studio\"");
    client_expect(fixture, "take 1-2 desk studio", USAGE, NULL, "the one VM that has them");
    client_expect(fixture, "take desk 1-2", USAGE, NULL, "the one VM that has them");
    client_expect(fixture, "take 1-2 nothing", NOT_FOUND, NULL, "nothing");
    client_expect(fixture, "detach 1-2 nothing", NOT_FOUND, NULL, "nothing");
    client_expect(fixture, "list devices -o device,state", DONE, "1-2    attached", NULL);
    client_expect(fixture, "take 1-2 1-4 desk", DONE, "(1-2) is on the host", NULL);
    client_expect(fixture, "list devices -o device,state", DONE, "1-3    attached", NULL);
    client_expect(fixture, "take desk studio", DONE, "(1-3) is on the host", NULL);
    client_expect(fixture, "take desk", DONE, "Nothing was given to desk.", NULL);
}

/* Whoever does it twice means it once, and more of a group is asked for in so many words. */
static void test_twice(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    client_expect(fixture, "attach mine", DONE, "is attached to VM \"desk\" already.", NULL);
    client_expect(fixture, "give 1-2 desk", DONE, "is attached to VM \"desk\" already.", NULL);
    client_expect(fixture, "give 1-2 1-3 desk", DONE, "(1-3) is attached to VM \"desk\".", NULL);
    client_expect(fixture, "give 1-2 desk --another", USAGE, NULL, "--another is for groups only");
    client_expect(fixture, "take desk", DONE, "on the host", NULL);
    client_expect(fixture, "take 1-2 --no-wait", DONE, "is on the host", NULL);

    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys 'vendor=046d'", DONE, "1", NULL);
    client_expect(fixture, "give keys desk", DONE, "attached", NULL);
    client_expect(fixture, "give keys desk", DONE, "already.", NULL);
    client_expect(fixture, "give keys desk --name other", DONE, "already.", NULL);
    expect_error(fixture, "give keys desk --quantity 2", FAILED, "AlreadyExists");
    client_expect(fixture, "give keys desk --quantity 2", FAILED, NULL, "--another");
    client_expect(fixture, "give keys desk --another --name other", DONE, "attached", NULL);
    expect_error(fixture, "give keys desk --another --name other", FAILED, "AlreadyExists");
    client_expect(fixture, "take 'keys to desk' --no-wait", DONE, "ordered", NULL);
    client_expect(fixture, "take other", DONE, "on the host", NULL);
}

/* One of several that an assignment has doesn't stand for all of them: of a number it goes alone, of all it
 * can't. */
static void test_take_one_of_a_pool(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys 'vendor=046d'", DONE, "1", NULL);
    client_expect(fixture, "give keys desk --quantity all", DONE, "attached", NULL);
    client_expect(fixture, "take 1-2", BUSY, NULL,
                  "(1-2) is one of several that assignment \"keys to desk\"");
    client_expect(fixture, "list devices -o device,state", DONE, "1-2    attached", NULL);
    client_expect(fixture, "take 1-2 1-3", DONE, "on the host", NULL);
    client_expect(fixture, "list assignments --json", DONE, "[]", NULL);

    client_plug_keyboard(fixture, "1-4", "KBD-C", "Keyboard K120");
    client_expect(fixture, "give keys desk --quantity 3 --name pool", DONE, "attached", NULL);
    client_expect(fixture, "take 1-2 1-2", DONE, "(1-2) is on the host; assignment \"pool\" (", NULL);
    g_auto(Said) two = client_run(fixture, "show pool -p devices,quantity --value");
    assert_string_equal(two.out, "1-3\n1-4\n2\n");
    client_expect(fixture, "take 1-3 --json", DONE, "\"result\": \"done\"", NULL);
    client_expect(fixture, "take 1-4", DONE, "(1-4) is on the host.", NULL);
    client_expect(fixture, "take 1-4", DONE, "(1-4) is on the host already.", NULL);
    client_expect(fixture, "list assignments --json", DONE, "[]", NULL);
}

/* Whatever takes a device out of a VM says which one before it does so. */
static void test_rules_that_take(void **state)
{
    Fixture *fixture = *state;
    static const char *const lines[] = { "rule rm keys 1", "rule set keys 1 --disable",
                                         "rule set keys 1 vendor=1234" };

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys 'vendor=046d'", DONE, "1", NULL);
    client_expect(fixture, "give keys desk", DONE, "attached", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        client_expect(fixture, lines[i], BUSY, NULL, "--force");
        client_expect(fixture, lines[i], BUSY, NULL, "(1-2)");
    }
    client_expect(fixture, "rule set keys 1 vendor=046d product=c31c", DONE, "changed", NULL);
    client_expect(fixture, "group rm keys", BUSY, NULL, "VM \"desk\" has 046d:c31c \"Keyboard K120\" (1-2)");
    client_expect(fixture, "list devices -o device,state", DONE, "1-2    attached", NULL);
    client_expect(fixture, "rule rm keys 1 --force", DONE, "removed", NULL);
}

static void test_what_is_not_there(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    expect_error(fixture, "give 9-9 desk", NOT_FOUND, "NoSuchDevice");
    expect_error(fixture, "give KBD-A nowhere", NOT_FOUND, "NoSuchMachine");
    expect_error(fixture, "give 046d:c31c desk", USAGE, "Ambiguous");
    client_expect(fixture, "show nothing", NOT_FOUND, NULL, "nothing");
    client_expect(fixture, "group show nothing", NOT_FOUND, NULL, "nothing");
    client_expect(fixture, "take nothing", NOT_FOUND, NULL, "nothing");
}

/* Slips of the hand, and what people try first. */
static void test_helps_on(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "gvie 1-2 desk", USAGE, NULL, "did you mean \"usbferry give\"?");
    client_expect(fixture, "group delete keys", USAGE, NULL, "there is no verb \"group delete\"");
    client_expect(fixture, "ls", USAGE, NULL, "did you mean \"usbferry list\"?");
    client_expect(fixture, "give keybaord desk", NOT_FOUND, NULL, "Did you mean \"keyboard\"?");
    client_expect(fixture, "give 1-2 dekk", NOT_FOUND, NULL, "Did you mean \"desk\"?");
    client_expect(fixture, "take stuido", NOT_FOUND, NULL, "Did you mean \"studio\"?");
    client_expect(fixture, "give 1-2", USAGE, NULL,
                  "to which VM? usbferry give 1-2 VM, where VM is one of: desk, studio");
    client_expect(fixture, "give desk", USAGE, NULL, "what is to be given to it?");
    client_expect(fixture, "give 1-2 desk studio", NOT_FOUND, NULL, "\"desk\" is a VM: name one VM only");
    client_expect(fixture, "give nothing-like-it desk", NOT_FOUND, NULL, "usbferry list shows what there is");
    client_expect(fixture, "vm", USAGE, NULL, "did you mean \"usbferry vm controller\"?");
    client_expect(fixture, "vm controller --help", DONE, "qemu-xhci (USB 3)", NULL);
    client_expect(fixture, "give desk 1-2", NOT_FOUND, NULL, "The VM comes last: usbferry give DEVICE desk");
    client_expect(fixture, "help give", DONE, "usbferry give keyboard mouse win11", NULL);
    client_expect(fixture, "help", DONE, "usbferry help VERB tells more", NULL);
    client_expect(fixture, "help gvie", USAGE, NULL, "did you mean \"usbferry give\"?");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "take keys", USAGE, NULL, "usbferry explain keys lists them");
    client_expect(fixture, "give 1-2 desk", DONE, "attached", NULL);
    client_expect(fixture, "give 1-2 studio", BUSY, NULL, "\n  usbferry take 1-2 takes it home");
    client_expect(fixture, "group show kyes", NOT_FOUND, NULL, "Did you mean \"keys\"?");
}

static void test_usage(void **state)
{
    Fixture *fixture = *state;

    client_expect(fixture, "nonsense", USAGE, NULL, "nonsense");
    client_expect(fixture, "give", USAGE, NULL, "usbferry give --help");
    client_expect(fixture, "list --nonsense", USAGE, NULL, "--nonsense");
    client_expect(fixture, "list devices -o nonsense", USAGE, NULL, "nonsense");
    client_expect(fixture, "take", USAGE, NULL, "--all");
    client_expect(fixture, "--help", DONE, "give", NULL);
    client_expect(fixture, "--version", DONE, "usbferry", NULL);
}

/* A device can call itself what it wants: no terminal and no script is told so. */
static void test_hostile_names(void **state)
{
    Fixture *fixture = *state;
    static const char *const lines[] = { "", "list", "list --json", "show 1-2", "explain 1-2" };

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    fixture_change(fixture, "1-2", "product", "a\x1b]0;owned\x07\nb\"c\\");
    fixture_change(fixture, "1-2", "serial", "S\x1b[2J");
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_auto(Said) said = client_run(fixture, lines[i]);

        assert_int_equal(said.status, DONE);
        assert_null(strpbrk(said.out, "\x1b\x07"));
    }
}

static void test_groups(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "group add keys --description 'For the desk'", DONE, "keys", NULL);
    expect_error(fixture, "group add keys", FAILED, "AlreadyExists");
    expect_error(fixture, "rule add keys 'vendor=046d nonsense=1'", USAGE, "InvalidRule");
    client_expect(fixture, "rule add keys 'vendor=046d'", DONE, "1", NULL);
    client_expect(fixture, "group show keys", DONE, "vendor=046d", NULL);
    client_expect(fixture, "give keys desk --quantity all", DONE, "attached", NULL);
    expect_error(fixture, "group rm keys", BUSY, "GroupInUse");
    client_expect(fixture, "take desk", DONE, "1-2", NULL);
    client_expect(fixture, "group rm keys", DONE, "keys", NULL);
    /* The service makes a name, and that one is told. */
    client_expect(fixture, "group add --class smartcard", DONE, "Group \"smartcard\" is made", NULL);
    /* the service makes the name */
    client_expect(fixture, "passthrough 1-2", DONE, "In the new group \"keyboard-k120\":\n", NULL);
    client_expect(fixture, "passthrough 1-2 --json", DONE, "\"keyboard-k120-2\"", NULL);
    client_expect(fixture, "passthrough 1-2 --group keyboard-k120", DONE, "In group \"keyboard-k120\":\n",
                  NULL);
}

static void test_tenants(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *studio = fixture_machine_path(FIXTURE_STUDIO);

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K121");
    client_expect(fixture, "tenant", DONE, NULL, NULL);
    client_expect(fixture, "tenant add acme --member user:daemon --member group:ferry-none", DONE,
                  "Tenant \"acme\" is made.", NULL);
    expect_error(fixture, "tenant add acme", FAILED, "AlreadyExists");
    expect_error(fixture, "tenant add a/b", USAGE, "InvalidName");
    client_expect(fixture, "tenant add bad --member anna", USAGE, NULL, "user:NAME or group:NAME");
    client_expect(fixture, "tenant set acme", USAGE, NULL, "usbferry tenant set --help");
    client_expect(fixture, "tenant set acme --member user:x --no-members", USAGE, NULL, "not both");
    client_expect(fixture, "tenant set acme --description 'Of ACME'", DONE, "is changed", NULL);
    expect_error(fixture, "tenant set none --no-members", NOT_FOUND, "NoSuchTenant");
    client_expect(fixture, "tenant machine acme desk", DONE, "VM \"desk\" belongs to tenant \"acme\".", NULL);
    expect_error(fixture, "tenant machine acme desk", FAILED, "AlreadyExists");
    expect_error(fixture, "tenant machine acme nowhere", NOT_FOUND, "NoSuchMachine");
    client_expect_not(fixture, "list devices", "TENANT");
    client_expect(fixture, "tenant grant acme KBD-A 1-3 --group keys", DONE,
                  "046d:c31c \"Keyboard K121\" (1-3) belongs to tenant \"acme\", group \"acme/keys\".", NULL);
    client_expect(fixture, "list tenants", DONE, "user:daemon", NULL);
    client_expect(fixture, "list devices", DONE, "TENANT", NULL);
    client_expect(fixture, "list vms", DONE, "acme", NULL);
    client_expect(fixture, "list devices -o device,tenant --json", DONE, "\"tenant\": \"acme\"", NULL);
    client_expect(fixture, "tenant show acme", DONE, "group:ferry-none", NULL);
    client_expect(fixture, "show acme", DONE, "tenant \"acme\"", NULL);
    client_expect(fixture, "explain 1-2", DONE, "it belongs to tenant acme", NULL);
    expect_error(fixture, "give 1-2 studio", DENIED, "NotOwned");
    expect_error(fixture, "give acme/keys studio", DENIED, "NotOwned");
    expect_error(fixture, "rule add acme/keys 'vendor=*'", DENIED, "NotOwned");
    client_expect(fixture, "give acme/keys desk --quantity all", DONE, "attached", NULL);
    expect_error(fixture, "tenant rm acme", BUSY, "GroupInUse");
    client_expect(fixture, "tenant revoke acme", USAGE, NULL, "--group");
    client_expect(fixture, "tenant revoke acme 1-2 --group keys", USAGE, NULL, "--group");
    client_expect(fixture, "tenant revoke acme 1-2", DONE, "no longer belongs to tenant \"acme\"", NULL);
    expect_error(fixture, "tenant revoke acme 1-2", DENIED, "NotOwned");
    expect_error(fixture, "tenant revoke acme --group keys --rule 9", NOT_FOUND, "NoSuchRule");
    client_expect(fixture, "tenant revoke acme --group keys --json", DONE, "revoked", NULL);
    client_expect(fixture, "list devices -o device,tenant --json", DONE, "\"tenant\": \"\"", NULL);
    client_expect(fixture, "tenant machine acme desk --remove", DONE, "no longer belongs", NULL);
    client_expect(fixture, "tenant machine acme desk studio --json", DONE, "\"vm\": \"studio\"", NULL);
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_STUDIO));
    fixture_wait_object(fixture, studio, FERRY_INTERFACE_MACHINE, false);
    expect_error(fixture, "tenant machine acme studio --remove", NOT_FOUND, "NoSuchMachine");
    client_expect(fixture, "tenant machine acme " FIXTURE_STUDIO " --remove", DONE, "no longer belongs",
                  NULL);
    expect_error(fixture, "tenant machine acme " FIXTURE_STUDIO, NOT_FOUND, "NoSuchMachine");
    client_expect(fixture, "tenant grant acme 1-2", DONE, "acme/devices-1", NULL);
    client_expect(fixture, "tenant rm acme --force", DONE, "is deleted", NULL);
    client_expect(fixture, "list devices -o device,tenant --json", DONE, "\"tenant\": \"\"", NULL);
}

/* One device after the other: what has come in part only is no end as long as the rest is on its way. */
static void test_wait_for_all(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_plug_keyboard(fixture, "1-4", "KBD-C", "Keyboard K120");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys 'vendor=046d'", DONE, "1", NULL);
    client_expect(fixture, "give keys desk --quantity all", DONE,
                  "3 of group \"keys\" are attached to VM \"desk\"", NULL);
    client_expect(fixture, "give keys studio --quantity 1", DONE, "Waiting: ", NULL);
    client_expect(fixture, "give keys studio --require-attached", FAILED, "Waiting: ", "is not attached");
    client_expect(fixture, "give keys desk --quantity all --require-attached", DONE, "already", NULL);
    client_expect(fixture, "give keys desk --require-attached --no-wait", USAGE, NULL, "has to wait");
}

/* What is on its way home arrives by itself, and so does what has to prove steady. */
static void test_wait_for_what_passes(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    client_expect(fixture, "give 1-2 desk", DONE, "is attached to VM \"desk\"", NULL);
    client_expect(fixture, "take 1-2 --no-wait", DONE, "ordered", NULL);
    client_expect(fixture, "give 1-2 studio", DONE, "is attached to VM \"studio\"", NULL);
    client_expect(fixture, "take 1-2", DONE, "is on the host", NULL);
    for (unsigned i = 0; i < 2; i++) { /* three times would be quarantined */
        fixture_unplug(fixture, "1-2");
        /* or the service, late with this, may find the next one half made, and count one more */
        fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
        client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    }
    client_expect(fixture, "give 1-2 desk", DONE, "is attached to VM \"desk\"", NULL);
}

/* A service that has just started doesn't know yet what its VMs do, and says nothing that counts. */
static void test_wait_after_a_start(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    g_autofree char *assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    g_autofree char *name = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Name");
    g_autofree char *detach = g_strdup_printf("detach '%s'", name);
    client_expect(fixture, detach, DONE, "is on the host", NULL);
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);

    g_autofree char *attach = g_strdup_printf("attach '%s'", name);
    GSubprocess *client = client_begin(attach);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-machine");
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    g_auto(Said) said = client_end(fixture, client);
    client_expect_said(fixture, &said, attach, DONE, "is attached to VM \"desk\"", NULL);
}

/* Away, the service is named, and the client ends. */
static void test_without_the_service(void **state)
{
    Fixture *fixture = *state;

    fixture_stop_daemon(fixture, SIGTERM);
    client_expect(fixture, "list", FAILED, NULL, "usbferry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
        TEST(test_give_and_take),
        TEST(test_twice_in_one_line),
        TEST(test_what_is_not_there),
        TEST(test_usage),
        TEST(test_hostile_names),
        TEST(test_groups),
        TEST(test_without_the_service),
        TEST(test_tenants),
        TEST(test_wait_after_a_start),
        TEST(test_wait_for_all),
        TEST(test_wait_for_what_passes),
        TEST(test_take_just_these),
        TEST(test_twice),
        TEST(test_helps_on),
        TEST(test_take_one_of_a_pool),
        TEST(test_rules_that_take),
#undef TEST
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
