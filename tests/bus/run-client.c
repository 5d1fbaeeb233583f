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

Said client_run(Fixture *fixture, const char *line)
{
    g_auto(GStrv) words = client_words(line);
    g_auto(GStrv) environment = client_environment();
    g_autoptr(GError) error = NULL;
    Said said = { 0 };
    int wait_status;

    if (!g_spawn_sync(NULL, words, environment, G_SPAWN_DEFAULT, NULL, NULL, &said.out, &said.err,
                      &wait_status, &error))
        fail_msg("usbferry %s: %s", line, error->message);
    if (!WIFEXITED(wait_status)) {
        fixture_print_log(fixture);
        fail_msg("usbferry %s: ended by signal %d\n%s", line, WTERMSIG(wait_status), said.err);
    }
    said.status = WEXITSTATUS(wait_status);
    return said;
}
