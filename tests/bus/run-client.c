/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts the client that was built. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/run-client.h"

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
    return g_environ_unsetenv(g_get_environ(), "LD_PRELOAD");
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
