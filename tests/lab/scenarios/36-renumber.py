# SPDX-License-Identifier: LGPL-2.1-or-later
"""Controllers taken from their driver and given back, with every bus under another number: each assignment is right again.

By serial, by socket, by a group's port and by a group's id; to two running VMs and one that is off.
"""
from dataclasses import dataclass

import ferry

DEADLINE = 900

XHCI, EHCI = '0000:00:05.0', '0000:00:06.0'
BUSES = {XHCI: 'xhci.0', EHCI: 'ehci.0'}
DRIVERS = {XHCI: 'xhci_hcd', EHCI: 'ehci-pci'}

# {what it is given by: (driver, serial, controller, port)}; the twin is nobody's.
PLUGGED = {
    'serial': ('usb-kbd', 'KBD-A', EHCI, 1),
    'socket': ('usb-mouse', 'SAME', XHCI, 2),
    'twin': ('usb-mouse', 'SAME', XHCI, 3),
    'port': ('usb-storage', 'STICK', XHCI, 4),
    'id': ('usb-wacom-tablet', None, XHCI, 5),
    'off': ('usb-kbd', 'KBD-C', XHCI, 6),
}
GROUPS = {'port': f'port=pci-{XHCI}/4', 'id': 'vendor=056a product=0000'}
WHERE = {'desk': ('serial', 'id'), 'studio': ('socket', 'port'), 'shell': ('off',)}
SEEN = {'desk': ('KBD-A', '056a:0000'), 'studio': ('SAME', 'STICK')}


@dataclass(frozen=True)
class Device:
    name: str
    bus: int
    number: int
    vendor: str
    product: str
    driver: str


def look(lab):
    """{id: Device}: found by what they are plugged into. Fails as long as one isn't there."""
    find = ''.join(f'look {id} /sys/devices/pci0000:00/{controller}/usb*/*-{port}; '
                   for id, (*_, controller, port) in PLUGGED.items())
    text = lab.run('udevadm settle; look() { [ -e $2/bConfigurationValue ] && cd $2 && echo $1 ${2##*/} $(cat busnum devnum '
                   'idVendor idProduct) $(basename "$(readlink *:1.0/driver)") || echo no $1; }; ' + find)
    found = {}
    for line in text.splitlines():
        id, name, *rest = line.split(' ')
        assert id != 'no', text
        bus, number, vendor, product, *driver = rest
        found[id] = Device(name, int(bus), int(number), vendor, product, ''.join(driver))
    return found


def wait_right(lab, paths, off):
    """Waits until each device is where it belongs, the service says so, and nothing else is anywhere. Returns look()."""
    def right():
        devices = look(lab)
        for vm, ids in WHERE.items():
            wanted = [] if vm == off else ids
            got = {(one.bus, one.number, one.vendor, one.product) for one in ferry.hostdevs(lab, vm)}
            assert got == {(d.bus, d.number, d.vendor, d.product) for d in (devices[id] for id in wanted)}, (vm, got, devices)
        at_home = {'twin', *WHERE[off]} if off else {'twin'}
        for id, device in devices.items():
            # What the guest's kernel has configured is usbfs's; the one of shell is paused and configures nothing.
            driver = 'usbhid' if id in at_home else '' if id in WHERE['shell'] else 'usbfs'
            assert device.driver == driver, (id, device)
        states = {row['path']: row['state'] for row in ferry.assignments(lab)}
        wanted = {paths[id]: 'waiting-machine' if vm == off else 'attached' for vm, ids in WHERE.items() for id in ids}
        assert states == wanted, (states, wanted)
        rows = ferry.devices(lab)
        assert {*rows} == {*lab.run('cd /sys/bus/usb/devices && ls -d usb* *-* | grep -v :').splitlines()}, sorted(rows)
        owners = {devices[id].name: vm for vm, ids in WHERE.items() if vm != off for id in ids}
        assert {name: row['vm'] for name, row in rows.items() if row['vm'] and row['state'] == 'attached'} == owners, rows
        return devices
    return lab.wait(right, 90, 'each device to be where it belongs')


def wait_anew(lab, console, parts):
    """The guest has each of these devices, and found it since."""
    def seen():
        assert all(console.anew(part) for part in parts), console.lines()
        return True
    lab.wait(seen, 60, f'{", ".join(parts)} anew in guest {console.vm}')


def rebind(lab, *controllers):
    """Takes them from their drivers and gives them back, in this order."""
    lab.run('set -e; ' + '; '.join(f'echo {one} > /sys/bus/pci/drivers/{DRIVERS[one]}/{what}'
                                   for what in ('unbind', 'bind') for one in controllers))


def run(lab):
    for id, (driver, serial, controller, port) in PLUGGED.items():
        lab.plug(driver, id, bus=BUSES[controller], port=port, serial=serial, wait=False)
    devices = lab.wait(lambda: look(lab), 30, 'everything plugged in')
    lab.wait(lambda: {device.name for device in devices.values()} <= {*ferry.devices(lab)}, 20, 'the service to have it')
    for name, rule in GROUPS.items():
        lab.run(f'usbferry group add {name} && usbferry rule add {name} {rule}')
    paths = {id: ferry.give(lab, id if id in GROUPS else devices[id].name, vm) for vm, ids in WHERE.items() for id in ids}
    selectors = {row['path']: row['selector'] for row in ferry.assignments(lab)}
    assert 'serial=KBD-A' in selectors[paths['serial']], selectors
    assert f'port=pci-{XHCI}/2' in selectors[paths['socket']], selectors
    devices = wait_right(lab, paths, off='shell')
    for vm, parts in SEEN.items():
        lab.wait_guest(vm, present=parts)

    # First the numbers are the old ones, most likely down to the devices', and nothing may be taken for what had them.
    # Then xHCI comes first, and has those of EHCI.
    for controllers in (XHCI,), (XHCI, EHCI):
        before, consoles = devices, [ferry.Console(lab, vm) for vm in SEEN]
        rebind(lab, *controllers)
        devices = wait_right(lab, paths, off='shell')
        if EHCI in controllers:
            same = {id for id in PLUGGED if devices[id].bus == before[id].bus}
            assert not same, f'on a bus of the same number: {same}'
        for console in consoles:
            # EHCI stayed, and what is on it is not touched.
            wait_anew(lab, console, [part for part in SEEN[console.vm] if part != 'KBD-A' or EHCI in controllers])
    lab.run('virsh -q start --paused shell', timeout=90)
    wait_right(lab, paths, off=None)
    lab.run("for vm in desk studio spare shell; do virsh dumpxml --inactive $vm | grep '<hostdev' && exit 1; done; true")
