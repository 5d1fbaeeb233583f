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

    # The hub pulled out takes the keyboard with it; the assignment waits for it.
    lab.unplug('h1')
    ferry.wait_state(lab, path, 'waiting-device')
    lab.wait_guest('desk', absent='KBD-A')
    lab.plug('usb-hub', 'h1', port='3')
    lab.plug('usb-kbd', 'k1', port='3.1', serial='KBD-A')
    ferry.wait_state(lab, path, 'attached')
    lab.wait_guest('desk', present='KBD-A')
