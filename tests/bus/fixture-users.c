/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who calls in the bus tier, and who says what they may: connections of users, their groups, and polkitd. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/fixture-internal.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Groups that the test program may have itself. */
#define NGROUPS_KEPT 64
/* Debian 12's polkit hasn't got it by itself. */
#define SHARED_RULES "/usr/share/polkit-1/rules.d"

/* Takes the place of one that is there. */
void fixture_spawn_polkit(Fixture *fixture)
{
    g_autofree char *actions = g_build_filename(fixture->bus_dir, "actions", NULL);
    g_autofree char *rules = g_build_filename(fixture->bus_dir, "rules", NULL);
    g_autofree char *groups = g_build_filename(fixture->bus_dir, "group", NULL);

    /* It reads fixed places, and gets its own view of them: our actions, the test's rules, groups, catalogues
     * and locales. */
    const Bind binds[] = {
        { actions, "/usr/share/polkit-1/actions" },
        { groups, "/etc/group" },
        { g_getenv("FERRY_TEST_LOCALE"), "/usr/share/locale" },
        { g_getenv("FERRY_TEST_LOCALES"), "/usr/lib/locale" },
        { rules, "/etc/polkit-1/rules.d" },
        { rules, g_file_test(SHARED_RULES, G_FILE_TEST_IS_DIR) ? SHARED_RULES : NULL },
        { 0 },
    };

    g_autofree char *log = g_build_filename(fixture->bus_dir, "polkit.log", NULL);

    fixture->polkit_pid = fixture_spawn(
        fixture, (const char *[]){ "/usr/lib/polkit-1/polkitd", "--no-debug", "--replace", NULL }, NULL,
        binds, log);
}

/* Of the tests. */
static const struct {
    const char *name;
    gid_t gid;
    const char *member;
} groups[] = {
    { "usbferry", 64301, "bin" },
    { "cad", 64302, "bin" },
    { "operators", 64303, "daemon" },
};

/* The host's groups, with those of the tests before any of the same name. */
void fixture_make_groups(Fixture *fixture)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    GString *file = g_string_new(NULL);

    assert_true(g_file_get_contents("/etc/group", &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        g_string_append_printf(file, "%s:x:%u:%s\n", groups[i].name, groups[i].gid, groups[i].member);
    for (char **line = lines; *line; line++)
        if (**line)
            g_string_append_printf(file, "%s\n", *line);
    fixture_write_text(fixture->bus_dir, "group", file->str);
    g_string_free(file, TRUE);
}

void fixture_make_polkit_folders(Fixture *fixture)
{
    g_autofree char *actions = g_build_filename(fixture->bus_dir, "actions", NULL);
    g_autofree char *rules = g_build_filename(fixture->bus_dir, "rules", NULL);
    g_autofree char *policy = g_build_filename(actions, "org.usbferry1.policy", NULL);
    g_autofree char *text = NULL;
    const struct passwd *user = getpwnam("polkitd");

    assert_int_equal(g_mkdir(actions, 0755), 0);
    assert_int_equal(g_mkdir(rules, 0755), 0);
    assert_true(g_file_get_contents(g_getenv("FERRY_TEST_POLICY"), &text, NULL, NULL));
    assert_true(g_file_set_contents(policy, text, -1, NULL));
    assert_non_null(user);
    assert_int_equal(chown(rules, user->pw_uid, user->pw_gid), 0);
}

bool fixture_polkit_is_there(Fixture *fixture, void *userdata)
{
    return sd_bus_get_name_creds(fixture->bus, "org.freedesktop.PolicyKit1", 0, NULL) >= 0;
}

static bool polkit_is_gone(Fixture *fixture, void *userdata)
{
    return !fixture_polkit_is_there(fixture, NULL);
}

void fixture_stop_polkit(Fixture *fixture)
{
    fixture_end_bus_with_test(fixture);
    fixture_end_process(&fixture->polkit_pid, SIGKILL);
    fixture_wait_for(fixture, polkit_is_gone, NULL, "polkitd is off the bus");
}

static void write_rules(Fixture *fixture, const char *rules)
{
    g_autofree char *dir = g_build_filename(fixture->bus_dir, "rules", NULL);

    if (rules)
        fixture_write_text(dir, "50-test.rules", rules);
}

void fixture_replace_polkit(Fixture *fixture, const char *rules)
{
    GPid old = fixture->polkit_pid;

    fixture_end_bus_with_test(fixture);
    write_rules(fixture, rules);
    fixture_spawn_polkit(fixture);
    /* it ends by itself when it has lost its name */
    while (waitpid(old, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void fixture_start_polkit(Fixture *fixture, const char *rules)
{
    fixture_end_bus_with_test(fixture);
    write_rules(fixture, rules);
    fixture_spawn_polkit(fixture);
    fixture_wait_for(fixture, fixture_polkit_is_there, NULL, "polkitd is on the bus");
}

static sd_bus *connect_bus(Fixture *fixture)
{
    sd_bus *bus = NULL;
    const char *unique;

    assert_int_equal(sd_bus_new(&bus), 0);
    assert_true(sd_bus_set_address(bus, fixture->address) >= 0);
    assert_true(sd_bus_set_bus_client(bus, 1) >= 0);
    assert_true(sd_bus_start(bus) >= 0);
    /* Waits for Hello, so that the credentials are those of now. */
    assert_true(sd_bus_get_unique_name(bus, &unique) >= 0);
    return bus;
}

/* Which of our groups a user is in. polkit of Debian 12 looks them up by the user's name, that of Debian 13
 * asks the bus for those of the connection. */
static gsize groups_of(uid_t uid, gid_t *ret_groups)
{
    const struct passwd *user = getpwuid(uid);
    gsize n = 0;

    for (gsize i = 0; user && i < G_N_ELEMENTS(groups); i++)
        if (g_str_equal(groups[i].member, user->pw_name))
            ret_groups[n++] = groups[i].gid;
    return n;
}

sd_bus *fixture_connect(Fixture *fixture, uid_t uid)
{
    gid_t all[NGROUPS_KEPT + G_N_ELEMENTS(groups)];
    int n_own = getgroups(NGROUPS_KEPT, all);
    sd_bus *bus;

    /* Those that the test gave itself for this caller, and those that the user has. */
    assert_true(n_own >= 0);
    assert_int_equal(setgroups((size_t)n_own + groups_of(uid, all + n_own), all), 0);
    assert_int_equal(seteuid(uid), 0);
    bus = connect_bus(fixture);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setgroups((size_t)n_own, all), 0);
    return bus;
}
