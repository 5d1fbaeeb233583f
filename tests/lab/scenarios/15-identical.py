# SPDX-License-Identifier: LGPL-2.1-or-later
"""Of two identical keyboards each goes to the VM it was given to, again when plugged in again in another order."""
import ferry


def expect(lab, one, two):
    lab.wait_driver(one, 'usbfs')
    lab.wait_driver(two, 'usbfs')
    assert ferry.addresses(lab, 'desk') == [(one.bus, one.number)]
    assert ferry.addresses(lab, 'studio') == [(two.bus, two.number)]
    for vm in 'desk', 'studio':
        lab.wait_guest(vm, present='0627:0001:SAME')


def run(lab):
    one, two = (lab.plug('usb-kbd', id, port=port, serial='SAME') for id, port in (('k1', 1), ('k2', 2)))
    ambiguous = lab.run('usbferry give 0627:0001 desk', check=False)
    assert ambiguous.rc == 2 and one.name in ambiguous.err and two.name in ambiguous.err, ambiguous.err
    assert ferry.assignments(lab) == []

    # The second first: "the first that fits" would be wrong.
    to_studio = ferry.give(lab, two.name, 'studio')
    to_desk = ferry.give(lab, one.name, 'desk')
    expect(lab, one, two)

    lab.unplug('k1')
    lab.unplug('k2')
    for path in to_desk, to_studio:
        ferry.wait_state(lab, path, 'waiting-device')
    two = lab.plug('usb-kbd', 'k2', port=2, serial='SAME')
    ferry.wait_state(lab, to_studio, 'attached')
    ferry.wait_state(lab, to_desk, 'waiting-device')
    one = lab.plug('usb-kbd', 'k1', port=1, serial='SAME')
    ferry.wait_state(lab, to_desk, 'attached')
    expect(lab, one, two)
