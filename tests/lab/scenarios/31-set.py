# SPDX-License-Identifier: LGPL-2.1-or-later
"""One resource of three selectors, written as a file: a VM gets all three devices or none, and the set is completed when
the last one is plugged in."""
import ferry

FILE = '''[Group]
Name=storage-and-input
Description=One of each, all or nothing

[Rule 1]
Match=vendor=46f4 product=0001

[Rule 2]
Match=vendor=0627 product=0001

[Rule 3]
Match=vendor=056a product=0000
'''


def run(lab):
    lab.run('mkdir -p /etc/usbferry/groups.d && cat > /etc/usbferry/groups.d/set.conf && systemctl reload usbferryd',
            input=FILE)
    lab.wait('busctl call org.usbferry1 /org/usbferry1 org.usbferry1.Manager GetGroup s storage-and-input', 10,
             'the group of the file')
    lab.plug('usb-storage', 's1', port=1, serial='STICK')
    lab.plug('usb-kbd', 'k1', port=2, serial='KBD-A')
    path = ferry.give(lab, 'storage-and-input', 'desk', '--quantity', 'set')
    ferry.wait_state(lab, path, 'waiting-device')
    assert ferry.addresses(lab, 'desk') == []

    lab.plug('usb-wacom-tablet', 'w1', port=3)
    ferry.wait_state(lab, path, 'attached')
    lab.wait_guest('desk', present='STICK')
    lab.wait_guest('desk', present='056a:0000')

    # One goes: the others go home.
    lab.unplug('k1')
    ferry.wait_state(lab, path, 'waiting-device')
    lab.wait_guest('desk', absent='056a:0000')
    lab.wait(lambda: ferry.addresses(lab, 'desk') == [], 60, 'nothing of the set in desk')

    # A damaged file names its line, and what was loaded stays.
    lab.run('printf "[Group]\\nName=broken\\n[Rule 1]\\nMatch=vendor=zz\\n" > /etc/usbferry/groups.d/broken.conf; '
            '! systemctl reload usbferryd && systemctl is-active usbferryd')
    lab.wait('journalctl -u usbferryd -o cat | grep -F broken.conf:4', 10, 'the damaged line in the journal')
    assert 'storage-and-input' in lab.run('usbferry list groups')
