# SPDX-License-Identifier: LGPL-2.1-or-later
"""Benchmark: how often the service wakes up while nothing happens, and how much memory is its own. By name only."""
import re

import ferry

BY_NAME = True
DEADLINE = 1500
MINUTE = 60
# The look at everything that follows whatever happened, a minute later, and connections that nobody uses any more.
CALM = 100
CONNECTS = 5


def wake_ups(lab, pid, seconds=MINUTE):
    """How often its threads went to sleep, those that are there before and after."""
    def switches():
        text = lab.run(f'grep -H ^voluntary_ctxt_switches /proc/{pid}/task/*/status')
        return {path: int(n) for path, n in re.findall(r'^(\S+?):\S+\s+(\d+)$', text, re.M)}
    before = switches()
    lab.run(f'sleep {seconds}', timeout=seconds + 60)
    after = switches()
    return sum(after[path] - before[path] for path in before if path in after)


def private_dirty(lab, pid):
    return int(lab.run(f"awk '/^Private_Dirty:/ {{print $2}}' /proc/{pid}/smaps_rollup"))


def main_pid(lab):
    return lab.run('systemctl show -P MainPID usbferryd').strip()


def floor(lab):
    """Of the least program that hears libvirt's events: libvirtd asks it every five seconds whether it is still there."""
    with lab.background('exec virsh -q event --loop --event lifecycle'):
        pid = lab.wait('pgrep -xn virsh', 30, 'the least listener')
        lab.run(f'sleep {CONNECTS}')
        return wake_ups(lab, pid)


def run(lab):
    stick = lab.plug('usb-storage', 's1', serial='STICK-A')   # nothing that a hung VM would lose
    least = floor(lab)
    figures = {'virsh event alone': least}
    lab.run(f'sleep {CALM}', timeout=CALM + 60)
    figures['nothing attached'] = wake_ups(lab, main_pid(lab))
    path = ferry.give(lab, stick.name, 'desk')
    lab.wait_guest('desk', present='STICK-A')
    lab.run(f'sleep {CALM}', timeout=CALM + 60)
    figures['one attached'] = wake_ups(lab, main_pid(lab))
    ferry.wait_state(lab, path, 'attached')
    ferry.take(lab, stick.name)
    figures['private dirty KiB'] = private_dirty(lab, main_pid(lab))
    for what, figure in figures.items():
        print(f'    {what}: {figure}')
    # systemd's watchdog, and the kernel's facts that nobody tells of. libvirtd asks others, and not us.
    assert least >= 10, figures
    assert figures['nothing attached'] <= 1, figures
    assert figures['one attached'] <= 7, figures
