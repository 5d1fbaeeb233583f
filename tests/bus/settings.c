/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/settings.h"

#include <signal.h>
#include <string.h>

typedef struct Reload {
    const char *words;
    unsigned before;
} Reload;

unsigned settings_times_in_log(Fixture *fixture, const char *words)
{
    g_autofree char *path = g_build_filename(fixture->dir, "daemon.log", NULL);
    g_autofree char *text = NULL;
    unsigned n = 0;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    for (const char *found = text; (found = strstr(found, words)); found++)
        n++;
    return n;
}

void settings_write(Fixture *fixture, const char *config)
{
    g_autofree char *path = g_build_filename(fixture->dir, "usbferry.conf", NULL);

    assert_true(g_file_set_contents(path, config, -1, NULL));
}

static bool has_said(Fixture *fixture, void *userdata)
{
    const Reload *reload = userdata;

    return settings_times_in_log(fixture, reload->words) > reload->before;
}

/* The reload is one step of the main loop: the call behind the line that begins it comes after all of it. */
void settings_reload(Fixture *fixture, const char *config)
{
    const char *begins = "reading usbferry.conf";
    Reload reload = { begins, settings_times_in_log(fixture, begins) };

    settings_write(fixture, config);
    assert_int_equal(kill(fixture->daemon_pid, SIGHUP), 0);
    fixture_wait_for(fixture, has_said, &reload, "the reload");
}
