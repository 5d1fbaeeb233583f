# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every key of a rule means exactly the devices that it should, of nine that differ: asked for, and as a group's devices.

What it should is taken from the host's sysfs. Nothing in the lab calls a device fixed, so that removable=no is none of
them here; the unit tests have one."""
import json
import re
from fnmatch import fnmatchcase

import ferry

DEADLINE = 900

# {name: text} of each device that is no hub, from the kernel alone.
FACTS = '''for d in /sys/bus/usb/devices/*; do
    [ -e $d/idVendor ] && ! grep -q 09 $d/bDeviceClass || continue
    cd -P $d && echo "path=$PWD peer=$(basename "$(readlink port/peer)")"
    grep . idVendor idProduct serial product manufacturer speed removable *:*/bInterface{Class,SubClass,Protocol} 2> /dev/null
done'''


class Device:
    """One device, as sysfs has it. Attributes that it doesn't have are ''."""
    def __init__(self, path, peer):
        self.path = path.split('/')
        self.name = self.path[-1]
        self.attributes = {}
        root = next(i for i, part in enumerate(self.path) if re.fullmatch(r'usb\d+', part))
        self.controller = self.path[root - 1]
        self.hub = self.path[-2]
        # The USB2 half gives a connector its name; the lab's hubs have no other.
        chain = re.fullmatch(r'usb\d+-port(\d+)', peer)[1] if self.hub == 'usb3' else self.name.split('-')[1]
        self.socket = f'{"pci" if ":" in self.controller else "platform"}-{self.controller}/{chain}'

    def __getattr__(self, name):
        return self.attributes.get(name, '')

    @property
    def interfaces(self):
        """{'03:01:01'}"""
        return {':'.join(self.attributes[f'{folder}/bInterface{part}'] for part in ('Class', 'SubClass', 'Protocol'))
                for folder in {key.split('/')[0] for key in self.attributes if '/' in key}}


def look(lab):
    """{sysfs name: Device}"""
    found = []
    for line in lab.run(FACTS).splitlines():
        new = re.fullmatch('path=(.*) peer=(.*)', line)
        if new:
            found.append(Device(*new.groups()))
        else:
            key, value = line.split(':', 1) if '/' not in line else line.rsplit(':', 1)
            found[-1].attributes[key] = value
    return {device.name: device for device in found}


def has(pattern):
    return lambda d: any(fnmatchcase(one, pattern) for one in d.interfaces)


def nothing(_):
    return False


def everything(_):
    return True


def table(node, keyboard, child, stick):
    """[(rule, whether a device is meant)]. Each means some devices and not all, if it isn't one of the two above."""
    xhci = keyboard.controller
    return [
        ('vendor=0627', lambda d: d.idVendor == '0627'),
        ('vendor=627', lambda d: d.idVendor == '0627'),
        ('vendor=056A', lambda d: d.idVendor == '056a'),
        ('vendor!=0627', lambda d: d.idVendor != '0627'),
        ('vendor=*', everything),
        ('product=1', lambda d: d.idProduct == '0001'),
        ('product!=0001', lambda d: d.idProduct != '0001'),
        ('vendor=0529 product=0001', lambda d: (d.idVendor, d.idProduct) == ('0529', '0001')),
        ('vendor=0529 product=*', lambda d: d.idVendor == '0529'),
        ('serial=KBD-A', lambda d: d.serial == 'KBD-A'),
        ('serial=kbd-a', nothing),
        ('serial=KBD*', lambda d: d.serial.startswith('KBD')),
        ('serial=KBD??', lambda d: d.serial == 'KBD-A'),
        (r'serial="KBD B\*"', lambda d: d.serial == 'KBD B*'),
        (r'serial="KBD\*"', nothing),
        ('serial=""', lambda d: not d.serial),
        ('serial!=""', lambda d: d.serial),
        ('serial!=KBD*', lambda d: not d.serial.startswith('KBD')),
        ('name="QEMU USB Keyboard"', lambda d: d.product == 'QEMU USB Keyboard'),
        ('name="qemu usb ??use"', lambda d: d.product == 'QEMU USB Mouse'),
        ('name=*USB*', lambda d: 'usb' in d.product.lower()),
        ('name!=*usb*', lambda d: 'usb' not in d.product.lower()),
        (r'name="the \"key\" \\ 5\?"', lambda d: d.product == 'The "Key" \\ 5?'),
        ('manufacturer=lab', lambda d: d.manufacturer == 'Lab'),
        ('manufacturer=Q?MU', lambda d: d.manufacturer == 'QEMU'),
        ('manufacturer!=QEMU', lambda d: d.manufacturer != 'QEMU'),
        ('class=hid-keyboard', lambda d: d.interfaces == {'03:01:01'}),
        ('class=hid-mouse', lambda d: d.interfaces == {'03:01:02'}),
        ('class=hid', lambda d: d.interfaces == {'03:00:00'}),
        ('class=storage', has('08:*')),
        ('class=Serial', has('02:02:*')),
        ('class!=hid-keyboard', lambda d: d.interfaces != {'03:01:01'}),
        ('class=03:01:01', has('03:01:01')),
        ('class=3:1:*', has('03:01:*')),
        ('class=*:*:50', has('*:50')),
        ('class=0a:*:*', has('0a:*')),
        ('class!=03:*:*', lambda d: not has('03:*')(d)),
        (f'port={keyboard.socket}', lambda d: d.name == keyboard.name),
        (f'port!={keyboard.socket}', lambda d: d.name != keyboard.name),
        (f'port={stick.socket}', lambda d: d.name == stick.name),
        (f'port={stick.name}', lambda d: d.name == stick.name),
        (f'port={keyboard.name.replace("-", ":")}', lambda d: d.name == keyboard.name),
        (f'port={child.socket}', lambda d: d.name == child.name),
        (f'port={child.name}', lambda d: d.name == child.name),
        # The stick's connector, but the other half of it.
        (f'port=2-{stick.socket.split("/")[1]}', nothing),
        (f'hub={child.socket.rsplit(".", 1)[0]}', lambda d: d.name == child.name),
        (f'hub={child.hub}', lambda d: d.name == child.name),
        (f'hub!={child.hub.replace("-", ":")}', lambda d: d.name != child.name),
        (f'hub={keyboard.socket}', lambda d: d.name == keyboard.name),
        (f'hub=pci-{xhci}/', lambda d: d.controller == xhci),
        (f'controller={xhci}', lambda d: d.controller == xhci),
        ('controller=0000:00:0?.0', lambda d: ':' in d.controller),
        ('controller!=DUMMY*', lambda d: not d.controller.startswith('dummy')),
        ('controller=dummy_hcd.1', lambda d: d.controller == 'dummy_hcd.1'),
        (f'node={node}', everything),
        (f'node={node.upper()[:1]}*', everything),
        ('node=elsewhere', nothing),
        ('node!=elsewhere', everything),
        (f'node!={node}', nothing),
        (f'node={node} serial=KBD-A', lambda d: d.serial == 'KBD-A'),
        ('removable=yes', lambda d: d.removable != 'fixed'),
        ('removable=no', lambda d: d.removable == 'fixed'),
        *((f'speed={n}', lambda d, n=n: d.speed == n) for n in ('12', '480', '5000')),
        ('speed!=480', lambda d: d.speed != '480'),
        ('class=hid-keyboard vendor=0627 serial!=KBD-A', lambda d: d.interfaces == {'03:01:01'} and d.idVendor == '0627' and
         d.serial != 'KBD-A'),
        ('serial!=KBD-A serial!=LIC-7 speed=480', lambda d: d.serial not in ('KBD-A', 'LIC-7') and d.speed == '480'),
    ]


def plug_all(lab):
    plugged = ('usb-kbd', 'k1', 1, 'KBD-A'), ('usb-kbd', 'k2', 2, 'KBD B*'), ('usb-mouse', 'm1', 3, None), \
        ('usb-tablet', 't1', 4, 'TAB-A'), ('usb-storage', 's1', 5, 'STICK-A'), ('usb-hub', 'h1', 6, None), \
        ('usb-wacom-tablet', 'w1', '6.1', None)
    for driver, id, port, serial in plugged:
        lab.plug(driver, id, port=port, serial=serial, wait=False)
    lab.plug('usb-mouse', 'm2', bus='ehci.0', port=1, serial='MOUSE-B', wait=False)
    lab.gadget_add('dongle', '0529', '0001', 'LIC-7', 'The "Key" \\ 5?', port=0)
    lab.gadget_add('modem', '0529', '0002', '', 'Modem', kind='acm', port=1)
    for name in '2-1', '2-2', '2-3', '2-4', '3-5', '2-6.1', '1-1':
        lab.wait_host(name)


def run(lab):
    plug_all(lab)
    devices = look(lab)
    assert len(devices) == 9, sorted(devices)
    by_serial = {d.serial: d for d in devices.values()}
    node = lab.run('uname -n')
    rows = table(node, by_serial['KBD-A'], devices['2-6.1'], by_serial['STICK-A'])
    lab.wait(lambda: {name for name in ferry.devices(lab)} >= {*devices}, 20, 'the service to have them all')

    def meant(holds, devices):
        return {name for name, device in devices.items() if holds(device)}

    for rule, holds in rows:
        if holds not in (nothing, everything) and not rule.startswith('removable'):
            assert 0 < len(meant(holds, devices)) < len(devices), f'{rule} shows nothing: {meant(holds, devices)}'

    # Asked for.
    said = lab.run('while IFS= read -r rule; do usbferry rule test --json "$rule" || exit; echo; done',
                   input=''.join(f'{rule}\n' for rule, _ in rows), timeout=120)
    decoder, at, wrong = json.JSONDecoder(), 0, []
    for rule, holds in rows:
        answer, at = decoder.raw_decode(said, at + len(said[at:]) - len(said[at:].lstrip()))
        assert answer['rule'] == rule, (answer, rule)
        got = {row['device'] for row in answer['matches']}
        if got != meant(holds, devices):
            wrong.append(f'{rule}: {sorted(got)}, not {sorted(meant(holds, devices))}')
    assert not wrong, '\n'.join(wrong)

    # One group for each.
    files = ''.join(f"printf '%s\\n' '[Group]' 'Name=key-{n}' '[Rule 1]' 'Match={rule}' > key-{n}.conf\n"
                    for n, (rule, _) in enumerate(rows))
    lab.run('mkdir -p /etc/usbferry/groups.d && cd /etc/usbferry/groups.d && . /dev/stdin && systemctl reload usbferryd',
            input=files)

    def groups_are_right():
        devices = look(lab)
        objects = json.loads(lab.run(f'busctl --json=short call {ferry.SERVICE} {ferry.ROOT} '
                                     'org.freedesktop.DBus.ObjectManager GetManagedObjects'))['data'][0]
        names = {path: faces[f'{ferry.SERVICE}.Device']['SysName']['data']
                 for path, faces in objects.items() if f'{ferry.SERVICE}.Device' in faces}
        wrong = []
        for n, (rule, holds) in enumerate(rows):
            group = next((faces[f'{ferry.SERVICE}.ResourceGroup'] for path, faces in objects.items()
                          if faces.get(f'{ferry.SERVICE}.ResourceGroup', {}).get('Name', {}).get('data') == f'key-{n}'), None)
            got = group and {names[path] for path in group['Devices']['data']}
            if got != meant(holds, devices):
                wrong.append(f'{rule}: {got}, not {meant(holds, devices)}')
        assert not wrong, '\n'.join(wrong)
        return True

    lab.wait(groups_are_right, 30, 'the devices of the groups to be right')
    # They follow what is plugged in.
    lab.unplug('k2')
    lab.plug('usb-mouse', 'm3', port=2, serial='KBD B*')
    lab.wait(groups_are_right, 30, 'the devices of the groups to be right, with a mouse in place of a keyboard')
