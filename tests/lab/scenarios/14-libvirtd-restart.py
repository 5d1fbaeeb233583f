# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd restarted, and away for a while: the service connects again, shows what is, and does what it was told."""
import ferry

SOCKETS = 'libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket'


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    first = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')
    console = ferry.Console(lab, 'desk')

    lab.run('systemctl restart libvirtd', timeout=120)
    lab.wait('journalctl -b -u usbferryd | grep "hypervisor qemu:///system: connecting"', 40, 'the loss noticed')
    ferry.wait_hypervisor(lab, 'connected')
    ferry.wait_state(lab, first, 'attached')
    second = ferry.give(lab, mouse.name, 'studio')
    lab.wait_guest('studio', present='MOUSE-A')
    assert all('KBD-A' in line for line in console.lines()), console.lines()

    # Away: what is shown is what was last seen, what is asked for is done later.
    lab.run(f'systemctl stop {SOCKETS} libvirtd', timeout=120)
    ferry.wait_hypervisor(lab, 'failed')
    lab.run(f'usbferry take --no-wait {keyboard.name}')
    lab.run(f'systemctl start {SOCKETS} libvirtd', timeout=120)
    ferry.wait_hypervisor(lab, 'connected', 90)
    ferry.wait_state(lab, second, 'attached')
    lab.wait_guest('desk', absent='KBD-A')
    lab.wait_driver(keyboard, 'usbhid')
    ferry.wait_device(lab, keyboard.name, 'host')
