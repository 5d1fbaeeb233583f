# SPDX-License-Identifier: LGPL-2.1-or-later
"""What waits for a VM is left alone by the host from the moment it is plugged in: a real udisks2 and a session that mounts
whatever it offers; taken, it is offered at once. udev's rules for it are gone with the last assignment, also after a kill -9."""
import subprocess

import ferry

DEADLINE = 700
RULES = '/run/udev/rules.d/62-usbferry.rules'
SERIAL = 'STICK-0731'

# What a desktop's automounter does: with each change it looks at all disks, and mounts once what has begun to be offered.
SESSION = r'''
udisks='org.freedesktop.UDisks2'
declare -A offered
get() { busctl get-property $udisks "$1" $udisks.Block "$2" 2> /dev/null; }
udisksctl monitor | while read -r line; do
    echo "$line"
    now=' '
    for path in $(busctl call $udisks /org/freedesktop/UDisks2/Manager $udisks.Manager GetBlockDevices 'a{sv}' 0 | tr -d '"'); do
        case $path in /org/*/sd*) ;; *) continue ;; esac
        [ "$(get $path HintAuto)" = 'b true' ] && [ "$(get $path HintIgnore)" = 'b false' ] &&
            [ "$(get $path IdUsage)" = 's "filesystem"' ] || continue
        now="$now$path "
        [ "${offered[$path]}" ] || udisksctl mount --no-user-interaction -b /dev/${path##*/}
        offered[$path]=1
    done
    for path in "${!offered[@]}"; do
        [[ $now == *" $path "* ]] || unset "offered[$path]"
    done
done
'''


def disk_of(lab, stick):
    return lab.wait(f'ls /sys/bus/usb/devices/{stick.name}/{stick.name}:1.0/host*/target*/*/block', 30,
                    f'the disk of {stick.name}').strip()


def wait_mounted(lab, stick):
    disk = disk_of(lab, stick)
    lab.wait(f'findmnt -S /dev/{disk}', 60, f'the session to mount {disk}')
    return disk


def wait_ignored(lab, stick):
    """udisks has seen it, and shows it to nobody."""
    disk = disk_of(lab, stick)
    lab.wait(f"[ \"$(busctl get-property org.freedesktop.UDisks2 /org/freedesktop/UDisks2/block_devices/{disk} "
             "org.freedesktop.UDisks2.Block HintIgnore)\" = 'b true' ]", 60, f'udisks to pass {disk} over')
    lab.run('udevadm settle', timeout=60)
    assert lab.run(f'findmnt -S /dev/{disk}', check=False) == '', 'mounted'
    return disk


def unmount(lab, stick):
    """And the service knows it."""
    lab.run(f'umount /dev/{disk_of(lab, stick)}')

    def unused():
        row, = [row for row in ferry.rows(lab, 'devices', 'device,host-use') if row['device'] == stick.name]
        return not row['host-use']
    lab.wait(unused, 30, f'{stick.name} to be unused')


def restarted(lab):
    pid = lab.run('systemctl show -P MainPID usbferryd')
    lab.run(f'kill -9 {pid}')
    lab.wait(f'p=$(systemctl show -P MainPID usbferryd); [ $p != {pid} ] && [ $p != 0 ] && '
             'busctl --no-pager list --acquired | grep "^org.usbferry1 "', 40, 'another process of the service')
    ferry.wait_hypervisor(lab, 'connected')


def replug(lab):
    lab.unplug('s1')
    lab.wait(f'grep {SERIAL} {RULES}', 30, 'its rule')
    return lab.plug('usb-storage', 's1', serial=SERIAL)


def disks(lab):
    stick = lab.plug('usb-storage', 's1', serial=SERIAL)
    disk = disk_of(lab, stick)
    # From outside: the host under test has no mkfs.
    subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', lab.vm.path('s1.img')], check=True)
    lab.run(f'blockdev --flushbufs /dev/{disk} && udevadm trigger --settle /sys/class/block/{disk}')
    # Nobody gave it away: that is what the session is good for.
    wait_mounted(lab, stick)
    unmount(lab, stick)

    # Its VM is off.
    ferry.give(lab, stick.name, 'spare', '--no-wait')
    stick = replug(lab)
    disk = wait_ignored(lab, stick)
    about = lab.run(f'udevadm info /dev/{disk}')
    assert 'USBFERRY_WAITS=waiting' in about and 'UDISKS_IGNORE=1' in about, about
    restarted(lab)
    assert stick.name in lab.run(f'cat {RULES}')
    wait_ignored(lab, stick)
    ferry.take(lab, 'spare')
    assert lab.run(f'ls {RULES}', check=False) == ''
    disk = wait_mounted(lab, stick)
    about = lab.run(f'udevadm info /dev/{disk}')
    assert 'USBFERRY' not in about and 'UDISKS_IGNORE' not in about and 'SYSTEMD_READY' not in about, about
    unmount(lab, stick)

    # Its VM runs: plugged, it goes there; the VM gone, it still waits; taken, it is the host's.
    path = ferry.give(lab, stick.name, 'desk')
    ferry.wait_state(lab, path, 'attached')
    stick = replug(lab)
    ferry.wait_state(lab, path, 'attached', 60)
    lab.wait_guest('desk', present=SERIAL)
    lab.destroy('desk')
    ferry.wait_state(lab, path, 'waiting-machine')
    wait_ignored(lab, stick)
    ferry.take(lab, 'desk')
    wait_mounted(lab, stick)
    assert lab.run(f'ls {RULES}', check=False) == ''
    unmount(lab, stick)
    lab.unplug('s1')


def keyboards(lab):
    """A keyboard of a VM that is off is one of the host's; of one that runs nobody at the host reads it."""
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-0731')
    path = ferry.give(lab, keyboard.name, 'studio')
    ferry.wait_state(lab, path, 'attached')
    lab.unplug('k1')
    lab.wait(f'grep KBD-0731 {RULES} | grep leaving', 30, 'its rule')
    with lab.background('stdbuf -oL udevadm monitor --udev --property --subsystem-match=input') as said:
        lab.wait(lambda: 'monitor' in said(), 30, 'the monitor')
        lab.plug('usb-kbd', 'k1', serial='KBD-0731')
        ferry.wait_state(lab, path, 'attached', 60)
        lab.wait(lambda: 'LIBINPUT_IGNORE_DEVICE=1' in said(), 30, 'libinput to be told')
    lab.destroy('studio')
    ferry.wait_state(lab, path, 'waiting-machine')
    events = '/dev/input/by-id/*KBD-0731*event-kbd'
    lab.wait(f'about=$(udevadm info {events}) && echo "$about" && [[ $about == *USBFERRY_WAITS=waiting* ]] && '
             '[[ $about != *LIBINPUT_IGNORE_DEVICE* ]]', 30, 'a keyboard that waits')
    ferry.take(lab, 'studio')
    lab.wait(f'about=$(udevadm info {events}) && [[ $about != *USBFERRY* ]]', 30, 'nothing to be said of it')


def run(lab):
    assert lab.run(f'ls {RULES}', check=False) == ''
    lab.run('systemctl start udisks2', timeout=90)
    lab.run('cat > /root/session', input=SESSION)
    with lab.background('bash /root/session') as said:
        lab.wait(lambda: 'Monitoring' in said(), 60, 'the session')
        disks(lab)
    keyboards(lab)
    # What a crash left is gone at the next start.
    lab.run(f'echo broken > {RULES}')
    restarted(lab)
    lab.wait(f'! [ -e {RULES} ]', 30, 'the file to be gone')
    ferry.assert_no_warnings(lab, 'usbferryd.service:')
