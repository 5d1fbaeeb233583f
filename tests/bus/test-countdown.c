/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `give … --try` on a terminal: what is shown, and what Enter, Ctrl-C, the end of the input, another person
 * and time do. The terminal is a pseudo one; the time of the service is the script's. */

#include "tests/bus/cmocka-include.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bus/deadline.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/run-client.h"

#define KEYBOARD "1-2"
#define TRY      "give 1-2 desk --try 20"
#define QUESTION "Press Enter to keep what is tried, Ctrl-C to take it home now: home in "

/* A client with a terminal of its own. */
typedef struct Terminal {
    Fixture *fixture;
    pid_t pid;
    int fd; /* -1: it is gone */
    GString *shown;
} Terminal;

static void begin(Terminal *self, Fixture *fixture, const char *line)
{
    g_auto(GStrv) words = client_words(line);
    g_auto(GStrv) environment = client_environment();

    *self = (Terminal){ .fixture = fixture, .shown = g_string_new(NULL) };
    self->pid = forkpty(&self->fd, NULL, NULL, NULL);
    assert_true(self->pid >= 0);
    if (self->pid == 0) {
        execve(words[0], words, environment);
        _exit(127);
    }
}

/* False when the client has ended. */
static bool read_more(Terminal *self, gint64 until)
{
    struct pollfd out = { .fd = self->fd, .events = POLLIN };
    gint64 left = until - g_get_monotonic_time();
    char text[1024];
    ssize_t n;

    if (left <= 0 || poll(&out, 1, (int)(left / 1000) + 1) == 0) {
        fixture_print_log(self->fixture);
        fail_msg("the terminal shows only:\n%s", self->shown->str);
    }
    n = read(self->fd, text, sizeof text);
    if (n <= 0) /* EIO, when nobody has it open any more */
        return false;
    g_string_append_len(self->shown, text, n);
    return true;
}

static void wait_shown(Terminal *self, const char *text)
{
    gint64 until = g_get_monotonic_time() + DEADLINE_US;

    while (!strstr(self->shown->str, text))
        if (!read_more(self, until)) {
            fixture_print_log(self->fixture);
            fail_msg("it ended without \"%s\":\n%s", text, self->shown->str);
        }
}

/* The seconds that were shown last and whole; 0 = none yet. */
static unsigned seconds_shown(const Terminal *self)
{
    const char *last = NULL;

    for (const char *at = self->shown->str; (at = strstr(at, QUESTION)); at += strlen(QUESTION))
        if (strstr(at, " s. "))
            last = at + strlen(QUESTION);
    return last ? (unsigned)g_ascii_strtoull(last, NULL, 10) : 0;
}

/* By the client's clock, which is the host's. */
static void wait_fewer(Terminal *self, unsigned seconds)
{
    gint64 until = g_get_monotonic_time() + DEADLINE_US;

    while (seconds_shown(self) == 0 || seconds_shown(self) >= seconds)
        assert_true(read_more(self, until));
}

static void type(Terminal *self, const char *keys)
{
    assert_int_equal(write(self->fd, keys, strlen(keys)), strlen(keys));
}

/* It ends by itself, and shows this last. NULL: whatever it shows, by a terminal that is gone. */
static void end(Terminal *self, int status, const char *text)
{
    gint64 until = g_get_monotonic_time() + DEADLINE_US;
    int wait_status = 0;

    while (self->fd >= 0 && read_more(self, until))
        ;
    assert_int_equal(waitpid(self->pid, &wait_status, 0), self->pid);
    if (text &&
        (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != status || !strstr(self->shown->str, text))) {
        fixture_print_log(self->fixture);
        fail_msg("ended with %x, expected %d and \"%s\":\n%s", (unsigned)wait_status, status, text,
                 self->shown->str);
    }
    if (self->fd >= 0)
        close(self->fd);
    g_string_free(self->shown, TRUE);
}

static char *assignment_of(Fixture *fixture)
{
    g_autofree char *device = fixture_device_path(KEYBOARD);

    return fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "Assignment");
}

static void wait_home(Fixture *fixture)
{
    g_autofree char *device = fixture_device_path(KEYBOARD);

    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
}

static void pass(Fixture *fixture, unsigned ms)
{
    g_free(fixture_script(fixture, "run %u", ms));
}

/* The keyboard is in the VM, and the seconds are shown. */
static void begin_try(Terminal *self, Fixture *fixture)
{
    client_plug_keyboard(fixture, KEYBOARD, "KBD-0001", "Keyboard");
    begin(self, fixture, TRY);
    wait_shown(self, QUESTION);
    assert_non_null(strstr(self->shown->str, "is attached to VM \"desk\""));
}

static void test_counts_down(void **state)
{
    Terminal terminal;

    begin_try(&terminal, *state);
    wait_fewer(&terminal, 21);
    wait_fewer(&terminal, seconds_shown(&terminal));
    type(&terminal, "\n");
    end(&terminal, DONE, "It stays with the VM.");
}

static void test_enter(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    Terminal terminal;

    begin_try(&terminal, fixture);
    type(&terminal, "\n");
    end(&terminal, DONE, "It stays with the VM.");
    assignment = assignment_of(fixture);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Trial", "false");
    pass(fixture, 60000);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
}

static void test_interrupt(void **state)
{
    Fixture *fixture = *state;
    Terminal terminal;

    begin_try(&terminal, fixture);
    type(&terminal, "\x03");
    end(&terminal, FAILED, "Taken home.");
    wait_home(fixture);
}

static void test_time_is_over(void **state)
{
    Fixture *fixture = *state;
    Terminal terminal;

    begin_try(&terminal, fixture);
    pass(fixture, 21000);
    end(&terminal, FAILED, "Nobody kept it: it comes home.");
    wait_home(fixture);
}

/* Nobody has said a word. */
static void test_end_of_input(void **state)
{
    Fixture *fixture = *state;
    Terminal terminal;

    begin_try(&terminal, fixture);
    type(&terminal, "\x04");
    wait_fewer(&terminal, 19);
    pass(fixture, 21000);
    end(&terminal, FAILED, "Nobody kept it: it comes home.");
    wait_home(fixture);
}

/* Somebody pressed Enter twice, or wanted something else meanwhile. */
static void test_typed_before(void **state)
{
    Fixture *fixture = *state;
    Terminal terminal;

    client_plug_keyboard(fixture, KEYBOARD, "KBD-0001", "Keyboard");
    begin(&terminal, fixture, TRY);
    type(&terminal, "\n");
    wait_shown(&terminal, QUESTION);
    wait_fewer(&terminal, 19);
    pass(fixture, 21000);
    end(&terminal, FAILED, "Nobody kept it: it comes home.");
}

static void test_confirmed_elsewhere(void **state)
{
    Fixture *fixture = *state;
    Terminal terminal;

    begin_try(&terminal, fixture);
    client_expect(fixture, "confirm", DONE, "stays", NULL);
    end(&terminal, DONE, "It was confirmed, and stays with the VM.");
}

/* Of two that are tried one is kept, by somebody else: Ctrl-C is about the other one. */
static void test_interrupt_after_one_was_confirmed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *kept = NULL, *other = fixture_device_path("1-3");
    Terminal terminal;

    client_plug_keyboard(fixture, KEYBOARD, "KBD-0001", "Keyboard");
    client_plug_keyboard(fixture, "1-3", "KBD-0002", "Keyboard");
    begin(&terminal, fixture, "give 1-2 1-3 desk --try 20");
    wait_shown(&terminal, QUESTION);
    kept = assignment_of(fixture);
    client_expect(fixture, "confirm 1-2", DONE, "stays", NULL);
    wait_fewer(&terminal, seconds_shown(&terminal)); /* it has heard of it */
    type(&terminal, "\x03");
    end(&terminal, FAILED, "Taken home.");
    fixture_wait(fixture, other, FERRY_INTERFACE_DEVICE, "State", "host");
    fixture_wait(fixture, kept, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
}

/* A terminal that goes, with ssh for instance, takes the client along; the time runs on without it. */
static void test_terminal_goes(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    Terminal terminal;

    begin_try(&terminal, fixture);
    assignment = assignment_of(fixture);
    close(terminal.fd);
    terminal.fd = -1;
    end(&terminal, FAILED, NULL);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    pass(fixture, 21000);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    wait_home(fixture);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_counts_down),
        TEST(test_enter),
        TEST(test_interrupt),
        TEST(test_time_is_over),
        TEST(test_end_of_input),
        TEST(test_typed_before),
        TEST(test_confirmed_elsewhere),
        TEST(test_terminal_goes),
        TEST(test_interrupt_after_one_was_confirmed),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
