# SPDX-License-Identifier: LGPL-2.1-or-later
"""The way of a resource group with the client alone: list, passthrough of two devices into a new group, a rule's node
edited, the group assigned to a VM under a name, the devices inside the guest."""
import ferry


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A')
    tablet = lab.plug('usb-tablet', 't1', port=2, serial='TAB-B')
    listed = lab.run('usbferry list')
    assert keyboard.name in listed and tablet.name in listed, listed

    said = lab.run(f'usbferry passthrough {keyboard.name} {tablet.name} --group desk-set --class hid')
    assert 'KBD-A' in said and 'TAB-B' in said and 'desk-set' in said, said
    listed = lab.run('usbferry list')
    assert 'desk-set' in listed, listed

    # A rule for another host matches nothing here; without a node it does on every host.
    lab.run("usbferry rule set desk-set 2 'serial=TAB-B node=elsewhere'")
    path = ferry.give(lab, 'desk-set', 'desk', '--quantity', 'all', '--name', 'my desk')
    ferry.wait_state(lab, path, 'attached')
    lab.wait_guest('desk', present='KBD-A')
    lab.wait_guest('desk', absent='TAB-B')
    lab.run("usbferry rule set desk-set 2 'serial=TAB-B'")
    lab.wait_guest('desk', present='TAB-B')
    assert "my desk" in lab.run('usbferry list assignments')

    refused = lab.run('usbferry group rm desk-set --json', check=False)
    assert refused.rc != 0 and 'GroupInUse' in refused.err, refused.err
    explained = lab.run(f'usbferry explain {keyboard.name}')
    assert 'desk-set' in explained and 'KBD-A' in explained, explained

    # Nothing of it is lost with the service.
    lab.run('systemctl kill -s KILL usbferryd && systemctl reset-failed usbferryd; systemctl restart usbferryd')
    ferry.wait_state(lab, path, 'attached')
    assert 'desk-set' in lab.run('usbferry list groups')

    ferry.take(lab, "'my desk'")
    lab.wait_guest('desk', absent='KBD-A')
    lab.wait_guest('desk', absent='TAB-B')
    lab.run('usbferry group rm desk-set')
    lab.wait_driver(keyboard, 'usbhid')
