# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that is off has the keyboard's whole controller in its configuration: giving the keyboard is allowed and told why it
won't last, until the configuration changes. (One that runs with it needs an IOMMU, which this host hasn't.)"""
import ferry

HOSTDEV = ("<hostdev mode='subsystem' type='pci' managed='yes'><source>"
           "<address domain='0x{0}' bus='0x{1}' slot='0x{2}' function='0x{3}'/></source></hostdev>")


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    # The last PCI device above it: 0000:00:05.0
    address = lab.run(f'readlink -f /sys/bus/usb/devices/{keyboard.name} | grep -oE "([0-9a-f]+[:.]){{3}}[0-7]/usb" | cut -d/ -f1')
    path = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')

    lab.run('virsh dumpxml spare > /tmp/spare.xml')
    domain, bus, rest = address.split(':')
    hostdev = HOSTDEV.format(domain, bus, *rest.split('.'))
    lab.run(f'sed "s#</devices>#{hostdev}</devices>#" /tmp/spare.xml | virsh -q define /dev/stdin')
    said = f'is off, and when it starts it takes the controller {address} as a whole'
    reason = lab.wait(lambda: said in (reason := ferry.wait_state(lab, path, 'attached')) and reason, 40, said)
    assert 'spare' in reason, reason
    told = lab.run(f'usbferry explain {keyboard.name}')
    assert 'spare' in told and address in told, told
    # Allowed all the same.
    ferry.take(lab, keyboard.name)
    lab.wait_guest('desk', absent='KBD-A')
    lab.wait_driver(keyboard, 'usbhid')
    path = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')

    lab.run('virsh -q define /tmp/spare.xml')
    lab.wait(lambda: 'spare' not in ferry.wait_state(lab, path, 'attached'), 40, 'spare without the controller')
    assert 'spare' not in lab.run(f'usbferry explain {keyboard.name}')
