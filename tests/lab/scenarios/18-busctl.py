# SPDX-License-Identifier: LGPL-2.1-or-later
"""busctl alone does it all, with the very lines of the README: looks, gives, hears of it, takes."""
import os
import re

import ferry

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'README.md')


def readme_lines():
    """The lines with busctl, by the member that they call."""
    with open(README) as f:
        text = f.read().replace('\\\n', ' ')
    lines = [line.strip() for line in text.splitlines() if line.startswith('    busctl ')]
    found = {}
    for line in lines:
        member = next((word for word in line.split() if word in ('GetDevice', 'GetMachine', 'Assign', 'Release')), None)
        found[member or line.split()[1]] = re.sub(r'\s+', ' ', line)
    return found


def answer(text):
    """o "/a/path" → /a/path"""
    found = re.fullmatch(r'o "(/[^"]*)"', text)
    assert found, text
    return found[1]


def run(lab):
    lines = readme_lines()
    assert set(lines) == {'introspect', 'GetDevice', 'GetMachine', 'Assign', 'monitor', 'Release'}, lines
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')

    shown = lab.run(lines['introspect'])
    for word in ferry.MANAGER, '.GetDevice', '.Assign', '.HypervisorState', 'org.freedesktop.DBus.ObjectManager':
        assert word in shown, shown

    with lab.background(f'exec {lines["monitor"]}') as heard:
        lab.wait(lambda: 'Monitoring bus message stream' in heard(), 20, 'busctl monitor to listen')
        device = answer(lab.run(lines['GetDevice']))
        machine = answer(lab.run(lines['GetMachine'].replace('win11', 'desk')))
        line = re.sub(r'/org/usbferry1/device/\S+', device, lines['Assign'])
        assignment = answer(lab.run(re.sub(r'/org/usbferry1/machine/\S+', machine, line)))
        ferry.wait_state(lab, assignment, 'attached')
        lab.wait_guest('desk', present='KBD-A')

        def told():
            text = heard()
            for wanted in 'Member=InterfacesAdded', 'Member=PropertiesChanged', assignment, '"attached"':
                assert wanted in text, f'no {wanted} in {text[-3000:]}'
            return True
        lab.wait(told, 20, 'the signals of Assign in busctl monitor')

        lab.run(re.sub(r'/org/usbferry1/assignment/\S+', assignment, lines['Release']))
        lab.wait_guest('desk', absent='KBD-A')
        lab.wait_driver(keyboard, 'usbhid')
        lab.wait(lambda: 'Member=InterfacesRemoved' in heard(), 20, 'InterfacesRemoved in busctl monitor')
    assert ferry.assignments(lab) == []
