# SPDX-License-Identifier: LGPL-2.1-or-later
"""Resets: the guest's own go through where that is allowed; the user's, a hub's with devices of two owners, and a power
cycle whose service is killed in the middle all end with every device back where it was."""
import ferry

DEADLINE = 900

XHCI_PORT = '/sys/bus/usb/devices/2-0:1.0/usb2-port{}/disable'


def resets(lab, device):
    """How often the host's kernel has reset it so far."""
    return int(lab.run(f'dmesg | grep -c "usb {device.name}: reset "', check=False))


def wait_same_place(lab, path, vm, serial):
    ferry.wait_state(lab, path, 'attached')
    lab.wait_guest(vm, present=serial)


def guests_own(lab):
    """A guest resets each device that is new to it; what comes of that is libvirt's guestReset."""
    keyboard = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    seen = {}
    for setting, value in ('--allow-guest-reset=no', 'off'), ('--allow-guest-reset', 'uninitialized'), \
            ('--allow-guest-resets-all', 'on'):
        before = resets(lab, keyboard)
        path = ferry.give(lab, keyboard.name, 'desk', setting)
        lab.wait_guest('desk', present='KBD-A')
        assert f"guestReset='{value}'" in lab.run('virsh dumpxml desk')
        seen[value] = resets(lab, keyboard) - before
        if value != 'on':
            ferry.take(lab, keyboard.name)
            lab.wait_guest('desk', absent='KBD-A')
            lab.wait_driver(keyboard, 'usbhid')
    print(f'     resets by the guest: {seen}', flush=True)
    assert seen['off'] == 0 and seen['on'] > 0, seen

    # A change reaches the device where it is.
    lab.run(f'busctl call {ferry.SERVICE} {path} {ferry.ASSIGNMENT} Update "a{{sv}}" 1 AllowGuestResetsAll b false')
    lab.wait("virsh dumpxml desk | grep guestReset=.off.", 40, 'the keyboard attached anew')
    wait_same_place(lab, path, 'desk', 'KBD-A')
    return keyboard, path


def id_of(lab, path):
    """A path has the id escaped where it begins with a digit."""
    found, = [row['assignment-id'] for row in ferry.assignments(lab) if row['path'] == path]
    return found


def users(lab, keyboard, path):
    ident = id_of(lab, path)
    ferry.fails(lab.run(f'usbferry reset {ident} --json', check=False), 'GuestResetDenied', 3)
    assert ferry.wait_state(lab, path, 'attached')
    lab.run(f'busctl call {ferry.SERVICE} {path} {ferry.ASSIGNMENT} Update "a{{sv}}" 1 AllowGuestReset b true')
    lab.wait("virsh dumpxml desk | grep guestReset=.uninitialized.", 40, 'the keyboard attached anew')
    wait_same_place(lab, path, 'desk', 'KBD-A')
    ferry.fails(lab.run(f'usbferry reset {ident} --hub --json', check=False), 'GuestResetDenied', 3)
    assert lab.run_as('stranger', f'usbferry reset {ident}', check=False).rc == 3
    before = resets(lab, keyboard)
    said = lab.run(f'usbferry reset {ident}', timeout=90)
    assert 'was reset' in said, said
    # One by QEMU, which lets go of it, and one by usbferry.
    assert resets(lab, keyboard) >= before + 2
    wait_same_place(lab, path, 'desk', 'KBD-A')
    ferry.fails(lab.run(f'usbferry reset {keyboard.name} --hub', check=False), 'with no hub in between', 1)
    ferry.fails(lab.run('usbferry reset usb2 --json', check=False), 'DeviceIsHub', 1)


def hubs(lab):
    lab.plug('usb-hub', 'h1', port='3')
    first = lab.plug('usb-kbd', 'k2', port='3.1', serial='KBD-B')
    second = lab.plug('usb-kbd', 'k3', port='3.2', serial='KBD-C')
    mine = ferry.give(lab, first.name, 'desk', '--allow-guest-resets-all')
    others = ferry.give(lab, second.name, 'studio')
    lab.wait_guest('desk', present='KBD-B')
    lab.wait_guest('studio', present='KBD-C')
    refused = lab.run(f'usbferry reset {id_of(lab, mine)} --hub --json', check=False)
    ferry.fails(refused, 'DeviceBusy', 5)
    assert second.name in refused.err and 'studio' in refused.err and first.name not in refused.err, refused.err
    assert lab.run_as('stranger', f'usbferry reset {first.name} --hub', check=False).rc == 3
    # By an administrator: both are enumerated anew, and both are back in their guests.
    before = [lab.host_device(device).number for device in (first, second)]
    lab.run(f'usbferry reset {first.name} --hub', timeout=90)
    for device, path, vm, serial in (first, mine, 'desk', 'KBD-B'), (second, others, 'studio', 'KBD-C'):
        wait_same_place(lab, path, vm, serial)
        assert lab.host_device(device).number not in before, lab.host_device(device)
    ferry.take(lab, first.name)
    ferry.take(lab, second.name)


def power(lab, keyboard, path):
    port = XHCI_PORT.format(1)
    lab.run(f'usbferry reset {keyboard.name} --power-cycle', timeout=90)
    now = lab.host_device(keyboard)
    assert now.number != keyboard.number, now
    wait_same_place(lab, path, 'desk', 'KBD-A')
    assert lab.run(f'cat {port}') == '0' and lab.run('ls /run/usbferry/power-cycles') == ''

    # Killed while the port is off: the next start switches it on.
    pid = lab.run('systemctl show -P MainPID usbferryd')
    with lab.background(f'usbferry reset {keyboard.name} --power-cycle'):
        lab.run(f'for i in $(seq 20000); do read -r off < {port}; [ "$off" = 1 ] && kill -9 {pid} && break; done; '
                f'[ "$off" = 1 ] && [ "$(cat {port})" = 1 ] && [ -n "$(ls /run/usbferry/power-cycles)" ]', timeout=90)
    lab.start_service()
    assert lab.run('systemctl show -P MainPID usbferryd') != pid
    lab.wait(f'[ "$(cat {port})" = 0 ] && [ -z "$(ls /run/usbferry/power-cycles)" ]', 40, 'the port on again')
    lab.wait_host(keyboard.name)
    wait_same_place(lab, path, 'desk', 'KBD-A')


def run(lab):
    keyboard, path = guests_own(lab)
    users(lab, keyboard, path)
    power(lab, keyboard, path)
    hubs(lab)
