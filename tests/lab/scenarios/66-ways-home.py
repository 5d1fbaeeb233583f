# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ways home: a try that nobody confirms, over a kill of the service; one that is confirmed; a lease of a pool; a QEMU
that is stopped for 40 s. What people's hands and bad cables do is too quick for an emulated host: tests/bus/test-home.c."""
import re
import time

import ferry


def shown(lab, path, *names):
    return lab.run(f'busctl get-property {ferry.SERVICE} {path} {ferry.ASSIGNMENT} ' + ' '.join(names)).splitlines()


def wait_shown(lab, path, name, value, deadline=60):
    lab.wait(lambda: shown(lab, path, name) == [value] or None, deadline, f'{name} of {path} to be {value}')


def wait_gone(lab, path, deadline=60):
    lab.wait(f'! busctl get-property {ferry.SERVICE} {path} {ferry.ASSIGNMENT} State', deadline, f'{path} to be over')


def kill_service(lab):
    lab.run('systemctl kill -s KILL usbferryd; systemctl reset-failed usbferryd; systemctl start usbferryd')
    ferry.wait_hypervisor(lab, 'connected')


def tries(lab, keyboard):
    begun = time.monotonic()
    path = ferry.give(lab, keyboard.name, 'desk', '--try', '60')
    kill_service(lab)
    wait_gone(lab, path, 120)
    lab.wait_driver(keyboard.name, 'usbhid')
    assert time.monotonic() - begun >= 60, 'home too soon'
    lab.wait_guest('desk', absent='KBD-A')
    # A digit at the beginning of an id has another form in a path.
    name = re.sub('_(..)', lambda letter: chr(int(letter[1], 16)), path.rsplit('/', 1)[1])
    late = lab.run(f'usbferry confirm {name}', check=False)
    ferry.fails(late, 'without a confirmation', 4)

    path = ferry.give(lab, keyboard.name, 'desk', '--try', '30')
    lab.run(f'usbferry confirm {keyboard.name}')
    kill_service(lab)
    ferry.wait_state(lab, path, 'attached')
    assert shown(lab, path, 'Trial', 'Expires') == ['b false', 't 0']
    lab.run('sleep 32')
    ferry.wait_state(lab, path, 'attached')
    ferry.take(lab, '--all')


def lease(lab):
    lab.run('usbferry group add keys && usbferry rule add keys vendor=0627')
    first = ferry.give(lab, 'keys', 'desk', '--lease', '15')
    second = ferry.give(lab, 'keys', 'studio', '--no-wait')
    wait_gone(lab, first)
    ferry.wait_state(lab, second, 'attached', 60)
    ferry.take(lab, '--all')
    lab.run('usbferry group rm keys')


def hang(lab, keyboard):
    path = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')
    pid = lab.run('cat /run/libvirt/qemu/desk.pid').strip()
    lab.run(f'kill -STOP {pid}')
    try:
        lab.wait_driver(keyboard.name, 'usbhid', 120)
        wait_shown(lab, path, 'ReasonCode', 's "machine-unwell"', 20)
    finally:
        lab.run(f'kill -CONT {pid}')
    ferry.wait_state(lab, path, 'attached', 60)
    lab.wait_guest('desk', present='KBD-A')
    assert lab.run('cat /run/libvirt/qemu/desk.pid').strip() == pid, 'QEMU ended'
    ferry.take(lab, '--all')


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A')
    tries(lab, keyboard)
    hang(lab, keyboard)
    lease(lab)
