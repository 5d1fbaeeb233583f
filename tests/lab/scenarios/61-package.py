# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package on a fresh host: install and give at once; upgrade, newer files, remove,
reinstall and purge with a device in a VM."""
import os

import cache
import ferry
from lab import LabError, package

SERVICE = False
OF_PACKAGE = True
DEADLINE = 1500
APT_DONE = 480      # in a host under emulation beside other work
APT = 'DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0'
STATE = '/var/lib/usbferry'
TESTS = os.path.join(cache.HERE, '..', '..', 'data', 'debian', 'tests')


def apt(lab, command):
    return lab.run(f'{APT} {command}', timeout=APT_DONE)


def dpkg(lab, command):
    """What apt calls: without apt's own time, where it is the package's scripts that are tried."""
    return lab.run(f'DEBIAN_FRONTEND=noninteractive dpkg {command}', timeout=APT_DONE)


def installed_version(lab):
    return lab.run("dpkg-query -W -f '${Version}' usbferry")


def make_next(lab):
    """The same package as a later version, for an upgrade."""
    lab.run('cd /root && dpkg-deb -R usbferry.deb next && sed -i "/^Version:/s/$/+next/" next/DEBIAN/control && '
            'dpkg-deb -Znone -b next next.deb', timeout=120)


def keeps(console, n=1):
    """Its guest says so, later than what was done."""
    for line in console.wait_lines(len(console.lines()) + n):
        assert 'KBD-A' in line, line


def run(lab):
    path = package(lab.suite)
    if not path:
        raise LabError(f'there is no package: tests/deb {lab.suite}')
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    lab.put(path, '/root/usbferry.deb')
    make_next(lab)

    # What a user does. Nothing is restarted or reloaded by hand.
    apt(lab, 'install -y /root/usbferry.deb && systemctl is-active usbferryd && usbferry give keyboard desk')
    lab.wait_guest('desk', present='KBD-A')
    assert lab.run('systemctl is-enabled usbferryd') == 'enabled'
    assert lab.run('systemctl show -P NRestarts usbferryd') == '0', lab.journal()
    lab.run('dpkg --verify usbferry | grep -v " /usr/share/\\(doc\\|man\\|locale\\)/" > /root/verify; ! [ -s /root/verify ]')
    lab.wait("systemctl show -P StatusText usbferryd | grep -x '1 device, 1 in VMs'", 30, 'the status line')
    with open(os.path.join(TESTS, 'installed'), encoding='utf-8') as script:
        lab.run('cat > /root/installed && bash /root/installed', input=script.read(), timeout=300)
    before = ferry.everything(lab)
    console = ferry.Console(lab, 'desk')

    # Upgrade, and back: the guest has its keyboard all the time, what is stored stays.
    version = installed_version(lab)
    for archive in 'next', 'usbferry':
        pid = lab.run('systemctl show -P MainPID usbferryd')
        done = apt(lab, f'install -y --allow-downgrades /root/{archive}.deb')
        assert ('downgrading' in done.err) == (archive == 'usbferry'), done.err
        assert lab.run('systemctl show -P MainPID usbferryd') != pid, 'the old service still runs'
        ferry.wait_hypervisor(lab, 'connected')
        ferry.wait_device(lab, keyboard.name, 'attached', 'desk')
        assert (installed_version(lab) != version) == (archive == 'next')
    keeps(console)
    assert ferry.everything(lab) == before, 'a VM or what is stored was changed'

    # Files of a later version are not for this one: it says so, to who installs it too, and leaves them.
    lab.run(f'systemctl stop usbferryd && echo 99 > {STATE}/version', timeout=90)
    done = dpkg(lab, '-i /root/usbferry.deb')
    assert 'the service does not run' in done.err and f'{STATE}/version' in done.err, done.err
    assert lab.run('systemctl is-active usbferryd', check=False) != 'active'
    lab.wait('journalctl -b -u usbferryd MESSAGE_ID=fe17509654f3492cae61b28afc227e10 -o cat | grep -i version', 30,
             'why it does not start')
    assert lab.run(f'cat {STATE}/version') == '99'

    # Whoever switched it off meanwhile isn't told so, and it stays off, also when it was removed in between.
    lab.run(f'echo 1 > {STATE}/version && systemctl disable -q --now usbferryd', timeout=90)
    dpkg(lab, '-r usbferry')
    lab.run('! command -v usbferry && ! systemctl list-units --failed | grep usbferry')
    done = dpkg(lab, '-i /root/usbferry.deb')
    assert 'usbferry: ' not in done.err, done.err
    assert lab.run('systemctl is-active usbferryd', check=False) == 'inactive'
    assert lab.run('systemctl is-enabled usbferryd', check=False) == 'disabled'
    lab.run('systemctl enable -q --now usbferryd', timeout=90)
    ferry.wait_device(lab, keyboard.name, 'attached', 'desk')
    keeps(console)

    # Purged while it runs: the VM keeps what it has; what was assigned goes, unless it is asked to stay.
    lab.run('touch /etc/usbferry/keep-state')
    dpkg(lab, f'-P usbferry && ls {STATE}/assignments/*')
    lab.run('! systemctl is-active usbferryd && ! systemctl list-units --failed | grep usbferry')
    keeps(console)
    dpkg(lab, '-i /root/usbferry.deb && systemctl is-active usbferryd && rm /etc/usbferry/keep-state')
    ferry.wait_device(lab, keyboard.name, 'attached', 'desk')
    apt(lab, f'purge -y usbferry && ! [ -e {STATE} ] && ! [ -e /etc/usbferry ] && ! [ -e /run/usbferry ]')
    keeps(console)
    apt(lab, 'install -y /root/usbferry.deb && systemctl is-active usbferryd')
    assert ferry.assignments(lab) == []
