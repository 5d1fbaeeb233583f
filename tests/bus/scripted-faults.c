/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The counters of what is to go wrong, and the log of calls. */

#include "tests/bus/scripted-faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "tests/bus/scripted-clock.h"

static const char *const calls[_SCRIPT_CALL_MAX] = {
    [SCRIPT_CALL_ATTACH] = "attach", [SCRIPT_CALL_DETACH] = "detach", [SCRIPT_CALL_INSPECT] = "inspect",
    [SCRIPT_CALL_START] = "start",   [SCRIPT_CALL_DEFINE] = "define",
};

static struct {
    unsigned left; /* calls until it dies; 0 = it doesn't */
    ScriptCall call;
    bool after; /* the call was carried out, and the service never hears of it */
    bool held;  /* not yet: who is to die waits */
    GCond go;
} death;

static ScriptCall call_from_string(const char *text)
{
    for (int i = 0; i < _SCRIPT_CALL_MAX; i++)
        if (g_strcmp0(text, calls[i]) == 0)
            return i;
    return _SCRIPT_CALL_INVALID;
}

void faults_clear(Faults *faults)
{
    for (int i = 0; i < _SCRIPT_CALL_MAX; i++)
        g_free(faults->of[i].text);
    *faults = (Faults){ 0 };
}

bool faults_command(Faults *faults, char **words)
{
    enum { VERB, UUID, CALL, N, CODE, TEXT, MS = CODE };
    guint n = g_strv_length(words);
    ScriptCall call = n > CODE ? call_from_string(words[CALL]) : _SCRIPT_CALL_INVALID;
    unsigned times = n > CODE ? (unsigned)g_ascii_strtoull(words[N], NULL, 10) : 0;

    if (strcmp(words[VERB], "calm") == 0) {
        faults_clear(faults);
        return true;
    }
    if (call == _SCRIPT_CALL_INVALID)
        return false;
    if (strcmp(words[VERB], "delay") == 0) {
        faults->of[call].delays = times;
        faults->of[call].delay_us = (gint64)g_ascii_strtoull(words[MS], NULL, 10) * G_TIME_SPAN_MILLISECOND;
        return true;
    }
    if (strcmp(words[VERB], "error") != 0 || n <= TEXT)
        return false;
    faults->of[call].errors = times;
    g_free(faults->of[call].text);
    faults->of[call].text = g_strjoinv(" ", words + TEXT);
    faults->of[call].code = (int)ferry_error_from_name(words[CODE]);
    return faults->of[call].code != _FERRY_ERROR_INVALID;
}

static bool set_death(char **words)
{
    enum { VERB, CALL, N, WHEN, N_WORDS };
    bool holds = g_strcmp0(words[CALL], "hold") == 0;

    if (holds || g_strcmp0(words[CALL], "go") == 0) {
        death.held = holds;
        g_cond_broadcast(&death.go);
        return true;
    }
    if (g_strv_length(words) != N_WORDS || call_from_string(words[CALL]) == _SCRIPT_CALL_INVALID)
        return false;
    death.call = call_from_string(words[CALL]);
    death.left = (unsigned)g_ascii_strtoull(words[N], NULL, 10);
    death.after = strcmp(words[WHEN], "after") == 0;
    return true;
}

bool faults_service_command(char **words)
{
    if (g_strcmp0(words[0], "die") == 0)
        return set_death(words);
    if (g_strcmp0(words[0], "jump") != 0 || !words[1])
        return false;
    scripted_clock_jump(g_ascii_strtoll(words[1], NULL, 10) * G_USEC_PER_SEC);
    return true;
}

static void die_when_due(ScriptCall call, bool after, GMutex *lock)
{
    if (death.left == 0 || death.call != call || death.after != after)
        return;
    if (--death.left > 0)
        return;
    while (death.held)
        g_cond_wait(&death.go, lock);
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause(); /* with the lock: no command is answered any more */
}

void faults_delay(Faults *faults, ScriptCall call, GMutex *lock)
{
    if (call == _SCRIPT_CALL_INVALID)
        return;
    die_when_due(call, false, lock);
    if (faults->of[call].delays == 0)
        return;
    faults->of[call].delays--;
    scripted_clock_wait(faults->of[call].delay_us, lock);
}

bool faults_fail(Faults *faults, ScriptCall call, GError **error)
{
    if (call == _SCRIPT_CALL_INVALID || faults->of[call].errors == 0)
        return false;
    faults->of[call].errors--;
    g_set_error_literal(error, FERRY_ERROR, faults->of[call].code, faults->of[call].text);
    return true;
}

void faults_done(ScriptCall call, GMutex *lock)
{
    die_when_due(call, true, lock);
}

void script_log(const char *format, ...)
{
    static int fd = -1;
    const char *path = g_getenv("FERRY_SCRIPT_LOG");
    g_autofree char *text = NULL, *line = NULL;
    va_list arguments;

    if (fd < 0 && path)
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    line = g_strconcat(text, "\n", NULL);
    if (write(fd, line, strlen(line)) < 0)
        g_error("%s: %s", path, g_strerror(errno));
}
