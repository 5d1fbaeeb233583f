/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assignments as text: there and back, and which line is wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/config/assignment-text.h"

#define PATH "/var/lib/usbferry/assignments/23456789"
#define ID   "23456789"
#define DESK "11111111-1111-1111-1111-111111111111"
#define HEAD "[Assignment]\nName=x\nMachine=" DESK "\n"
#define GOOD HEAD "Selector=vendor=046d\n"

static Assignment *read_text(const char *text)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment = assignment_from_text(ID, text, PATH, &error);

    if (!assignment)
        fail_msg("%s\n%s", error->message, text);
    assert_null(error);
    return assignment;
}

static char *write_text(const Assignment *assignment)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(assignment);

    return g_key_file_to_data(file, NULL, NULL);
}

static void assert_same(const Assignment *a, const Assignment *b)
{
    g_autofree char *left = write_text(a), *right = write_text(b);

    assert_string_equal(left, right);
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->selector, b->selector);
    assert_string_equal(a->description, b->description);
    assert_string_equal(a->device_text, b->device_text);
    assert_true(a->created == b->created);
    assert_true(a->sequence == b->sequence);
}

static const char everything[] =
    "[Assignment]\nName=my \\\\ \"keys\"; [x]=y # z\nDescription=\\sa\\s\n"
    "Machine=" DESK "\nMachineName=desk\nGroup=acme/keys\nQuantity=set\n"
    "Tenant=acme\nSelector=serial=\"a \\\\\\\\ \\\\*\"\n"
    "Socket=pci-0000:00:14.0/1.2\nTwins=true\nDeviceText=group acme/keys\nEnabled=false\n"
    "Priority=-3\nGivenBack=1;18446744073709551615;\nAllowGuestReset=true\nAllowGuestResetsAll=false\n"
    "Owner=4294967294\nCreated=1700000000000000\nSequence=17\n";

static void test_all_of_it(void **state)
{
    g_autoptr(Assignment) assignment = read_text(everything);
    g_autoptr(Assignment) copy = assignment_copy(assignment);
    g_autofree char *text = write_text(assignment);

    assert_string_equal(text, everything);
    assert_same(assignment, copy);
    assert_string_equal(assignment->name, "my \\ \"keys\"; [x]=y # z");
    assert_string_equal(assignment->description, " a ");
    assert_string_equal(assignment->machine_uuid, DESK);
    assert_string_equal(assignment->group, "acme/keys");
    assert_int_equal(assignment->quantity_kind, QUANTITY_SET);
    assert_string_equal(assignment->tenant, "acme");
    assert_string_equal(assignment->selector, "serial=\"a \\\\ \\*\"");
    assert_false(assignment->wanted);
    assert_int_equal(assignment->priority, -3);
    assert_int_equal(assignment_given_back(assignment, G_MAXUINT64), 1);
    assert_int_equal(assignment_given_back(assignment, 2), -1);
    assert_int_equal(assignment->own_guest_reset, CHOICE_YES);
    assert_int_equal(assignment->own_guest_resets_all, CHOICE_NO);
    assert_true(assignment->owner == 4294967294);
}

static void test_defaults(void **state)
{
    g_autoptr(Assignment) assignment = read_text(GOOD);
    g_autoptr(Assignment) again = NULL, copy = assignment_copy(assignment);
    g_autofree char *text = write_text(assignment);

    again = read_text(text);
    assert_same(assignment, again);
    assert_same(assignment, copy);
    assert_null(assignment->group);
    assert_null(assignment->tenant);
    assert_int_equal(assignment->quantity, 1);
    assert_true(assignment->wanted);
    assert_int_equal(assignment->own_guest_reset, CHOICE_OPEN);
}

/* There and back in the same boot; an end without a length says nothing. */
static void test_terms(void **state)
{
    g_autoptr(Assignment) assignment = read_text(GOOD "Replugged=true\nTryFor=20\nLeaseFor=7200\n");
    g_autoptr(Assignment) again = NULL, copy = NULL, bare = read_text(GOOD "TryEnds=5 6 x\n");
    g_autofree char *text = NULL;

    assert_true(assignment->replugged);
    assert_int_equal(assignment->trial.seconds, 20);
    assert_true(term_is_to_begin(&assignment->lease));
    term_begin(&assignment->trial);
    text = write_text(assignment);
    again = read_text(text);
    assert_same(assignment, again);
    assert_true(again->trial.ends_at == assignment->trial.ends_at);
    copy = assignment_copy(again);
    assert_same(copy, again);
    assert_true(copy->trial.ends_at == assignment->trial.ends_at);
    assert_null(assignment_term(bare));
    g_free(text);
    text = write_text(bare);
    assert_null(strstr(text, "Try"));
}

/* One of a service that ordered by the clock. */
static void test_no_sequence(void **state)
{
    g_autoptr(Assignment) assignment = read_text(GOOD "Created=1700000000000000\n");
    g_autofree char *text = write_text(assignment);

    assert_true(assignment->sequence == 1700000000000000);
    assert_non_null(strstr(text, "\nSequence=1700000000000000\n"));
}

/* A hand has changed it: what is shown stays clean. */
/* Services before the strict reader wrote every text, also one that is empty, and no Sequence. */
static void test_what_older_services_wrote(void **state)
{
    g_autoptr(Assignment) pinned =
        read_text("[Assignment]\nName=Keyboard to desk\nDescription=\nMachine=" DESK
                  "\nMachineName=desk\nSelector=vendor=046d product=c31c serial=KBD-1\n"
                  "Socket=pci-0000:00:14.0/2\nDeviceText=046d:c31c \"Keyboard K120\" (1-2)\nEnabled=true\n"
                  "Priority=0\nOwner=0\nCreated=1700000000000000\n");
    g_autoptr(Assignment) pool = read_text("[Assignment]\nName=keys to desk\nDescription=\nMachine=" DESK
                                           "\nMachineName=\nGroup=keys\nQuantity=all\nSocket=\nDeviceText=\n"
                                           "Enabled=false\nPriority=0\nOwner=1000\nCreated=0\n");

    assert_string_equal(pinned->description, "");
    assert_string_equal(pinned->selector, "vendor=046d product=c31c serial=KBD-1");
    assert_true(pinned->sequence == pinned->created);
    assert_null(pool->rule);
    assert_false(pool->wanted);
    assert_int_equal(pool->quantity_kind, QUANTITY_ALL);
}

static void test_texts_are_cleaned(void **state)
{
    g_autoptr(Assignment) assignment = read_text(GOOD "Description=a\\nb \x1b[2J\n");

    assert_true(text_is_clean(assignment->description));
}

static const struct {
    const char *text;
    FerryError code;
    const char *message; /* behind the path */
} bad_cases[] = {
    { "", FERRY_ERROR_INVALID_OPTION, ":1: expected [Assignment] somewhere" },
    { "\x01\x02 rubbish", FERRY_ERROR_INVALID_OPTION, ":1: expected [Section]" },
    { "Name=x\n", FERRY_ERROR_INVALID_OPTION, ":1: expected [Assignment] before" },
    { "[Group]\n", FERRY_ERROR_INVALID_OPTION, ":1: unknown section \"Group\"" },
    { GOOD "[Assignment]\n", FERRY_ERROR_INVALID_OPTION, ":5: section \"Assignment\"" },
    { "[Assignment]\nMachine=" DESK "\nSelector=vendor=1\n", FERRY_ERROR_INVALID_OPTION,
      ":1: [Assignment] has no Name" },
    { "[Assignment]\nName=x\nSelector=vendor=1\n", FERRY_ERROR_INVALID_OPTION,
      ":1: [Assignment] has no Machine" },
    { "[Assignment]\nName=\n", FERRY_ERROR_INVALID_NAME, ":2: Name: \"\" is not" },
    { "[Assignment]\nName=a\\nb\n", FERRY_ERROR_INVALID_NAME, ":2: Name: " },
    { "[Assignment]\nMachine=\n", FERRY_ERROR_INVALID_OPTION, ":2: Machine: \"\" is not a UUID" },
    { "[Assignment]\nMachine=desk\n", FERRY_ERROR_INVALID_OPTION, ":2: Machine: \"desk\" is not a UUID" },
    { HEAD, FERRY_ERROR_INVALID_OPTION, ":1: [Assignment] has no Group and no Selector" },
    { HEAD "Selector=\n", FERRY_ERROR_INVALID_RULE, ":4: rule, column 1" },
    { HEAD "Group=g\nSelector=\n", FERRY_ERROR_INVALID_RULE, ":5: rule, column 1" },
    { HEAD "Selector=vendor=xyz\n", FERRY_ERROR_INVALID_RULE, ":4: rule, column 8" },
    { HEAD "Selector=serial=\\q\n", FERRY_ERROR_INVALID_OPTION, ":4: Selector: " },
    { HEAD "Group=\n", FERRY_ERROR_INVALID_NAME, ":4: Group: \"\" is not" },
    { GOOD "Quantity=2\n", FERRY_ERROR_INVALID_OPTION, ":1: [Assignment] has a Quantity" },
    { HEAD "Group=g\nQuantity=0\n", FERRY_ERROR_INVALID_OPTION, ":5: Quantity: \"0\" is not" },
    { GOOD "Tenant=\n", FERRY_ERROR_INVALID_NAME, ":5: Tenant: \"\" is not" },
    { GOOD "Name=y\n", FERRY_ERROR_INVALID_OPTION, ":5: Name is already there" },
    { GOOD "Colour=red\n", FERRY_ERROR_INVALID_OPTION, ":5: unknown key \"Colour\"" },
    { GOOD "Persistent=true\n", FERRY_ERROR_INVALID_OPTION, ":5: unknown key \"Persistent\"" },
    { GOOD "Description=a\\q\n", FERRY_ERROR_INVALID_OPTION, ":5: Description: \"a\\\\q\" is not a text" },
    { GOOD "Enabled=perhaps\n", FERRY_ERROR_INVALID_OPTION, ":5: Enabled: " },
    { GOOD "Priority=\n", FERRY_ERROR_INVALID_OPTION, ":5: Priority: " },
    { GOOD "Owner=4294967296\n", FERRY_ERROR_INVALID_OPTION, ":5: Owner: " },
    { GOOD "Owner=-1\n", FERRY_ERROR_INVALID_OPTION, ":5: Owner: " },
    { GOOD "Created=now\n", FERRY_ERROR_INVALID_OPTION, ":5: Created: " },
    { GOOD "TryFor=0\n", FERRY_ERROR_INVALID_OPTION, ":5: TryFor: " },
    { GOOD "TryFor=3601\n", FERRY_ERROR_INVALID_OPTION, ":5: TryFor: " },
    { GOOD "LeaseFor=31536001\n", FERRY_ERROR_INVALID_OPTION, ":5: LeaseFor: " },
    { GOOD "LeaseFor=20\nLeaseEnds=soon\n", FERRY_ERROR_INVALID_OPTION, ":6: LeaseEnds: " },
    { GOOD "TryEnds=1 2\n", FERRY_ERROR_INVALID_OPTION, ":5: TryEnds: " },
    { GOOD "Replugged=perhaps\n", FERRY_ERROR_INVALID_OPTION, ":5: Replugged: " },
    { GOOD "Sequence=0\n", FERRY_ERROR_INVALID_OPTION, ":5: Sequence: " },
    { GOOD "Sequence=9223372036854775808\n", FERRY_ERROR_INVALID_OPTION, ":5: Sequence: " },
};

static void test_bad(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
        g_autofree char *message = g_strconcat(PATH, bad_cases[i].message, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(Assignment) assignment = assignment_from_text(ID, bad_cases[i].text, PATH, &error);

        if (assignment)
            fail_msg("taken: %s", bad_cases[i].text);
        assert_non_null(error);
        if (!g_str_has_prefix(error->message, message))
            fail_msg("%s\nand not %s", error->message, message);
        assert_true(g_error_matches(error, FERRY_ERROR, (int)bad_cases[i].code));
        assert_true(text_is_clean(error->message));
        assert_null(assignment_from_text(ID, bad_cases[i].text, PATH, NULL));
    }
}

/* The id is the name of the file, and goes into paths and aliases. */
static void test_bad_id(void **state)
{
    static const char *const ids[] = { "", "2345678", "234567890", "ABCDEFGH", "../..abc", "2345/789" };

    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(assignment_from_text(ids[i], GOOD, PATH, &error));
        assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME));
        assert_non_null(strstr(error->message, PATH ":1: the name of the file"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_terms),
        cmocka_unit_test(test_no_sequence),
        cmocka_unit_test(test_what_older_services_wrote),
        cmocka_unit_test(test_texts_are_cleaned),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bad_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
