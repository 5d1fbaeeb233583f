# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's own ways: udev's records thrown away, a clock that goes back, a name that comes late. No VM loses anything."""
import ferry
import others


def udev_forgets(lab, given):
    consoles = {'desk': ferry.Console(lab, 'desk')}
    before = ferry.hostdevs(lab, 'desk')
    for clean in 'udevadm info --cleanup-db', ':':
        lab.run(f'{clean}; udevadm trigger --action=add; udevadm settle', timeout=90)
        consoles['desk'].wait_lines(1)
        lab.run('usbferry rescan')
    others.wait_right(lab, [given])
    assert ferry.hostdevs(lab, 'desk') == before
    others.assert_kept(consoles, [given])
    assert 'was unplugged' not in lab.journal(), lab.journal()


def clock_goes_back(lab, mouse):
    """First come, first served, by no clock."""
    lab.run(f'usbferry group add pool --disabled && usbferry rule add pool serial={mouse.serial}')
    first = ferry.give(lab, 'pool', 'studio')
    lab.run("date -s '2 days ago' > /dev/null")
    second = ferry.give(lab, 'pool', 'desk')
    lab.run('usbferry group set pool --enable')
    ferry.wait_state(lab, first, 'attached')
    others.wait_right(lab, [others.Given('studio', mouse.name, mouse.serial, first)])
    ferry.wait_state(lab, second, 'waiting-device')
    # And as read from the disk.
    lab.run('systemctl restart usbferryd', timeout=90)
    ferry.wait_hypervisor(lab, 'connected')
    lab.run("date -s '2 days' > /dev/null")
    lab.unplug('m1')
    ferry.wait_state(lab, first, 'waiting-device')
    lab.plug('usb-mouse', 'm1', port=mouse.name.split('-')[1], serial=mouse.serial)
    others.wait_right(lab, [others.Given('studio', mouse.name, mouse.serial, first)])
    ferry.wait_state(lab, second, 'waiting-device')


def name_comes_late(lab, tablet):
    lab.run(f'usbferry group add here && usbferry rule add here "serial={tablet.serial} node=late"')
    path = ferry.give(lab, 'here', 'studio')
    ferry.wait_state(lab, path, 'waiting-device')
    for name, present in ('late', True), ('lab', False):
        lab.run(f'hostnamectl hostname {name}', timeout=90)
        ferry.wait_state(lab, path, 'attached' if present else 'waiting-device')
        lab.wait_guest('studio', **{'present' if present else 'absent': tablet.serial})


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    tablet = lab.plug('usb-tablet', 't1', serial='TABLET-A')
    given, = others.give_all(lab, 'desk', {'KBD-A': keyboard})
    others.wait_right(lab, [given])
    udev_forgets(lab, given)
    clock_goes_back(lab, mouse)
    name_comes_late(lab, tablet)
    others.wait_right(lab, [given])
