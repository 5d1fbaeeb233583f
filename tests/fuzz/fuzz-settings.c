/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes usbferry.conf: whatever is taken turns off kinds that there are, whatever isn't names its line and
 * leaves nothing behind. Runs as a test and with libFuzzer; touches no file. */

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/text.h"
#include "daemon/base/tuning.h"
#include "daemon/config/settings.h"
#include "daemon/guards/host-use.h"
#include "tests/fuzz/check-error.h"

#define PATH "/etc/usbferry/usbferry.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken could be written again, and goes together. */
static void check_tuning(const TuningSet *set)
{
    Tuning which;

    for (Tuning tuning = 0; tuning < _TUNING_MAX; tuning++) {
        g_autofree char *text = tuning_print(tuning, tuning_in_set(set, tuning));
        TuningSet again = {};

        g_assert_true(tuning_parse(&again, tuning, text));
        g_assert_cmpint(again.changed[tuning], ==, set->changed[tuning]);
    }
    g_assert_null(tuning_contradiction(set, &which));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
    g_autoptr(GError) error = NULL;
    g_auto(Settings) settings = {};
    bool ok = settings_from_text(text, PATH, &settings, &error);

    g_assert_cmpint(ok, ==, error == NULL);
    if (error) {
        check_error(error, PATH, text);
        g_assert_null(settings.hypervisor_uri);
        g_assert_cmpuint(settings.guards_off, ==, 0);
    }
    g_assert_cmpuint(settings.guards_off & ~HOST_USE_ALL, ==, 0);
    check_tuning(&settings.tuning);
    g_assert_true(!settings.hypervisor_uri || text_is_clean(settings.hypervisor_uri));
    return 0;
}
