# SPDX-License-Identifier: LGPL-2.1-or-later
"""Others work with virsh on what is ours, and on what is ours to give; in the end each device is where it was assigned.

Ours that somebody takes out is put in again: its assignment says so. One that somebody else gave to a VM is foreign, and never
touched, also when it is assigned; once it is free it goes where it was assigned. A VM destroyed leaves its devices at
home.
"""
import ferry
import others
from lab import LabError

DEADLINE = 700
BOOT = 240  # seconds; a guest says something once it is up


def detached(lab, given):
    """Ours, by alias and by address: it is back."""
    for what in 'alias', 'address':
        console = ferry.Console(lab, given.vm)
        one, = ferry.hostdevs(lab, given.vm)
        if what == 'alias':
            lab.run(f'virsh -q detach-device-alias {given.vm} {one.alias} --live')
        else:
            lab.run(f'virsh -q detach-device {given.vm} /dev/stdin --live', input=(
                f"<hostdev mode='subsystem' type='usb'><source><address bus='{one.bus}' device='{one.number}'/></source></hostdev>"))
        others.wait_anew(lab, {given.vm: console}, [given])
        others.wait_right(lab, [given])


def attached_elsewhere(lab, given):
    """While it is ours in one VM nobody gets it into another one."""
    try:
        ferry.attach_by_virsh(lab, 'studio', lab.host_device(given.name))
    except LabError as error:
        assert 'in use' in str(error), error
    else:
        raise AssertionError('libvirt gave it to two VMs')
    assert ferry.hostdevs(lab, 'studio') == []
    others.wait_right(lab, [given])


def foreign_first(lab, mouse):
    """Assigned to a VM, kept from it for a while, and given to another one, or to that very one, by somebody else."""
    path = ferry.give(lab, mouse.name, 'desk')
    given = others.Given('desk', mouse.name, mouse.serial, path)
    for vm in 'studio', 'desk':
        ident, = [row['assignment-id'] for row in ferry.assignments(lab) if row['path'] == path]
        lab.run(f'usbferry detach {ident}')
        lab.wait_driver(mouse, 'usbhid')
        ferry.attach_by_virsh(lab, vm, mouse)
        ferry.wait_device(lab, mouse.name, 'foreign', vm)
        lab.run(f'usbferry attach --no-wait {ident}', check=False)    # it may say at once that it has to wait
        lab.wait_guest(vm, present=mouse.serial)
        row, = [row for row in ferry.assignments(lab) if row['path'] == path]
        assert row['state'] == 'waiting-device' and f'"{vm}" by another program' in row['reason'], row
        assert 'ua-somebody' in [one.alias for one in ferry.hostdevs(lab, vm)]
        lab.run(f'virsh -q detach-device-alias {vm} ua-somebody --live')
        others.wait_right(lab, [given])
    return given


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    given, = others.give_all(lab, 'desk', {'KBD-A': keyboard})
    others.wait_right(lab, [given])
    detached(lab, given)
    attached_elsewhere(lab, given)
    second = foreign_first(lab, mouse)
    others.wait_right(lab, [given, second])

    lab.run('virsh -q destroy desk', timeout=90)
    for one, device in (given, keyboard), (second, mouse):
        lab.wait_driver(device, 'usbhid')
        ferry.wait_state(lab, one.path, 'waiting-machine')
        ferry.wait_device(lab, one.name, 'waiting', 'desk')
    lab.run(': > /var/log/lab/desk.log; virsh -q start desk', timeout=120)
    others.wait_right(lab, [given, second], BOOT)
