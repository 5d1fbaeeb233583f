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
        denied = lab.run_as('stranger', command, check=False)
        assert denied.rc == 3, (denied, denied.err)
    release = f"call {ferry.SERVICE} {given} {ferry.ASSIGNMENT} Release 'a{{sv}}' 0"
    denied = lab.run_as('stranger', f'busctl {release}', check=False)
    assert denied.rc != 0 and 'no polkit agent' in denied.err, denied.err
    denied = lab.run_as('stranger', f'busctl --allow-interactive-authorization=no {release}', check=False)
    assert denied.rc != 0 and 'allow interaction' in denied.err, denied.err
    assert (ferry.everything(lab), ferry.assignments(lab)) == before, 'something was changed'

    # With a dialog on a terminal that nobody looks at.
    ask = f'sleep 600 | runuser -u stranger -- script -qfec "usbferry give {keyboard.name} desk --wait 100" /dev/null'
    with lab.background(ask) as dialog:
        lab.wait(lambda: 'AUTHENTICATING FOR org.usbferry1.assign' in dialog(), 60, 'the question on the terminal')
        question = dialog()
        assert 'QEMU USB Keyboard' in question and 'desk' in question, question

        begin = time.monotonic()
        lab.run_as('stranger', 'usbferry')
        denied = lab.run_as('member', f'busctl --allow-interactive-authorization=no {release}', check=False)
        assert denied.rc != 0, denied
        path = ferry.give(lab, keyboard.name, 'studio')
        ferry.take(lab, keyboard.name)
        took = time.monotonic() - begin
        assert took < 30, f'others waited: {took:.1f} s'
        assert dialog() == question, dialog()
    assert [row['path'] for row in ferry.assignments(lab)] == [given], path
    assert lab.run('systemctl show -P NRestarts usbferryd') == '0'

    # With an answer.
    answer = ask.replace('sleep 600', '(sleep 8; echo lab; sleep 600)')
    with lab.background(answer) as dialog:
        try:
            ferry.wait_device(lab, keyboard.name, 'attached', 'desk', 60)
        except LabError as error:
            raise AssertionError(f'{error}\nthe terminal: {dialog()}') from None
