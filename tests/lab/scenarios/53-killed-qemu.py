# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU killed: the host's drivers have its devices again within seconds, and the guest when the VM is started anew."""
import ferry
import others

DEADLINE = 700
BOOT = 240  # seconds; a guest says something once it is up


def run(lab):
    devices = {'KBD-A': lab.plug('usb-kbd', 'k1', serial='KBD-A'), 'STICK-A': lab.plug('usb-storage', 's1', serial='STICK-A'),
               'MOUSE-A': lab.plug('usb-mouse', 'm1', serial='MOUSE-A')}
    given = others.give_all(lab, 'desk', devices)
    tablet = lab.plug('usb-tablet', 't1', serial='TABLET-A')
    neighbour = others.give_all(lab, 'studio', {'TABLET-A': tablet})
    others.wait_right(lab, given + neighbour)
    consoles = {'studio': ferry.Console(lab, 'studio')}

    others.kill_qemu(lab, 'desk')
    for serial, driver in ('KBD-A', 'usbhid'), ('STICK-A', 'usb-storage'), ('MOUSE-A', 'usbhid'):
        lab.wait_driver(devices[serial], driver)
    for one in given:
        ferry.wait_state(lab, one.path, 'waiting-machine')
        ferry.wait_device(lab, one.name, 'waiting', 'desk')
    # What is taken home now is home.
    ferry.take(lab, devices['MOUSE-A'].name)
    ferry.wait_device(lab, devices['MOUSE-A'].name, 'host')

    lab.run(': > /var/log/lab/desk.log')    # nobody writes it now, and libvirt may begin it anew
    lab.run('virsh -q start desk', timeout=120)
    others.wait_right(lab, [one for one in given if one.text != 'MOUSE-A'] + neighbour, BOOT)
    others.assert_kept(consoles, neighbour)
    lab.wait_guest('desk', absent='MOUSE-A')
    lab.wait_driver(devices['MOUSE-A'], 'usbhid')
