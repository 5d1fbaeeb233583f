# SPDX-License-Identifier: LGPL-2.1-or-later
"""While one VM's QEMU is stopped, other VMs get and lose devices and everyone may look; once it goes on, so does its own."""
import time

import ferry

HANG = 40   # seconds


def run(lab):
    first = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    second = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    third = lab.plug('usb-tablet', 't1', serial='TABLET-A')
    released = ferry.give(lab, first.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')

    pid = lab.run('cat /run/libvirt/qemu/desk.pid')
    lab.run(f'kill -STOP {pid}')
    begin = time.monotonic()
    lab.run(f'usbferry take --no-wait {first.name}')
    lab.run(f'usbferry give --no-wait {second.name} desk')

    # The hang lasts longer than any deadline of the service for such a call, and nothing else hangs with it.
    rounds = 0
    while rounds < 2 or time.monotonic() - begin < HANG:
        start = time.monotonic()
        ferry.give(lab, third.name, 'studio')
        lab.wait_guest('studio', present='TABLET-A')
        ferry.take(lab, third.name)
        lab.run('usbferry && usbferry list machines && usbferry explain 2-1 > /dev/null')
        assert time.monotonic() - start < 120, f'a round took {time.monotonic() - start:.1f} s'
        rounds += 1
    rows = {row['path']: row for row in ferry.assignments(lab)}
    assert len(rows) == 2 and rows[released]['state'] == 'detaching', rows
    assert lab.run('ps -o stat= -p ' + pid).startswith('T')

    lab.run(f'kill -CONT {pid}')
    lab.wait_guest('desk', present='MOUSE-A', absent='KBD-A', deadline=90)
    lab.wait_driver(first, 'usbhid', 60)
    ferry.wait_device(lab, first.name, 'host')
    ferry.wait_device(lab, second.name, 'attached', 'desk')
    row, = ferry.assignments(lab)
    assert row['state'] == 'attached', row
