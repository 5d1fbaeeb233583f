# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab, as scenarios see it: a host with libvirt and two running guests, USB devices to plug in, the service.

A scenario is a file in scenarios/, with a docstring that says what it proves and a function run(lab):

    '''A keyboard given to a running VM is in its guest; taken, it is back at the host's driver.'''

    def run(lab):
        device = lab.plug('usb-kbd', 'k1', serial='KBD-A')      # waits until the host's udev is done with it
        lab.run(f'usbferry give {device.name} desk')
        lab.wait_guest('desk', present='KBD-A')
        lab.run(f'usbferry take {device.name}')
        lab.wait_guest('desk', absent='KBD-A')
        lab.wait_driver(device, 'usbhid')
        denied = lab.run_as('stranger', f'usbferry give {device.name} desk', check=False)
        assert denied.rc == 3, denied.err

What there is in the host:
- guests desk and studio, running (kvm; each says on its console which USB devices it has); spare (kvm) and shell (qemu,
  for `virsh start --paused shell`), defined and shut off
- users root, admin (group sudo: may answer polkit's questions), member, stranger; each has the password lab
- USB 2 ports as bus 2 (xhci.0 ports 1 to 8) and their USB 3 halves as bus 3; bus 1 is an EHCI controller (ehci.0)
- QEMU's devices: usb-kbd, usb-mouse, usb-tablet (all three 0627:0001), usb-storage (46f4:0001, on bus 3), usb-serial
  (0403:6001), usb-hub (0409:55aa; children at port='3.1'), usb-wacom-tablet (056a:0000), usb-ccid (08e6:4433),
  usb-audio (46f4:0002); any other vendor:product:serial with gadget_add()
- nothing of what a scenario does remains: the next one gets the same host again

Every wait has a deadline, and says what it waited for and what it saw last. Failed waits and commands raise LabError.
"""
import contextlib
import glob
import hashlib
import os
import re
import shlex
import subprocess
import tempfile
import time
from dataclasses import dataclass

import cache
from machine import KERNEL, LabError, Outer, Result  # noqa: F401 (scenarios take LabError and Result from here)

BUSES = {'xhci.0': (2, 3), 'ehci.0': (1,)}
# Between two looks at what is waited for; longer where a look takes longer, so that what is waited for gets the processor.
PAUSE_MIN = 0.2


def package(suite):
    """The package of this checkout that tests/deb built for a suite; None if there is none."""
    source = os.path.realpath(os.path.join(cache.HERE, '..', '..'))
    place = hashlib.sha256(f'{source}\n'.encode()).hexdigest()[:12]
    return next(iter(glob.glob(os.path.join(cache.directory(), f'build-{place}', suite, 'out', 'usbferry_*.deb'))), None)


@dataclass(frozen=True)
class HostDevice:
    name: str       # sysfs name: 2-1
    bus: int
    number: int
    vendor: str
    product: str
    serial: str
    driver: str     # of its first interface; empty without one


@dataclass(frozen=True)
class GuestDevice:
    port: str
    vendor: str
    product: str
    serial: str
    speed: str
    number: str     # of the guest's kernel: another one whenever a device is found anew

    def __str__(self):
        return f'{self.vendor}:{self.product}:{self.serial}'


def guest_devices(line):
    """The USB devices in a line that a guest said on its console."""
    found = re.search(r'USB \[ (.*)\]', line)
    # port=vendor:product:serial:speed:number, and a serial may have colons
    return [GuestDevice(*item) for item in
            re.findall(r'(\S+?)=(\w{4}):(\w{4}):(\S*):([\d.]+):(\d+)(?= |$)', found[1])] if found else []


class Lab:
    def __init__(self, installed=None, suite='bookworm', entries=None):
        """installed: a folder with a host in which the service is installed already, see save_installed(); suite: the
        Debian that the host runs, of which scenarios know nothing; entries: its image and snapshot, whose locks the caller
        holds, so that nobody asks apt again what they should be"""
        self.vm = None
        self.ended = []     # VMs that the scenario itself has destroyed: that they are off says nothing of the emulation
        self.suite = suite
        self.installed = installed
        self._entries = entries
        self._locks = []
        self._drives = set()
        self._ports = {}
        self._plugged = {}
        self._own_disk = None   # (folder, -drive option value) of a host that can be rebooted

    # Life

    def start(self, reboots=False):
        """Restores the snapshot: the same host each time. A restore that fails is tried once more.

        reboots: what it writes to its disk is kept until stop(), so that reboot() can be called.
        """
        image, snapshot = self._ensure()
        saved = self.installed or snapshot
        for last in False, True:
            self.vm = Outer(image)
            disk = f'file={saved}/disk.qcow2,format=qcow2,discard=unmap,snapshot=on'
            if reboots:
                folder = tempfile.TemporaryDirectory(prefix='ferry-lab-disk-')
                disk = self.vm.make_disk(f'{saved}/disk.qcow2', f'{folder.name}/disk.qcow2')
                self._own_disk = folder, disk
            try:
                self._restore(disk, saved)
                self.run('virsh -q resume desk && virsh -q resume studio', timeout=60)
                return self
            except LabError:
                self.vm.stop()
                if last:
                    raise
        return None

    def _ensure(self):
        if self._entries:
            return self._entries
        image, snapshot, self._locks = cache.ensure(self.suite)
        return image, snapshot

    def _restore(self, disk, saved):
        self.vm.boot(disk, incoming=f'{saved}/state.zst')
        self.vm.wait_migration(60)
        self.vm.qmp.command('cont')     # it was saved stopped
        self.vm.connect()
        # The clock of the VM stood still since then.
        self.run(f'date -s @{time.time():.2f} > /dev/null', timeout=60)

    def save_installed(self, what, folder):
        """Writes the host as it is when the service is installed: done once, it needn't be done for each scenario."""
        image, snapshot = self._ensure()
        self.vm = Outer(image)
        self._restore(self.vm.make_disk(f'{snapshot}/disk.qcow2', f'{folder}/disk.qcow2'), snapshot)
        self.install(what)
        self.vm.save(f'{folder}/state.zst')

    def stop(self):
        if self.vm:
            self.vm.stop()
            self.vm = None
        if self._own_disk:
            self._own_disk[0].cleanup()
            self._own_disk = None
        for lock in self._locks:
            lock.close()
        self._locks = []

    def reboot(self, usb_late=False):
        """Ends the host as `systemctl reboot` does and boots it from its disk, with everything plugged in that was: a cold
        boot, whose kernel finds the devices in any order. The names that plug() gave may be others' afterwards.
        usb_late: /etc/modprobe.d decides which controller is first."""
        image = self.vm.image
        with contextlib.suppress(LabError):     # the connection may end before the command does
            self.run('systemctl --no-block reboot')
        self.vm.wait(150)
        self.vm.stop()
        self.vm = Outer(image)
        self._drives = set()
        self.vm.boot(self._own_disk[1], kernel=f'{KERNEL} lab.usb=late' if usb_late else KERNEL)
        for id, plugged in self._plugged.items():
            self._plug(id, *plugged)
        self.vm.wait_console('LAB-READY', 200)
        self.vm.connect()

    def become_another_host(self):
        """Ends this host and starts another one, which knows nothing of what was done on it; the service is there again."""
        self.stop()
        self._drives, self._ports, self._plugged = set(), {}, {}
        self.start()

    # Commands

    def run(self, command, check=True, timeout=60, input=None, tty=False):
        """Runs a shell command as root in the host. Returns what it printed, a str with .rc and .err."""
        return self.vm.run(command, check, timeout, input, tty)

    def destroy(self, vm):
        """Ends this VM as if its plug was pulled."""
        self.ended.append(vm)
        self.run(f'virsh destroy {vm}')

    def run_as(self, user, command, check=True, timeout=60, input=None, tty=False):
        return self.run(f'cd / && exec runuser -u {user} -- bash -c {shlex.quote(command)}', check, timeout, input, tty)

    def run_in_session(self, user, command, check=True, timeout=150):
        """The same in a session of this user at the host, on the console that is in front: local and active for polkit."""
        tag = f'/run/lab-{time.monotonic_ns()}'
        # A file, so that systemd expands nothing in it. The terminal makes pam_systemd register a session on the seat.
        self.run(f'cat > {tag}.sh', input=command)
        return self.run(
            f'systemd-run --quiet --wait --collect -p User={user} -p PAMName=login -p TTYPath=/dev/tty1 '
            f'-p WorkingDirectory=/ -p StandardOutput=truncate:{tag}.out -p StandardError=truncate:{tag}.err '
            f'bash {tag}.sh; status=$?; cat {tag}.out; cat {tag}.err >&2; exit $status', check=check, timeout=timeout)

    @contextlib.contextmanager
    def background(self, command):
        """Runs a command in the host during a with block; the block's variable is a function that returns its output so far.

        The command ends with the block.
        """
        tag = f'/run/lab-{time.monotonic_ns()}'
        self.run(f'setsid bash -c {shlex.quote(command)} > {tag}.out 2>&1 < /dev/null & echo $! > {tag}.pid')
        try:
            yield lambda: self.run(f"tr -d '\\0' < {tag}.out")
        finally:
            self.run(f'kill -- -$(cat {tag}.pid)', check=False)

    def wait(self, condition, deadline=30, what=None):
        """Waits until condition holds and returns its value: a callable (true value), or a shell command (exit status 0)."""
        what = what or (condition if isinstance(condition, str) else condition.__name__)
        if isinstance(condition, str):
            # Polled inside the host: one connection, however often it looks.
            script = (f'end=$((SECONDS + {int(deadline)})); while b=${{EPOCHREALTIME/./}}; ! last=$(({condition}\n) 2>&1); do '
                      f'if [ $SECONDS -ge $end ]; then echo "$last"; exit 99; fi; t=$((${{EPOCHREALTIME/./}} - b)); '
                      f'[ $t -ge {PAUSE_MIN * 1000000:.0f} ] || t={PAUSE_MIN * 1000000:.0f}; '
                      f'printf -v t %d.%06d $((t / 1000000)) $((t % 1000000)); sleep $t; done; echo "$last"')
            result = self.run(script, check=False, timeout=deadline + 30)
            if result.rc:
                raise LabError(f'not within {deadline} s: {what}\nlast seen: {result}\n{result.err}'.rstrip())
            return result
        end = time.monotonic() + deadline
        last = None
        while True:
            begin = time.monotonic()
            try:
                last = condition()
                if last:
                    return last
            except (AssertionError, LabError) as error:     # a condition may assert, so that it says what it saw
                last = error
            self.vm.check()
            if time.monotonic() > end:
                raise LabError(f'not within {deadline} s: {what}\nlast seen: {last}')
            time.sleep(max(PAUSE_MIN, time.monotonic() - begin))

    # USB devices plugged into the host from outside

    def plug(self, driver, id, bus='xhci.0', port=None, serial=None, wait=True, **props):
        """Plugs in a device of QEMU's. Returns its HostDevice when the host's udev is done with it (wait=False: None).

        Without a port it takes the first that was never used. usb-storage gets an empty 16 MB disk of its own, which
        stays the same when it is plugged in again by this id.
        """
        if port is None:
            port = 1 + max([int(p.split('.')[0]) for b, p in self._ports.values() if b == bus], default=0)
        port = str(port)
        self._ports[id] = bus, port
        self._plug(id, driver, bus, port, serial, props)
        if not wait:
            return None
        return self.wait_host(*(f'{n}-{port}' for n in BUSES[bus]))

    def _plug(self, id, driver, bus, port, serial, props):
        self._plugged[id] = driver, bus, port, serial, dict(props)
        if driver == 'usb-storage' and 'drive' not in props:
            props['drive'] = self._drive(id)
        if driver == 'usb-serial':
            if id not in self._drives:
                self.vm.qmp.command('chardev-add', id=f'{id}-chardev', backend={'type': 'null', 'data': {}})
                self._drives.add(id)
            props.setdefault('chardev', f'{id}-chardev')
            props.setdefault('always-plugged', True)
        if driver == 'usb-audio':
            props.setdefault('audiodev', 'audio')
        if serial is not None:
            props['serial'] = serial
        self.vm.qmp.command('device_add', driver=driver, id=id, bus=bus, port=port, **props)

    def unplug(self, id, wait=True):
        """Pulls it out. Waits until the host has noticed."""
        self.vm.qmp.events.clear()
        self.vm.qmp.command('device_del', id=id)
        self.vm.qmp.wait_event('DEVICE_DELETED', device=id)
        bus, port = self._ports[id]
        # What is behind a hub goes with it.
        self._plugged = {other: plugged for other, plugged in self._plugged.items()
                         if other != id and not (plugged[1] == bus and plugged[2].startswith(f'{port}.'))}
        if wait:
            gone = ' && '.join(f'[ ! -e /sys/bus/usb/devices/{n}-{port} ]' for n in BUSES[bus])
            self.wait(f'{gone} && udevadm settle', 30, f'{id} gone from the host')

    def _drive(self, id):
        node = f'{id}-drive'
        if id not in self._drives:
            path = self.vm.path(f'{id}.img')
            with open(path, 'wb') as f:
                f.truncate(16 << 20)
            self.vm.qmp.command('blockdev-add', **{'driver': 'file', 'filename': path, 'node-name': node})
            self._drives.add(id)
        return node

    def wait_host(self, *names, deadline=30):
        """Waits until a device of one of these sysfs names is there and bound; returns its HostDevice."""
        find = ' '.join(f'/sys/bus/usb/devices/{name}' for name in names)
        # Bound or left alone by every driver: udev is done when its queue is empty.
        text = self.wait(f'for d in {find}; do [ -e $d/devnum ] && [ -e $d/bConfigurationValue ] && udevadm settle && '
                         f'[ -e $d/devnum ] && {self._describe} && exit 0; done; exit 1', deadline,
                         f'{" or ".join(names)} plugged into the host')
        return self._host_device(text)

    _describe = ('{ echo "${d##*/}|$(cat $d/busnum)|$(cat $d/devnum)|$(cat $d/idVendor)|$(cat $d/idProduct)|'
                 '$(cat $d/serial 2> /dev/null)|$(basename "$(readlink $d/*:*.0/driver)")"; }')

    @staticmethod
    def _host_device(text):
        name, bus, number, vendor, product, serial, driver = text.splitlines()[-1].split('|')
        return HostDevice(name, int(bus), int(number), vendor, product, serial, driver)

    def host_device(self, device):
        """What the host says of a device now (a HostDevice or a sysfs name); None if it is not there."""
        name = getattr(device, 'name', device)
        result = self.run(f'd=/sys/bus/usb/devices/{name}; [ -e $d/devnum ] && {self._describe}', check=False)
        # One that goes while its files are read has none, or half of them.
        return self._host_device(result) if result.rc == 0 and re.search(r'\|\d+\|\d+\|\w{4}\|\w{4}\|.*\|', result) else None

    def wait_driver(self, device, driver, deadline=60):
        """Waits until the host's driver of the device's first interface is this one ('usbhid', 'usbfs', '' for none)."""
        def bound():
            now = self.host_device(device)
            assert now and now.driver == driver, now
            return now
        name = getattr(device, 'name', device)
        return self.wait(bound, deadline, f'{name} bound to the driver {driver or "(none)"} of the host')

    # USB devices made inside the host by its kernel: any ids

    def gadget_add(self, name, vendor, product, serial='', text='Gadget', kind='hid', port=0):
        """Makes and plugs in a device vendor:product (four hex digits each); kind hid, acm or storage; port 0 to 3."""
        self.run(f'gadget add {name} {port} {vendor} {product} {shlex.quote(serial)} {shlex.quote(text)} {kind}')
        return self._gadget_device(port)

    def gadget_unplug(self, name):
        self.run(f'gadget unplug {name}')

    def gadget_plug(self, name, port=0):
        self.run(f'gadget plug {name} {port}')
        return self._gadget_device(port)

    def gadget_del(self, name):
        self.run(f'gadget del {name}')

    def _gadget_device(self, port):
        bus = self.run(f'cd /sys/devices/platform/dummy_hcd.{port} && echo usb*')[3:]
        return self.wait_host(f'{bus}-1')

    # Guests

    def guest_usb(self, vm):
        """The USB devices the guest itself sees, as it last said on its console (it says so at each change)."""
        # Whole lines: its kernel writes there as well, and may do so in the middle of one.
        return guest_devices(self.run(f"tr -d '\\0\\r' < /var/log/lab/{vm}.log | grep '^GUEST [0-9.]* USB \\[ [^][]*\\]$' | "
                                      'tail -n 1', check=False))

    def wait_guest(self, vm, present=(), absent=(), deadline=60):
        """Waits until the guest has devices that match all of present, and none that matches any of absent.

        Each is a part of vendor:product:serial, or a tuple of them: 'KBD-A', '0627:0001'.
        """
        present = (present,) if isinstance(present, str) else present
        absent = (absent,) if isinstance(absent, str) else absent

        def seen():
            devices = self.guest_usb(vm)
            right = all(any(p in str(d) for d in devices) for p in present) and \
                not any(a in str(d) for a in absent for d in devices)
            assert right, f'guest {vm} has [{", ".join(map(str, devices))}]'
            return devices or True
        what = ' and '.join([*map(str, present), *(f'no {a}' for a in absent)])
        return self.wait(seen, deadline, f'{what} in guest {vm}')

    def console(self, vm, lines=5):
        """The last lines a guest wrote on its console."""
        return self.run(f"tr -d '\\0\\r' < /var/log/lab/{vm}.log | tail -n {lines}", check=False)

    # The service

    def install(self, what):
        """Installs a package as a user does: then the service runs. Or a folder that `meson install` wrote, which is
        quicker to build."""
        if os.path.isfile(what):
            self.put(what, '/root/usbferry.deb')
            # The image was made without manuals and translations; a package brings its own.
            self.run("sed -i '/^path-exclude/d' /etc/dpkg/dpkg.cfg.d/*")
            self.run('apt-get -qq -o Dpkg::Use-Pty=0 install -y /root/usbferry.deb', timeout=180)
        else:
            self._unpack(what)
            self.start_service()

    def put(self, path, name):
        """Copies a file into the host."""
        with open(path, 'rb') as f:
            self.run(f'cat > {name}', input=f.read(), timeout=120)

    def _unpack(self, destdir):
        tar = subprocess.run(['tar', '-C', destdir, '--owner=0', '--group=0', '-cf', '-', '.'],
                             check=True, stdout=subprocess.PIPE).stdout
        # --keep-directory-symlink: /lib is a link. The bus reads new policy files by itself on reload, polkit by inotify,
        # which a host under emulation may be slow with: reload and restart say it for certain.
        self.run('tar -C / --keep-directory-symlink --no-overwrite-dir -xf - && systemd-sysusers && '
                 'systemctl daemon-reload && systemctl reload dbus && systemctl restart polkit && '
                 'systemctl enable -q usbferryd.service', input=tar, timeout=120)

    def start_service(self):
        self.run('systemctl start usbferryd.service', timeout=90)
        self.wait('busctl --no-pager list --acquired | grep -q "^org.usbferry1 "', 30, 'org.usbferry1 on the bus')

    def journal(self):
        """What the service logged."""
        return self.run('journalctl -b -u usbferryd.service -o short-monotonic --no-pager', check=False)

    def report(self):
        """What helps to understand a failure; never fails itself."""
        if self.broken():
            return f'{self.broken()}\n{self.vm.text("console")[-1500:]}'
        parts = []
        for title, command in (
                ('journal of usbferryd', 'journalctl -b -u usbferryd.service -o short-monotonic --no-pager -n 80'),
                ('journal of libvirtd', 'journalctl -b -u libvirtd.service -o short-monotonic --no-pager -n 8'),
                ('journal of polkitd', 'journalctl -b -u polkit.service -o short-monotonic --no-pager -n 8'),
                ('what used the processor', 'ps -eo pid,stat,time,args --sort=-time | grep -v "\[" | head -n 6 | cut -c1-100'),
                ('guests', 'virsh -q list --all'),
                ('how desk and studio ended', 'tail -qn 3 /var/log/libvirt/qemu/desk.log /var/log/libvirt/qemu/studio.log'),
                ('USB devices of the host', 'lsusb'),
                *((f'console of {vm}', f"tr -d '\\0\\r' < /var/log/lab/{vm}.log | tail -n 5")
                  for vm in ('desk', 'studio', 'spare'))):
            try:
                text = self.run(f'timeout 15 {command}' if '|' not in command else command, check=False, timeout=20)
            except Exception as error:  # noqa: BLE001 (the report of a broken lab is the error)
                text = f'({error})'
            if text:
                parts.append(f'--- {title}\n{text}')
        if self.vm:
            parts.append(f'--- console of the outer VM\n{self.vm.text("console")[-1500:]}')
        return '\n'.join(parts)

    def broken(self):
        """How the outer VM ended or broke, in words; '' as long as there is hope."""
        return (self.vm.ended() or self.vm.broke()) if self.vm else ''

    def emulation_fault(self):
        """What the emulation did to this host, in words; '' if nothing: then a failure is usbferry's. The outer VM's QEMU
        that crashed is the emulation's doing, whatever ran inside. An inner one's is not: what usbferry orders could be
        the reason."""
        if not self.vm:
            return ''
        if self.broken():
            return self.broken()
        try:
            self.run('true', timeout=60)
        except LabError:
            # usbferry can't stop a kernel; what it could do is to use up the memory.
            return '' if 'Out of memory' in self.vm.text('console') else 'the outer VM does not answer'
        try:
            for vm in 'desk', 'studio', 'spare':
                state = self.run(f'virsh domstate --reason {vm}', check=False, timeout=20).strip()
                # Its kernel gave up and its domain ended with that.
                if vm not in ('spare', *self.ended) and state in ('shut off (shutdown)', 'shut off (destroyed)'):
                    return f'guest {vm} reset itself'
                if state.startswith('running') and self._is_frozen(vm):
                    return f'guest {vm} froze'
        except Exception:   # noqa: BLE001 (a lab that doesn't answer says nothing of its guests)
            pass
        return ''

    def _is_frozen(self, vm):
        """A guest says something about every 10 s, whatever happens to its devices. One that doesn't has lost an
        interrupt, as long as its QEMU still answers: a QEMU that hangs may do so for what usbferry ordered."""
        last = f"tr -d '\\0' < /var/log/lab/{vm}.log | grep -c GUEST"
        before = self.run(last, check=False).strip()
        try:
            self.wait(f'[ "$({last})" != "{before}" ]', 60, f'a line of {vm}')
        except LabError:
            return self.run(f'timeout 20 virsh qemu-monitor-command {vm} --hmp info status', check=False).rc == 0
        return False

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
