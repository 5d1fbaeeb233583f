# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the scenarios ask of usbferry, and how they look at what came of it. The first argument is always the Lab."""
import json
import shlex
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from lab import LabError, guest_devices

SERVICE = 'org.usbferry1'
ROOT = '/org/usbferry1'
ASSIGNMENT = 'org.usbferry1.Assignment'
MANAGER = 'org.usbferry1.Manager'

PATIENCE = 60   # seconds, for what a client waits for
LINE = 60   # seconds, for a line that a guest writes about every 10


@dataclass(frozen=True)
class Hostdev:
    alias: str
    vendor: str
    product: str
    bus: int
    number: int

    @property
    def address(self):
        return self.bus, self.number


def give(lab, device, vm, *options, check=True):
    """Gives a device (its sysfs name) to a VM. Returns the path of the assignment; with check=False the Result."""
    patience = () if any('wait' in option for option in options) else ('--wait', str(PATIENCE))
    result = lab.run(f'usbferry give --json {device} {vm} {shlex.join([*options, *patience])}', check=False, timeout=120)
    if not check:
        return result
    row = json.loads(result)[0] if result.startswith('[') else {}
    # In a host that is slow for a while a VM may seem to hang. It is tried again, and who waits for it has a deadline himself.
    if result.rc and not row.get('error', '').endswith('.Timeout'):
        raise LabError(f'give {device} {vm}: exit status {result.rc}\n{result.err}\n{result}')
    return row['path']


def take(lab, what):
    return lab.run(f'usbferry take --wait {PATIENCE} {what}', timeout=90)


def assert_no_warnings(lab, but='does not answer'):
    """But for these, and those that a host gives reason to when it is slow for a while: libvirt's answers were late."""
    late = 'does not answer|does not list its VMs|cannot be listed|cannot be read'
    warnings = lab.run(f'journalctl -b -u usbferryd -p warning -q --no-pager | grep -vE "{late}|{but}"', check=False)
    assert not warnings, warnings


def rows(lab, kind, columns):
    return json.loads(lab.run(f'usbferry list {kind} --json -o {columns}'))


def assignments(lab):
    return rows(lab, 'assignments', 'assignment-id,assignment,path,selector,devices,vm,state,reason,error')


def devices(lab):
    """{sysfs name: row}, hubs too"""
    return {row['device']: row for row in rows(lab, 'devices', 'device,path,state,vm,address,reason,assignment')}


def wait_state(lab, path, state, deadline=40):
    """Waits until the assignment has this state. Returns its reason."""
    text = lab.wait(f"s=$(busctl get-property {SERVICE} {path} {ASSIGNMENT} State Reason Error); echo \"$s\"; "
                    f"[ \"${{s%%$'\\n'*}}\" = 's \"{state}\"' ]", deadline, f'{path} to be {state}')
    return text.splitlines()[1]


def wait_device(lab, name, state, vm='', deadline=40):
    """Waits until the service shows the device in this state, and in this VM."""
    def shown():
        row = devices(lab).get(name)
        assert row and (row['state'], row['vm']) == (state, vm), row
        return row
    return lab.wait(shown, deadline, f'{name} to be {state}, VM {vm}')


def wait_machine(lab, name, state, deadline=40):
    """Waits until the service knows that the VM is in this state."""
    lab.wait(lambda: [row['state'] for row in rows(lab, 'vms', 'vm,state') if row['vm'] == name] == [state], deadline,
             f'{name} to be known as {state}')


def wait_hypervisor(lab, state, deadline=60):
    lab.wait(f"s=$(busctl get-property {SERVICE} {ROOT} {MANAGER} HypervisorState Settling); echo $s; "
             f"[ \"$(echo $s)\" = 's \"{state}\" b false' ]", deadline, f'the hypervisor to be {state}')


def hostdevs(lab, vm):
    """The USB devices in the live XML."""
    root = ET.fromstring(lab.run(f'virsh dumpxml {vm}', timeout=90))
    found = []
    for node in root.findall("devices/hostdev[@type='usb']"):
        source, alias = node.find('source'), node.find('alias')
        address = source.find('address')
        ids = [source.find(name) for name in ('vendor', 'product')]
        found.append(Hostdev('' if alias is None else alias.get('name'),
                             *('' if one is None else one.get('id')[2:] for one in ids),
                             *((0, 0) if address is None else (int(address.get('bus')), int(address.get('device'))))))
    return found


def addresses(lab, vm):
    return sorted(one.address for one in hostdevs(lab, vm))


def everything(lab):
    """What must be the same when nothing was changed: the XML of every machine, and what is stored."""
    # One virsh for all: it takes longer to start than to answer.
    asked = '; '.join(f'dumpxml {vm}; dumpxml --inactive {vm}' for vm in ('desk', 'studio', 'spare', 'shell'))
    seen = lab.run(f'virsh "{asked}" && cd /var/lib/usbferry && find . -type f -printf "%p %T@\\n" -exec cat {{}} + | sort',
                   timeout=120)
    assert seen.count('</domain>') == 2 * 4, seen.err
    return seen


class Console:
    """What a guest writes on its console from now on."""
    def __init__(self, lab, vm):
        self.lab, self.vm, self.log = lab, vm, f'/var/log/lab/{vm}.log'
        self.begin = int(lab.run(f'stat -c %s {self.log}'))
        self.before = lab.guest_usb(vm)

    def lines(self):
        text = self.lab.run(f"tail -c +{self.begin + 1} {self.log} | tr -d '\\0\\r'", check=False)
        # The first and the last may be halves.
        return [line for line in text.splitlines() if line.startswith('GUEST ') and line.endswith(']')]

    def anew(self, text):
        """The guest has the device with this text, and found it after the console began."""
        old, now = ({one.number for one in devices if text in str(one)}
                    for devices in (self.before, self.lab.guest_usb(self.vm)))
        return bool(now) and not now & old

    def kept(self, text):
        """The guest has had the device with this text ever since, and never found it anew."""
        numbers = [{one.number for one in guest_devices(line) if text in str(one)} for line in self.lines()]
        old = {one.number for one in self.before if text in str(one)}
        return bool(old) and all(one == old for one in numbers)

    def wait_lines(self, n, deadline=None):
        """The guest repeats itself every few seconds: that it is alive, and what it has."""
        def said():
            assert len(self.lines()) >= n, self.lines()
            return self.lines()
        return self.lab.wait(said, deadline or LINE * n, f'{n} lines on the console of {self.vm}')


def attach_by_virsh(lab, vm, device, alias='ua-somebody'):
    """As any other program may: usbferry knows nothing of it beforehand."""
    lab.run(f'cat > /tmp/{alias}.xml && virsh -q attach-device {vm} /tmp/{alias}.xml --live', input=(
        f"<hostdev mode='subsystem' type='usb' managed='yes'><source><address bus='{device.bus}' "
        f"device='{device.number}'/></source><alias name='{alias}'/></hostdev>"))


def fails(result, name, status):
    """The command ended with this exit status, and named this error."""
    assert result.rc == status and name in result.err, f'status {result.rc}, wanted {status} and {name}: {result.err}'
