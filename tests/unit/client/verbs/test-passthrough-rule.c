/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why the service made the rule that it made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/verbs/passthrough-rule.h"
#include "tests/unit/client/fixture.h"

static void test_passthrough(void **state)
{
    g_autoptr(Model) model = fixture_load();
    static const struct {
        const char *rule;
        bool serial;
    } rules[] = {
        { "vendor=046d product=c31c serial=AB12", true },
        { "vendor=046d product=c31c port=pci-0000:00:14.0/1.2", false },
        { "serial!=A", true },
        { "name=\"a serial=x\" port=3-1", false },
        { "name=\"a \\\" serial=x\" class=hid", false },
        { "serials=x", false },
        { "name=\"", false },
        { "", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        assert_int_equal(passthrough_rule_names(rules[i].rule, "serial"), rules[i].serial);

    const Object *device = model_get(model, DEVICE, KIND_DEVICE);
    g_autofree char *none = passthrough_reason("vendor=046d product=c31c port=3-1", device);
    assert_non_null(strstr(none, "no serial number"));
    fixture_change(model, DEVICE, "{'Serial': <'0\\033[2J'>}");
    g_autofree char *plain = passthrough_reason("vendor=046d product=c31c port=3-1", device);
    assert_non_null(strstr(plain, "not unique"));
    g_autofree char *unique = passthrough_reason("vendor=046d product=c31c serial=0", device);
    assert_non_null(strstr(unique, "by its serial number"));
}

static void test_forgeable(void **state)
{
    static const struct {
        const char *rule;
        bool forgeable;
    } rules[] = {
        { "name=\"Key*\"", true },
        { "serial=AB12", true },
        { "manufacturer=acme class=hid-keyboard", true },
        { "vendor=046d serial=AB12", true },
        { "vendor=* product=* serial=AB12", true },
        { "vendor!=046d product=c31c serial=AB12", true },
        { "vendor=046d product=c31c serial=AB12", false },
        { "name=key port=3-1.2", false },
        { "hub=3-1 name=key", false },
        { "class=hid-keyboard", false },
        { "serial!=AB12", false },
        { "class=hid-keyboard name!=\"serial=x name=y\"", false },
        { "", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        if (passthrough_rule_is_forgeable(rules[i].rule) != rules[i].forgeable)
            fail_msg("%s", rules[i].rule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passthrough),
        cmocka_unit_test(test_forgeable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
