# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd restarted, and away for a while: the service connects again, shows what is, and does what it was told."""
import json
import time

import ferry

SOCKETS = 'libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket'
AWAY = 60   # seconds


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

    # Away: what is shown is what was last seen, what is asked for is done later, and so is what happens meanwhile: the one
    # of studio is pulled out, another one comes, and one comes back under another number.
    tablet = lab.plug('usb-tablet', 't1', serial='TABLET-A')
    third = ferry.give(lab, tablet.name, 'studio')
    lab.wait_guest('studio', present='TABLET-A')
    lab.run(f'systemctl stop {SOCKETS} libvirtd', timeout=120)
    ferry.wait_hypervisor(lab, 'failed')
    begin = time.monotonic()
    lab.run(f'usbferry take --no-wait {keyboard.name}')
    lab.unplug('m1')
    lab.unplug('t1')
    fresh = lab.plug('usb-kbd', 'k2', serial='KBD-B')
    given = json.loads(lab.run(f'usbferry give --json --no-wait {fresh.name} desk'))[0]['path']
    tablet = lab.plug('usb-tablet', 't1', port=tablet.name.split('-')[1], serial='TABLET-A')
    while time.monotonic() - begin < AWAY:
        console.wait_lines(len(console.lines()) + 1)
        assert {row['path']: row['state'] for row in ferry.assignments(lab)}[given] == 'waiting-machine'
    lab.run(f'systemctl start {SOCKETS} libvirtd', timeout=120)
    ferry.wait_hypervisor(lab, 'connected', 90)
    ferry.wait_state(lab, second, 'waiting-device')
    lab.wait_guest('desk', present='KBD-B', absent='KBD-A')
    lab.wait_driver(keyboard, 'usbhid')
    ferry.wait_device(lab, keyboard.name, 'host')
    for path, vm, device, serial in (given, 'desk', fresh, 'KBD-B'), (third, 'studio', tablet, 'TABLET-A'):
        ferry.wait_state(lab, path, 'attached')
        lab.wait_guest(vm, present=serial)
        lab.wait(lambda: ferry.addresses(lab, vm) == [(device.bus, device.number)], 40, f'{device} alone in {vm}')
