# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugged in and pulled out 200 times as fast as can be: each device ends in its VM, in the last place it was seen.

The one is pulled by its emulated cable, faster than the kernel looks; of another one the kernel sees every single plug, 60 of
them.
Held back meanwhile, they go at once when somebody says so. QEMU and the service live, the journal isn't flooded, and
whoever is beside them notices nothing.
"""
import ferry
import others

DEADLINE = 900
CYCLES = 200
ENUMERATED = 60     # each costs an emulated udev a second and more
# Without limits there would be several for each time.
LINES = 200

# As soon as the kernel has enumerated it, it is gone again.
FLAP = '''
bus=$(cd /sys/devices/platform/dummy_hcd.0 && echo usb*)
device=/sys/bus/usb/devices/${{bus#usb}}-1
plug=/sys/kernel/config/usb_gadget/flappy/UDC
for n in $(seq {cycles}); do
    echo > $plug
    while [ -e $device ]; do sleep 0.02; done
    echo dummy_udc.0 > $plug
    until [ -e $device/devnum ]; do sleep 0.02; done
done
echo all of them
'''


def service(lab):
    """(process, lines in the journal, descriptors, KiB of memory that are its own)"""
    pid = lab.run('systemctl show -P MainPID usbferryd')
    return (pid, len(lab.journal().splitlines()), int(lab.run(f'ls /proc/{pid}/fd | wc -l')),
            int(lab.run(f"awk '/^Private_Dirty/ {{ print $2 }}' /proc/{pid}/smaps_rollup")))


def qemus(lab):
    return lab.run('cat /run/libvirt/qemu/desk.pid /run/libvirt/qemu/studio.pid')


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', port=2, serial='MOUSE-A')
    flappy = lab.gadget_add('flappy', '0951', '1666', serial='FLAPPY')
    given = others.give_all(lab, 'desk', {'KBD-A': keyboard, 'MOUSE-A': mouse}) + \
        others.give_all(lab, 'studio', {'FLAPPY': flappy})
    others.wait_right(lab, given)
    neighbour, = [one for one in given if one.text == 'MOUSE-A']
    consoles = {'desk': ferry.Console(lab, 'desk')}
    pids, before = qemus(lab), service(lab)

    with lab.background(FLAP.format(cycles=ENUMERATED)) as flapped:
        for _ in range(CYCLES):
            lab.unplug('k1', wait=False)
            lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A', wait=False)
        lab.wait(lambda: 'all of them' in flapped(), 400, f'{ENUMERATED} plugs')
    lab.run('udevadm settle -t 240', timeout=260)    # it has a queue to work off
    lab.wait_host(keyboard.name)
    lab.wait_host(flappy.name)

    # They are steady now. Whoever doesn't want to wait as long as it was told doesn't have to.
    for one in given:
        if one is not neighbour:
            row, = [row for row in ferry.assignments(lab) if row['path'] == one.path]
            print(f'     {one.text}: {row["state"]}: {row["reason"]}', flush=True)
            if row['state'] == 'quarantined':
                lab.run(f'usbferry retry {one.name}')
    others.wait_right(lab, given, 90)
    others.assert_kept(consoles, [neighbour])
    assert qemus(lab) == pids, 'QEMU ended'

    after = service(lab)
    print(f'     (pid, lines, descriptors, KiB): {before} before, {after} after', flush=True)
    assert after[0] == before[0], lab.journal()
    assert after[1] - before[1] <= LINES, f'{after[1] - before[1]} lines'
    # A connection to libvirt that nobody needs any more is closed some seconds later.
    def settled():
        now = service(lab)
        assert now[2] <= before[2] + 4, (before, now)
        return now
    after = lab.wait(settled, 90, 'no more descriptors than before')
    # What is there after so many plugs is what one takes, and what malloc keeps for the next.
    assert after[3] <= before[3] + 4096, (before, after)
