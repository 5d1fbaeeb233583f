/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table: verbs and what people do with them. */

#include "client/verbs/examples.h"

#include <glib.h>

static const struct {
    const char *verb;
    const char *lines;
} examples[] = {
    { "list", "usbferry list\nusbferry list vms\nusbferry list -o device,model,vm --noheadings" },
    { "show", "usbferry show keyboard\nusbferry show win11\nusbferry show keyboard -p state --value" },
    { "give", "usbferry give keyboard mouse win11\nusbferry give 3-1.2 win11 --name scanner\n"
              "usbferry give dongles cad1 --quantity 2 --lease 2h\nusbferry give keyboard win11 --try 20\n"
              "usbferry give keyboard win11 --start" },
    { "take", "usbferry take keyboard\nusbferry take keyboard mouse win11\nusbferry take win11" },
    { "detach", "usbferry detach keyboard" },
    { "set", "usbferry set keyboard --name desk-keyboard\nusbferry set desk-keyboard --priority 5" },
    { "attach", "usbferry attach 'Keyboard K120 to win11'" },
    { "confirm", "usbferry confirm\nusbferry confirm keyboard" },
    { "retry", "usbferry retry keyboard" },
    { "wait", "usbferry wait 'HASP to cad1' --wait 60\nusbferry wait mykey --until gone" },
    { "start", "usbferry start win11" },
    { "vm controller", "usbferry vm controller win11 qemu-xhci" },
    { "reset", "usbferry reset 3-1.2\nusbferry reset 3-1.2 --hub" },
    { "watch",
      "usbferry watch\nusbferry watch keyboard win11\nusbferry watch --table\nusbferry watch --json" },
    { "explain", "usbferry explain keyboard\nusbferry explain 'HASP to cad1'\nusbferry explain dongles" },
    { "log", "usbferry log\nusbferry log keyboard\nusbferry log win11 -n 20" },
    { "rescan", "usbferry rescan" },
    { "passthrough", "usbferry passthrough 3-1.2 3-1.4 --group dongles --class smartcard" },
    { "group", "usbferry group" },
    { "group show", "usbferry group show dongles" },
    { "group add", "usbferry group add dongles --class smartcard" },
    { "group set", "usbferry group set dongles --description 'Keys of the CAD VMs'" },
    { "group rm", "usbferry group rm dongles" },
    { "rule", "usbferry rule" },
    { "rule add", "usbferry rule add dongles 'vendor=0529 serial=\"AB *\"'" },
    { "rule set", "usbferry rule set dongles 1 --disable\nusbferry rule set dongles 1 vendor=0529" },
    { "rule rm", "usbferry rule rm dongles 1" },
    { "rule test", "usbferry rule test class=keyboard\nusbferry rule test vendor=0529 --group dongles" },
    { "tenant", "usbferry tenant" },
    { "tenant show", "usbferry tenant show acme" },
    { "tenant add", "usbferry tenant add acme --member group:acme" },
    { "tenant set", "usbferry tenant set acme --member user:anna --member group:acme" },
    { "tenant rm", "usbferry tenant rm acme" },
    { "tenant machine", "usbferry tenant machine acme acme-1 acme-2" },
    { "tenant grant", "usbferry tenant grant acme 3-1.2 --group keys" },
    { "tenant revoke", "usbferry tenant revoke acme 3-1.2\nusbferry tenant revoke acme --group keys" },
    { "export", "usbferry export > usb.conf" },
    { "apply", "usbferry apply --dry-run usb.conf\nusbferry apply usb.conf" },
    { "enable", "usbferry enable" },
    { "disable", "usbferry disable" },
};

const char *examples_of(const char *verb)
{
    for (gsize i = 0; verb && i < G_N_ELEMENTS(examples); i++)
        if (g_str_equal(examples[i].verb, verb))
            return examples[i].lines;
    return NULL;
}
