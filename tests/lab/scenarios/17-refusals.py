# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can't be is refused by its name, and changes nothing: a device in use, no such VM, bad paths and options."""
import ferry

CALL = f'busctl call {ferry.SERVICE} '
ASSIGN = f"{CALL} {ferry.ROOT} {ferry.MANAGER} Assign 'ooa{{sv}}' "


def error_name(lab, command):
    """The error's name: busctl prints only the text, dbus-send both."""
    result = lab.run(command, check=False)
    assert result.rc != 0, f'{command}: {result}'
    return result.err


def run(lab):
    ours = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    foreign = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    free = lab.plug('usb-tablet', 't1', serial='TABLET-A')
    kept = ferry.give(lab, ours.name, 'desk')
    gone = ferry.give(lab, free.name, 'desk')
    ferry.take(lab, free.name)

    # Somebody else's: shown as that, from the moment libvirt tells.
    ferry.attach_by_virsh(lab, 'studio', foreign)
    ferry.wait_device(lab, foreign.name, 'foreign', 'studio')
    assert lab.run('usbferry list vms --noheadings -o vm,foreign-devices | grep studio').split()[1] != '-'
    lab.wait_guest('studio', present='MOUSE-A')

    before = ferry.everything(lab), ferry.assignments(lab), ferry.devices(lab)
    for name, vm in (ours.name, 'studio'), (foreign.name, 'desk'):
        owner = 'desk' if name == ours.name else 'studio'
        busy = ferry.give(lab, name, vm, check=False)
        ferry.fails(busy, 'DeviceBusy', 5)
        assert f'VM \\"{owner}\\"' in busy.err, busy.err
    ferry.fails(ferry.give(lab, free.name, 'nowhere', check=False), 'NoSuchMachine', 4)
    ferry.fails(ferry.give(lab, '9-9', 'desk', check=False), 'NoSuchDevice', 4)
    taken = lab.run(f'usbferry take {foreign.name}', check=False)
    assert taken.rc != 0, taken

    device, desk = (lab.run(f'{CALL} {ferry.ROOT} {ferry.MANAGER} {method} s {name}').split('"')[1]
                    for method, name in (('GetDevice', free.name), ('GetMachine', 'desk')))
    for arguments, text in (
            (f'/no/such/device {desk} 0', 'no such device: /no/such/device'),
            (f'/org/usbferry1/device/_ {desk} 0', 'no such device: /org/usbferry1/device/_'),
            (f'/ {desk} 0', 'no such device: /'),
            (f'{desk} {desk} 0', f'{desk} is the path of a VM, and not of a device'),
            (f'{device} {device} 0', f'{device} is the path of a device, and not of a VM'),
            (f'{device} {ferry.ROOT}/machine/_31 0', 'no such VM'),
            (f'{device} {desk} 1 Nonsense b true', 'Nonsense'),
            (f'{device} {desk} 1 Priority s high', 'Priority')):
        said = error_name(lab, ASSIGN + arguments)
        assert text in said, (arguments, said)
    for member in "Release 'a{sv}' 0", 'Attach', 'Detach':
        said = error_name(lab, f'{CALL} {gone} {ferry.ASSIGNMENT} {member}')
        assert f'no such assignment: {gone}' in said, said
    # The names themselves, as programs see them.
    for arguments, name in (
            (f'{gone} {ferry.ASSIGNMENT}.Attach', 'NoSuchAssignment'),
            (f'{ferry.ROOT} {ferry.MANAGER}.GetMachine string:nowhere', 'NoSuchMachine'),
            (f'{ferry.ROOT} {ferry.MANAGER}.GetDevice string:9-9', 'NoSuchDevice'),
            (f'{ferry.ROOT} {ferry.MANAGER}.GetDevice string:qemu', 'Ambiguous')):
        said = error_name(lab, f'dbus-send --system --print-reply --dest={ferry.SERVICE} {arguments}')
        assert f'Error org.usbferry1.Error.{name}:' in said, said

    assert (ferry.everything(lab), ferry.assignments(lab), ferry.devices(lab)) == before, 'something was changed'
    ferry.wait_state(lab, kept, 'attached')

    # Not even when everything is taken home.
    lab.run('usbferry take --all', timeout=90)
    assert [one.alias for one in ferry.hostdevs(lab, 'studio')] == ['ua-somebody']
    lab.run('virsh -q detach-device-alias studio ua-somebody --live')
    ferry.wait_device(lab, foreign.name, 'host')
