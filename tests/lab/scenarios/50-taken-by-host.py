# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the host did to a device that a guest has is mended: reset by a program, replugged by software, unbound from usbfs,
configured anew, taken by a driver that was loaded.

Each is back in its guest, as the kernel, libvirt and the guest say; what nobody touched stayed there all the time. What an
idle guest doesn't use (all but the keyboards) is listed by it, dead, until it is mended. A paused guest never configures what
it has: that is right for as long as it lasts.
"""
import ferry
import others

DEADLINE = 700

# {serial: (driver, VM, what the host does)}
PLUGGED = {
    'KBD-RESET': ('usb-kbd', 'desk', others.reset),
    'STICK-RESET': ('usb-storage', 'studio', others.reset),
    'KBD-REPLUGGED': ('usb-kbd', 'studio', others.replug_by_software),
    'MOUSE-REPLUGGED': ('usb-mouse', 'desk', others.replug_by_software),
    'KBD-UNBOUND': ('usb-kbd', 'desk', others.unbind_interface),
    'TABLET-UNBOUND': ('usb-tablet', 'studio', others.unbind_interface),
    'KBD-CONFIGURED': ('usb-kbd', 'studio', others.configure_anew),
    'KBD-LEFT-ALONE': ('usb-kbd', 'desk', None),
}


def has_unconfigured(lab, device):
    """The paused VM has it, and nobody has configured it."""
    now = lab.host_device(device)
    assert ferry.addresses(lab, 'shell') == [(device.bus, device.number)], ferry.hostdevs(lab, 'shell')
    assert now.driver == '' and others.opens(lab, device) == 1, now
    return True


def paused(lab, device):
    """What a guest that runs nothing has stays, unless a driver of the host takes it."""
    before = ferry.hostdevs(lab, 'shell')
    lab.wait(lambda: has_unconfigured(lab, device), 40, 'the tablet in shell')
    others.reload_driver(lab, 'usbhid')
    lab.wait(lambda: has_unconfigured(lab, device), 40, 'the tablet without a driver of the host, in shell')
    row = ferry.devices(lab)[device.name]
    assert (row['state'], row['vm']) == ('attached', 'shell'), row
    print(f'     paused: {before} before, {ferry.hostdevs(lab, "shell")} after', flush=True)


def run(lab):
    devices = {serial: lab.plug(driver, serial, port=port, serial=serial)
               for port, (serial, (driver, _, _)) in enumerate(PLUGGED.items(), 1)}
    idle = lab.plug('usb-tablet', 'idle', bus='ehci.0', port=1, serial='PAUSED')
    lab.run('virsh -q start --paused shell', timeout=90)
    ferry.wait_state(lab, ferry.give(lab, idle.name, 'shell'), 'attached')
    was = ferry.hostdevs(lab, 'shell')
    given = [one for vm in ('desk', 'studio')
             for one in others.give_all(lab, vm, {text: devices[text] for text in PLUGGED if PLUGGED[text][1] == vm})]
    others.wait_right(lab, given)
    consoles = {vm: ferry.Console(lab, vm) for vm in ('desk', 'studio')}

    for serial, (_, _, touch) in PLUGGED.items():
        if touch:
            touch(lab, devices[serial])
    others.wait_anew(lab, consoles, [one for one in given if PLUGGED[one.text][2]])
    others.wait_right(lab, given)
    left_alone = [one for one in given if not PLUGGED[one.text][2]]
    others.assert_kept(consoles, left_alone)
    # Long after everything else was judged.
    lab.wait(lambda: has_unconfigured(lab, idle), 40, 'the tablet in shell')
    assert ferry.hostdevs(lab, 'shell') == was, (was, ferry.hostdevs(lab, 'shell'))
    assert lab.journal().count(f'({idle.name}) is attached to VM "shell"') == 1, lab.journal()
    paused(lab, idle)
    others.assert_kept(consoles, left_alone)

    # And home as ever, with the host's drivers.
    lab.run('usbferry take --wait 120 desk studio shell', timeout=150)
    lab.wait_driver(idle, 'usbhid')
    for serial, (driver, _, _) in PLUGGED.items():
        lab.wait_driver(devices[serial], 'usb-storage' if driver == 'usb-storage' else 'usbhid')
