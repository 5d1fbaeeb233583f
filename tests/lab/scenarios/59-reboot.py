# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host is rebooted and its controllers have each other's bus numbers: every device is in the guest it was given to.

By serial number, by socket (beside a twin) and by a group's port, to a VM that starts with the host; and to one that comes
out of an image that was saved before, with the old numbers. What was given until the next reboot stays home, as does what
nobody gave.
"""
import ferry
import others

DEADLINE = 900
REBOOTS = True
BOOT = 240  # seconds; a guest says something once it is up

XHCI, EHCI = '0000:00:05.0', '0000:00:06.0'

# {text: (driver, serial, controller, port)}
PLUGGED = {
    'KBD-A': ('usb-kbd', 'KBD-A', EHCI, 1),
    'SAME': ('usb-mouse', 'SAME', XHCI, 2),
    'twin': ('usb-mouse', 'SAME', XHCI, 3),
    'STICK': ('usb-storage', 'STICK', XHCI, 4),
    'TEMPORARY': ('usb-tablet', 'TEMPORARY', EHCI, 2),
    'SAVED': ('usb-kbd', 'SAVED', XHCI, 5),
}


def find(lab):
    """{text: HostDevice}, by what they are plugged into"""
    names = {}
    for text, (*_, controller, port) in PLUGGED.items():
        names[text] = lab.wait(f'cd /sys/devices/pci0000:00/{controller} && ls -d usb*/*-{port} | grep -o "[0-9]*-[0-9]*$"',
                               30, f'{text} there')
    return {text: lab.wait_host(name) for text, name in names.items()}


def run(lab):
    for text, (driver, serial, controller, port) in PLUGGED.items():
        lab.plug(driver, text, bus='xhci.0' if controller == XHCI else 'ehci.0', port=port, serial=serial, wait=False)
    before = find(lab)
    lab.run(f'usbferry group add port && usbferry rule add port port=pci-{XHCI}/4')
    vms = {text: 'studio' if text == 'SAVED' else 'desk' for text in PLUGGED if text != 'twin'}
    paths = {text: ferry.give(lab, 'port' if text == 'STICK' else before[text].name, vm,
                              *(['--temporary'] if text == 'TEMPORARY' else []))
             for text, vm in vms.items()}
    given = [others.Given(vms[text], before[text].name, text, path) for text, path in paths.items()]
    others.wait_right(lab, given)
    lab.run('virsh -q managedsave studio && : > /var/log/lab/studio.log', timeout=120)
    ferry.wait_state(lab, paths['SAVED'], 'waiting-machine')

    # Whichever of them comes first at boot has the first number; here it was EHCI.
    lab.run('echo softdep ehci_pci pre: xhci_pci > /etc/modprobe.d/lab.conf && '
            'virsh -q autostart desk && virsh -q autostart studio')
    lab.run('rm /var/log/lab/desk.log')     # what it says now is not what it will say
    lab.reboot(usb_late=True)
    after = find(lab)
    same = [text for text in PLUGGED if after[text].bus == before[text].bus]
    assert not same, f'on a bus of the same number: {same}'
    ferry.wait_hypervisor(lab, 'connected', 90)
    given = [others.Given(vms[text], after[text].name, text, path) for text, path in paths.items() if text != 'TEMPORARY']
    others.wait_right(lab, given, BOOT)
    for text in 'twin', 'TEMPORARY':
        lab.wait_driver(after[text], 'usbhid')
        ferry.wait_device(lab, after[text].name, 'host')
    assert len(ferry.hostdevs(lab, 'desk')) + 1 == len(given) == len(ferry.assignments(lab)), ferry.assignments(lab)
    assert len(ferry.hostdevs(lab, 'studio')) == 1
    # Nor had it another one for a moment: what has the old number now.
    for line in lab.run("tr -d '\\0\\r' < /var/log/lab/studio.log").splitlines():
        assert 'USB [' not in line or not any(text in line for text in PLUGGED if text != 'SAVED'), line
    ferry.assert_no_warnings(lab)
