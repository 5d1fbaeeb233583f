/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts the client that was built. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/run-client.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void said_clear(Said *said)
{
    g_free(said->out);
    g_free(said->err);
}

char **client_words(const char *line)
{
    g_autofree char *command = g_strdup_printf("%s %s", g_getenv("FERRY_TEST_CLIENT"), line);
    char **words;

    assert_true(g_shell_parse_argv(command, NULL, &words, NULL));
    return words;
}

char **client_environment(void)
{
    /* umockdev is for the daemon */
    char **environment = g_environ_unsetenv(g_get_environ(), "LD_PRELOAD");
    const char *sanitizer = g_environ_getenv(environment, "ASAN_OPTIONS");
    g_autofree char *without_leaks = g_strconcat(sanitizer ? sanitizer : "", ":detect_leaks=0", NULL);

    /* Looking for leaks takes a third of a client's time: only the programs in bus_leaks (meson.build) do. */
    if (g_getenv("FERRY_TEST_CLIENT_LEAKS"))
        return environment;
    return g_environ_setenv(environment, "ASAN_OPTIONS", without_leaks, TRUE);
}

GSubprocess *client_begin(const char *line)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_auto(GStrv) words = client_words(line);
    g_auto(GStrv) environment = client_environment();
    g_autoptr(GError) error = NULL;

    g_subprocess_launcher_set_environ(launcher, environment);
    GSubprocess *client = g_subprocess_launcher_spawnv(launcher, (const char *const *)words, &error);
    if (!client)
        fail_msg("usbferry %s: %s", line, error->message);
    return client;
}

Said client_end(Fixture *fixture, GSubprocess *client)
{
    g_autoptr(GError) error = NULL;
    Said said = { 0 };

    if (!g_subprocess_communicate_utf8(client, NULL, NULL, &said.out, &said.err, &error))
        fail_msg("usbferry: %s", error->message);
    if (!g_subprocess_get_if_exited(client)) {
        fixture_print_log(fixture);
        fail_msg("usbferry: ended by signal %d\n%s", g_subprocess_get_term_sig(client), said.err);
    }
    said.status = g_subprocess_get_exit_status(client);
    g_object_unref(client);
    return said;
}

Said client_run(Fixture *fixture, const char *line)
{
    return client_end(fixture, client_begin(line));
}

static void become_user(gpointer userdata)
{
    uid_t uid = (uid_t)GPOINTER_TO_UINT(userdata);

    if (setgid(uid) != 0 || setuid(uid) != 0)
        _exit(1);
}

Said client_run_as(uid_t uid, const char *line)
{
    g_auto(GStrv) environment = client_environment();
    g_auto(GStrv) words = client_words(line);
    g_autoptr(GError) error = NULL;
    int wait_status;
    Said said;

    if (!g_spawn_sync(NULL, words, environment, G_SPAWN_DEFAULT, become_user, GUINT_TO_POINTER(uid),
                      &said.out, &said.err, &wait_status, &error))
        fail_msg("usbferry %s: %s", line, error->message);
    said.status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    return said;
}

void client_expect_said(Fixture *fixture, const Said *said, const char *line, int status, const char *out,
                        const char *err)
{
    if (said->status == status && (out ? strstr(said->out, out) != NULL : !*said->out) &&
        (err ? strstr(said->err, err) != NULL : !*said->err))
        return;
    fixture_print_log(fixture);
    fail_msg("usbferry %s: exit %d, expected %d\n--- out (expected: %s)\n%s--- err (expected: %s)\n%s", line,
             said->status, status, out ? out : "nothing", said->out, err ? err : "nothing", said->err);
}

void client_expect(Fixture *fixture, const char *line, int status, const char *out, const char *err)
{
    g_auto(Said) said = client_run(fixture, line);

    client_expect_said(fixture, &said, line, status, out, err);
}

void client_expect_not(Fixture *fixture, const char *line, const char *out)
{
    g_auto(Said) said = client_run(fixture, line);

    if (said.status == DONE && !strstr(said.out, out))
        return;
    fixture_print_log(fixture);
    fail_msg("usbferry %s: exit %d, with %s\n%s%s", line, said.status, out, said.out, said.err);
}

void client_plug_keyboard(Fixture *fixture, const char *sysname, const char *serial, const char *name)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "046d", "c31c", serial, name);
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}
