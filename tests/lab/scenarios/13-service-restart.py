# SPDX-License-Identifier: LGPL-2.1-or-later
"""A restart of the service, and kill -9, change nothing for a guest with a device; the service knows what it has."""
import ferry


def main_pid(lab):
    return lab.run('systemctl show -P MainPID usbferryd')


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    kept = ferry.give(lab, keyboard.name, 'desk')
    temporary = ferry.give(lab, mouse.name, 'desk', '--temporary')
    lab.wait_guest('desk', present=('KBD-A', 'MOUSE-A'))
    before = ferry.everything(lab)
    console = ferry.Console(lab, 'desk')

    for command in 'systemctl restart usbferryd', 'kill -9 $(systemctl show -P MainPID usbferryd)':
        pid = main_pid(lab)
        lab.run(command, timeout=90)
        lab.wait(f'p=$(systemctl show -P MainPID usbferryd); [ $p != {pid} ] && [ $p != 0 ] && '
                 'busctl --no-pager list --acquired | grep "^org.usbferry1 "', 40, 'another process of the service')
        ferry.wait_hypervisor(lab, 'connected')
        for path in kept, temporary:
            ferry.wait_state(lab, path, 'attached')
        for name in keyboard.name, mouse.name:
            ferry.wait_device(lab, name, 'attached', 'desk')

    # The guest repeats what it has: long enough after the second start to have seen a change.
    n = len(console.lines())
    for line in console.wait_lines(n + 3):
        assert 'KBD-A' in line and 'MOUSE-A' in line, line
    assert ferry.everything(lab) == before, 'a machine or what is stored was changed'
    ferry.take(lab, 'desk')
    lab.wait_driver(keyboard, 'usbhid')
