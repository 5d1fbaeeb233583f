# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hub is never given to a VM, and nothing is changed by asking; a device behind it goes to a VM like any other."""
import ferry


def run(lab):
    hub = lab.plug('usb-hub', 'h1', port='3')
    keyboard = lab.plug('usb-kbd', 'k1', port='3.1', serial='KBD-A')
    before = ferry.everything(lab)
    for name in hub.name, 'usb2':
        ferry.fails(ferry.give(lab, name, 'desk', check=False), 'DeviceIsHub', 1)
    assert ferry.everything(lab) == before and ferry.assignments(lab) == []

    path = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A', absent='0409:55aa')

    # The hub pulled out takes all of them with it; the assignments wait for them.
    mouse = lab.plug('usb-mouse', 'm1', port='3.2', serial='MOUSE-A')
    lab.plug('usb-tablet', 't1', port='3.3', serial='TABLET-A')
    other = ferry.give(lab, mouse.name, 'studio')
    lab.wait_guest('studio', present='MOUSE-A')
    lab.unplug('h1')
    for assignment, vm, serial in (path, 'desk', 'KBD-A'), (other, 'studio', 'MOUSE-A'):
        ferry.wait_state(lab, assignment, 'waiting-device')
        lab.wait_guest(vm, absent=serial)
        lab.wait(lambda: ferry.hostdevs(lab, vm) == [], 30, f'no stale hostdev in {vm}')  
    assert not {'2-3', '2-3.1', '2-3.2', '2-3.3'} & {*ferry.devices(lab)}, ferry.devices(lab)

    # Back with all its devices at a time, in another order.
    lab.plug('usb-hub', 'h1', port='3', wait=False)
    for driver, id, port, serial in ('usb-tablet', 't1', '3.3', 'TABLET-A'), ('usb-mouse', 'm1', '3.2', 'MOUSE-A'), \
            ('usb-kbd', 'k1', '3.1', 'KBD-A'):
        lab.plug(driver, id, port=port, serial=serial, wait=False)
    for assignment, vm, serial in (path, 'desk', 'KBD-A'), (other, 'studio', 'MOUSE-A'):
        ferry.wait_state(lab, assignment, 'attached')
        lab.wait_guest(vm, present=serial)
    lab.wait_driver(lab.wait_host('2-3.3'), 'usbhid')
