# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others do to a device behind the back of usbferry: programs, the kernel, people at a shell of the host.

The first argument is always the Lab. Whoever changes something here says so in the name; what waits for usbferry to mend it
is at the end.
"""
import contextlib
import json
from dataclasses import dataclass

import ferry

SYSFS = '/sys/bus/usb/devices'
GUARDED = '/sys/bus/usb/devices/usb*/authorized_default'

# What libusb does for a program: the host's driver is sent off, then the interface is the program's.
CLAIM = '''
$0 = $ARGV[0];
open(my $f, "+<", $ARGV[1]) or die "open: $!";
my ($disconnect, $interface) = (pack("iiQ", 0, 0x5516, 0), pack("I", 0));
ioctl($f, 0xc0105512, $disconnect);                             # USBDEVFS_IOCTL of USBDEVFS_DISCONNECT
ioctl($f, 0x8004550f, $interface) or die "claim: $!";           # USBDEVFS_CLAIMINTERFACE
$| = 1;
print "has it\\n";
sleep;
'''


def node(device):
    return f'/dev/bus/usb/{device.bus:03}/{device.number:03}'


def reset(lab, device):
    """As usbreset, fwupd and many a driver's tool do."""
    lab.run(f'usbreset {device.bus:03}/{device.number:03}')


def replug_by_software(lab, device):
    lab.run(f'echo {device.name} > /sys/bus/usb/drivers/usb/unbind && echo {device.name} > /sys/bus/usb/drivers/usb/bind')


def unbind_interface(lab, device, interface='1.0'):
    """From whatever has it."""
    lab.run(f'echo {device.name}:{interface} > {SYSFS}/{device.name}:{interface}/driver/unbind')


def configure_anew(lab, device):
    """As usb_modeswitch does: all its interfaces go, and come again."""
    lab.run(f'echo 0 > {SYSFS}/{device.name}/bConfigurationValue; echo 1 > {SYSFS}/{device.name}/bConfigurationValue')


def reload_driver(lab, driver):
    """As after an update: it takes every interface that has no driver."""
    lab.run(f'modprobe -r {driver} && modprobe {driver}')


def authorize(lab, device, yes):
    lab.run(f'echo {int(yes)} > {SYSFS}/{device.name}/authorized')


def authorize_new(lab, yes):
    """What a USBGuard host does with all that is plugged in from now on."""
    lab.run(f'for f in {GUARDED}; do echo {int(yes)} > $f; done')


@contextlib.contextmanager
def program_has(lab, device, name):
    """During a with block a program of this name has the device open, and its first interface claimed."""
    lab.run('cat > /tmp/claim.pl', input=CLAIM)
    with lab.background(f'exec perl /tmp/claim.pl {name} {node(device)}') as said:
        lab.wait(lambda: 'has it' in said() or said(), 20, f'{name} to have {device.name}')
        assert 'has it' in said(), said()
        yield


def kill_qemu(lab, vm):
    pid = lab.run(f'cat /run/libvirt/qemu/{vm}.pid')
    lab.run(f'kill -9 {pid}')
    lab.wait(f'[ "$(virsh domstate {vm})" = "shut off" ]', 40, f'{vm} seen dead by libvirt')
    return pid


def opens(lab, device):
    """How many have the device open: QEMU is one, and libvirt, lsusb and a probing driver are others for moments."""
    usage, control = lab.run(f'cat {SYSFS}/{device.name}/power/runtime_usage {SYSFS}/{device.name}/power/control').split()
    return int(usage) - (control == 'on')


def really_attached(lab, vm):
    """QEMU's own word for each device, by alias: the live XML lists dead ones, too."""
    found = {}
    for one in ferry.hostdevs(lab, vm):
        ask = json.dumps({'execute': 'qom-get', 'arguments': {'path': f'/machine/peripheral/{one.alias}', 'property': 'attached'}})
        found[one.alias] = json.loads(lab.run(f"virsh qemu-monitor-command {vm} '{ask}'"))['return']
    return found


# What has to come of it

@dataclass(frozen=True)
class Given:
    """A device that belongs into a VM, which knows it by this text (its serial number, or its ids)."""
    vm: str
    name: str
    text: str
    path: str


def give_all(lab, vm, devices):
    """Gives devices, {text: HostDevice}, with one command. Returns the Givens."""
    names = ' '.join(one.name for one in devices.values())
    rows = json.loads(lab.run(f'usbferry give --json --wait 120 {names} {vm}', timeout=150))
    paths = {row['devices'][0]: row['path'] for row in rows}
    return [Given(vm, device.name, text, paths[device.name]) for text, device in devices.items()]


def wrong(lab, given):
    """What is not as it is to be, in words: usbferry, libvirt, the host's kernel and the guest all have to say the same."""
    states = {row['path']: row for row in ferry.assignments(lab)}
    addresses, seen, found = {}, {}, []
    for one in given:
        if one.vm not in seen:
            seen[one.vm] = [str(device) for device in lab.guest_usb(one.vm)]
            addresses[one.vm] = ferry.addresses(lab, one.vm)
        now = lab.host_device(one.name)
        if not now:
            found.append(f'{one.name} is gone from the host')
            continue
        facts = (
            (states[one.path]['state'] == 'attached', f"its state is {states[one.path]['state']}: {states[one.path]['reason']}"),
            ((now.bus, now.number) in addresses[one.vm], f'{now} is not in {addresses[one.vm]}'),
            (now.driver == 'usbfs', f"the host's driver is '{now.driver}'"),
            (opens(lab, one) == 1, f'open {opens(lab, one)} times'),
            (sum(one.text in text for text in seen[one.vm]) == 1, f'guest {one.vm} has {seen[one.vm]}'))
        found += [f'{one.text} ({one.name}): {what}' for right, what in facts if not right]
    return found


def wait_right(lab, given, deadline=180):
    def all_right():
        assert not (found := wrong(lab, given)), '; '.join(found)
        return True
    lab.wait(all_right, deadline, 'each device to be in its VM')


def wait_anew(lab, consoles, given, deadline=60):
    """The guests have each of these, and found them after the consoles (by VM) began."""
    def seen():
        found = [f'{one.vm} has no {one.text}, or still the old one' for one in given if not consoles[one.vm].anew(one.text)]
        assert not found, '; '.join(found)
        return True
    lab.wait(seen, deadline, 'each device to be in its guest anew')


def assert_kept(consoles, given):
    """The guests have had each of these all the time."""
    for one in given:
        console = consoles[one.vm]
        assert console.kept(one.text), f'{one.vm} lost {one.text}: {console.before}, then {console.lines()}'
