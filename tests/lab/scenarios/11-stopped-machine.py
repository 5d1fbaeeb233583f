# SPDX-License-Identifier: LGPL-2.1-or-later
"""Given to a VM that is off, a device waits at the host, is in the guest once the VM starts, and home when it stops."""
import ferry


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    said = lab.run(f'usbferry give {keyboard.name} spare')
    assert said.startswith('Waiting:'), said
    row, = ferry.assignments(lab)
    assert (row['state'], row['vm']) == ('waiting-machine', 'spare'), row
    lab.wait_driver(keyboard, 'usbhid')

    lab.run('virsh -q start spare', timeout=120)
    ferry.wait_state(lab, row['path'], 'attached', 90)
    lab.wait_guest('spare', present='KBD-A', deadline=120)
    lab.wait_driver(keyboard, 'usbfs')

    lab.run('virsh -q destroy spare', timeout=90)
    ferry.wait_state(lab, row['path'], 'waiting-machine')
    lab.wait_driver(keyboard, 'usbhid')
    ferry.wait_device(lab, keyboard.name, 'waiting', 'spare')
