# SPDX-License-Identifier: LGPL-2.1-or-later
"""A twin of a device that a VM has, whenever it comes, neither takes its place nor drives it out of the VM.

By serial number: another one with the same serial in another socket stays at home, also when it is the only one that is
left. By ids alone: what the VM has it keeps.
"""
import ferry
import others

DEADLINE = 700

BY_IDS = '[Assignment]\nName=tablet\nMachine=studio\nSelector=vendor=056a product=0000\n'


def by_serial(lab):
    first = lab.plug('usb-kbd', 'k1', port=1, serial='SAME')
    given, = others.give_all(lab, 'desk', {'SAME': first})
    others.wait_right(lab, [given])
    console = ferry.Console(lab, 'desk')
    twin = lab.plug('usb-kbd', 'k2', port=3, serial='SAME')
    ferry.wait_device(lab, twin.name, 'host')
    others.wait_right(lab, [given])
    others.assert_kept({'desk': console}, [given])

    lab.unplug('k1')
    ferry.wait_state(lab, given.path, 'waiting-device')

    def told():
        row, = ferry.assignments(lab)
        assert row['state'] == 'waiting-device' and twin.name in row['reason'], row
        return row['reason']
    print(f'     {lab.wait(told, 40, "the reason to speak of the twin")}', flush=True)
    lab.wait_guest('desk', absent='0627:0001')
    # For longer than anything of usbferry's takes that it decided.
    console = ferry.Console(lab, 'desk')
    for line in console.wait_lines(4):
        assert '0627:0001' not in line, line
    told()
    assert ferry.hostdevs(lab, 'desk') == []
    lab.wait_driver(twin, 'usbhid')

    lab.plug('usb-kbd', 'k1', port=1, serial='SAME')
    others.wait_right(lab, [given])
    lab.wait_driver(twin, 'usbhid')
    ferry.take(lab, first.name)


def by_ids(lab):
    lab.run('usbferry apply -', input=BY_IDS)
    # One before it and one behind it, by whatever they are sorted.
    first = lab.plug('usb-wacom-tablet', 'w1', port=6)
    row, = ferry.assignments(lab)
    given = others.Given('studio', first.name, '056a:0000', row['path'])
    others.wait_right(lab, [given])
    console = ferry.Console(lab, 'studio')
    for id, port in ('w2', 4), ('w3', 7):
        twin = lab.plug('usb-wacom-tablet', id, port=port)
        ferry.wait_device(lab, twin.name, 'host')
        console.wait_lines(len(console.lines()) + 1)
        others.wait_right(lab, [given])
        assert len(ferry.hostdevs(lab, 'studio')) == 1
        others.assert_kept({'studio': console}, [given])
        told = lab.run(f'usbferry explain {twin.name}')
        assert 'socket  ' not in told, told


def run(lab):
    by_serial(lab)
    by_ids(lab)
