# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the host uses stays with the host, each with the real thing: refused by name, forced with the right, and free again
without a restart: a mounted stick, one under LVM, one under dm-crypt, swap, the only keyboard, what a program
has, the card with the default route."""
import json
import subprocess

import ferry
import others


def uses(lab, name):
    row, = [row for row in ferry.rows(lab, 'devices', 'device,host-use') if row['device'] == name]
    return row['host-use']


def wait_uses(lab, name, *expected):
    def shown():
        seen = uses(lab, name)
        assert seen == list(expected), seen
        return True
    lab.wait(shown, 30, f'{name} used for {expected}')


def refused(lab, name, text):
    result = ferry.give(lab, name, 'desk', '--no-wait', check=False)
    ferry.fails(result, 'DeviceInUse', 5)
    assert text in result.err, result.err


def given(lab, name, *options):
    """It goes, and comes home."""
    path = ferry.give(lab, name, 'desk', *options)
    ferry.wait_state(lab, path, 'attached')
    ferry.take(lab, name)
    ferry.wait_device(lab, name, 'host')


def disk_of(lab, stick):
    return lab.wait(f'ls /sys/bus/usb/devices/{stick.name}/{stick.name}:1.0/host*/target*/*/block', 30,
                    f'the disk of {stick.name}').strip()


def disks(lab):
    stick = lab.plug('usb-storage', 's1', serial='STICK-A')
    disk = disk_of(lab, stick)
    # From outside: the host under test has no mkfs.
    subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', lab.vm.path('s1.img')], check=True)
    lab.run(f'blockdev --flushbufs /dev/{disk} && mkdir -p /home/stick && mount /dev/{disk} /home/stick')
    wait_uses(lab, stick.name, 'mounted:/home/stick')
    assert 'mounted:/home/stick' in lab.run('usbferry')
    refused(lab, stick.name, 'unmount')
    denied = lab.run_in_session('member', f'usbferry give {stick.name} desk --force --json', check=False)
    ferry.fails(denied, 'AccessDenied' if 'AccessDenied' in denied.err else 'InteractiveAuthorizationRequired', 3)
    # What became used while its VM was off waits, and goes.
    lab.run('umount /home/stick')
    wait_uses(lab, stick.name)
    path = ferry.give(lab, stick.name, 'spare', '--no-wait')
    lab.run(f'mount /dev/{disk} /home/stick')
    wait_uses(lab, stick.name, 'mounted:/home/stick')
    lab.run('virsh start spare', timeout=120)
    assert 'stays with the host' in ferry.wait_state(lab, path, 'waiting-device', 90)
    lab.run('umount /home/stick')
    ferry.wait_state(lab, path, 'attached', 60)
    ferry.take(lab, stick.name)
    lab.run('virsh destroy spare', timeout=60)

    disk = disk_of(lab, stick)
    lab.run(f'pvcreate -q -y -ff /dev/{disk} && vgcreate -q -s 1m vg0 /dev/{disk} && lvcreate -q -y -n root -l 4 vg0')
    wait_uses(lab, stick.name, 'holder:dm-0 (vg0-root)')
    refused(lab, stick.name, 'the host has dm-0 (vg0-root) on it')
    lab.run(f'vgremove -q -f vg0 && pvremove -q /dev/{disk}')
    wait_uses(lab, stick.name)

    # The key is of no worth.
    key = '00' * 32 + '11' * 32
    lab.run(f'dmsetup create luks-stick --table "0 1024 crypt aes-xts-plain64 {key} 0 /dev/{disk} 0"')
    wait_uses(lab, stick.name, 'holder:dm-0 (luks-stick)')
    refused(lab, stick.name, 'the host has dm-0 (luks-stick) on it')
    lab.run('dmsetup remove luks-stick')
    wait_uses(lab, stick.name)

    lab.run(f'mkswap -q /dev/{disk} && swapon /dev/{disk}')
    wait_uses(lab, stick.name, 'swap')
    refused(lab, stick.name, 'swapoff')
    lab.run(f'swapoff /dev/{disk}')
    wait_uses(lab, stick.name)
    given(lab, stick.name)

    disk = disk_of(lab, stick)
    lab.run(f'dmsetup create vg0-root --table "0 1024 linear /dev/{disk} 0"')
    wait_uses(lab, stick.name, 'holder:dm-0 (vg0-root)')
    path = ferry.give(lab, stick.name, 'desk', '--force')
    ferry.wait_state(lab, path, 'attached')
    assert 'whatever the host uses it for: holder:dm-0' in lab.journal()
    lab.run('dmsetup remove --force vg0-root', check=False)
    ferry.take(lab, stick.name)


def keyboards(lab):
    # The VM's own one is none that can be given away.
    lab.run('cd /sys/bus/serio/drivers/atkbd 2> /dev/null || exit 0; for d in serio*; do echo -n $d > unbind; done', check=False)
    first = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    lab.wait_driver(first, 'usbhid')
    # Nobody is at the host.
    wait_uses(lab, first.name)
    lab.run('systemd-run --quiet --unit lab-seat -p User=member -p PAMName=login -p TTYPath=/dev/tty1 sleep infinity')
    lab.wait('loginctl list-sessions --no-legend | grep seat0', 150, 'a session at seat0')
    wait_uses(lab, first.name, 'last-keyboard:seat0')
    refused(lab, first.name, 'it is the last keyboard of seat0')
    second = lab.plug('usb-kbd', 'k2', serial='KBD-B')
    wait_uses(lab, first.name)
    path = ferry.give(lab, second.name, 'desk')
    ferry.wait_state(lab, path, 'attached')
    wait_uses(lab, first.name, 'last-keyboard:seat0')
    refused(lab, first.name, 'it is the last keyboard of seat0')
    # The guest has what it has, and the other one is back when it comes home.
    ferry.take(lab, second.name)
    wait_uses(lab, first.name)
    # Both at a time: one goes, the other one waits.
    lab.run('usbferry group add keyboards && usbferry rule add keyboards class=hid-keyboard')
    path = ferry.give(lab, 'keyboards', 'desk', '--quantity', 'all')
    ferry.wait_state(lab, path, 'partial')
    assert sorted(row['state'] for name, row in ferry.devices(lab).items() if name in (first.name, second.name)) == \
        ['attached', 'host'], ferry.devices(lab)
    lab.run('usbferry take desk')
    # One that comes back as the only one: it was the VM's, and is the host's last one now.
    path = ferry.give(lab, second.name, 'desk')
    ferry.wait_state(lab, path, 'attached')
    lab.unplug('k1')
    lab.unplug('k2')
    lab.plug('usb-kbd', 'k2', port=second.name.split('-')[1], serial='KBD-B')
    lab.wait(lambda: 'last keyboard of seat0' in ferry.wait_state(lab, path, 'waiting-device'), 40, 'the reason')
    wait_uses(lab, second.name, 'last-keyboard:seat0')
    lab.wait_guest('desk', absent='KBD-B')
    # Who sat there has gone.
    lab.run('systemctl stop lab-seat')
    ferry.wait_state(lab, path, 'attached')
    lab.wait_guest('desk', present='KBD-B')
    lab.run('usbferry take desk')


def program(lab):
    tablet = lab.plug('usb-tablet', 't1', serial='TABLET-A')
    with others.program_has(lab, tablet, 'ups-monitor'):
        wait_uses(lab, tablet.name, 'claimed')  # which program it is the sandbox doesn't let it see
        refused(lab, tablet.name, 'a program of the host has it')
    wait_uses(lab, tablet.name)
    given(lab, tablet.name)


def default_route(lab):
    card = lab.plug('usb-net', 'n1')
    name = lab.wait(f'ls /sys/bus/usb/devices/{card.name}/{card.name}:1.0/net', 30, 'a network interface').strip()
    wait_uses(lab, card.name)
    lab.run(f'ip link set {name} up && ip addr add 192.0.2.2/24 dev {name} && ip route add default dev {name} metric 9999')
    wait_uses(lab, card.name, f'default-route:{name}')
    refused(lab, card.name, 'default route')
    lab.run(f'ip route del default dev {name} metric 9999')
    wait_uses(lab, card.name)


def run(lab):
    assert json.loads(lab.run('usbferry --json')) is not None
    disks(lab)
    keyboards(lab)
    program(lab)
    default_route(lab)
