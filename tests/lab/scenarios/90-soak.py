# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ten minutes of random steps: memory and descriptors stay as they were, nothing unexpected is in the journal. By name only.

    ./tests/lab/run --destdir DIR soak
    USBFERRY_SOAK=SEED:SECONDS ./tests/lab/run --destdir DIR soak      # the same steps again, or for another time

In the end everything is taken home, and what is left of it all is what was there before.
"""
import os
import random
import re
import time

import ferry
import others
from lab import LabError

BY_NAME = True
SEED, _, SECONDS = os.environ.get('USBFERRY_SOAK', '').partition(':')
SEED, SECONDS = int(SEED or time.time()), int(SECONDS or 600)
DEADLINE = SECONDS + 600

DRIVERS = {'k1': 'usb-kbd', 'm1': 'usb-mouse', 't1': 'usb-tablet', 's1': 'usb-storage', 'k2': 'usb-kbd'}
VMS = 'desk', 'studio'
EVERY = 20                              # seconds between two looks
WARM = 0.2                              # of the time is not counted: what is needed once is got then
MORE_KIB, MORE_FDS = 1024, 4            # allowed from the first to the last quarter of the rest

# Warnings are for what the steps do to libvirtd.
EXPECTED = re.compile(r'hypervisor|libvirt')


class Soak:
    def __init__(self, lab):
        self.lab, self.random = lab, random.Random(SEED)
        self.plugged = {}   # {id: HostDevice}
        self.counts = {}

    # Each step may find that it can't be done, which is fine: the service says no and lives on.

    def put(self, id):
        try:
            self.plugged[id] = self.lab.plug(DRIVERS[id], id, port=1 + [*DRIVERS].index(id), serial=f'SOAK-{id}')
        except LabError:    # so that it isn't there
            self.lab.unplug(id, wait=False)
            raise

    def plug(self):
        self.put(self.random.choice([id for id in DRIVERS if id not in self.plugged]))

    def unplug(self):
        id = self.random.choice([*self.plugged])
        del self.plugged[id]
        self.lab.unplug(id, wait=self.random.random() < 0.5)

    def replug(self):
        id = self.random.choice([*self.plugged])
        del self.plugged[id]
        self.lab.unplug(id, wait=False)
        self.put(id)

    def device(self):
        return self.plugged[self.random.choice([*self.plugged])]

    def give(self):
        wait = self.random.choice(('', '--no-wait', '--temporary'))
        self.lab.run(f'usbferry give {self.device().name} {self.random.choice(VMS)} {wait}', check=False, timeout=90)

    def take(self):
        self.lab.run(f'usbferry take {self.device().name}', check=False, timeout=90)

    def detach_and_attach(self):
        rows = ferry.assignments(self.lab)
        if rows:
            ident = self.random.choice(rows)['assignment-id']
            self.lab.run(f'usbferry detach {ident}; usbferry attach {ident}', check=False, timeout=90)

    def group(self):
        name = f'group-{self.random.randrange(3)}'
        self.lab.run(f"usbferry group add {name} && usbferry rule add {name} 'serial=SOAK-{self.random.choice('kmt')}*' && "
                     f'usbferry give {name} {self.random.choice(VMS)} --quantity all; usbferry group show {name}; '
                     f'usbferry group rm {name} --force', check=False, timeout=120)

    def host_takes(self):
        self.random.choice((others.reset, others.replug_by_software))(self.lab, self.device())

    def not_authorized(self):
        device = self.device()
        others.authorize(self.lab, device, False)
        others.authorize(self.lab, device, True)

    def reset(self):
        self.lab.run(f'usbferry reset {self.device().name}', check=False, timeout=90)

    def look(self):
        self.lab.run('usbferry && usbferry list vms --json && usbferry list assignments && usbferry export && usbferry rescan',
                     check=False, timeout=90)
        self.lab.run('for d in /sys/bus/usb/devices/*-*; do usbferry explain ${d##*/}; done', check=False, timeout=90)

    def watch(self):
        with self.lab.background('exec usbferry watch') as said:
            self.lab.wait(lambda: 'watching' in said(), 30, 'usbferry watch')

    def pause(self):
        vm = self.random.choice(VMS)
        self.lab.run(f'virsh -q suspend {vm} && usbferry list vms && virsh -q resume {vm}', timeout=90)

    def virsh_detaches(self):
        vm = self.random.choice(VMS)
        for one in ferry.hostdevs(self.lab, vm)[:1]:
            self.lab.run(f'virsh -q detach-device-alias {vm} {one.alias} --live', check=False, timeout=90)

    def libvirtd(self):
        self.lab.run('systemctl restart libvirtd', timeout=120)

    def reload(self):
        self.lab.run('systemctl reload usbferryd', timeout=60)

    def step(self):
        """(what was done)"""
        steps = [self.look, self.watch, self.pause, self.reload, self.detach_and_attach]
        if len(self.plugged) < len(DRIVERS):
            steps += [self.plug] * 6
        if self.plugged:
            steps += [self.unplug, self.replug, self.reset, self.host_takes, self.not_authorized, self.group] + \
                [self.give] * 6 + [self.take] * 3 + [self.virsh_detaches]
        if self.random.random() < 0.02:
            steps = [self.libvirtd]
        step = self.random.choice(steps)
        self.counts[step.__name__] = self.counts.get(step.__name__, 0) + 1
        try:
            step()
        except LabError as error:
            if self.lab.broken():
                raise
            # A device that was pulled a moment ago, for instance.
            print(f'     {step.__name__}: {str(error).splitlines()[0][:120]}', flush=True)


def sample(lab):
    text = lab.run('pid=$(systemctl show -P MainPID usbferryd); echo $pid $(ls /proc/$pid/fd | wc -l) '
                   "$(ls /proc/$pid/task | wc -l) $(awk '/^Rss:/ { r = $2 } /^Private_Dirty:/ { d = $2 } END { print r, d }' "
                   '/proc/$pid/smaps_rollup) $(journalctl -b -u usbferryd --no-pager -q | wc -l)')
    return tuple(int(word) for word in text.split())


def at_home(lab, soak):
    lab.run('usbferry take --all', timeout=120)
    for vm in VMS:
        lab.wait(lambda: ferry.hostdevs(lab, vm) == [], 60, f'nothing of ours in {vm}')
    for device in soak.plugged.values():
        name = device.name
        lab.wait_driver(name, 'usb-storage' if device.product == '0001' and device.vendor == '46f4' else 'usbhid', 60)
    return sample(lab)


def run(lab):
    print(f'     seed {SEED}, {SECONDS} s', flush=True)
    soak, rows = Soak(lab), []
    begin = time.monotonic()
    nothing = sample(lab)
    while (now := time.monotonic() - begin) < SECONDS:
        if not rows or now - rows[-1][0] >= EVERY:
            rows.append((now, sum(soak.counts.values()), *sample(lab)))
        soak.step()
    end = at_home(lab, soak)
    rows.append((time.monotonic() - begin, sum(soak.counts.values()), *end))

    print('     second  steps  descriptors  threads  RSS KiB  own KiB  lines', flush=True)
    for at, steps, _, fds, threads, rss, dirty, lines in rows:
        print(f'     {at:6.0f}  {steps:5}  {fds:11}  {threads:7}  {rss:7}  {dirty:7}  {lines:5}', flush=True)
    print(f'     {soak.counts}', flush=True)
    counted = [row for row in rows[:-1] if row[0] >= SECONDS * WARM]
    quarter = max(1, len(counted) // 4)
    first, last = counted[:quarter], counted[-quarter:]
    for name, column, more in ('descriptors', 3, MORE_FDS), ('RSS', 5, MORE_KIB), ('own memory', 6, MORE_KIB):
        before, after = (sum(row[column] for row in part) / len(part) for part in (first, last))
        print(f'     {name}: {before:.0f} in the first quarter, {after:.0f} in the last', flush=True)
        assert after <= before + more, f'{name} grow: {before:.0f} {after:.0f}'
    assert {row[2] for row in rows} == {nothing[0]}, 'the service was started anew'
    assert end[1] <= nothing[1] + MORE_FDS, f'{nothing[1]} descriptors before anything, {end[1]} after everything'
    warnings = lab.run('journalctl -b -u usbferryd -p warning -q --no-pager -o cat', check=False).splitlines()
    unexpected = [line for line in warnings if not EXPECTED.search(line)]
    print(f'     {len(warnings)} warnings, {len(unexpected)} of them unexpected', flush=True)
    assert not unexpected, '\n'.join(unexpected[:20])
