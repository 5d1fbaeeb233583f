# SPDX-License-Identifier: LGPL-2.1-or-later
"""Image, snapshot and emulator, built when there is none for what they are made of, kept outside the tree.

Each entry is a folder named by kind and key. It is built under another name and renamed when complete. Who uses one holds
a shared lock on it, so that old entries can be removed safely.
"""
import contextlib
import fcntl
import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys

from machine import EMULATOR, OWN_EMULATOR

HERE = os.path.dirname(os.path.abspath(__file__))
SUITES = ['bookworm', 'trixie']
SUITE_PROGRAM = os.path.join(HERE, '..', 'suite')
IMAGE_FILES = ['build-image', 'modules', 'guest-init', 'outer-init', 'guest.xml', 'gadget']
SNAPSHOT_FILES = ['make-snapshot', 'machine.py', 'qmp.py']    # the QEMU command line is in machine.py
EMULATOR_FILES = ['build-emulator']
# From 10 on QEMU emulates with up to a tenth less processor time than Debian 12's.
EMULATOR_SUITE = 'trixie'
EMULATOR_MAJOR = 10
IMAGE_PACKAGES = ['linux-image-amd64', 'qemu-system-x86', 'libvirt-daemon-system', 'systemd', 'polkitd', 'busybox-static', 'udisks2']


def directory():
    return os.environ.get('USBFERRY_LAB_CACHE') or os.path.join(
        os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'usbferry-lab')


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def key(files, *facts):
    digest = hashlib.sha256()
    for name in files:
        with open(os.path.join(HERE, name), 'rb') as f:
            digest.update(name.encode() + b'\0' + f.read() + b'\0')
    for fact in facts:
        digest.update(fact + b'\0')
    return digest.hexdigest()[:16]


def package_versions(suite, packages):
    """What apt would install now."""
    policy = output(SUITE_PROGRAM, 'apt', suite, 'apt-cache', 'policy', *packages).decode()
    return '\n'.join(line for line in policy.splitlines() if 'Candidate:' in line or not line.startswith(' ')).encode()


@contextlib.contextmanager
def locked(path, mode):
    with open(path, 'w') as f:
        fcntl.flock(f, mode)
        yield f


def run_to_end(*command):
    """Its exit status. If we are told to end meanwhile, it gets the time to clean up."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def entry(cache, kind, name, program, *arguments):
    """The folder of this entry, made by program if it is not there."""
    path = os.path.join(cache, f'{kind}-{name}')
    if not os.path.isdir(path):
        for left in glob.glob(os.path.join(cache, f'making-{kind}-*')):    # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        new = os.path.join(cache, f'making-{kind}-{name}')
        print(f'lab: making the {kind} (once; kept in {cache})', flush=True)
        try:
            if run_to_end(os.path.join(HERE, program), *arguments, new):
                sys.exit(f'lab: {program} failed')
            os.rename(new, path)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return path


def prune(cache, kinds, keep):
    for path in (path for kind in kinds for path in glob.glob(os.path.join(cache, f'{kind}-*'))):
        if path in keep:
            continue
        with contextlib.suppress(OSError):
            with locked(os.path.join(path, 'in-use'), fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(path)


def in_use(path):
    lock = open(os.path.join(path, 'in-use'), 'w')
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def ensure_emulator(cache):
    """(the program that emulates, locks): this machine's own QEMU where it is new enough, or nothing is known of another."""
    own = re.search(rb'version (\d+)', output(OWN_EMULATOR, '--version'))
    with locked(os.path.join(cache, 'emulator-lock'), fcntl.LOCK_EX):
        if own and int(own[1]) >= EMULATOR_MAJOR:
            prune(cache, ['qemu'], set())
            return OWN_EMULATOR, []
        try:
            versions = package_versions(EMULATOR_SUITE, ['qemu-system-x86'])
        except subprocess.CalledProcessError:
            print(f'lab: nothing is known of the packages of {EMULATOR_SUITE}: emulating with this machine\'s own QEMU', flush=True)
            return OWN_EMULATOR, []
        folder = entry(cache, 'qemu', key(EMULATOR_FILES, EMULATOR_SUITE.encode(), versions), 'build-emulator', EMULATOR_SUITE)
        lock = in_use(folder)
        prune(cache, ['qemu'], {folder})
    return os.path.join(folder, 'start'), [lock]


def ensure(suite):
    """(image folder, snapshot folder, locks): keep the locks open while using the folders."""
    cache = directory()
    os.makedirs(cache, exist_ok=True)
    # Once for a process, and for those that it starts: a saved host goes on with the QEMU that saved it.
    locks = []
    if EMULATOR not in os.environ:
        os.environ[EMULATOR], locks = ensure_emulator(cache)
    emulator = os.environ[EMULATOR]
    with locked(os.path.join(cache, f'{suite}-lock'), fcntl.LOCK_EX):
        image_key = key(IMAGE_FILES, suite.encode(), package_versions(suite, IMAGE_PACKAGES))
        image = entry(cache, f'{suite}-image', image_key, 'build-image', suite)
        qemu = output(emulator, '--version')
        snapshot = entry(cache, f'{suite}-snapshot', key(SNAPSHOT_FILES, image_key.encode(), qemu), 'make-snapshot', image)
        locks += [in_use(path) for path in (image, snapshot)]
        prune(cache, [f'{suite}-image', f'{suite}-snapshot'], {image, snapshot})
    return image, snapshot, locks


def end_cleanly():
    """SIGTERM (of a program that was interrupted, or of continuous integration) ends as an exception does."""
    def terminated(*_):
        sys.exit(143)
    signal.signal(signal.SIGTERM, terminated)


if __name__ == '__main__':
    end_cleanly()
    ensure(sys.argv[1] if len(sys.argv) > 1 else SUITES[0])
