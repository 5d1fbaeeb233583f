# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM saved and restored has its device again, and not the dead one that QEMU keeps in its place."""
import json

import ferry


def really_attached(lab, vm):
    """QEMU's own word for each device: the live XML lists dead ones, too."""
    for one in ferry.hostdevs(lab, vm):
        ask = json.dumps({'execute': 'qom-get', 'arguments': {'path': f'/machine/peripheral/{one.alias}', 'property': 'attached'}})
        yield json.loads(lab.run(f"virsh qemu-monitor-command {vm} '{ask}'"))['return']


def numbers(lab):
    """The guest's own numbers of its keyboards: one that it finds anew has another number."""
    return {one.number for one in lab.guest_usb('desk') if one.serial == 'KBD-A'}


def save(lab, keyboard):
    """Returns the numbers at the time."""
    before = numbers(lab)
    assert len(before) == 1, before
    lab.run('virsh -q managedsave desk', timeout=120)
    lab.wait_driver(keyboard, 'usbhid')
    lab.run(': > /var/log/lab/desk.log')    # nobody writes it now, and libvirt may begin it anew
    return before


def wait_anew(lab, path, keyboard, dead):
    ferry.wait_state(lab, path, 'attached', 90)
    lab.wait(lambda: list(really_attached(lab, 'desk')) == [True], 60, 'the keyboard to work in QEMU')
    lab.wait_guest('desk', present='KBD-A')
    lab.wait_driver(keyboard, 'usbfs')
    lab.wait(lambda: numbers(lab) and not numbers(lab) & dead, 60, 'the guest to have lost the dead one and got the other')


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    path = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')
    assert list(really_attached(lab, 'desk')) == [True]

    dead = save(lab, keyboard)
    ferry.wait_state(lab, path, 'waiting-machine')
    lab.run('virsh -q start desk', timeout=120)
    wait_anew(lab, path, keyboard, dead)

    # The same while the service is away: what it finds when it comes back has to tell.
    lab.run('systemctl stop usbferryd', timeout=90)
    before = ferry.hostdevs(lab, 'desk')
    dead = save(lab, keyboard)
    lab.run('virsh -q start desk', timeout=120)
    assert ferry.hostdevs(lab, 'desk') == before, 'the XML lists it as if nothing had been'
    lab.wait(lambda: list(really_attached(lab, 'desk')) == [False], 60, 'the keyboard to be dead in QEMU')
    lab.start_service()
    wait_anew(lab, path, keyboard, dead)

    # And what works is left alone.
    before = ferry.hostdevs(lab, 'desk')
    console = ferry.Console(lab, 'desk')
    lab.run('systemctl restart usbferryd', timeout=90)
    ferry.wait_hypervisor(lab, 'connected')
    ferry.wait_state(lab, path, 'attached')
    assert ferry.hostdevs(lab, 'desk') == before
    console.wait_lines(1)
    assert console.kept('KBD-A'), console.lines()
