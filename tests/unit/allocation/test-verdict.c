/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every verdict has a whole row, and its sentence says what is the matter with this device. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/allocation/verdict.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"
#define POOL   "bbbbbbbb"

/* The device that the verdicts are about is 1-1, and the machine DESK. */
static int set_up(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, POOL, DESK, "keys", NULL, "1");
    return 0;
}

static VerdictCase about(Fixture *fixture, const char *id)
{
    return (VerdictCase){ .registry = fixture->registry,
                          .assignment = registry_assignment(fixture->registry, id),
                          .device = registry_device(fixture->registry, "1-1") };
}

static void assert_text(Fixture *fixture, const char *id, Verdict verdict, const char *expected)
{
    VerdictCase its = about(fixture, id);
    g_autofree char *text = verdict_text(verdict, &its);

    assert_string_equal(text, expected);
}

static void test_whole_rows(void **state)
{
    static const char *const words[] = { "yes", "no", "waits", "blocks" };
    Fixture *fixture = *state;
    VerdictCase its = about(fixture, POOL);

    for (int verdict = 0; verdict < _VERDICT_MAX; verdict++) {
        const char *error = verdict_error(verdict);
        AssignmentState where = verdict_state(verdict);
        g_autofree char *text = verdict_text(verdict, &its);
        bool known = false;

        for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
            known |= g_strcmp0(verdict_word(verdict), words[i]) == 0;
        assert_true(known);
        assert_true(reason_code_from_string(verdict_code(verdict)) != _REASON_CODE_INVALID);
        assert_true(
            where == ASSIGNMENT_STATE_WAITING_DEVICE || where == ASSIGNMENT_STATE_WAITING_MACHINE ||
            (where == ASSIGNMENT_STATE_ATTACHING && (verdict == VERDICT_GO || verdict == VERDICT_STORING)) ||
            (where == ASSIGNMENT_STATE_QUARANTINED && verdict == VERDICT_QUARANTINED) ||
            (where == ASSIGNMENT_STATE_FAILED &&
             (verdict == VERDICT_NO_CONTROLLER || verdict == VERDICT_NO_PORT || verdict == VERDICT_SPEED)));
        assert_true(!*error || ferry_error_from_name(error) != _FERRY_ERROR_INVALID);
        assert_true(*text && !g_str_has_suffix(text, "."));
        /* What comes by itself has nobody to complain to, but a program that has it. */
        assert_true(!verdict_comes_by_itself(verdict) || !*error || verdict == VERDICT_IN_USE);
        assert_true(!verdict_passes_soon(verdict) || verdict_comes_by_itself(verdict));
        assert_true(!verdict_comes_by_itself(verdict) ||
                    g_strcmp0(verdict_word(verdict), verdict == VERDICT_GO ? "yes" : "waits") == 0);
    }
}

static void test_what_follows(void **state)
{
    assert_string_equal(verdict_word(VERDICT_GO), "yes");
    assert_string_equal(verdict_word(VERDICT_OTHER_DEVICE), "no");
    assert_string_equal(verdict_error(VERDICT_GO), "");
    assert_string_equal(verdict_error(VERDICT_TAKEN), "DeviceBusy");
    assert_int_equal(verdict_state(VERDICT_MACHINE_OFF), ASSIGNMENT_STATE_WAITING_MACHINE);
    assert_true(verdict_comes_by_itself(VERDICT_GO));
    assert_true(verdict_comes_by_itself(VERDICT_RESETTING));
    assert_false(verdict_comes_by_itself(VERDICT_MACHINE_OFF));
    assert_false(verdict_comes_by_itself(VERDICT_SET_INCOMPLETE));
    /* What a machine has it keeps, but for these. */
    for (int verdict = 0; verdict < _VERDICT_MAX; verdict++)
        assert_int_equal(verdict_takes_out(verdict),
                         verdict == VERDICT_HELD_HOME || verdict == VERDICT_UNAUTHORIZED ||
                             verdict == VERDICT_RESETTING || verdict == VERDICT_QUARANTINED ||
                             verdict == VERDICT_MACHINE_UNWELL);
}

static void test_texts(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    assert_text(fixture, PINNED, VERDICT_GO, "0529:0001 (1-1) goes to VM \"desk\"");
    assert_text(fixture, POOL, VERDICT_GROUP_DISABLED,
                "group keys is disabled and gives nothing (usbferry group set keys --enable)");
    assert_text(fixture, PINNED, VERDICT_MACHINE_UNKNOWN,
                "the hypervisor knows no VM \"desk\" (" DESK
                "); assignment aaaaaaaa holds nothing until it is "
                "there again");
    g_free(pinned->machine_uuid);
    pinned->machine_uuid = g_strdup("99999999-9999-9999-9999-999999999999");
    text_replace(&pinned->machine_name, "studio");
    assert_text(
        fixture, PINNED, VERDICT_MACHINE_UNKNOWN,
        "the VM \"studio\" of assignment aaaaaaaa (99999999-9999-9999-9999-999999999999) is gone, and "
        "a new one has its name (" STUDIO "); give that one the same again, or apply the assignment "
        "again");
    g_free(pinned->machine_uuid);
    pinned->machine_uuid = g_strdup(DESK);
    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    assert_text(fixture, PINNED, VERDICT_CONTROLLER_TAKEN,
                "0529:0001 (1-1) is on the controller 0000:00:14.0, which VM \"?\" has as a whole; take "
                "that away from it first");

    pinned->wanted = false;
    assert_text(fixture, PINNED, VERDICT_SUSPENDED,
                "assignment aaaaaaaa is disabled: its device was taken home");
    assert_text(fixture, PINNED, VERDICT_STORING, "assignment aaaaaaaa is being stored");
    pinned->releasing = true;
    assert_text(fixture, PINNED, VERDICT_SUSPENDED, "assignment aaaaaaaa is ending");
}

static void test_quarantined(void **state)
{
    Fixture *fixture = *state;
    VerdictCase its = about(fixture, PINNED);
    g_autofree char *text = NULL, *over = NULL;

    its.now = G_USEC_PER_SEC;
    for (int i = 0; i < 3; i++)
        quarantines_strike(fixture->registry->quarantines, its.device, QUARANTINE_FLAPS, NULL, its.now);
    text = verdict_text(VERDICT_QUARANTINED, &its);
    assert_true(
        g_regex_match_simple("^0529:0001 \\(1-1\\) is quarantined: it left and came back 3 times in a "
                             "row; it is held back until [0-9]{2}:[0-9]{2}:[0-9]{2}; \"usbferry "
                             "retry aaaaaaaa\" tries at once$",
                             text, 0, 0));
    /* Nobody looked since. */
    its.now += 5 * G_USEC_PER_SEC;
    over = verdict_text(VERDICT_QUARANTINED, &its);
    assert_true(strstr(over, "it was held back until now") != NULL);
}

/* It is in the group, and not what the assignment draws from it. */
static void test_other_device(void **state)
{
    Fixture *fixture = *state;
    Assignment *pool = registry_assignment(fixture->registry, POOL);

    g_free(pool->selector);
    pool->selector = g_strdup("serial=ZZZZ");
    assert_text(fixture, POOL, VERDICT_OTHER_DEVICE, "0529:0001 (1-1) does not match serial=ZZZZ");
    g_free(pool->group);
    pool->group = g_strdup("others");
    assert_text(fixture, POOL, VERDICT_OTHER_DEVICE, "0529:0001 (1-1) is not in group others");
}

static void test_not_owned(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    Tenant *lab = tenant_new("lab");

    registry_assignment(fixture->registry, PINNED)->tenant = g_strdup("former");
    assert_text(fixture, PINNED, VERDICT_NOT_OWNED,
                "0529:0001 (1-1) does not belong to tenant former any more");
    registry_add_tenant(fixture->registry, lab);
    device->tenant = g_strdup("lab");
    assert_text(fixture, PINNED, VERDICT_NOT_OWNED,
                "0529:0001 (1-1) belongs to tenant lab, and VM \"desk\" does not");
    g_ptr_array_add(lab->machines, g_strdup(DESK));
    assert_text(fixture, PINNED, VERDICT_NOT_OWNED,
                "0529:0001 (1-1) belongs to tenant lab, and assignment aaaaaaaa does not: release it and "
                "assign the device anew");
}

/* Who has it, and who comes first: only the case knows. */
static void test_who(void **state)
{
    Fixture *fixture = *state;
    VerdictCase its = about(fixture, PINNED);
    const Attachment attachment = { .machine = registry_machine(fixture->registry, DESK) };
    g_autofree char *nobody = verdict_text(VERDICT_TAKEN, &its),
                    *unknown = verdict_text(VERDICT_FOREIGN, &its);
    g_autofree char *first = NULL, *owner = NULL;

    assert_string_equal(nobody, "another assignment comes first for 0529:0001 (1-1)");
    assert_string_equal(unknown,
                        "0529:0001 (1-1) was given to VM \"?\" by another program; take it away there");
    its.first = registry_assignment(fixture->registry, POOL);
    its.attachment = &attachment;
    first = verdict_text(VERDICT_TAKEN, &its);
    owner = verdict_text(VERDICT_FOREIGN, &its);
    assert_string_equal(first, "assignment \"bbbbbbbb\" comes first for 0529:0001 (1-1)");
    assert_string_equal(owner,
                        "0529:0001 (1-1) was given to VM \"desk\" by another program; take it away there");
}

static void test_hypervisor_away(void **state)
{
    Fixture *fixture = *state;

    assert_text(fixture, PINNED, VERDICT_HYPERVISOR_AWAY,
                "0529:0001 (1-1) waits for VM \"desk\": the VMs are still being read");
    registry_machine(fixture->registry, DESK)->stuck = true;
    assert_text(fixture, PINNED, VERDICT_HYPERVISOR_AWAY,
                "0529:0001 (1-1) waits for VM \"desk\": it does not answer");
    fixture->registry->hypervisor_text = g_strdup("no socket");
    assert_text(fixture, PINNED, VERDICT_HYPERVISOR_AWAY,
                "0529:0001 (1-1) waits for VM \"desk\": the hypervisor is away: no socket");
    /* A machine that is gone has the name that it had. */
    registry_remove_machine(fixture->registry, registry_machine(fixture->registry, DESK));
    g_free(registry_assignment(fixture->registry, PINNED)->machine_name);
    registry_assignment(fixture->registry, PINNED)->machine_name = g_strdup("former desk");
    assert_text(fixture, PINNED, VERDICT_HYPERVISOR_AWAY,
                "0529:0001 (1-1) waits for VM \"former desk\": the hypervisor is away: no socket");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole_rows), TEST(test_what_follows), TEST(test_texts),           TEST(test_other_device),
        TEST(test_whole_rows), TEST(test_what_follows), TEST(test_quarantined),     TEST(test_other_device),
        TEST(test_not_owned),  TEST(test_who),          TEST(test_hypervisor_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
