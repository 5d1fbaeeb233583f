# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who has no right changes nothing and is told so; a question that nobody answers delays nobody else."""
import time

import ferry
from lab import LabError


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    given = ferry.give(lab, mouse.name, 'desk')
    lab.wait_guest('desk', present='MOUSE-A')
    before = ferry.everything(lab), ferry.assignments(lab)

    # Everyone may look.
    assert 'MOUSE-A' in lab.run_as('stranger', 'usbferry list -o serial')

    # With nobody to ask.
    for command in f'usbferry give {keyboard.name} desk', f'usbferry take {mouse.name}', 'usbferry take --all':
        denied = lab.run_as('stranger', f'{command} --json', check=False)
        ferry.fails(denied, 'AccessDenied', 3)
    # dbus-send allows no interaction.
    detach = f'dbus-send --system --print-reply --dest={ferry.SERVICE} {given} {ferry.ASSIGNMENT}.Detach'
    ferry.fails(lab.run_as('stranger', detach, check=False), 'InteractiveAuthorizationRequired', 1)
    assert (ferry.everything(lab), ferry.assignments(lab)) == before, 'something was changed'

    # With a dialog on a terminal that nobody looks at.
    lab.run('mkfifo -m 600 /run/keys')
    ask = ('exec 3<> /run/keys; runuser -u stranger -- '
           f'script -qfec "usbferry give {keyboard.name} desk --wait 100" /dev/null <&3')
    with lab.background(ask) as dialog:
        question = lab.wait(lambda: 'Password:' in dialog() and dialog(), 60, 'the question on the terminal')
        for text in 'AUTHENTICATING FOR org.usbferry1.assign', 'QEMU USB Keyboard', 'desk':
            assert text in question, question

        begin = time.monotonic()
        lab.run_as('stranger', 'usbferry')
        ferry.fails(lab.run_as('member', detach, check=False), 'InteractiveAuthorizationRequired', 1)
        path = ferry.give(lab, keyboard.name, 'studio')
        ferry.take(lab, keyboard.name)
        took = time.monotonic() - begin
        assert took < 90, f'others waited: {took:.1f} s'
        assert dialog() == question, dialog()
    assert [row['path'] for row in ferry.assignments(lab)] == [given], path

    # With an answer.
    with lab.background(ask) as dialog:
        lab.wait(lambda: 'Password:' in dialog(), 60, 'the question on the terminal')
        lab.run('echo lab > /run/keys')
        try:
            ferry.wait_device(lab, keyboard.name, 'attached', 'desk')
        except LabError as error:
            raise AssertionError(f'{error}\nthe terminal: {dialog()}') from None
    assert lab.run('systemctl show -P NRestarts usbferryd') == '0'
