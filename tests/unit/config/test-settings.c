/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What usbferry.conf says, all of it or nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "daemon/base/error.h"
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
                                   "[Service]\nHypervisorURI=qemu:///session\n",
                                   PATH, &settings, &error));
    assert_string_equal(settings.hypervisor_uri, "qemu:///session");
    assert_int_equal(settings.guards_off, 1u << HOST_USE_LAST_KEYBOARD | 1u << HOST_USE_CLAIMED);
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

static void test_bad(void **state)
{
    static const char *const texts[] = {
        "[Guards]\nLastKeyboard=no\n",
        "[Guards]\nMountd=false\n",
        "[Guards]\n[Guards]\n",
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
