/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of signs: each of its lines, how long each lasts, and when none of them counts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/possession.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"

#define MS     (G_USEC_PER_SEC / 1000)
#define SECOND G_USEC_PER_SEC
#define START  (1000 * SECOND)

/* What the kernel shows in the cases that the table speaks of. */
static const KernelFacts
    /* clang-format off */
    home =         { .authorized = true,  .opens = 0, .on_host = 1 },
    unauthorized = { .authorized = false, .opens = 1 },
    guest =        { .authorized = true,  .opens = 1, .on_usbfs = 1 },
    paused =       { .authorized = true,  .opens = 1, .driverless = 1 },
    lost =         { .authorized = true,  .opens = 0, .driverless = 1 },
    stick =        { .authorized = true,  .opens = 1, .on_host = 1 },
    shared =       { .authorized = true,  .opens = 2, .on_usbfs = 1 },
    half_shared =  { .authorized = true,  .opens = 2, .driverless = 1 },
    half =         { .authorized = true,  .opens = 1, .on_usbfs = 1, .driverless = 2 },
    opened =       { .authorized = true,  .opens = 1, .on_host = 1 },
    silent =       { .authorized = true,  .opens = KERNEL_OPENS_UNKNOWN, .driverless = 1 },
    silent_host =  { .authorized = true,  .opens = KERNEL_OPENS_UNKNOWN, .on_host = 1 };
/* clang-format on */

static int set_up(void **state)
{
    fixture_setup(state);
    fixture_plug(*state, fixture_make_device(*state, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_assign(*state, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    return 0;
}

static Device *device_of(Fixture *fixture)
{
    return registry_device(fixture->registry, "1-1");
}

static Possession possession(Fixture *fixture)
{
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

    return possession_of(fixture->registry, attachments, device_of(fixture));
}

/* Looks at it, after the last look. */
static Possession look(Fixture *fixture, const KernelFacts *facts, gint64 at)
{
    kernel_word_take(&device_of(fixture)->kernel, facts, at);
    return possession(fixture);
}

static gint64 look_again_at(Fixture *fixture)
{
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

    return possession_look_again_at(fixture->registry, attachments, device_of(fixture));
}

/* Listed since START. */
static Presence *list(Fixture *fixture)
{
    const Hostdev *hostdev = fixture_put_into(fixture, "1-1", PINNED);
    Presence *presence = g_new0(Presence, 1);

    presence->since = START;
    g_hash_table_insert(registry_machine(fixture->registry, DESK)->presences, g_strdup(hostdev->alias),
                        presence);
    return presence;
}

/* Whatever it shows, it shows it for long enough, and again a bit less long. */
static void test_each_line(void **state)
{
    static const struct {
        const char *what;
        const KernelFacts *facts;
        Possession unlisted, listed;
    } lines[] = {
        { "home", &home, POSSESSION_FREE, POSSESSION_TAKEN_BACK },
        { "unauthorized", &unauthorized, POSSESSION_UNAUTHORIZED, POSSESSION_UNAUTHORIZED },
        { "guest", &guest, POSSESSION_IN_USE, POSSESSION_THERE },
        { "paused", &paused, POSSESSION_IN_USE, POSSESSION_THERE },
        { "lost", &lost, POSSESSION_FREE, POSSESSION_CLOSED },
        { "stick", &stick, POSSESSION_IN_USE, POSSESSION_TAKEN_BACK },
        { "shared", &shared, POSSESSION_IN_USE, POSSESSION_SHARED },
        { "half shared", &half_shared, POSSESSION_IN_USE, POSSESSION_SHARED },
        { "half", &half, POSSESSION_IN_USE, POSSESSION_THERE },
        { "silent", &silent, POSSESSION_FREE, POSSESSION_THERE },
        { "silent, host", &silent_host, POSSESSION_FREE, POSSESSION_TAKEN_BACK },
    };
    Fixture *fixture = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        device_of(fixture)->kernel = (KernelWord){};
        look(fixture, lines[i].facts, START);
        if (look(fixture, lines[i].facts, START + SECOND) != lines[i].unlisted)
            fail_msg("%s: not listed", lines[i].what);
    }
    list(fixture)->confirmed = true;
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        device_of(fixture)->kernel = (KernelWord){};
        look(fixture, lines[i].facts, START + 10 * SECOND);
        if (look(fixture, lines[i].facts, START + 11 * SECOND) != lines[i].listed)
            fail_msg("%s: listed", lines[i].what);
    }
}

/* Nothing was ever looked at. */
static void test_no_word(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(possession(fixture), POSSESSION_FREE);
    list(fixture);
    assert_int_equal(possession(fixture), POSSESSION_THERE);
}

static void test_a_second(void **state)
{
    static const struct {
        const KernelFacts *facts;
        Possession possession;
    } lines[] = { { &home, POSSESSION_TAKEN_BACK },
                  { &stick, POSSESSION_TAKEN_BACK },
                  { &lost, POSSESSION_CLOSED },
                  { &shared, POSSESSION_SHARED } };
    Fixture *fixture = *state;
    gint64 now = START + 10 * SECOND;

    list(fixture)->confirmed = true;
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        /* A reset, the guest's for instance: it is well again before the second is over. */
        assert_int_equal(look(fixture, &guest, now), POSSESSION_THERE);
        assert_int_equal(look_again_at(fixture), 0);
        assert_int_equal(look(fixture, lines[i].facts, now + 100 * MS), POSSESSION_THERE);
        assert_int_equal(look_again_at(fixture), now + 1100 * MS);
        assert_int_equal(look(fixture, lines[i].facts, now + 1000 * MS), POSSESSION_THERE);
        assert_int_equal(look(fixture, &paused, now + 1050 * MS), POSSESSION_THERE);
        assert_int_equal(look(fixture, lines[i].facts, now + 1100 * MS), POSSESSION_THERE);
        assert_int_equal(look(fixture, lines[i].facts, now + 2100 * MS), lines[i].possession);
        now += 10 * SECOND;
    }
}

/* Until the kernel has said once that it is there. */
static void test_unproven(void **state)
{
    Fixture *fixture = *state;
    Presence *presence = list(fixture);

    assert_int_equal(look(fixture, &home, START), POSSESSION_UNPROVEN);
    assert_int_equal(look_again_at(fixture), START + 3 * SECOND);
    assert_int_equal(look(fixture, &home, START + 2 * SECOND), POSSESSION_UNPROVEN);
    assert_int_equal(look(fixture, &paused, START + 2500 * MS), POSSESSION_THERE);
    presence->confirmed = true;
    assert_int_equal(look(fixture, &lost, START + 2600 * MS), POSSESSION_THERE);
    assert_int_equal(look(fixture, &lost, START + 3600 * MS), POSSESSION_CLOSED);
}

static void test_after_attach(void **state)
{
    Fixture *fixture = *state;

    list(fixture);
    assert_int_equal(look(fixture, &home, START), POSSESSION_UNPROVEN);
    assert_int_equal(look(fixture, &home, START + 3 * SECOND - 1), POSSESSION_UNPROVEN);
    assert_int_equal(look(fixture, &home, START + 3 * SECOND), POSSESSION_TAKEN_BACK);
    /* At once, even then. */
    assert_int_equal(look(fixture, &unauthorized, START + 1), POSSESSION_UNAUTHORIZED);
}

static void test_after_start(void **state)
{
    Fixture *fixture = *state;

    list(fixture)->confirmed = true;
    registry_machine(fixture->registry, DESK)->woke_at = START + 10 * SECOND;
    assert_int_equal(look(fixture, &lost, START + 10 * SECOND), POSSESSION_THERE);
    assert_int_equal(look_again_at(fixture), START + 12 * SECOND);
    assert_int_equal(look(fixture, &lost, START + 12 * SECOND - 1), POSSESSION_THERE);
    assert_int_equal(look(fixture, &lost, START + 12 * SECOND), POSSESSION_CLOSED);
}

static void test_sleep(void **state)
{
    Fixture *fixture = *state;

    list(fixture)->confirmed = true;
    look(fixture, &home, START + 10 * SECOND);
    fixture->registry->host_sleeps_at = START + 15 * SECOND;
    assert_int_equal(look(fixture, &home, START + 20 * SECOND), POSSESSION_THERE);
    /* Nobody said that it woke. */
    assert_int_equal(look_again_at(fixture), START + 75 * SECOND);
    assert_int_equal(look(fixture, &home, START + 75 * SECOND), POSSESSION_TAKEN_BACK);
    device_of(fixture)->kernel.seen_at = START + 20 * SECOND;
    fixture->registry->host_sleeps_at = 0;
    fixture->registry->host_woke_at = START + 20 * SECOND;
    assert_int_equal(look(fixture, &home, START + 21 * SECOND), POSSESSION_THERE);
    assert_int_equal(look_again_at(fixture), START + 22 * SECOND);
    assert_int_equal(look(fixture, &home, START + 22 * SECOND), POSSESSION_TAKEN_BACK);
}

/* A program opens what the guest uses: it is well, and is left alone then and afterwards. */
static void test_opened_as_well(void **state)
{
    Fixture *fixture = *state;
    Presence *presence = list(fixture);

    presence->confirmed = presence->configured = true;
    look(fixture, &shared, START + 10 * SECOND);
    assert_int_equal(look(fixture, &shared, START + 20 * SECOND), POSSESSION_THERE);
    assert_int_equal(look_again_at(fixture), 0);
    assert_int_equal(look(fixture, &guest, START + 21 * SECOND), POSSESSION_THERE);
    /* It takes a part of it. */
    look(fixture, &half_shared, START + 30 * SECOND);
    assert_int_equal(look(fixture, &half_shared, START + 31 * SECOND), POSSESSION_SHARED);
}

/* A program had it when the machine got it. */
static void test_spoilt(void **state)
{
    Fixture *fixture = *state;
    Presence *presence = list(fixture);

    assert_int_equal(look(fixture, &shared, START), POSSESSION_UNPROVEN);
    assert_int_equal(look(fixture, &shared, START + 3 * SECOND), POSSESSION_SHARED);
    presence->shared = true;
    /* The program has ended, and the guest doesn't try again. */
    assert_int_equal(look(fixture, &paused, START + 10 * SECOND), POSSESSION_UNPROVEN);
    assert_int_equal(look(fixture, &paused, START + 11 * SECOND), POSSESSION_SPOILT);
    assert_int_equal(look(fixture, &half, START + 12 * SECOND), POSSESSION_SPOILT);
    assert_int_equal(look(fixture, &guest, START + 13 * SECOND), POSSESSION_THERE);
}

/* A part of it was taken away by force. */
static void test_unbound(void **state)
{
    Fixture *fixture = *state;
    Presence *presence = list(fixture);

    presence->confirmed = true;
    device_of(fixture)->unbound = true;
    /* By the host's driver, which QEMU sent off. */
    look(fixture, &paused, START + 10 * SECOND);
    assert_int_equal(look(fixture, &paused, START + 11 * SECOND), POSSESSION_THERE);
    presence->configured = true;
    assert_int_equal(look(fixture, &guest, START + 12 * SECOND), POSSESSION_THERE);
    assert_int_equal(look(fixture, &half, START + 13 * SECOND), POSSESSION_THERE);
    assert_int_equal(look(fixture, &half, START + 14 * SECOND), POSSESSION_UNBOUND);
    device_of(fixture)->unbound = false;
    assert_int_equal(look(fixture, &half, START + 15 * SECOND), POSSESSION_THERE);
}

/* What isn't listed may be in a machine that wasn't looked at yet, or on its way into one. */
static void test_not_in_use(void **state)
{
    Fixture *fixture = *state;

    look(fixture, &guest, START);
    assert_int_equal(look(fixture, &guest, START + 9 * SECOND), POSSESSION_IN_USE);
    registry_machine(fixture->registry, STUDIO)->inspected = false;
    assert_int_equal(possession(fixture), POSSESSION_FREE);
    assert_int_equal(look_again_at(fixture), 0);
    registry_machine(fixture->registry, STUDIO)->inspected = true;
    fixture->registry->machines_known = false;
    assert_int_equal(possession(fixture), POSSESSION_FREE);
    fixture->registry->machines_known = true;
    fixture_put_in_flight(fixture, "1-1", PINNED);
    assert_int_equal(possession(fixture), POSSESSION_FREE);
}

/* Somebody claimed it just now; one that only opened it may be a part of the host that looks at what is new.
 */
static void test_claimed(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(look(fixture, &opened, START), POSSESSION_FREE);
    assert_int_equal(look_again_at(fixture), START + SECOND);
    assert_int_equal(look(fixture, &guest, START + 100 * MS), POSSESSION_CLAIMED);
    assert_int_equal(look(fixture, &home, START + 200 * MS), POSSESSION_FREE);
}

/* Other programs' machines are none of ours. */
static void test_foreign(void **state)
{
    Fixture *fixture = *state;

    fixture_put_foreign(fixture, "1-1", DESK);
    look(fixture, &home, START);
    assert_int_equal(look(fixture, &home, START + 9 * SECOND), POSSESSION_THERE);
    assert_int_equal(look(fixture, &unauthorized, START + 10 * SECOND), POSSESSION_THERE);
}

static void test_judge(void **state)
{
    static const struct {
        const KernelFacts *facts;
        Verdict at_first, verdict;
    } lines[] = { { &home, VERDICT_GO, VERDICT_GO },
                  { &opened, VERDICT_GO, VERDICT_IN_USE },
                  { &guest, VERDICT_LOOKED_AT, VERDICT_IN_USE },
                  { &unauthorized, VERDICT_UNAUTHORIZED, VERDICT_UNAUTHORIZED } };
    Fixture *fixture = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);
        Device *device = device_of(fixture);

        device->kernel = (KernelWord){};
        look(fixture, lines[i].facts, START);
        assert_int_equal(possession_judge(fixture->registry, attachments, device), lines[i].at_first);
        look(fixture, lines[i].facts, START + SECOND);
        assert_int_equal(possession_judge(fixture->registry, attachments, device), lines[i].verdict);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_line),    TEST(test_no_word),     TEST(test_a_second),   TEST(test_unproven),
        TEST(test_after_attach), TEST(test_after_start), TEST(test_sleep),      TEST(test_opened_as_well),
        TEST(test_spoilt),       TEST(test_unbound),     TEST(test_not_in_use), TEST(test_claimed),
        TEST(test_foreign),      TEST(test_judge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
