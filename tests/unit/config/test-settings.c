/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What usbferry.conf says, all of it or nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "daemon/base/error.h"
#include "daemon/base/tuning.h"
#include "daemon/config/settings.h"
#include "daemon/guards/host-use.h"

#define PATH "/etc/usbferry/usbferry.conf"

static void test_good(void **state)
{
    g_auto(Settings) settings = {};
    g_autoptr(GError) error = NULL;

    assert_true(settings_from_text("", PATH, &settings, &error));
    assert_null(settings.hypervisor_uri);
    assert_int_equal(settings.guards_off, 0);
    assert_true(settings_from_text("# ours\n[Guards]\nLastKeyboard=false\nSwap=true\nClaimed=false\n"
                                   "[Service]\nHypervisorURI=qemu:///session\n[HandsOff]\nInput=false\n",
                                   PATH, &settings, &error));
    assert_string_equal(settings.hypervisor_uri, "qemu:///session");
    assert_int_equal(settings.guards_off, 1u << HOST_USE_LAST_KEYBOARD | 1u << HOST_USE_CLAIMED);
    assert_false(settings.hands_off_off);
    assert_true(settings.hands_off_input_off);
}

static void test_hands_off(void **state)
{
    g_auto(Settings) settings = {};

    assert_true(settings_from_text("[HandsOff]\nWaiting=false\nInput=true\n", PATH, &settings, NULL));
    assert_true(settings.hands_off_off);
    assert_false(settings.hands_off_input_off);
}

/* Every kind can be turned off by itself. */
static void test_every_kind(void **state)
{
    static const char *const keys[_HOST_USE_KIND_MAX] = {
        [HOST_USE_LAST_KEYBOARD] = "LastKeyboard",
        [HOST_USE_LAST_POINTER] = "LastPointer",
        [HOST_USE_ROOT] = "Root",
        [HOST_USE_MOUNTED] = "Mounted",
        [HOST_USE_SWAP] = "Swap",
        [HOST_USE_HOLDER] = "Holder",
        [HOST_USE_DEFAULT_ROUTE] = "DefaultRoute",
        [HOST_USE_CLAIMED] = "Claimed",
        [HOST_USE_SECURITY_KEY] = "SecurityKey",
    };

    for (HostUseKind kind = 0; kind < _HOST_USE_KIND_MAX; kind++) {
        g_autofree char *text = g_strdup_printf("[Guards]\n%s=false\n", keys[kind]);
        g_auto(Settings) settings = {};

        assert_true(settings_from_text(text, PATH, &settings, NULL));
        assert_int_equal(settings.guards_off, 1u << kind);
    }
}

static void test_limits_and_times(void **state)
{
    g_auto(Settings) settings = {};
    g_autoptr(GError) error = NULL;

    assert_true(settings_from_text("[Limits]\nAssignments=300\nHistory=20\n[Times]\nHang=2min\nPing=45s\n",
                                   PATH, &settings, &error));
    assert_int_equal(tuning_in_set(&settings.tuning, TUNING_ASSIGNMENTS), 300);
    assert_int_equal(tuning_in_set(&settings.tuning, TUNING_HISTORY), 20);
    assert_int_equal(tuning_in_set(&settings.tuning, TUNING_GROUPS), GROUPS_MAX);
    assert_int_equal(tuning_in_set(&settings.tuning, TUNING_HANG), 120 * G_USEC_PER_SEC);
    assert_int_equal(tuning_in_set(&settings.tuning, TUNING_PING), 45 * G_USEC_PER_SEC);
    /* It isn't in force by being read. */
    assert_int_equal(tuning_get(TUNING_HANG), MACHINE_HANGS_US);
}

/* Every key is read where it belongs, and refused elsewhere. */
static void test_every_figure(void **state)
{
    for (Tuning tuning = 0; tuning < _TUNING_MAX; tuning++) {
        g_autofree char *usual = tuning_print(tuning, tuning_get(tuning));
        g_autofree char *good =
            g_strdup_printf("[%s]\n%s=%s\n", tuning_section(tuning), tuning_key(tuning), usual);
        g_autofree char *bad = g_strdup_printf("[Service]\n%s=%s\n", tuning_key(tuning), usual);
        g_auto(Settings) settings = {};

        assert_true(settings_from_text(good, PATH, &settings, NULL));
        assert_false(settings_from_text(bad, PATH, &settings, NULL));
    }
}

/* Which file, line and key, what stands there, and what may. */
static void test_says_what_may_be(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        { "[Limits]\n\nGroups=0\n", PATH ":3: Groups: \"0\" is not a number from 1 to 1024" },
        { "[Limits]\nGroups=many\n", PATH ":2: Groups: \"many\" is not a number from 1 to 1024" },
        { "[Times]\nHang=30\n", PATH ":2: Hang: \"30\" is not a time from 10s to 10min, such as 30s" },
        { "[Times]\nHang=1h\n", PATH ":2: Hang: \"1h\" is not a time from 10s to 10min, such as 30s" },
        { "[Times]\n# slow\nPing=40s\n", PATH ":3: Hang=30s must be more than Ping=40s" },
        { "[Times]\nPing=40s\nHang=35s\n", PATH ":3: Hang=35s must be more than Ping=40s" },
        { "[Limits]\nAssignments=100\n[Times]\nPing=1s\n",
          PATH ":2: Assignments=100 must be more than AssignmentsForRoot=256" },
        { "[Limits]\nHang=30s\n", PATH
          ":2: unknown key \"Hang\", expected one of Assignments, AssignmentsPerUser, "
          "AssignmentsPerTenant, AssignmentsForRoot, Groups, Tenants, QuestionsPerUser, History, Workers" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Settings) settings = {};
        g_autoptr(GError) error = NULL;

        assert_false(settings_from_text(rows[i].text, PATH, &settings, &error));
        assert_string_equal(error->message, rows[i].message);
    }
}

static void test_bad(void **state)
{
    static const char *const texts[] = {
        "[Limits]\nGroups=5\nGroups=6\n",
        "[Limits]\n[Times]\n[Limits]\n",
        "[Times]\nhang=30s\n",
        "[Guards]\nLastKeyboard=no\n",
        "[Guards]\nMountd=false\n",
        "[Guards]\n[Guards]\n",
        "[HandsOff]\nInput=false\n[HandsOff]\n",
        "[HandsOff]\nInputs=false\n",
        "[HandsOff]\nSwap=false\n",
        "[Guard]\nSwap=false\n",
        "Swap=false\n",
        "[Service]\nSwap=false\n",
        "[Guards]\nSwap=false\nSwap=false\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_auto(Settings) settings = {};
        g_autoptr(GError) error = NULL;

        assert_false(settings_from_text(texts[i], PATH, &settings, &error));
        assert_non_null(error);
        assert_true(g_str_has_prefix(error->message, PATH ":"));
        assert_int_equal(settings.guards_off, 0);
    }
}

/* A pipe, which nobody may be waited for at; a folder; /dev/null; and what isn't there. */
static void test_what_is_no_file(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ferry-settings-XXXXXX", NULL);
    g_autofree char *pipe = g_build_filename(folder, "pipe", NULL);
    g_autofree char *none = g_build_filename(folder, "none", NULL);
    const struct {
        const char *path, *says;
    } cases[] = { { pipe, "not a regular file" },
                  { folder, "not a regular file" },
                  { "/dev/null", NULL },
                  { none, NULL } };

    assert_int_equal(mkfifo(pipe, 0600), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Settings) settings = {};
        g_autoptr(GError) error = NULL;

        g_setenv("FERRY_CONFIG", cases[i].path, TRUE);
        assert_int_equal(settings_read(&settings, &error), !cases[i].says);
        if (cases[i].says)
            assert_non_null(strstr(error->message, cases[i].says));
    }
    g_unsetenv("FERRY_CONFIG");
    assert_int_equal(g_unlink(pipe), 0);
    assert_int_equal(g_rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),         cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_hands_off),    cmocka_unit_test(test_limits_and_times),
        cmocka_unit_test(test_every_figure), cmocka_unit_test(test_says_what_may_be),
        cmocka_unit_test(test_bad),          cmocka_unit_test(test_what_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
