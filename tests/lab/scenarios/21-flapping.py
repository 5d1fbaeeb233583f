# SPDX-License-Identifier: LGPL-2.1-or-later
"""A device that comes back within 2 s goes to its VM only when it was steady for 1 s, so that QEMU survives a bad plug."""
import re

import ferry

EVENT = re.compile(r'^\[ *([\d.]+)\] .*(was unplugged|is plugged in|is attached to)')


def events(lab):
    """[(seconds, what)] of the journal, after the first attach"""
    return [(float(found[1]), found[2]) for found in map(EVENT.match, lab.journal().splitlines()) if found]


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A')
    path = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')
    pid = lab.run('cat /run/libvirt/qemu/desk.pid')

    for _ in range(3):
        seen = len(events(lab))
        with lab.background('exec usbferry watch') as watched:
            lab.wait(lambda: 'watching' in watched(), 20, 'usbferry watch')
            lab.unplug('k1', wait=False)
            keyboard = lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A')
            lab.wait(lambda: [what for _, what in events(lab)[seen:]][-1:] == ['is attached to'], 60, 'attached again')
            marks = events(lab)[seen:]
            if [what for _, what in marks] != ['was unplugged', 'is plugged in', 'is attached to']:
                continue    # found twice, say
            left, came, had = (at for at, _ in marks)
            if came - left <= 2:
                lab.wait(lambda: 'steady' in watched(), 20, 'the reason to be watched')
                break
    else:
        raise AssertionError('never plugged in again within 2 s')
    assert had - came >= 1, f'attached {had - came:.2f} s after it came back'
    ferry.wait_state(lab, path, 'attached')
    lab.wait_guest('desk', present='KBD-A')
    assert ferry.addresses(lab, 'desk') == [(keyboard.bus, keyboard.number)]

    # As fast as can be, several times: the last word counts.
    for _ in range(4):
        lab.unplug('k1', wait=False)
        lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A', wait=False)
    keyboard = lab.wait_host('2-1')
    ferry.wait_state(lab, path, 'attached', 60)

    def last_is_in_desk():
        now = lab.host_device('2-1')
        return now and ferry.addresses(lab, 'desk') == [(now.bus, now.number)]
    lab.wait(last_is_in_desk, 40, 'the device number of the last plug in desk')
    lab.wait_guest('desk', present='KBD-A')
    assert lab.run('cat /run/libvirt/qemu/desk.pid') == pid, 'QEMU ended'
