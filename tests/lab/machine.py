# SPDX-License-Identifier: LGPL-2.1-or-later
"""The outer VM: its QEMU command line, its monitor, ssh into it. What it means to the tests is in lab.py."""
import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from qmp import Qmp, QmpError

# A suspended guest, a snapshot, an emulated CPU: hardware virtualization is left alone on purpose, even where there is
# one, so that the lab is the same on every machine. TCG emulates AMD's SVM, so the inner guests are real KVM guests.
#
# One CPU: with two of them, an interrupt from the one to the other was lost or came too early every few dozen runs, and
# the machine was dead. Two scenarios at a time make up for it (run).
#
# nohz=off highres=off: when the emulated CPU enters or leaves an inner guest, QEMU may lose an interrupt that another
# thread raises at that moment (it changes interrupt_request without its lock). A lost one-shot timer would leave that
# CPU without ticks for ever, and the other one waiting for it (soft lockup). A periodic tick comes again. The inner
# guests need none of their own, which took a quarter of the host's processor: KVM runs their timers with this host's tick.
# norandmaps: QEMU finds again what it keeps by virtual address; a fork with exec took 53 ms, and takes 29. init_on_alloc=0: a
# tenth of a boot was clearing of pages that are written next.
# xhci_hcd.quirks=0x40: no MSI. While a root hub resumes, its driver has interrupts switched off. Of an event at that moment
# QEMU's controller sends no MSI later, nor any after it: the next command is never answered, the hub's lock is held for ever.
# A real controller sends it as soon as interrupts are on again, and QEMU's does so with a line.
KERNEL = ('console=ttyS0 net.ifnames=0 quiet mitigations=off nokaslr random.trust_cpu=on tsc=reliable no_timer_check '
          'audit=0 apparmor=0 raid=noautodetect rcupdate.rcu_expedited=1 nohz=off highres=off '
          'norandmaps init_on_alloc=0 systemd.show_status=0 xhci_hcd.quirks=0x40')
# erms, fsrm: a processor that says "rep movsb is quick" is believed, and QEMU emulates it byte by byte. Clearing and copying
# pages by other instructions saves a tenth of a boot.
CPU = 'max,la57=off,erms=off,fsrm=off'
MEMORY = 1792
EMULATOR = 'USBFERRY_LAB_EMULATOR'    # the QEMU to take, which cache.py chose
OWN_EMULATOR = 'qemu-system-x86_64'
SSH_FAILED = 255    # ssh's own exit status
QEMU_ENDS = 2       # seconds; only waited for after a connection broke

SSH = ['-q', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes',
       '-o', 'ConnectTimeout=20', '-o', 'Ciphers=aes128-gcm@openssh.com', '-F', '/dev/null']


class LabError(Exception):
    pass


class Result(str):
    """What a command printed (without the last newline); .rc and .err too."""
    rc = 0
    err = ''


def die_with_parent():
    """No QEMU and no ssh outlives the test program, not even one that was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Outer:
    def __init__(self, image):
        self.image = image
        self.directory = None
        self.qmp = None
        self._qemu = self._ssh = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def boot(self, disk, incoming=None, kernel=KERNEL):
        """Starts QEMU. disk: a -drive option value; incoming: a saved state to load."""
        self.directory = tempfile.mkdtemp(prefix='ferry-lab-')
        if len(self.directory) > 60:    # a socket's path must fit into 108 characters, ssh adds some of its own
            os.rmdir(self.directory)
            self.directory = tempfile.mkdtemp(prefix='ferry-lab-', dir='/tmp')
        self.port = free_port()
        command = [
            os.environ.get(EMULATOR, OWN_EMULATOR), '-accel', 'tcg,thread=multi,tb-size=1024', '-cpu', CPU,
            '-M', 'pc,usb=off,vmport=off,hpet=off', '-smp', '1', '-m', str(MEMORY),
            '-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-no-reboot',
            '-kernel', f'{self.image}/vmlinux', '-initrd', f'{self.image}/initrd.img', '-append', kernel,
            '-drive', f'{disk},if=none,id=disk', '-device', 'virtio-blk-pci,drive=disk',
            '-netdev', f'user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22',
            '-device', 'virtio-net-pci,netdev=net,romfile=', '-device', 'virtio-rng-pci',
            '-device', 'qemu-xhci,id=xhci,p2=8,p3=8', '-device', 'usb-ehci,id=ehci',
            '-audiodev', 'none,id=audio',
            '-chardev', f'file,id=console,path={self.path("console")}', '-serial', 'chardev:console',
            '-qmp', f'unix:{self.path("qmp")},server=on,wait=off',
        ]
        if incoming:
            command += ['-incoming', f'exec:zstd -q -dc {incoming}']
        # Huge pages for its tables as well, which it looks through all the time: a twentieth of its processor time.
        environment = {**os.environ, 'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1'}
        with open(self.path('qemu.log'), 'wb') as log:
            self._qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                          start_new_session=True, preexec_fn=die_with_parent)
        try:
            self.qmp = Qmp(self.path('qmp'))
        except QmpError as error:
            raise LabError(f'{error}; QEMU says: {self.text("qemu.log")}') from None

    def text(self, name):
        try:
            with open(self.path(name), errors='replace') as f:
                return f.read()
        except (OSError, TypeError):
            return ''

    def ended(self):
        """How QEMU ended, in words; '' while it runs."""
        status = self._qemu.poll() if self._qemu else None
        if status is None:
            return ''
        how = signal.Signals(-status).name if status < 0 else f'exit status {status}'
        return f"the outer VM's QEMU ended ({how}) {self.text('qemu.log')}".rstrip()

    def check(self):
        """Raises if the VM is beyond hope, so that nobody waits for it."""
        if self.ended():
            raise LabError(self.ended())
        if self.broke():
            raise LabError(self.broke())

    def broke(self):
        """What its kernel says of the emulated CPUs, in words; '' if nothing. Seen: a lost interrupt (soft lockup), and one
        that came between an inner guest's exit and the host's own registers, where none may come (panic)."""
        found = re.search(r'soft lockup|Kernel panic', self.text('console'))
        return f"the outer VM's kernel: {found[0]}" if found else ''

    def wait_console(self, pattern, deadline):
        end = time.monotonic() + deadline
        while not re.search(pattern, self.text('console')):
            self.check()
            if time.monotonic() > end:
                raise LabError(f'no {pattern} on the console of the outer VM within {deadline} s; '
                               f'last: {self.text("console")[-500:]}')
            time.sleep(0.1)

    def wait_migration(self, deadline):
        end = time.monotonic() + deadline
        while True:
            status = self.qmp.command('query-migrate')
            if status.get('status') == 'completed':
                return
            if status.get('status') == 'failed' or time.monotonic() > end:
                raise LabError(f'saving or loading the VM: {status}; QEMU says: {self.text("qemu.log")}')
            self.check()
            time.sleep(0.05)

    def make_disk(self, backing, path):
        """An overlay of another disk image, written to while the VM runs. A -drive option value."""
        # Relative, because the folders of image and snapshot are renamed when they are complete.
        form = 'qcow2' if backing.endswith('.qcow2') else 'raw'
        done = subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', form, '-b',
                               os.path.relpath(backing, os.path.dirname(path)), path],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise LabError(f'qemu-img: {done.stderr}')
        return f'file={path},format=qcow2,discard=unmap,cache=unsafe'

    def save(self, path):
        """Writes memory and devices as they are now, and ends the VM."""
        self.run('sync', timeout=120)
        self.qmp.command('stop')
        self.qmp.command('migrate-set-parameters', **{'max-bandwidth': 10_000_000_000})
        self.qmp.command('migrate', uri=f'exec:zstd -q -1 -T2 > {path}')
        self.wait_migration(120)
        self.qmp.command('quit')
        self.wait()

    def connect(self, deadline=60):
        """One ssh connection, shared by all commands: 0.1 s a command instead of 2 s."""
        end = time.monotonic() + deadline
        while True:
            self._ssh = subprocess.Popen(
                ['ssh', *SSH, '-N', '-i', f'{self.image}/id_ed25519', '-p', str(self.port), '-o', 'ControlMaster=yes',
                 '-o', f'ControlPath={self.path("ssh")}', 'root@127.0.0.1'],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True, preexec_fn=die_with_parent)
            while self._ssh.poll() is None:
                if os.path.exists(self.path('ssh')):
                    return
                self.check()
                if time.monotonic() > end:
                    raise LabError(f'no ssh into the outer VM within {deadline} s')
                time.sleep(0.02)
            if time.monotonic() > end:
                raise LabError(f'no ssh into the outer VM within {deadline} s')
            time.sleep(0.2)

    def ssh_command(self, command, tty=False):
        return ['ssh', *SSH, '-o', 'ControlMaster=no', '-o', f'ControlPath={self.path("ssh")}', '-i',
                f'{self.image}/id_ed25519', '-p', str(self.port), *(['-tt'] if tty else []), 'root@127.0.0.1', command]

    def run(self, command, check=True, timeout=60, input=None, tty=False):
        if isinstance(input, str):
            input = input.encode()
        source = {'stdin': subprocess.DEVNULL} if input is None else {'input': input}
        try:
            done = subprocess.run(self.ssh_command(command, tty), capture_output=True, timeout=timeout, **source)
        except subprocess.TimeoutExpired as late:
            self.check()
            raise LabError(f'not done within {timeout} s: {command}\n{(late.stdout or b"").decode(errors="replace")}'
                           f'{(late.stderr or b"").decode(errors="replace")}') from None
        result = Result(done.stdout.decode(errors='replace').rstrip('\n'))
        result.err = done.stderr.decode(errors='replace').rstrip('\n')
        result.rc = done.returncode
        if result.rc == SSH_FAILED:
            self._reconnect(command)
        if check and result.rc:
            raise LabError(f'exit status {result.rc}: {command}\n{result}\n{result.err}'.rstrip())
        return result

    def _reconnect(self, command):
        """After ssh itself failed: raises, and what is run next has a connection again if the VM still lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._qemu.wait(QEMU_ENDS)      # the connection may be seen to end first
        self.check()
        if self._ssh.poll() is not None:
            self.connect()
            raise LabError(f'the connection into the outer VM ended during: {command}')

    def wait(self, deadline=30):
        try:
            self._qemu.wait(deadline)
        except subprocess.TimeoutExpired:
            raise LabError(f'QEMU did not end within {deadline} s') from None

    def stop(self):
        if self.qmp:
            self.qmp.close()
            self.qmp = None
        for process in (self._ssh, self._qemu):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        self._ssh = self._qemu = None
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None
