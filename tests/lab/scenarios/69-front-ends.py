# SPDX-License-Identifier: LGPL-2.1-or-later
"""The front ends of data/examples, as they are installed, in Python, C and shell: each follows a plug, a give, a guard, a try
and the notices of that, and gives and takes itself."""
import glob
import os
import re
import subprocess
import tempfile

import ferry

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')
EXAMPLES = '/usr/share/doc/usbferry/examples'


def compiled(lab):
    """As its head says, on this machine: the host under test has no compiler."""
    with tempfile.TemporaryDirectory() as folder:
        interfaces = sorted(glob.glob(os.path.join(SOURCE, 'dbus', 'org.usbferry1.*.xml')))
        subprocess.run(['gdbus-codegen', '--interface-prefix', 'org.usbferry1.', '--c-namespace', 'Ferry', '--glib-min-required',
                        '2.64', '--c-generate-object-manager', '--c-generate-autocleanup', 'all', '--generate-c-code', 'ferry',
                        '--output-directory', folder, *interfaces], check=True)
        flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'gio-unix-2.0'], check=True, stdout=subprocess.PIPE)
        program = os.path.join(folder, 'front-end')
        subprocess.run(['cc', '-o', program, '-I', folder, os.path.join(SOURCE, 'data', 'examples', 'front-end.c'),
                        os.path.join(folder, 'ferry.c'), *flags.stdout.decode().split()], check=True)
        lab.put(program, '/run/front-end')
    lab.run('chmod +x /run/front-end')
    return '/run/front-end'


def says(lab, said, pattern, deadline=60):
    def shown():
        assert re.search(pattern, said(), re.MULTILINE), said()
        return True
    lab.wait(shown, deadline, f'a line "{pattern}"')


def follows(lab, program, disk, stick):
    with lab.background(f'exec {program}') as said:
        says(lab, said, '^ready$')
        says(lab, said, rf'^device {stick.name} .*: host \[\] \[\]')
        keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
        says(lab, said, rf'^device {keyboard.name} .*: host \[\] \[\]')

        assert 'given: /org/usbferry1/assignment/' in lab.run(f'{program} give {keyboard.name} desk')
        lab.wait_guest('desk', present='KBD-A')
        says(lab, said, rf'^device {keyboard.name} .*: attached \[desk\]')
        says(lab, said, r'^assignment .* to desk: attached, 1 of 1')
        says(lab, said, r'^notice attached: .* is attached to VM "desk"')

        # What the host uses is shown, and isn't given.
        lab.run(f'mkswap -q /dev/{disk} && swapon /dev/{disk}')
        says(lab, said, rf'^device {stick.name} .*: host \[\] \[swap\]')
        refused = lab.run(f'{program} give {stick.name} desk', check=False)
        assert refused.rc == 1 and 'swapoff' in refused and 'would be refused' in refused.err, (refused, refused.err)
        lab.run(f'swapoff /dev/{disk}')

        assert 'taken: ' in lab.run(f'{program} take {keyboard.name}')
        lab.wait_guest('desk', absent='KBD-A')
        says(lab, said, r'^notice home: .* came home from VM "desk"')

        # A try that nobody confirms, there and back.
        lab.run(f'usbferry give {keyboard.name} desk --try 10', timeout=90)
        says(lab, said, r'(?s)notice home: .*notice attached: .*notice home: ')
        lab.unplug('k1')
        says(lab, said, '^gone ')


def run(lab):
    stick = lab.plug('usb-storage', 's1', serial='STICK-A')
    disk = lab.wait(f'ls /sys/bus/usb/devices/{stick.name}/{stick.name}:1.0/host*/target*/*/block', 30,
                    f'the disk of {stick.name}').strip()
    for program in f'{EXAMPLES}/front-end.py', f'{EXAMPLES}/front-end.sh', compiled(lab):
        follows(lab, program, disk, stick)
