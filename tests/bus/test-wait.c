/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usbferry wait, which orders nothing: states that come by plugging, starting and ending, and a service that
 * is started again meanwhile. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

static void test_states(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "give 1-2 studio --name mine", DONE, "Waiting", NULL);
    client_expect(fixture, "wait mine --until waiting-machine", DONE,
                  "Assignment \"mine\" is waiting-machine.\n", NULL);
    client_expect(fixture, "wait mine --wait 0", FAILED, "Waiting: assignment \"mine\" is waiting-machine: ",
                  "assignment \"mine\" is waiting-machine after 0 s, not attached");
    client_expect(fixture, "wait mine --until nonsense", USAGE, NULL, "there are attached, partial");
    client_expect(fixture, "wait mine --wait -7", USAGE, NULL, "-7 is no time");
    client_expect(fixture, "wait other", NOT_FOUND, NULL, "other");

    GSubprocess *client = client_begin("wait 1-2 --json");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_auto(Said) attached = client_end(fixture, client);
    client_expect_said(fixture, &attached, "wait 1-2 --json", DONE, "\"state\": \"attached\"", NULL);

    GSubprocess *until_gone = client_begin("wait mine --until gone");
    client_expect(fixture, "wait mine", DONE, "is attached", NULL);
    client_expect(fixture, "take mine", DONE, "on the host", NULL);
    g_auto(Said) gone = client_end(fixture, until_gone);
    client_expect_said(fixture, &gone, "wait mine --until gone", DONE, "Assignment \"mine\" is gone.\n",
                       NULL);
}

/* Goes on when the client says that it waits. */
static GSubprocess *begin(const char *line)
{
    GSubprocess *client = client_begin(line);
    GInputStream *out = g_subprocess_get_stdout_pipe(client);
    char letter = 0;

    while (letter != '\n')
        assert_int_equal(g_input_stream_read(out, &letter, 1, NULL, NULL), 1);
    return client;
}

static void test_ends_and_restarts(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "give 1-2 studio --name mine", DONE, "Waiting", NULL);
    GSubprocess *client = begin("wait mine");
    client_expect(fixture, "take mine", DONE, "on the host", NULL);
    g_auto(Said) ended = client_end(fixture, client);
    assert_int_equal(ended.status, NOT_FOUND);

    client_expect(fixture, "give 1-2 studio --name mine", DONE, "Waiting", NULL);
    client = begin("wait mine");
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "connect"));
    g_auto(Said) attached = client_end(fixture, client);
    client_expect_said(fixture, &attached, "wait mine", DONE, "is attached", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_states, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_ends_and_restarts, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
