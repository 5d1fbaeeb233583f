# SPDX-License-Identifier: LGPL-2.1-or-later
"""Enabled at boot, started by a call, tightly boxed in by systemd, and never in need of what the box forbids."""
import re

import ferry

DROP_IN = '/run/systemd/system/usbferryd.service.d/lab.conf'


def run(lab):
    assert lab.run('systemctl is-enabled usbferryd') == 'enabled'
    assert lab.run('systemctl is-active usbferryd') == 'active'
    # What is not allowed kills from here on, instead of an error that might be swallowed.
    lab.run(f'mkdir -p {DROP_IN.rsplit("/", 1)[0]} && printf "[Service]\\nSystemCallErrorNumber=kill\\n" > {DROP_IN} && '
            'systemctl daemon-reload && systemctl stop usbferryd', timeout=90)
    assert lab.run('systemctl is-active usbferryd', check=False) == 'inactive'
    lab.run('usbferry')
    assert lab.run('systemctl is-active usbferryd') == 'active'
    pid = lab.run('systemctl show -P MainPID usbferryd')

    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')
    lab.run('usbferry explain keyboard && usbferry rescan')
    lab.run('usbferry reset keyboard && usbferry reset keyboard --power-cycle', timeout=90)
    # Of what it may write to, hardware is all.
    for path in '/sys/devices/system/cpu/cpu1/online', '/sys/devices/virtual/net/lo/mtu', '/sys/module', '/dev/sda', '/etc':
        lab.run(f'! nsenter -t {pid} -m test -w {path}')
    assert lab.run_as('stranger', 'usbferry take --all', check=False).rc == 3
    lab.run('systemctl restart libvirtd', timeout=120)
    lab.wait('journalctl -b -u usbferryd | grep "hypervisor qemu:///system: connecting"', 40, 'the loss noticed')
    ferry.wait_hypervisor(lab, 'connected')
    ferry.take(lab, keyboard.name)
    lab.unplug('k1')
    assert lab.run('systemctl show -P MainPID usbferryd') == pid, lab.journal()

    # Nothing of its rights is left, and nothing of it is on anybody's network.
    status = lab.run(f'cat /proc/{pid}/status')
    assert re.search(r'^CapBnd:\t0+$', status, re.M) and re.search(r'^NoNewPrivs:\t1$', status, re.M), status
    assert re.search(r'^Seccomp:\t2$', status, re.M), status
    security = lab.run('systemd-analyze security --no-pager usbferryd.service')
    exposure = float(re.search(r'Overall exposure level for \S+: ([\d.]+)', security)[1])
    print(f'     exposure {exposure}', flush=True)
    assert exposure <= 2.0, security

    lab.run('systemctl stop usbferryd', timeout=90)
    assert lab.run('systemctl show -P Result usbferryd') == 'success', lab.journal()
    assert lab.run('journalctl -b -u usbferryd -p warning -q --no-pager', check=False) == '', lab.journal()
