# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the host doesn't authorize is never given: it is blocked, which is said, and goes to its VM once it is authorized.

So does one whose authorization is taken away while it is in a guest.
"""
import ferry
import others


def wait_blocked(lab, device, path):
    """Not in any VM, and the reason says who keeps it from that."""
    def blocked():
        row, = [row for row in ferry.assignments(lab) if row['path'] == path]
        assert row['state'] == 'waiting-device' and 'authoriz' in row['reason'], row
        shown = ferry.devices(lab)[device.name]
        assert shown['state'] == 'blocked' and 'authoriz' in shown['reason'], shown
        assert ferry.hostdevs(lab, 'desk') == [], ferry.hostdevs(lab, 'desk')
        return True
    lab.wait(blocked, 40, f'{device.name} to be blocked')


def run(lab):
    others.authorize_new(lab, False)
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    assert keyboard.driver == '', keyboard
    console = ferry.Console(lab, 'desk')
    said = lab.run(f'usbferry give --json {keyboard.name} desk', timeout=90)
    assert '"waiting"' in said and 'authoriz' in said, said
    path = ferry.assignments(lab)[0]['path']
    wait_blocked(lab, keyboard, path)
    assert 'authoriz' in lab.run(f'usbferry explain {keyboard.name}')

    for _ in range(2):
        others.authorize(lab, keyboard, True)
        given = others.Given('desk', keyboard.name, 'KBD-A', path)
        others.wait_right(lab, [given])
        # Only now it shows what it is.
        kinds = {row['device']: row['class'] for row in ferry.rows(lab, 'devices', 'device,class')}
        assert kinds[keyboard.name] == 'hid-keyboard', kinds

        # By a host's policy that changes while it is used.
        others.authorize(lab, keyboard, False)
        wait_blocked(lab, keyboard, path)
        lab.wait_guest('desk', absent='KBD-A')

    # Nobody gave it to the guest while it was dead: the guest has complained of nothing.
    assert 'GUEST' in console.lines()[0]
    others.authorize(lab, keyboard, True)
    others.wait_right(lab, [given])
    ferry.take(lab, keyboard.name)
    lab.wait_driver(keyboard, 'usbhid')
