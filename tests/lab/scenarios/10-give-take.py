# SPDX-License-Identifier: LGPL-2.1-or-later
"""A keyboard given to a running VM is in its guest; taken, it is back at the host's driver."""
import ferry


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    assert keyboard.driver == 'usbhid', keyboard

    said = lab.run(f'usbferry give {keyboard.name} desk')
    assert 'is attached to VM "desk"' in said, said
    lab.wait_guest('desk', present='KBD-A')
    lab.wait_guest('studio', absent='KBD-A')
    lab.wait_driver(keyboard, 'usbfs')
    one, = ferry.hostdevs(lab, 'desk')
    assert one.address == (keyboard.bus, keyboard.number), one
    assert (one.vendor, one.product) == ('0627', '0001') and one.alias.startswith('ua-usbferry-'), one
    assert '<hostdev' not in lab.run('virsh dumpxml --inactive desk'), 'it would be in the VM without us'
    ferry.wait_device(lab, keyboard.name, 'attached', 'desk')

    said = lab.run('usbferry take keyboard')
    assert 'is on the host' in said, said
    lab.wait_guest('desk', absent='KBD-A')
    lab.wait_driver(keyboard, 'usbhid')
    assert ferry.hostdevs(lab, 'desk') == []
    ferry.wait_device(lab, keyboard.name, 'host')
    assert ferry.assignments(lab) == []
    lab.run('test -z "$(ls /var/lib/usbferry/assignments)"')
