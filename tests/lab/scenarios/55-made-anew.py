# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM that was undefined and made anew under its name gets what was assigned to that name; the dead one holds nothing."""
import ferry
import others

DEADLINE = 700
BOOT = 240  # seconds; a guest says something once it is up

APPLIED = '[Assignment]\nName=keys\nMachine=spare\nSelector=serial=KBD-A\n'


def make_anew(lab, vm, name=None):
    """By a tool that writes no UUID."""
    lab.run(f'virsh dumpxml --inactive {vm} | sed "/<uuid>/d; s#<name>.*#<name>{name or vm}</name>#" > /tmp/new.xml && '
            f'{"" if name else f"virsh -q undefine {vm} && "}virsh -q define /tmp/new.xml')


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    lab.run('usbferry apply -', input=APPLIED)
    by_hand = ferry.give(lab, mouse.name, 'shell')
    uuids = {vm: lab.run(f'virsh domuuid {vm}').strip() for vm in ('spare', 'shell')}

    for vm in uuids:
        make_anew(lab, vm)
        assert lab.run(f'virsh domuuid {vm}').strip() != uuids[vm]
    said = lab.run('usbferry apply -', input=APPLIED)
    assert said.strip().endswith('Applied.'), said
    rows = [row for row in ferry.assignments(lab) if row['assignment'] == 'keys']
    assert len(rows) == 1 and rows[0]['vm'] == 'spare', rows
    lab.run('virsh -q start spare', timeout=120)
    others.wait_right(lab, [others.Given('spare', keyboard.name, 'KBD-A', rows[0]['path'])], BOOT)

    # By hand: the dead one's claim is in nobody's way.
    said = ferry.give(lab, mouse.name, 'shell', check=False)
    assert said.rc == 0, said.err
    lab.run('virsh -q start --paused shell', timeout=90)
    lab.wait(lambda: ferry.addresses(lab, 'shell') == [(mouse.bus, mouse.number)], 60, 'the mouse in the new shell')
    ferry.wait_device(lab, mouse.name, 'attached', 'shell')
    for vm, uuid in uuids.items():
        left = lab.run(f'grep -rl {uuid} /var/lib/usbferry/assignments', check=False)
        print(f'     of the dead {vm} there is: {left or "nothing"}', flush=True)
    lab.run('usbferry take shell', timeout=90)
    lab.wait_driver(mouse, 'usbhid')
    assert by_hand

    # Whatever it is called.
    make_anew(lab, 'studio', '-v')
    lab.wait('usbferry list vms --noheadings -o vm | grep -x -e -v', 40, 'the service to know VM "-v"')
    said = lab.run(f'usbferry give {mouse.name} -- -v', timeout=90)
    assert said.startswith('Waiting:') and '"-v"' in said, said
    assert lab.run('usbferry show -- -v') and lab.run('usbferry take -- -v') is not None
    ferry.wait_device(lab, mouse.name, 'host')
