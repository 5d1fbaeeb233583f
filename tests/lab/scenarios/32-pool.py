# SPDX-License-Identifier: LGPL-2.1-or-later
"""Four identical dongles, three VMs that draw one each from their group, one of them pinned to a serial: everybody has
one and the fourth is free; when a VM stops, the next in the queue has its dongle."""
import ferry


def run(lab):
    for n in range(4):
        lab.gadget_add(f'd{n}', '0529', '0001', f'DONGLE-{n}', 'HASP', port=n)
    lab.run('usbferry group add dongles --class smartcard && usbferry rule add dongles "vendor=0529 product=0001"')
    lab.run('virsh -q start --paused shell', timeout=90)

    # The first that comes may have any of them, and what a running VM has it keeps: the pinned one comes first.
    to_studio = ferry.give(lab, 'dongles', 'studio', '--only', 'serial=DONGLE-0')
    to_desk = ferry.give(lab, 'dongles', 'desk')
    to_shell = ferry.give(lab, 'dongles', 'shell')
    for path in to_desk, to_studio, to_shell:
        ferry.wait_state(lab, path, 'attached')
    lab.wait_guest('studio', present='DONGLE-0')
    assert len(ferry.addresses(lab, 'desk')) == len(ferry.addresses(lab, 'shell')) == 1
    assert lab.run('busctl get-property org.usbferry1 /org/usbferry1/group/dongles '
                   'org.usbferry1.ResourceGroup Free').strip() == 'u 1'

    # The fourth, and then there is none for spare. Who asks for the same twice means it once.
    assert 'already' in lab.run('usbferry give dongles desk --name again')
    more = ferry.give(lab, 'dongles', 'desk', '--name', 'one more', '--only', 'vendor=0529')
    ferry.wait_state(lab, more, 'attached')
    lab.run('virsh -q start --paused spare', timeout=120)
    to_spare = ferry.give(lab, 'dongles', 'spare')
    reason = ferry.wait_state(lab, to_spare, 'waiting-device')
    assert 'dongles' in reason, reason
    lab.run('virsh -q destroy shell', timeout=90)
    ferry.wait_state(lab, to_shell, 'waiting-machine')
    ferry.wait_state(lab, to_spare, 'attached', 60)
    name, = [name for name, row in ferry.devices(lab).items() if row['vm'] == 'spare']
    explained = lab.run(f'usbferry explain {name}')
    assert 'dongles' in explained and 'spare' in explained, explained
