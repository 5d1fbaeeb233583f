# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the host did to a device that a guest has is mended: reset by a program, replugged by software, unbound from usbfs.

Each is back in its guest, as the kernel, libvirt and the guest say; what nobody touched stayed there all the time. What an
idle guest doesn't use (all but the keyboards) is listed by it, dead, until it is mended.
"""
import ferry
import others

DEADLINE = 600

# {serial: (driver, VM, what the host does)}
PLUGGED = {
    'KBD-RESET': ('usb-kbd', 'desk', others.reset),
    'STICK-RESET': ('usb-storage', 'studio', others.reset),
    'KBD-REPLUGGED': ('usb-kbd', 'studio', others.replug_by_software),
    'MOUSE-REPLUGGED': ('usb-mouse', 'desk', others.replug_by_software),
    'KBD-UNBOUND': ('usb-kbd', 'desk', others.unbind_interface),
    'TABLET-UNBOUND': ('usb-tablet', 'studio', others.unbind_interface),
    'KBD-LEFT-ALONE': ('usb-kbd', 'desk', None),
    'MOUSE-LEFT-ALONE': ('usb-mouse', 'studio', None),
}


def run(lab):
    for port, (serial, (driver, _, _)) in enumerate(PLUGGED.items(), 1):
        lab.plug(driver, serial, port=port, serial=serial, wait=False)
    devices = {serial: lab.wait_host(f'2-{port}', f'3-{port}') for port, serial in enumerate(PLUGGED, 1)}
    given = [one for vm in ('desk', 'studio')
             for one in others.give_all(lab, vm, {text: devices[text] for text in PLUGGED if PLUGGED[text][1] == vm})]
    others.wait_right(lab, given)
    consoles = {vm: ferry.Console(lab, vm) for vm in ('desk', 'studio')}

    for serial, (_, _, touch) in PLUGGED.items():
        if touch:
            touch(lab, devices[serial])
    others.wait_anew(lab, consoles, [one for one in given if PLUGGED[one.text][2]])
    others.wait_right(lab, given)
    others.assert_kept(consoles, [one for one in given if not PLUGGED[one.text][2]])

    # And home as ever, with the host's drivers.
    lab.run('usbferry take desk studio', timeout=120)
    for serial, (driver, _, _) in PLUGGED.items():
        lab.wait_driver(devices[serial], 'usb-storage' if driver == 'usb-storage' else 'usbhid')
