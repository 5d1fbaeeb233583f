# SPDX-License-Identifier: LGPL-2.1-or-later
"""Enabled at boot, started by a call, tightly boxed in by systemd, never in need of what the box forbids, always back."""
import re

import ferry

DEADLINE = 900
DROP_IN = '/run/systemd/system/usbferryd.service.d/lab.conf'
VERSION = '/var/lib/usbferry/version'


def show(lab, what):
    return lab.run(f'systemctl show -P {what} usbferryd')


def check_box(lab):
    """What the unit file alone gives: nothing of root's rights is left, and nothing of it is on anybody's network."""
    pid = show(lab, 'MainPID')
    status = lab.run(f'cat /proc/{pid}/status')
    assert re.search(r'^CapBnd:\t0+$', status, re.M) and re.search(r'^NoNewPrivs:\t1$', status, re.M), status
    assert re.search(r'^Seccomp:\t2$', status, re.M), status
    # It knows no user but root.
    assert lab.run(f'cat /proc/{pid}/uid_map').split() == ['0', '0', '1']
    for limit, value in ('LimitNOFILE', '1024'), ('MemoryMax', str(512 << 20)), ('TasksMax', '128'), ('StartLimitIntervalUSec', '0'):
        assert show(lab, limit) == value, f'{limit} is {show(lab, limit)}'
    # Of what it may write to, hardware is all.
    for path in ('/sys/devices/system/clocksource/clocksource0/current_clocksource', '/sys/devices/virtual/net/lo/mtu',
                 '/sys/module', '/sys/kernel/rcu_expedited', '/sys/kernel/debug', '/proc/sys/kernel/hostname', '/etc'):
        lab.run(f'test -w {path} && ! nsenter -t {pid} -m test -w {path}')
    mounts = lab.run(f'grep " /run" /proc/{pid}/mountinfo', check=False)
    assert lab.run(f'nsenter -t {pid} -m test -w /run/udev/rules.d', check=False).rc == 0, mounts
    assert lab.run(f'nsenter -t {pid} -m test -w /run/udev/data', check=False).rc == 1, mounts
    writable = lab.run(f'nsenter -t {pid} -m find /sys -xdev -type f -writable ! -path "/sys/devices/*"')
    assert not writable, writable
    security = lab.run('systemd-analyze security --no-pager usbferryd.service')
    exposure = float(re.search(r'Overall exposure level for \S+: ([\d.]+)', security)[1])
    print(f'     exposure {exposure}', flush=True)
    assert exposure <= 1.2, security


def check_everything_works(lab):
    pid = show(lab, 'MainPID')
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')
    assert lab.run('ls /var/lib/usbferry/assignments').split() == [ferry.assignments(lab)[0]['assignment-id']]
    lab.run('usbferry explain keyboard && usbferry rescan && systemctl reload usbferryd')
    lab.run('usbferry reset keyboard && usbferry reset keyboard --power-cycle', timeout=90)
    # polkit is asked: it refuses the one, and grants the other his own.
    assert lab.run_as('stranger', 'usbferry take --all', check=False).rc == 3
    lab.run_in_session('member', f'usbferry take {keyboard.name}', timeout=90)
    lab.run_in_session('member', f'usbferry give {keyboard.name} desk', timeout=90)
    lab.run('systemctl restart libvirtd', timeout=120)
    lab.wait('journalctl -b -u usbferryd | grep "hypervisor qemu:///system: connecting"', 40, 'the loss noticed')
    ferry.wait_hypervisor(lab, 'connected')
    ferry.take(lab, keyboard.name)
    lab.unplug('k1')
    assert lab.run('ls /var/lib/usbferry/assignments') == ''
    assert show(lab, 'MainPID') == pid, lab.journal()


def check_comes_back(lab):
    """What keeps it from starting is tried again, without an end, until somebody has mended it."""
    lab.run(f'systemctl stop usbferryd && echo 99 > {VERSION} && ! systemctl start usbferryd', timeout=90)
    lab.wait('[ $(systemctl show -P NRestarts usbferryd) -ge 3 ]', 90, 'three more tries')
    lab.run(f'echo 1 > {VERSION}')
    lab.wait('systemctl is-active usbferryd', 60, 'the service to be back')
    ferry.wait_hypervisor(lab, 'connected')


def check_hang_ends(lab):
    """A process that does nothing any more is ended and started anew, and forgets nothing."""
    assert show(lab, 'WatchdogUSec') == '5min'
    drop_in(lab, '[Service]\nWatchdogSec=10s\n')
    lab.run('systemctl restart usbferryd', timeout=90)
    pid = show(lab, 'MainPID')
    lab.run(f'kill -STOP {pid}')
    lab.wait(f'[ $(systemctl show -P MainPID usbferryd) != {pid} ] && systemctl is-active usbferryd', 120, 'another process')
    assert 'Watchdog timeout' in lab.journal(), lab.journal()
    ferry.wait_hypervisor(lab, 'connected')


def drop_in(lab, text):
    lab.run(f'mkdir -p {DROP_IN.rsplit("/", 1)[0]} && cat > {DROP_IN} && systemctl daemon-reload', input=text)


def run(lab):
    assert lab.run('systemctl is-enabled usbferryd') == 'enabled'
    assert lab.run('systemctl is-active usbferryd') == 'active'
    check_box(lab)

    # What is not allowed kills from here on, instead of an error that might be swallowed. Two calls of libraries may
    # fail, as they did up to here: GLib's for its threads, and libnuma's when it is loaded.
    lab.run('usermod -aG usbferry member && systemctl restart polkit')
    drop_in(lab, '[Service]\nSystemCallErrorNumber=kill\nSystemCallFilter=sched_setattr set_mempolicy\n')
    lab.run('systemctl stop usbferryd', timeout=90)
    assert lab.run('systemctl is-active usbferryd', check=False) == 'inactive'
    lab.wait('usbferry', 90, 'an answer to the call that starts it')
    assert lab.run('systemctl is-active usbferryd') == 'active'
    check_everything_works(lab)

    lab.run('systemctl stop usbferryd', timeout=90)
    assert show(lab, 'Result') == 'success', lab.journal()
    ferry.assert_no_warnings(lab)
    check_comes_back(lab)
    check_hang_ends(lab)
