/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile calls on the live service, as a stranger, who must not be able to change anything, and as root.
 *
 * First one round over all that introspection of the service shows, from "/" on: every method and property of
 * ours and of D-Bus's own interfaces, on every kind of object and on a folder between them, and nothing may
 * be left out. Each method is called with hostile values of the right types, with wrong types, and with every
 * text, array and variant too big; each property is read, set, and set and read with wrong types. A few in
 * turn, as the seed says, get as much as a message of the bus can hold. Then thousands of calls by chance.
 *
 * Each call must be answered, with an error that D-Bus or usbferry has a name for; the service must live, and
 * its memory stay within a bound; that it leaks nothing is AddressSanitizer's to say when it ends. Debian 12
 * has no dfuzzer, neither as a package nor as a source.
 *
 * FERRY_TEST_SEED and FERRY_TEST_CALLS choose another run than the usual one. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/fuzz-world.h"
#include "tests/bus/memory-folder.h"

#define SEED 20260101

/* By chance; half of them as each user. Fewer with AddressSanitizer, which makes each of them dear. */
#ifdef __SANITIZE_ADDRESS__
#define CALLS 4000
#else
#define CALLS 10000
#endif

/* How often the objects are looked up anew, in calls. */
#define LOOK_EVERY 50

/* What every text, array and variant gets in each run: just more than one text may have, and more than any
 * call. And what a few of them get: all that a message of the bus can hold besides its head. AddressSanitizer
 * copies what was read of a message with every piece that is read, and has less to copy. */
static const gsize huge_sizes[] = { 8192 + 1, 1024 * 1024 + 1 };
#define TOO_BIG_FOR_ALL (1024 * 1024 + 1)
#ifdef __SANITIZE_ADDRESS__
#define BIGGEST (4 * 1024 * 1024)
#else
#define BIGGEST (32 * 1024 * 1024 - 4096)
#endif
#define BIGGEST_CALLS 2

/* What is done with a method or a property. */
typedef enum How { READ, HOSTILE, WRONG, HUGE, N_HOWS } How;
static const char *const how_names[] = { "read", "hostile values", "wrong types", "huge values" };

/* ------------------------------------------------------------------ the round over all */

static bool is_ours(const Shown *shown)
{
    return g_str_has_prefix(shown->interface, FERRY_BUS_NAME ".");
}

/* must_fail: whatever it says. */
static void end_round_call(Fuzz *fuzz, const Shown *shown, sd_bus_message *message, How how, bool must_fail)
{
    sd_bus_message_ref(message);
    if (fuzz_end_call(fuzz, shown, message) && must_fail)
        fuzz_fail(fuzz, shown, message, "it worked, which is wrong");
    sd_bus_message_unref(message);
    g_hash_table_add(fuzz->done, g_strdup_printf("%s: %s", shown->name, how_names[how]));
}

/* Another type than that. */
static const char *wrong_type(Fuzz *fuzz, const char *type)
{
    static const char *const types[] = { "u", "s", "as", "(so)", "a{sv}", "v", "ay", "d" };
    const char *wrong;

    do
        wrong = types[chance_below(&fuzz->chance, G_N_ELEMENTS(types))];
    while (strcmp(wrong, type) == 0);
    return wrong;
}

/* One argument too many, one too few, and each of another type. */
static void call_wrong(Fuzz *fuzz, const Shown *shown)
{
    guint n = shown->arguments->len;

    for (guint variant = 0; variant <= n + (n > 0); variant++) {
        sd_bus_message *message =
            fuzz_begin_call(fuzz, fuzz_need_path(fuzz, shown), shown->interface, shown->member);

        for (guint i = 0; i < n; i++) {
            const ShownArgument *argument = shown->arguments->pdata[i];

            if (i == variant)
                chance_append(&fuzz->chance, message, wrong_type(fuzz, argument->type), argument->name);
            else if (variant != n + 1 || i + 1 < n)
                chance_append(&fuzz->chance, message, argument->type, argument->name);
        }
        if (variant == n)
            chance_append(&fuzz->chance, message, wrong_type(fuzz, ""), "");
        /* the library doesn't look at what is too much in the calls that it answers itself */
        end_round_call(fuzz, shown, message, WRONG, is_ours(shown) || variant != n);
    }
}

/* The other arguments may fit, so that the huge one is looked at. */
static void call_huge(Fuzz *fuzz, const Shown *shown, guint at, gsize size)
{
    sd_bus_message *message =
        fuzz_begin_call(fuzz, fuzz_need_path(fuzz, shown), shown->interface, shown->member);

    fuzz->chance.kind = true;
    for (guint i = 0; i < shown->arguments->len; i++) {
        const ShownArgument *argument = shown->arguments->pdata[i];

        if (i == at)
            chance_append_huge(&fuzz->chance, message, argument->type, size);
        else
            chance_append(&fuzz->chance, message, argument->type, argument->name);
    }
    fuzz->chance.kind = false;
    fuzz->biggest = MAX(fuzz->biggest, size);
    end_round_call(fuzz, shown, message, HUGE, size >= TOO_BIG_FOR_ALL);
}

static void call_method(Fuzz *fuzz, const Shown *shown)
{
    sd_bus_message *message =
        fuzz_begin_call(fuzz, fuzz_need_path(fuzz, shown), shown->interface, shown->member);

    for (guint i = 0; i < shown->arguments->len; i++) {
        const ShownArgument *argument = shown->arguments->pdata[i];

        chance_append(&fuzz->chance, message, argument->type, argument->name);
    }
    end_round_call(fuzz, shown, message, HOSTILE, false);
    call_wrong(fuzz, shown);
    for (guint i = 0; i < shown->arguments->len; i++) {
        const ShownArgument *argument = shown->arguments->pdata[i];

        for (gsize k = 0; chance_can_be_huge(argument->type) && k < G_N_ELEMENTS(huge_sizes); k++)
            call_huge(fuzz, shown, i, huge_sizes[k]);
    }
}

/* name: the type of the property's name; value: that of a variant with a value; NULL = there is none. */
static void access_property(Fuzz *fuzz, const Shown *shown, const char *member, const char *name,
                            const char *value, How how, bool must_fail)
{
    sd_bus_message *message =
        fuzz_begin_call(fuzz, fuzz_need_path(fuzz, shown), "org.freedesktop.DBus.Properties", member);

    assert_true(sd_bus_message_append(message, "s", shown->interface) >= 0);
    if (strcmp(name, "s") == 0)
        assert_true(sd_bus_message_append(message, "s", shown->member) >= 0);
    else
        chance_append(&fuzz->chance, message, name, "");
    if (value) {
        assert_true(sd_bus_message_open_container(message, 'v', value) >= 0);
        chance_append(&fuzz->chance, message, value, shown->member);
        assert_true(sd_bus_message_close_container(message) >= 0);
    }
    end_round_call(fuzz, shown, message, how, must_fail);
}

static void call_property(Fuzz *fuzz, const Shown *shown)
{
    const char *type = ((const ShownArgument *)shown->arguments->pdata[0])->type;

    access_property(fuzz, shown, "Get", "s", NULL, READ, false);
    access_property(fuzz, shown, "Set", "s", type, HOSTILE, !shown->is_writable);
    access_property(fuzz, shown, "Set", "s", wrong_type(fuzz, type), WRONG, true);
    access_property(fuzz, shown, "Set", "s", NULL, WRONG, true);
    access_property(fuzz, shown, "Get", wrong_type(fuzz, "s"), NULL, WRONG, true);
}

/* In turn, by the seed and the user. */
static void call_biggest(Fuzz *fuzz, guint user)
{
    g_autoptr(GPtrArray) slots = g_ptr_array_new();
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 0; i < fuzz->shown->len; i++) {
        Shown *shown = fuzz->shown->pdata[i];

        for (guint k = 0; !shown->is_property && k < shown->arguments->len; k++)
            if (chance_can_be_huge(((const ShownArgument *)shown->arguments->pdata[k])->type)) {
                g_ptr_array_add(slots, shown);
                g_array_append_val(places, k);
            }
    }
    for (guint i = 0; i < BIGGEST_CALLS; i++) {
        guint at = fuzz->seed * 2 + user + i * (slots->len / BIGGEST_CALLS);
        const Shown *shown = slots->pdata[at % slots->len];

        print_message("# the biggest: argument %u of %s\n", g_array_index(places, guint, at % slots->len),
                      shown->name);
        call_huge(fuzz, shown, g_array_index(places, guint, at % slots->len), BIGGEST);
    }
}

/* ------------------------------------------------------------------ that nothing was left out */

static void check_done(Fuzz *fuzz, const Shown *shown, How how)
{
    g_autofree char *name = g_strdup_printf("%s: %s", shown->name, how_names[how]);

    if (!g_hash_table_contains(fuzz->done, name))
        fail_msg("never called: %s", name);
}

/* What is shown, and that all of it was done. */
static void check_all_done(Fuzz *fuzz, const GPtrArray *all)
{
    for (guint i = 0; i < all->len; i++) {
        const Shown *shown = all->pdata[i];
        g_autofree char *types = shown_types(shown);

        check_done(fuzz, shown, HOSTILE);
        check_done(fuzz, shown, WRONG);
        if (shown->is_property)
            check_done(fuzz, shown, READ);
        else if (chance_can_be_huge(types))
            check_done(fuzz, shown, HUGE);
    }
}

static void round_over_all(Fuzz *fuzz, guint user)
{
    g_autoptr(GPtrArray) now = NULL;
    g_autoptr(GPtrArray) promised = shown_by_xml(g_getenv("FERRY_TEST_XML"));
    guint properties = 0;

    for (guint i = 0; i < fuzz->shown->len; i++) {
        const Shown *shown = fuzz->shown->pdata[i];

        properties += shown->is_property;
        if (shown->is_property)
            call_property(fuzz, shown);
        else
            call_method(fuzz, shown);
    }
    call_biggest(fuzz, user);
    for (guint i = 0; i < fuzz->shown->len; i++)
        fuzz_need_path(fuzz, fuzz->shown->pdata[i]);
    now = shown_by_service(fuzz->fixture->bus);
    assert_int_equal(now->len, fuzz->shown->len);
    check_all_done(fuzz, now);
    check_all_done(fuzz, promised);
    print_message("# %u methods and %u properties in %u calls, the biggest with %.2f MiB\n",
                  fuzz->shown->len - properties, properties, fuzz->calls,
                  (double)fuzz->biggest / 1024 / 1024);
}

/* ------------------------------------------------------------------ calls by chance */

/* Most often one of our own methods. */
static const Shown *random_method(Fuzz *fuzz)
{
    const Shown *shown = NULL;

    do
        shown = fuzz->shown->pdata[chance_below(&fuzz->chance, fuzz->shown->len)];
    while (shown->is_property || (!is_ours(shown) && chance_below(&fuzz->chance, 20) != 0));
    return shown;
}

static void call_by_chance(Fuzz *fuzz)
{
    const Shown *shown = random_method(fuzz);
    const char *path = NULL;
    sd_bus_message *message;
    guint n;

    fuzz->chance.kind = chance_below(&fuzz->chance, 2) == 0;
    if (fuzz->chance.kind || chance_below(&fuzz->chance, 2) == 0)
        path = fuzz_living_path(fuzz, shown);
    if (!path)
        path = chance_below(&fuzz->chance, 2) == 0 ? chance_dead_path(&fuzz->chance)
                                                   : chance_path(&fuzz->chance, NULL);
    message = fuzz_begin_call(fuzz, path, shown->interface, shown->member);
    for (guint i = 0; i < shown->arguments->len; i++) {
        const ShownArgument *argument = shown->arguments->pdata[i];

        chance_append(&fuzz->chance, message, argument->type, argument->name);
    }
    n = GPOINTER_TO_UINT(g_hash_table_lookup(fuzz->worked, shown->name));
    n += fuzz_end_call(fuzz, shown, message);
    if (is_ours(shown))
        g_hash_table_replace(fuzz->worked, shown->name, GUINT_TO_POINTER(n));
}

static void calls_by_chance(Fuzz *fuzz)
{
    unsigned n = fuzz_from_environment("FERRY_TEST_CALLS", CALLS) / 2;
    GHashTableIter iter;
    gpointer name, worked;

    for (unsigned i = 0; i < n; i++) {
        if (i % LOOK_EVERY == 0)
            fuzz_look(fuzz);
        call_by_chance(fuzz);
    }
    /* how deep it went */
    g_hash_table_iter_init(&iter, fuzz->worked);
    while (g_hash_table_iter_next(&iter, &name, &worked))
        print_message("# %s worked %u times\n", (char *)name, GPOINTER_TO_UINT(worked));
    print_message("# %u calls\n", fuzz->calls);
}

/* ------------------------------------------------------------------ the tests */

static void all_calls(Fuzz *fuzz, guint user)
{
    hostile_watch_memory(fuzz->hostile);
    round_over_all(fuzz, user);
    calls_by_chance(fuzz);
    hostile_ping(fuzz->hostile);
    hostile_check_memory(fuzz->hostile, HOSTILE_MEMORY);
}

/* The first line that is another one: the last line of a run is all that some readers get. */
static char *first_change(const char *before, const char *after)
{
    g_auto(GStrv) was = g_strsplit(before, "\n", -1);
    g_auto(GStrv) is = g_strsplit(after, "\n", -1);
    guint i = 0;

    while (was[i] && is[i] && strcmp(was[i], is[i]) == 0)
        i++;
    return g_strdup_printf("line %u: %s | %s", i, was[i] ? was[i] : "(end)", is[i] ? is[i] : "(end)");
}

static void test_stranger_changes_nothing(void **state)
{
    Fuzz *fuzz = fuzz_new(*state, FIXTURE_STRANGER, SEED);
    g_autofree char *before = fuzz_dump(fuzz);
    g_autofree char *after = NULL;

    all_calls(fuzz, 0);
    after = fuzz_dump(fuzz);
    if (strcmp(before, after) != 0) {
        g_autofree char *change = first_change(before, after);

        fixture_print_log(fuzz->fixture);
        print_error("---- before\n%s---- after\n%s", before, after);
        fail_msg("seed %u: a stranger has changed something, %s", fuzz->seed, change);
    }
    fuzz_free(fuzz);
}

static void test_root(void **state)
{
    Fuzz *fuzz = fuzz_new(*state, 0, SEED);

    all_calls(fuzz, 1);
    g_free(fuzz_dump(fuzz));
    fuzz_free(fuzz);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hostile_setup, hostile_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stranger_changes_nothing),
        TEST(test_root),
    };

    hostile_init();
    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
