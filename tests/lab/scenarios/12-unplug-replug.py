# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pulled out of a running VM, a keyboard and an idle stick leave nothing behind; plugged in again, they are back."""
import ferry


def run(lab):
    for driver, id, serial in ('usb-kbd', 'k1', 'KBD-A'), ('usb-storage', 's1', 'STICK-A'):
        device = lab.plug(driver, id, serial=serial)
        assignment = ferry.give(lab, device.name, 'desk')
        lab.wait_guest('desk', present=serial)

        lab.unplug(id)
        ferry.wait_state(lab, assignment, 'waiting-device')
        lab.wait_guest('desk', absent=serial)
        lab.wait(lambda: ferry.hostdevs(lab, 'desk') == [], 30, 'no stale hostdev in desk')
        assert device.name not in ferry.devices(lab)

        again = lab.plug(driver, id, port=device.name.split('-')[1], serial=serial)
        assert again.name == device.name and again.number != device.number, (device, again)
        ferry.wait_state(lab, assignment, 'attached')
        lab.wait_guest('desk', present=serial)
        assert ferry.addresses(lab, 'desk') == [(again.bus, again.number)]
        ferry.take(lab, device.name)
