/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usbferry explain: of what is there and what is away, who comes first and why. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

/* Whatever has a name can be asked about; so can what is away. */
static void test_explain(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys 'vendor=046d'", DONE, "1", NULL);
    client_expect(fixture, "group add empty", DONE, "empty", NULL);
    client_expect(fixture, "rule add empty 'serial=KBD-A'", DONE, "1", NULL);
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    client_expect(fixture, "give keys studio --quantity 2", DONE, "In part", NULL);
    client_expect(fixture, "give keys studio --quantity 1 --only serial=NONE --another --name picky", DONE,
                  "No device of group keys that matches serial=NONE is plugged in.", NULL);

    client_expect(
        fixture, "explain 1-2", DONE,
        "blocks  \"keys to studio\": assignment \"mine\" comes first for 046d:c31c \"Keyboard K120\" (1-2): "
        "its VM has it.",
        NULL);
    client_expect_not(fixture, "explain 1-2", "picky");
    client_expect(fixture, "explain 'keys to studio'", DONE,
                  "* device      yes     046d:c31c \"Keyboard K120\" (1-3)", NULL);
    client_expect(fixture, "explain 'keys to studio'", DONE, "assignment \"mine\" comes first", NULL);
    client_expect(fixture, "explain keys", DONE, "assignment  waits   \"picky\": ", NULL);
    client_expect(fixture, "explain empty", DONE, "no VM draws from group empty.", NULL);
    client_expect(fixture, "explain studio", DONE, "VM \"studio\" is running.", NULL);
    client_expect(fixture, "explain mien", NOT_FOUND, NULL, "Did you mean \"mine\"?");

    fixture_unplug(fixture, "1-2");
    client_expect(fixture, "explain KBD-A", DONE, "\"mine\" waits for it: ", NULL);
    client_expect(fixture, "explain KBD-A", DONE, "rule 1 of group empty is for it: serial=KBD-A", NULL);
    client_expect(fixture, "explain KBD-A --json", DONE, "\"reason-code\": \"not-plugged-in\"", NULL);
    client_expect(fixture, "explain KBD-Z", NOT_FOUND, NULL, "KBD-Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_explain, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
