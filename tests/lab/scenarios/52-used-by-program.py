# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program of the host uses isn't given as long as it does, which is said; it goes to its VM when the program ends.

Opened by a program while a guest has it, a device stays there.
"""
import ferry
import others


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    with others.program_has(lab, keyboard, 'ups-monitor'):
        lab.wait_driver(keyboard, 'usbfs')
        # Without --force it is refused, as any use of the host's is: 64-guards.
        said = lab.run(f'usbferry give --json --force {keyboard.name} desk', check=False, timeout=90)
        row, = ferry.assignments(lab)
        assert (row['state'], ferry.hostdevs(lab, 'desk')) == ('waiting-device', []), (said, row)
        assert 'program' in row['reason'], row
        print(f'     {row["reason"]}', flush=True)
        # Another one meanwhile is nobody's hostage.
        other, = others.give_all(lab, 'desk', {'MOUSE-A': mouse})
        others.wait_right(lab, [other])
        row, = [one for one in ferry.assignments(lab) if one['path'] == row['path']]
        assert row['state'] == 'waiting-device' and len(ferry.hostdevs(lab, 'desk')) == 1, row
    given = others.Given('desk', keyboard.name, 'KBD-A', row['path'])
    others.wait_right(lab, [given, other])

    # One that only looks, as `lsusb -v` does, disturbs nobody.
    console = ferry.Console(lab, 'desk')
    lab.run('lsusb -v > /dev/null 2>&1')
    console.wait_lines(1)
    others.wait_right(lab, [given, other])
    others.assert_kept({'desk': console}, [given, other])
