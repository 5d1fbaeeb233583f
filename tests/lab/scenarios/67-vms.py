# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM that is off starts with what is given to it; it gets another USB controller with its next start; and what its
controller can't take is told before libvirt is asked, while a disk that is only slower there goes."""
import xml.etree.ElementTree as ET

import ferry


def machine(lab, name):
    row, = [row for row in ferry.rows(lab, 'vms', 'vm,state,usb-controller,pending-usb-controller,free-ports')
            if row['vm'] == name]
    return row


def wait_machine(lab, name, **wanted):
    def shown():
        row = machine(lab, name)
        assert {key: row[key.replace('_', '-')] for key in wanted} == wanted, row
        return row
    return lab.wait(shown, 40, f'{name} to be {wanted}')


def tries(lab):
    """How often libvirt said no to an attach."""
    return lab.run("journalctl -b -u usbferryd --no-pager | grep -c 'attach of .* failed'", check=False)


def start_with(lab, controller):
    """shell, paused, with this USB controller and no other one"""
    lab.run(f"usbferry take --all --wait 120 && (virsh -q destroy shell || true) && virsh dumpxml --inactive shell > /tmp/shell.xml && "
            f"sed '/<controller type=.usb./,/<.controller>/d; s#</devices>#{controller}</devices>#' /tmp/shell.xml | "
            'virsh -q define /dev/stdin', timeout=180)
    ferry.wait_machine(lab, 'shell', 'shutoff')
    lab.run('virsh -q start --paused shell', timeout=90)
    ferry.wait_machine(lab, 'shell', 'paused')


def starts(lab, keyboard):
    said = lab.run(f'usbferry give {keyboard.name} spare')
    assert 'usbferry start spare starts it' in said, said
    ferry.take(lab, keyboard.name)
    lab.run(f'usbferry give {keyboard.name} spare --start --wait 120', timeout=150)
    assert ferry.addresses(lab, 'spare') == [(keyboard.bus, keyboard.number)]
    assert 'is on already' in lab.run('usbferry start spare', timeout=90)
    refused = lab.run_as('stranger', 'usbferry start shell --json', check=False)
    assert refused.rc == 3, refused.err
    # libvirt's reason, as a sentence
    lab.run('mv /lab/guest.img /lab/guest.away')
    failed = lab.run('usbferry start shell', check=False, timeout=90)
    lab.run('mv /lab/guest.away /lab/guest.img')
    assert failed.rc == 1 and 'VM "shell" could not be started: ' in failed.err, failed.err
    print(f'     {failed.err.strip()}', flush=True)


def changes_controller(lab, keyboard):
    before = lab.run('virsh dumpxml --inactive spare')
    said = lab.run('usbferry vm controller spare usb-ehci')
    assert 'it needs a restart' in said, said
    wait_machine(lab, 'spare', usb_controller='qemu-xhci', pending_usb_controller='ich9-ehci1')
    other = {line for line in lab.run('virsh dumpxml --inactive spare').splitlines()} ^ set(before.splitlines())
    assert not [line for line in other if 'usb' not in line and 'uhci' not in line and 'address' not in line and
                'master' not in line and '</controller>' not in line], other
    lab.run('virsh -q destroy spare', timeout=60)
    lab.run('usbferry start spare', timeout=120)
    wait_machine(lab, 'spare', usb_controller='ich9-ehci1', pending_usb_controller='')
    # A keyboard of any speed, by a companion.
    lab.wait(lambda: ferry.addresses(lab, 'spare') == [(keyboard.bus, keyboard.number)], 60, 'the keyboard in spare again')
    lab.run('usbferry vm controller spare qemu-xhci')
    wait_machine(lab, 'spare', pending_usb_controller='qemu-xhci')
    lab.run('usbferry take --all --wait 120 && virsh -q destroy spare', timeout=120)


def fifth_on_four_ports(lab, devices):
    start_with(lab, '<controller type="usb" index="0" model="qemu-xhci" ports="4"/>')
    for one in devices[:4]:
        ferry.wait_state(lab, ferry.give(lab, one.name, 'shell'), 'attached')
    wait_machine(lab, 'shell', free_ports=0)
    before = tries(lab)
    ferry.fails(ferry.give(lab, devices[4].name, 'shell', check=False), 'NoFreePort', 1)
    assert tries(lab) == before


def speeds(lab, keyboard, disk):
    start_with(lab, '<controller type="usb" index="0" model="ehci"/>')
    before = tries(lab)
    refused = ferry.give(lab, keyboard.name, 'shell', check=False)
    ferry.fails(refused, 'SpeedUnsupported', 1)
    print(f'     {refused.err.strip()}', flush=True)
    assert tries(lab) == before
    lab.wait_driver(keyboard, 'usbhid')
    path = ferry.give(lab, disk.name, 'shell')
    reason = ferry.wait_state(lab, path, 'attached')
    assert 'slower there than it could be' in reason, reason
    assert tries(lab) == before


def guest_buses(lab, vm):
    """The controllers in the VM that its devices are at."""
    root = ET.fromstring(lab.run(f'virsh dumpxml {vm}', timeout=90))
    return [int(one.get('bus')) for one in root.findall("devices/hostdev/address[@type='usb']")]


def two_controllers(lab, disk):
    """libvirt takes the first free port, and that is of the slow one."""
    start_with(lab, '<controller type="usb" index="0" model="piix3-uhci"/>'
                    '<controller type="usb" index="1" model="qemu-xhci" ports="4"/>')
    reason = ferry.wait_state(lab, ferry.give(lab, disk.name, 'shell'), 'attached')
    assert 'slower' not in reason, reason
    assert guest_buses(lab, 'shell') == [1], lab.run('virsh dumpxml shell')


def run(lab):
    devices = [lab.plug('usb-kbd', f'k{n}', serial=f'KBD-{n}') for n in range(4)]
    # A full-speed one.
    slow = lab.plug('usb-kbd', 'slow', serial='KBD-SLOW', usb_version=1)
    disk = lab.plug('usb-storage', 's1', serial='STICK-A')
    starts(lab, devices[0])
    changes_controller(lab, devices[0])
    fifth_on_four_ports(lab, [*devices, slow])
    speeds(lab, slow, disk)
    two_controllers(lab, disk)
