# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stick moved between the USB 3 and the USB 2 half of its port keeps its VM, by a group's port rule and when given
itself; so does the port when something else is plugged into its other half.

QEMU's stick always takes the USB 3 half, so that the ones that move are the kernel's own (dummy_hcd with both halves).
On xHCI a keyboard takes the stick's place. No hub in the lab has two halves; the unit tests have some.
"""
import ferry

CONFIG = '/sys/kernel/config/usb_gadget'
SPEEDS = {'super-speed': '5000', 'high-speed': '480'}


def half(lab, device):
    """(speed of its bus, the connector's other half): what the kernel says."""
    return tuple(lab.run(f'cd -P /sys/bus/usb/devices/{device.name} && cat ../speed && basename $(readlink port/peer)')
                 .splitlines())


def move(lab, id, port, speed, names):
    """Pulls the stick out and plugs it in so that it comes up at this speed."""
    lab.gadget_unplug(id)
    for name in names:
        lab.wait(f'[ ! -e /sys/bus/usb/devices/{name} ]')
    lab.run(f'echo {speed} > {CONFIG}/{id}/max_speed && gadget plug {id} {port}')
    return lab.wait_host(*names)


def expect(lab, path, vm, device, ids, speed):
    ferry.wait_state(lab, path, 'attached')
    lab.wait_driver(device, 'usbfs')
    lab.wait(lambda: ferry.addresses(lab, vm) == [(device.bus, device.number)], 30, f'{device.name} alone in {vm}')
    lab.wait(lambda: [(str(one), one.speed) for one in lab.guest_usb(vm)] == [(ids, speed)], 60, f'{ids} in guest {vm}')


def run(lab):
    # Buses 4 and 5 are the halves of the one connector, 6 and 7 of the other.
    lab.run('modprobe dummy_hcd num=2 is_super_speed=1')
    lab.run('gadget add one 0 0951 1666 STICK-A Traveler storage; gadget add two 1 0951 1666 "" Traveler storage')
    places = {'one': ('4-1', '5-1'), 'two': ('6-1', '7-1')}
    one, two = lab.wait_host('5-1'), lab.wait_host('7-1')
    assert half(lab, one) == ('5000', 'usb4-port1') and half(lab, two) == ('5000', 'usb6-port1')

    lab.run('usbferry group add the-port && usbferry rule add the-port port=platform-dummy_hcd.0/1')
    by_rule = ferry.give(lab, 'the-port', 'desk', '--quantity', 'all')
    by_itself = ferry.give(lab, two.name, 'studio')
    selector, = [row['selector'] for row in ferry.assignments(lab) if row['path'] == by_itself]
    assert 'port=platform-dummy_hcd.1/1' in selector and 'serial' not in selector, selector
    expect(lab, by_rule, 'desk', one, '0951:1666:STICK-A', '5000')
    expect(lab, by_itself, 'studio', two, '0951:1666:', '5000')

    for speed in 'high-speed', 'super-speed':
        was = one, two
        one, two = (move(lab, id, port, speed, places[id]) for port, id in enumerate(places))
        assert one.bus != was[0].bus and two.bus != was[1].bus, (was, one, two)
        assert [half(lab, device)[0] for device in (one, two)] == [SPEEDS[speed]] * 2
        expect(lab, by_rule, 'desk', one, '0951:1666:STICK-A', SPEEDS[speed])
        expect(lab, by_itself, 'studio', two, '0951:1666:', SPEEDS[speed])
    lab.gadget_unplug('one')
    ferry.wait_state(lab, by_rule, 'waiting-device')    # else the rule would take it from its VM, which is asked about

    # On xHCI: the stick's port is the keyboard's.
    lab.run('usbferry rule set the-port 1 port=pci-0000:00:05.0/1')
    stick = lab.plug('usb-storage', 's1', port=1, serial='STICK-B')
    assert half(lab, stick) == ('5000', 'usb2-port1')
    expect(lab, by_rule, 'desk', stick, '46f4:0001:STICK-B', '5000')
    lab.unplug('s1')
    lab.plug('usb-mouse', 'm1', port=2)
    keyboard = lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A')
    assert half(lab, keyboard) == ('480', 'usb3-port1')
    expect(lab, by_rule, 'desk', keyboard, '0627:0001:KBD-A', '480')
