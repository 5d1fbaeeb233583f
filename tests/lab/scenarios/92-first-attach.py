# SPDX-License-Identifier: LGPL-2.1-or-later
"""Benchmark: from the kernel's bind of a device to libvirt's device-added, beside the least program that does it. By name only."""
import statistics
import subprocess
import tempfile

import ferry

BY_NAME = True
DEADLINE = 1500
TURNS = 12
GOAL = 1.0
# Of a machine with other work.
BOUND = 1.5
CLOCK = '/root/attach-clock'


def build(lab):
    """Made here: the host has no compiler."""
    with tempfile.TemporaryDirectory() as folder:
        flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'libudev', 'libvirt', 'glib-2.0'], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.split()
        source = __file__.replace('lab/scenarios/92-first-attach.py', 'bench/attach-clock.c')
        subprocess.run(['cc', '-O2', '-o', f'{folder}/clock', source, *flags], check=True)
        lab.put(f'{folder}/clock', CLOCK)
    lab.run(f'chmod +x {CLOCK}')


def one_plug(lab, id, *arguments):
    """Milliseconds."""
    with lab.background(f'exec {CLOCK} desk {" ".join(arguments)}') as said:
        lab.wait(lambda: 'ready' in said(), 30, 'the clock')
        lab.plug('usb-kbd', id, port=1 if arguments else 2, serial=id.upper(), wait=False)
        lab.wait(lambda: len(said().split()) > 1, 60, f'device-added for {id}')
        return float(said().split()[1])


def run(lab):
    build(lab)
    keyboard = lab.plug('usb-kbd', 'usbferry', port=2, serial='USBFERRY')
    path = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='USBFERRY')
    lab.unplug('usbferry')
    ferry.wait_state(lab, path, 'waiting-device')
    lab.wait(lambda: not ferry.hostdevs(lab, 'desk'), 30, 'nothing in the VM')

    taken = {'floor': [], 'usbferry': []}
    for _ in range(TURNS):
        taken['usbferry'].append(one_plug(lab, 'usbferry'))
        ferry.wait_state(lab, path, 'attached')
        lab.unplug('usbferry')
        ferry.wait_state(lab, path, 'waiting-device')
        lab.wait(lambda: not ferry.hostdevs(lab, 'desk'), 30, 'nothing in the VM')
        taken['floor'].append(one_plug(lab, 'floor', 'attach'))
        lab.wait_guest('desk', present='FLOOR')
        lab.run('virsh -q detach-device-alias desk ua-floor --live')
        lab.wait(lambda: not ferry.hostdevs(lab, 'desk'), 30, 'nothing in the VM')
        lab.unplug('floor')
    median = {who: statistics.median(times) for who, times in taken.items()}
    ratio = median['usbferry'] / median['floor']
    for who, times in taken.items():
        print(f'    {who}: median {median[who]:.0f} ms of {sorted(round(one) for one in times)}')
    print(f'    # bind to device-added: {median["usbferry"]:.2f} ms, {ratio:.2f} x the least program that does it, '
          f'goal {GOAL:.2f}, at most {BOUND:.2f}')
    assert ratio <= BOUND, taken
